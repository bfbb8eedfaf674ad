"""What the tab of sending tells: a domain's keys, its limits, the servers that its mail takes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.directory import dkim
from apps.directory.dkim import KeyRow
from apps.directory.models import (
    DkimState,
    Domain,
    SendLimit,
    Transport,
    TransportScope,
)
from apps.dnscheck.findings import Report, Standing
from apps.dnscheck.records import Kind

_STATES: Final = {
    DkimState.PENDING: ("info", "Waits for its record"),
    DkimState.ACTIVE: ("ok", "Signs"),
    DkimState.RETIRING: ("neutral", "Retiring"),
    DkimState.RETIRED: ("neutral", "Retired"),
}
_ALGORITHMS: Final = {"rsa": "RSA", "ed25519": "Ed25519"}
# What a report says of a record, as the keys' own words take it.
_FINDINGS: Final = {
    Standing.RIGHT: dkim.Finding.PUBLISHED,
    Standing.MISSING: dkim.Finding.MISSING,
    Standing.WRONG: dkim.Finding.OTHER,
}
RETIRED_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key for people.

    Args:
        badge: kind of the badge with `state`.
        since: when it came into that state.
        step: what is to be done about it, a sentence.
    """

    selector: str
    algorithm: str
    badge: str
    state: str
    since: datetime
    step: str
    record: str


def keys(domain: Domain, report: Report) -> list[KeyLine]:
    """The keys of a domain, those that sign first; of the retired ones a few."""
    found = {one.wanted.name: one.standing for one in report.of(Kind.DKIM)}
    rows = dkim.keys_of(domain.name)
    gone = [row for row in rows if row.state == DkimState.RETIRED]
    left_out = set(sorted((row.selector for row in gone), reverse=True)[RETIRED_SHOWN:])
    lines = [_line(row, found.get(row.record)) for row in rows if row.selector not in left_out]
    order = [words for _, words in _STATES.values()]
    first = order[1:2] + order[:1] + order[2:]
    return sorted(lines, key=lambda line: (first.index(line.state), line.selector))


def _line(row: KeyRow, standing: Standing | None) -> KeyLine:
    badge, state = _STATES[DkimState(row.state)]
    finding = None if standing is None else _FINDINGS.get(standing)
    return KeyLine(
        selector=row.selector,
        algorithm=_ALGORITHMS.get(row.algorithm, row.algorithm),
        badge=badge,
        state=state,
        since=row.changed_at,
        step=dkim.next_step(row, finding),
        record=row.record,
    )


def limit_of(domain: Domain) -> SendLimit | None:
    """How much the domain may send, as it was set."""
    return SendLimit.objects.filter(domain=domain).first()


def servers_of(domain: Domain) -> dict[str, Transport]:
    """The servers that mail from the domain ("sender") and for it ("recipient") takes."""
    scopes = (TransportScope.SENDER, TransportScope.RECIPIENT)
    rows = Transport.objects.filter(domain=domain.name, scope__in=scopes)
    return {row.scope: row for row in rows}
