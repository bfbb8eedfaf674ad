"""What became of a message that the reader of the page sent, recipient by recipient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from apps.delivery import states
from apps.delivery.states import RecipientState, State
from apps.mime.derive import message_id
from apps.mime.headers import scan

SHOWN = 100  # recipients; of a mailing to more, the worst

# Word, colour and icon; the word says it, the others only help.
_LOOKS = {
    State.DELIVERED: ("Delivered", "ok", "circle-check"),
    State.CANCELLED: ("Cancelled", "neutral", "circle-x"),
    State.DELETED: ("Deleted", "neutral", "trash-2"),
    State.WAITING: ("Waiting", "info", "clock"),
    State.DELAYED: ("Delayed", "warn", "clock-alert"),
    State.HELD: ("Held", "warn", "pause"),
    State.RETURNED: ("Returned", "bad", "circle-alert"),
    State.FAILED: ("Failed", "bad", "circle-alert"),
}


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
    """All recipients: the first line sums them up, `more` are not shown."""

    word: str
    look: str
    icon: str
    summary: str
    lines: tuple[Line, ...]
    more: int
    waits: bool = False  # the state of a recipient may still change


def sent(user_id: int, raw: bytes) -> Sent | None:
    """What became of this message if the user sent it through us, else None; one small query for
    mail that somebody else sent."""
    found = states.of_message(user_id, message_id(scan(raw)))
    if not found:
        return None
    by_severity = sorted(found, key=states.severity, reverse=True)
    word, look, icon = _LOOKS[by_severity[0].state]
    waits = any(one.state in (State.WAITING, State.DELAYED, State.HELD) for one in found)
    lines = tuple(_line(one) for one in (found if len(found) <= SHOWN else by_severity[:SHOWN]))
    return Sent(word, look, icon, _summary(found), lines, len(found) - len(lines), waits)


def _summary(found: Sequence[RecipientState]) -> str:
    if len(found) == 1:
        return f"{found[0].shown}: {found[0].text}"
    reached = sum(1 for one in found if one.state is State.DELIVERED)
    return f"Delivered to {reached} of {len(found)} recipients."


def _line(one: RecipientState) -> Line:
    word, look, icon = _LOOKS[one.state]
    text = one.text
    if one.members > 1:
        text = f"{text} It reached {one.reached} of {one.members} behind this address."
    at = datetime.fromtimestamp(one.at_us // 1_000_000, UTC)
    return Line(one.shown, word, look, icon, text, one.reply, at)
