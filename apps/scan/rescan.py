"""What past mail would come to with other thresholds, lists, points or rules. Changes nothing.

Lists and thresholds are weighed anew for each message as they are now, with what is supposed in
addition. Findings are those that were kept; or made anew with the rules of now, from what was
looked up then; or all of it is looked up again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from apps.blobs import services as blobs
from apps.mailstore import queries as mailstore
from apps.scan import points, queries, runner, standings
from apps.scan.base import Action, Case, Finding
from apps.scan.deeds import Done
from apps.scan.entries import Sender
from apps.scan.points import Set
from apps.scan.queries import Judged
from apps.scan.record import BrokenRecordError
from apps.scan.standings import NOTHING, Supposed
from apps.scan.verdict import ELSEWHERE, Opinion, Verdict, combine


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to compute again, and with what.

    Args:
        since_us, until_us: Unix microseconds; when messages were received.
        points: by name of a rule, or a pattern with `*`: what it shall count; see `points.Set`.
        judges_anew: with the rules of now, from what was looked up then.
        looks_up_anew: looks up everything again, too.
        user_id, domains: only readers that are this user, or were written to in these domains.
    """

    since_us: int
    until_us: int
    supposed: Supposed = NOTHING
    points: Set = field(default_factory=dict)
    judges_anew: bool = False
    looks_up_anew: bool = False
    user_id: int | None = None
    domains: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A copy for which something else would be done.

    Args:
        user_id: whose; `ELSEWHERE`: of those elsewhere, or all of what is sent from here.
        address: of the user; "" elsewhere.
        is_confirmed: the reader has moved it since as the change would have it.
    """

    judged: Judged
    user_id: int
    address: str
    before: Opinion
    after: Opinion
    author: str
    subject: str
    is_confirmed: bool = False


@dataclass(slots=True)
class Totals:
    """What was looked at.

    Args:
        changes: by (before, after).
        confirmed: those of them that readers have moved so themselves.
        without_text: messages that were to be judged anew, and are not there any more: what was
            found then stands.
        broken: records that cannot be read.
    """

    messages: int = 0
    copies: int = 0
    changes: dict[tuple[Action, Action], int] = field(default_factory=dict)
    confirmed: dict[tuple[Action, Action], int] = field(default_factory=dict)
    without_text: int = 0
    broken: int = 0

    def count(self, change: Change) -> None:
        """Note a change."""
        pair = change.before.action, change.after.action
        self.changes[pair] = self.changes.get(pair, 0) + 1
        if change.is_confirmed:
            self.confirmed[pair] = self.confirmed.get(pair, 0) + 1


def run(wanted: Wanted, totals: Totals) -> Iterator[list[Change]]:
    """Compute past verdicts again, page by page; each item is what would change in one page.

    Memory is bounded by a page, whatever there is. `totals` counts along.
    """
    for page in queries.between(wanted.since_us, wanted.until_us):
        readable = [one for one in page if _is_readable(one, totals)]
        totals.messages += len(page)
        yield _page(readable, wanted, totals)


def _is_readable(one: Judged, totals: Totals) -> bool:
    try:
        one.record  # noqa: B018 - read here once, and kept
    except BrokenRecordError:
        totals.broken += 1
        return False
    return True


def _page(page: Sequence[Judged], wanted: Wanted, totals: Totals) -> list[Change]:
    cases = [one.record.case for one in page]
    senders = {one.id: one.record.senders for one in page}

    def senders_then(case: Case) -> tuple[Sender, ...]:
        return senders[case.id]

    wishes = standings.of(cases, wanted.supposed, senders_then)
    changes: list[Change] = []
    for one, standing in zip(page, wishes, strict=True):
        findings = points.counted(_findings(one, wanted, totals), wanted.points)
        changes.extend(_compare(one, combine(findings, standing), wanted, totals))
    changes = _with_readers_word(changes)
    for change in changes:
        totals.count(change)
    return changes


def _with_readers_word(changes: Sequence[Change]) -> list[Change]:
    """The changes, with whether readers have done themselves what the change would have done."""
    if not changes:
        return []
    places = mailstore.in_junk([one.judged.trace_id for one in changes])
    return [
        replace(
            one, is_confirmed=_is_confirmed(one, places.get((one.judged.trace_id, one.user_id)))
        )
        for one in changes
    ]


def _is_confirmed(change: Change, is_in_junk: bool | None) -> bool:
    """Only a move says something: what lies where it was put may never have been looked at."""
    if is_in_junk is None:
        return False
    put = {one.done for one in change.judged.deeds if one.user_id == change.user_id}
    if change.after.later is Action.JUNK:
        return is_in_junk and put == {Done.INBOX}
    return change.after.action is Action.NONE and not is_in_junk and put == {Done.JUNK}


def _findings(one: Judged, wanted: Wanted, totals: Totals) -> Sequence[Finding]:
    if not (wanted.judges_anew or wanted.looks_up_anew):
        return one.record.verdict.findings
    # One by one: a page of large messages would not fit into memory.
    raw = blobs.read_many([one.blob_id]).get(one.blob_id)
    if raw is None:
        totals.without_text += 1
        return one.record.verdict.findings
    return _again(one, raw, wanted).findings


def _again(one: Judged, raw: bytes, wanted: Wanted) -> Verdict:
    case = one.record.with_message(raw)
    if wanted.looks_up_anew:
        return runner.run([case])[0]
    return runner.judge(case, one.record.verdict.given, one.record.verdict.standings)


def _compare(
    one: Judged, now: Mapping[int, Opinion], wanted: Wanted, totals: Totals
) -> Iterator[Change]:
    record = one.record
    addresses = {reader.user_id: reader for reader in record.case.readers}
    for place, before in record.verdict.opinions.items():
        reader, after = addresses.get(place), now.get(place)
        domain = reader.domain if reader else ""
        if after is None or not _is_wanted(place, domain, wanted, record.case.user_id):
            continue
        totals.copies += 1
        if after.action is before.action:
            continue
        address = reader.address if reader else ""
        yield Change(one, place, address, before, after, record.author, record.subject)


def _is_wanted(place: int, domain: str, wanted: Wanted, sender: int | None) -> bool:
    if wanted.user_id is not None:
        return wanted.user_id == (place if place != ELSEWHERE else sender)
    return wanted.domains is None or domain in wanted.domains
