"""What became of a message that the reader of the page sent, recipient by recipient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.delivery import states
from apps.delivery.states import RecipientState, State
from apps.mime.derive import message_id
from apps.mime.headers import scan

SHOWN = 100  # recipients; of a mailing to more, the worst

# Word, colour and icon; the word says it, the others only help.
_LOOKS: dict[State, tuple[Promise, str, str]] = {
    State.DELIVERED: (gettext_lazy("Delivered"), "ok", "circle-check"),
    State.CANCELLED: (gettext_lazy("Cancelled"), "neutral", "circle-x"),
    State.DELETED: (gettext_lazy("Deleted"), "neutral", "trash-2"),
    State.WAITING: (gettext_lazy("Waiting"), "info", "clock"),
    State.DELAYED: (gettext_lazy("Delayed"), "warn", "clock-alert"),
    State.HELD: (gettext_lazy("Held"), "warn", "pause"),
    State.RETURNED: (gettext_lazy("Returned"), "bad", "circle-alert"),
    State.FAILED: (gettext_lazy("Failed"), "bad", "circle-alert"),
}
_LOST = frozenset({State.RETURNED, State.FAILED})


@dataclass(frozen=True, slots=True)
class Line:
    """One recipient. `reply` is what the other server said, "" if there is nothing to quote."""

    address: str
    word: str
    look: str
    icon: str
    text: str
    reply: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """All recipients: the first line sums them up, `more` are not shown.

    Args:
        waits: the state of a recipient may still change.
        is_delayed: it is to be tried again, and may be now.
        failed: addresses that did not get it, and could be written to once more.
    """

    word: str
    look: str
    icon: str
    summary: str
    lines: tuple[Line, ...]
    more: int
    waits: bool = False
    is_delayed: bool = False
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """What a row of a list says of a message: `word` says it, the others only help."""

    word: str
    look: str
    icon: str


def sent(user_id: int, raw: bytes) -> Sent | None:
    """What became of this message if the user sent it through us, else None; one small query for
    mail that somebody else sent."""
    found = states.of_message(user_id, message_id(scan(raw)))
    if not found:
        return None
    by_severity = sorted(found, key=states.severity, reverse=True)
    word, look, icon = _LOOKS[by_severity[0].state]
    lines = tuple(_line(one) for one in (found if len(found) <= SHOWN else by_severity[:SHOWN]))
    return Sent(
        str(word),
        look,
        icon,
        _summary(found),
        lines,
        len(found) - len(lines),
        waits=any(one.state in (State.WAITING, State.DELAYED, State.HELD) for one in found),
        is_delayed=any(one.state is State.DELAYED for one in found),
        failed=_failed(found),
    )


def failed(user_id: int, raw: bytes) -> tuple[str, ...]:
    """Who did not get a message that the user sent, as it was addressed; none if all did, or if
    nothing is known of it."""
    return _failed(states.of_message(user_id, message_id(scan(raw))))


def trace_of(user_id: int, message_key: str) -> UUID | None:
    """The trace of a message that the user sent, by its Message-ID."""
    return states.trace_of(user_id, message_key)


def marks(user_id: int, message_keys: Sequence[str]) -> dict[str, Mark]:
    """What rows say of messages that the user sent, by Message-ID; two queries for all. The worst
    of its recipients is shown, and how many there are of it."""
    known = states.of_messages(user_id, message_keys)
    return {key: _mark(found) for key, found in known.items() if found}


def _mark(found: Sequence[RecipientState]) -> Mark:
    worst = max(found, key=states.severity)
    word, look, icon = _LOOKS[worst.state]
    said = str(word)
    if len(found) > 1:
        count = sum(1 for one in found if one.state is worst.state)
        said = _("%(state)s: %(count)d of %(all)d") % {
            "state": said,
            "count": count,
            "all": len(found),
        }
    return Mark(said, look, icon)


def _failed(found: Sequence[RecipientState]) -> tuple[str, ...]:
    return tuple(one.address for one in found if one.state in _LOST)


def _summary(found: Sequence[RecipientState]) -> str:
    if len(found) == 1:
        return f"{found[0].shown}: {found[0].text}"
    reached = sum(1 for one in found if one.state is State.DELIVERED)
    words = _("Delivered to %(count)d of %(all)d recipients.")
    return words % {"count": reached, "all": len(found)}


def _line(one: RecipientState) -> Line:
    word, look, icon = _LOOKS[one.state]
    text = one.text
    if one.members > 1:
        behind = _("It reached %(count)d of %(all)d behind this address.")
        text = f"{text} {behind % {'count': one.reached, 'all': one.members}}"
    at = datetime.fromtimestamp(one.at_us // 1_000_000, UTC)
    return Line(one.shown, str(word), look, icon, text, one.reply, at)
