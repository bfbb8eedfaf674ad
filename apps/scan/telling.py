"""A verdict in sentences, for people: what was done with each copy, why, and what it rests on.

What strangers wrote may be in every line; whoever shows them to a terminal or a page cleans them.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from apps.scan.base import Action, Case, Finding
from apps.scan.deeds import Deed, Done
from apps.scan.queries import Judged
from apps.scan.verdict import ELSEWHERE, Opinion, Standing, kind_of, weigh

_ACTIONS = {
    Action.NONE: "nothing speaks against the inbox",
    Action.JUNK: "it belongs into Junk",
    Action.DEFER: "it is to be judged later",
    Action.QUARANTINE: "it is to be kept back",
    Action.REFUSE: "it is to be refused",
}
_DONE = {
    Done.INBOX: "was filed in the inbox",
    Done.JUNK: "was filed in Junk",
    Done.QUARANTINE: "was kept back in quarantine",
    Done.REFUSED: "was refused while the sender's server waited",
    Done.HELD: "was held until an administrator decides",
    Done.WAITING: "waits in the queue and is judged again soon",
    Done.SENT: "went its way to another server",
    Done.NOWHERE: "found its mailbox removed",
}
OUTCOMES = {
    Action.NONE: "inbox",
    Action.JUNK: "Junk",
    Action.DEFER: "later",
    Action.QUARANTINE: "quarantine",
    Action.REFUSE: "refused",
}
"""What an action means for a copy, in a word."""


def of_verdict(judged: Judged) -> Iterator[str]:
    """All that there is to say, in lines."""
    record = judged.record
    case, verdict = record.case, record.verdict
    yield from _heading(case, record.author, record.subject)
    for place, opinion in verdict.opinions.items():
        yield ""
        deeds = [one for one in judged.deeds if (one.judged_for or ELSEWHERE) == place]
        standing = verdict.standings.get(place, Standing())
        yield from _copy(case, place, opinion, standing, deeds)
    yield ""
    yield from _reasons(case, verdict.findings)
    yield from (f"It was not asked, because it failed: {name}." for name in verdict.failed)


def moment(at_us: int) -> str:
    """A time as these lines write it."""
    return f"{datetime.fromtimestamp(at_us / 1_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _heading(case: Case, author: str, subject: str) -> Iterator[str]:
    yield f"From {author or 'nobody named'}: {subject or '(no subject)'}"
    host = case.client.get("address") or "our own host"
    helo = f" ({case.client['helo']})" if case.client.get("helo") else ""
    yield (
        f"Received {moment(case.received_at_us)} at the door {case.door} from {host}{helo},"
        f" reverse-path <{case.sender}>."
    )
    if case.unscannable:
        yield f"It was not looked into: {case.unscannable}."


def _copy(
    case: Case, place: int, opinion: Opinion, standing: Standing, deeds: Sequence[Deed]
) -> Iterator[str]:
    name = whose(case, place)
    points = f"{opinion.points:g} points{_limits(standing)}"
    words = _ACTIONS[opinion.action]
    if standing.is_off and opinion.action is Action.NONE:
        words = "the filter is off for this reader"
    yield f"{name[:1].upper()}{name[1:]}: {points}; {words}."
    if opinion.why:
        yield f"  Because {opinion.why}."
    if standing.unproven:
        yield f"  Without effect: {standing.unproven}."
    if standing.is_role and opinion.action is Action.JUNK:
        yield "  postmaster and abuse refuse nothing as spam."
    for deed in deeds:
        written = f", written to {deed.written}" if deed.written != deed.address else ""
        where = f" as UID {deed.uid}" if deed.uid else ""
        yield f"  The copy for {deed.address}{written} {_DONE[deed.done]}{where}."


def whose(case: Case, place: int) -> str:
    """Whose copy it is, as it stands inside of a sentence."""
    if place != ELSEWHERE:
        names = [reader.address for reader in case.readers if reader.user_id == place]
        return f"for {names[0]}" if names else f"for user {place}"
    return "as mail that is sent from here" if case.is_outgoing else "for recipients elsewhere"


def _limits(standing: Standing) -> str:
    words = [
        f"{name} from {value:g}"
        for name, value in (
            ("Junk", standing.junk),
            ("refused", standing.refuse),
            ("held", standing.hold),
        )
        if value is not None
    ]
    return f" ({', '.join(words)})" if words else " (no threshold)"


def _reasons(case: Case, findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        yield "Nothing was found that speaks for or against it."
        return
    yield "Reasons:"
    for one in sorted(findings, key=lambda one: (-one.action, -abs(one.points))):
        whom = f" ({whose(case, one.reader)})" if one.reader is not None else ""
        demand = f"; it asks for: {OUTCOMES[one.action]}" if one.action else ""
        yield f"{one.points:+7.2f}  {one.rule}: {one.words}{whom}{demand}"
    for place in _places(findings):
        yield from _bounds(case, place, findings)


def _places(findings: Sequence[Finding]) -> list[int | None]:
    """Who has reasons of their own; None are all."""
    return [None, *sorted({one.reader for one in findings if one.reader is not None})]


def _bounds(case: Case, place: int | None, findings: Sequence[Finding]) -> Iterator[str]:
    """Which reasons count less together than their sum."""
    mine = [one for one in findings if one.reader in {None, place}]
    _, bounded = weigh(mine)
    for kind, points in bounded.items():
        if place is None or any(kind_of(one.rule) == kind for one in mine if one.reader == place):
            whom = f", {whose(case, place)}" if place is not None else ""
            yield f"         All of {kind} together count {points:g}{whom}."
