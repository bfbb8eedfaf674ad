"""Who gets a letter that is written here: the addresses that it names, as the queue takes them.
Reads the directory.

Nothing that cannot arrive is taken: who writes hears of it at once, not by a report afterwards.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final

from apps.directory import routing
from apps.directory.routing import Resolution, Status
from apps.mailqueue.services import EnvelopeRecipient
from apps.mailstore import queries as mailstore
from apps.mime.address import Address
from apps.wire.errors import Refused, TooManyRecipients

MOST: Final = 1_000  # addresses of a letter, and those behind them; as many as the doors take


class Why(Enum):
    """Why an address takes no letter."""

    UNKNOWN = "unknown"  # nobody here has it
    SUSPENDED = "suspended"
    LOOP = "loop"  # aliases that lead nowhere but to each other
    FULL = "full"


_WORDS: Final = {
    Why.UNKNOWN: "There is no mailbox {} here: look at the spelling",
    Why.SUSPENDED: "{} takes no mail at the moment",
    Why.LOOP: "{} leads round in a circle: tell an administrator",
    Why.FULL: "The mailbox of {} is full: try again later",
}
_STATUSES: Final = {
    Status.UNKNOWN: Why.UNKNOWN,
    Status.SUSPENDED: Why.SUSPENDED,
    Status.LOOP: Why.LOOP,
}


class NotTaken(Refused):
    """An address takes no letter; `address` is as it was written."""

    http_status = 422

    def __init__(self, address: Address, why: Why) -> None:
        super().__init__(f"{why.value} {address}", text=_WORDS[why].format(address))
        self.address = address
        self.why = why


def recipients(written: Sequence[Address]) -> tuple[EnvelopeRecipient, ...]:
    """The final recipients of a letter to these addresses; whoever is reached on two ways gets one
    copy.

    Raises:
        NotTaken: an address takes no letter.
        TooManyRecipients: they are more than `MOST`, or those behind them are.
    """
    if len(written) > MOST:
        raise _too_many()
    routes = routing.resolve_many(list(written))
    for address, route in zip(written, routes, strict=True):
        if route.status in _STATUSES:
            raise NotTaken(address, _STATUSES[route.status])
    found = _split(written, routes)
    if len(found) > MOST:
        raise _too_many()
    return found


def _split(
    written: Sequence[Address], routes: Sequence[Resolution]
) -> tuple[EnvelopeRecipient, ...]:
    users = sorted({one.user_id for route in routes for one in route.users})
    limited = mailstore.limits(users) if users else {}
    found: dict[int | str, EnvelopeRecipient] = {}
    for address, route in zip(written, routes, strict=True):
        if any(limited.get(user.user_id) for user in route.users):
            raise NotTaken(address, Why.FULL)
        original = str(address)
        for user in route.users:
            one = EnvelopeRecipient(
                user.address, original, user.user_id, is_limited=user.user_id in limited
            )
            found.setdefault(user.user_id, one)
        for outside in [original] if route.status is Status.REMOTE else route.remote:
            found.setdefault(outside, EnvelopeRecipient(outside, original, None))
    return tuple(found.values())


def _too_many() -> TooManyRecipients:
    return TooManyRecipients(text=f"A message can go to {MOST} addresses at most: send it in parts")
