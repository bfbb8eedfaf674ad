"""The doors by which messages come in, as their first event names them."""

from typing import Final

OF_USERS: Final = frozenset({"submission", "submissions", "webmail", "api"})
"""Here the sender is known: at other doors anybody may call himself anything."""

OF_OTHERS: Final = frozenset({"mx", "lmtp"})
