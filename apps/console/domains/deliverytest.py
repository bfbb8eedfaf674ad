"""How far a letter is that somebody has written as a test: in steps, with what to do about one that
does not come."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest

from apps.delivery import states
from apps.delivery.states import RecipientState, State
from apps.directory.models import Domain
from apps.mailstore.arrivals import Arrival, arrival
from apps.provisioning.administration.deliverytests import Sent
from apps.runtime.clock import now_us

LATE: Final = 30  # seconds after which one that has not come is worth a look
SOON, SELDOM = 2, 15  # seconds between two looks of an open page
_KEY: Final = "delivery-test"  # in the session
_ENDED: Final = (State.FAILED, State.RETURNED, State.DELETED, State.CANCELLED)
_QUEUE: Final = "It waits in the queue longer than it should: a worker is away, or has much to do."


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way.

    Args:
        look: "done", "now", "late" or "bad".
        at: when it was done.
        words: what is so, and what to do.
    """

    title: str
    look: str
    words: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A letter, and how far it is.

    Args:
        seconds: how long it took to arrive; None: it has not.
        arrived: where it lies in the mailbox, if it is in its inbox or Junk.
        fresh: seconds after which the page looks again by itself; 0: there is nothing to wait for.
        waits_for_worker: nobody has looked at it, and it is late.
    """

    sent: Sent
    steps: list[Step]
    seconds: float | None
    arrived: Arrival | None
    fresh: int
    waits_for_worker: bool


def remember(request: HttpRequest, domain: Domain, sent: Sent) -> None:
    """Note that a test was sent."""
    kept = [domain.pk, sent.to, sent.user_id, sent.trace_id.hex, sent.at_us]
    request.session[_KEY] = kept


def last(request: HttpRequest, domain: Domain) -> Trial | None:
    """How far the last test of this session is; None: of this domain there was none. Two
    statements."""
    kept: Any = request.session.get(_KEY)
    if not kept or kept[0] != domain.pk:
        return None
    sent = Sent(kept[1], kept[2], UUID(hex=kept[3]), kept[4])
    found = states.of_trace(sent.trace_id)
    return _told(sent, found[0] if found else None, now_us())


def _told(sent: Sent, state: RecipientState | None, at_us: int) -> Trial:
    is_late = at_us - sent.at_us > LATE * 1_000_000
    steps = [Step("Handed in", "done", "It is in the queue, like any letter.", _moment(sent.at_us))]
    if state is None:  # what is told of a message is forgotten after some days
        steps.append(Step("Gone", "late", "Nothing is known of it any more: send another one."))
        return Trial(sent, steps, None, None, 0, waits_for_worker=False)
    if state.state is State.DELIVERED:
        where = None if state.is_accepted else arrival(sent.user_id, sent.trace_id)
        steps.append(_arrived(state, where))
        return Trial(sent, steps, _seconds(sent, state), where, 0, waits_for_worker=False)
    steps.append(_under_way(state, is_late=is_late))
    fresh = 0 if state.state in _ENDED else SELDOM if is_late else SOON
    waits = is_late and state.state is State.WAITING
    return Trial(sent, steps, None, None, fresh, waits_for_worker=waits)


def _under_way(state: RecipientState, *, is_late: bool) -> Step:
    at = _moment(state.at_us)
    match state.state:
        case State.WAITING:
            if is_late:
                return Step("Not there yet", "late", _QUEUE)
            return Step("On its way", "now", "The filter looks at it, then it is delivered.")
        case State.DELAYED:
            return Step("Put off", "late", state.text, at)
        case State.HELD:
            return Step("Held", "bad", "The filter keeps it in quarantine: see what it found.", at)
        case _:
            return Step("Not delivered", "bad", state.text, at)


def _arrived(state: RecipientState, where: Arrival | None) -> Step:
    at = _moment(state.at_us)
    if state.is_accepted:
        return Step("Handed on", "done", f"Its mail is sent on elsewhere. {state.text}", at)
    if where is None:
        words = "It is in the mailbox; its own rules have put it into another folder."
        return Step("Arrived", "done", words, at)
    if where.is_junk:
        words = "It is in Junk: the message itself says what the filter did not like."
        return Step("Arrived in Junk", "late", words, at)
    return Step("Arrived", "done", "It is in the inbox.", at)


def _seconds(sent: Sent, state: RecipientState) -> float:
    return max(0, state.at_us - sent.at_us) / 1_000_000


def _moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC)
