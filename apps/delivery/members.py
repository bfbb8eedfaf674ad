"""Which final addresses stand for which that was written, as the trace of a message tells it."""

from collections.abc import Sequence
from typing import Final

from apps.mailqueue.services import EnvelopeRecipient

TOLD: Final = 500


def members(recipients: Sequence[EnvelopeRecipient]) -> dict[str, dict[str, str]]:
    """For the event that begins the trace, where they differ: later events name the final ones,
    people know the others."""
    pairs = [(one.address, one.original) for one in recipients if one.address != one.original]
    return {"members": dict(pairs[:TOLD])} if pairs else {}
