"""Who gets a letter: the addresses that were typed, as the queue takes them. Reads the directory.

Nothing that cannot arrive is taken: who writes hears of it while the letter is still open, not by a
report afterwards.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from django.utils.translation import gettext as _

from apps.directory import routing
from apps.directory.routing import Resolution, Status
from apps.mailqueue.services import EnvelopeRecipient
from apps.mailstore import queries as mailstore
from apps.mime.address import Address
from apps.webmail.writing.fields import FieldRefused, Fields, people

MOST: Final = 1_000  # addresses of a letter, and those behind them; as many as the doors take
_LISTS: Final = ("to", "cc", "bcc")
_NAMED: Final = 3


def recipients(fields: Fields) -> tuple[EnvelopeRecipient, ...]:
    """The final recipients of a letter, each once, however many fields name them.

    Raises:
        FieldRefused: there are none or too many, a word is no address, or nobody has one.
    """
    written = _written(fields)
    if not written:
        raise FieldRefused("to", _("Add somebody to send it to"))
    if len(written) > MOST:
        raise _too_many()
    routes = routing.resolve_many(list(written))
    for (address, field), route in zip(written.items(), routes, strict=True):
        _require_taken(address, field, route)
    found = _split(written, routes)
    if len(found) > MOST:
        raise _too_many()
    return found


def _written(fields: Fields) -> dict[Address, str]:
    """Each address with the field where it stands first."""
    found: dict[Address, str] = {}
    known: set[str] = set()
    for field in _LISTS:
        read = people(getattr(fields, field))
        if read.odd:
            words = _("This is no mail address: %(words)s")
            raise FieldRefused(field, words % {"words": ", ".join(read.odd[:_NAMED])})
        for _name, address in read.found:
            if address.key not in known:
                known.add(address.key)
                found[address] = field
    return found


def _require_taken(address: Address, field: str, route: Resolution) -> None:
    if route.status in {Status.LOCAL, Status.REMOTE}:
        return
    words = {
        Status.UNKNOWN: _("There is no mailbox %(address)s here: look at the spelling"),
        Status.SUSPENDED: _("%(address)s takes no mail at the moment"),
    }.get(route.status, _("%(address)s leads round in a circle: tell an administrator"))
    raise FieldRefused(field, words % {"address": address})


def _split(
    written: Mapping[Address, str], routes: Sequence[Resolution]
) -> tuple[EnvelopeRecipient, ...]:
    """Who is behind the addresses; whoever is reached on two ways gets one copy.

    Raises:
        FieldRefused: there is no room in somebody's mailbox.
    """
    users = sorted({one.user_id for route in routes for one in route.users})
    limited = mailstore.limits(users) if users else {}
    found: dict[int | str, EnvelopeRecipient] = {}
    for (address, field), route in zip(written.items(), routes, strict=True):
        original = str(address)
        if any(limited.get(user.user_id) for user in route.users):
            words = _("The mailbox of %(address)s is full: try again later")
            raise FieldRefused(field, words % {"address": original})
        for user in route.users:
            one = EnvelopeRecipient(
                user.address, original, user.user_id, is_limited=user.user_id in limited
            )
            found.setdefault(user.user_id, one)
        for outside in [original] if route.status is Status.REMOTE else route.remote:
            found.setdefault(outside, EnvelopeRecipient(outside, original, None))
    return tuple(found.values())


def _too_many() -> FieldRefused:
    words = _("A message can go to %(count)d addresses at most: send it in parts")
    return FieldRefused("to", words % {"count": MOST})
