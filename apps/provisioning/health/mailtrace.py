"""The index of messages and what is counted of them: whether they keep up, and what they show."""

from typing import Final

from apps.mailqueue.models import Destination
from apps.provisioning.health.checks import Check, State, age, many
from apps.runtime.clock import now_us
from apps.trace import flow
from apps.trace.flow import EVERYTHING, HOUR, MICROSECONDS, MINUTE, Flowed

LATE: Final = 600  # seconds that the index, or what is counted, may be behind
SLOW: Final = 120.0  # seconds within which 95 of 100 messages should be in their mailboxes
FEW: Final = 20  # messages of which nothing follows
JUMP: Final = 3.0  # what is refused of an hour's mail, against the day
MANY: Final = 100  # messages: fewer refused ones mean nothing
FAILURES: Final = 5  # in a row, of a destination

_ADVICE: Final = "See the worker for housekeeping, and the log."


def keeping_up() -> list[Check]:
    """How far the index and the counts are behind."""
    standing, now = flow.standing(), now_us()
    return [_index(standing, now), _counted(standing, now)]


def _index(standing: flow.Standing, now: int) -> Check:
    key, name = "trace.index", "Message trace"
    since = standing.unread_since_us
    behind = 0.0 if since is None else max(0.0, (now - since) / MICROSECONDS)
    if behind < LATE:
        return Check(key, name, State.OK, "Its index keeps up with the mail.")
    words = f"Its index lacks what happened in the last {age(behind)}: searches find older mail."
    return Check(key, name, State.WARNING, words, _ADVICE)


def _counted(standing: flow.Standing, now: int) -> Check:
    key, name = "trace.flow", "Mail flow"
    if not standing.until_us:
        return Check(key, name, State.OK, "Nothing is counted yet.")
    behind = max(0.0, (now - standing.until_us) / MICROSECONDS)
    if behind < LATE:
        return Check(key, name, State.OK, f"It was counted {age(behind)} ago.")
    words = f"It is counted up to {age(behind)} ago: figures of the dashboard are as old."
    return Check(key, name, State.WARNING, words, _ADVICE)


def moving() -> list[Check]:
    """How long mail takes, what is turned away, and who does not answer."""
    return [_time(), _refused(), _destinations()]


def _time() -> Check:
    key, name = "flow.time", "Time to inbox"
    found = _last(MINUTE, 60)
    within = found.within(0.95)
    if within is None or found.arrived < FEW:
        return Check(key, name, State.OK, "Too little mail came in the last hour to tell.")
    words = f"95 of 100 messages of the last hour were there within {_brief(within)}."
    if within > SLOW:
        advice = "See the workers and the scanners; message trace shows where time was spent."
        return Check(key, name, State.WARNING, words, advice)
    return Check(key, name, State.OK, words)


def _refused() -> Check:
    key, name = "flow.refused", "Refused mail"
    hour, day = _last(MINUTE, 60), _last(HOUR, 25)
    now, usual = _share(hour), _share(day)
    words = f"{now:.0%} of what was offered in the last hour; {usual:.0%} in the last day."
    if hour.refused >= MANY and now > max(0.2, JUMP * usual):
        advice = "Message trace tells the causes: look for one that should not be."
        return Check(key, name, State.WARNING, words, advice)
    return Check(key, name, State.OK, words if hour.offered else "None was offered lately.")


def _destinations() -> Check:
    key, name = "queue.destinations", "Other servers"
    closed = Destination.objects.filter(closed_until__gt=now_us(), failures__gte=FAILURES).count()
    if not closed:
        return Check(key, name, State.OK, "None is given up for a while.")
    words = f"{many(closed, 'destination')} did not answer {FAILURES} times in a row, or more."
    advice = "They are tried again by themselves. The page Queue shows what they said."
    return Check(key, name, State.WARNING, words, advice)


def _last(span: int, steps: int) -> Flowed:
    length = span * MICROSECONDS
    since = now_us() // length * length - (steps - 1) * length
    course = flow.course([EVERYTHING], since_us=since, step=span, steps=steps)
    return sum(course, Flowed())


def _share(found: Flowed) -> float:
    return found.refused / found.offered if found.offered else 0.0


def _brief(seconds: float) -> str:
    return age(seconds) if seconds >= 10 else f"{seconds:.1f} seconds"
