"""The records of a domain as its page shows them, and as a text for whoever runs its DNS."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill
from typing import Final

from apps.console.domains.standings import LOOKS, LOST, Look
from apps.dnscheck.findings import Finding, Report, Standing
from apps.dnscheck.hostname import NAMING
from apps.dnscheck.records import Wanted

_CLOSED: Final = frozenset({Standing.RIGHT, Standing.ELSEWHERE})
_CALM: Final = frozenset({Standing.RIGHT, Standing.BETTER, Standing.ELSEWHERE, Standing.UNSET})
CHECKING_SECONDS: Final = 3
WAITING_SECONDS: Final = 60
_WIDTH: Final = 78


@dataclass(frozen=True, slots=True)
class Line:
    """A record with how it stands.

    Args:
        is_folded: all is well: the record is there for who asks.
        may_leave: it can be left as it is, on purpose.
        is_left: that was said of it.
        is_lost: it names this host by a name that nobody finds: it cannot work.
    """

    finding: Finding
    look: Look
    is_folded: bool
    may_leave: bool
    is_left: bool
    is_lost: bool

    @property
    def wanted(self) -> Wanted:
        return self.finding.wanted


@dataclass(frozen=True, slots=True)
class Records:
    """The DNS tab.

    Args:
        seconds: when the page asks again by itself; 0: not.
    """

    report: Report
    required: list[Line]
    recommended: list[Line]
    seconds: int

    @property
    def percent(self) -> float:
        """How many are right, of a hundred."""
        return 100 * self.report.right / self.report.total if self.report.total else 0

    @property
    def left(self) -> int:
        """How many required records are not right."""
        return sum(line.finding.standing not in _CALM for line in self.required)


def records(report: Report) -> Records:
    """A report by what matters more."""
    lines = [_line(report, finding) for finding in report.findings]
    required = [line for line in lines if line.wanted.is_required]
    is_calm = all(line.finding.standing in _CALM for line in required)
    seconds = CHECKING_SECONDS if report.is_checking else 0 if is_calm else WAITING_SECONDS
    recommended = [line for line in lines if not line.wanted.is_required]
    return Records(report, required, recommended, seconds)


def _line(report: Report, finding: Finding) -> Line:
    standing = finding.standing
    is_left = standing is Standing.ELSEWHERE
    is_lost = bool(report.lost_host) and finding.wanted.kind in NAMING
    return Line(
        finding=finding,
        look=LOST if is_lost else LOOKS[standing],
        is_folded=is_lost or standing in _CLOSED,
        may_leave=not report.is_elsewhere
        and standing not in (Standing.RIGHT, Standing.UNKNOWN, Standing.WAITING),
        is_left=is_left and not report.is_elsewhere,
        is_lost=is_lost,
    )


def as_text(domain: str, report: Report) -> str:
    """The records for a person who types them into a form, with how they stand."""
    return "\n".join(_text(domain, report)) + "\n"


def _text(domain: str, report: Report) -> Iterator[str]:
    yield f"DNS records of {domain}"
    yield ""
    yield fill("Host is what stands before the domain; @ is the domain itself.", _WIDTH)
    if report.lost_host:
        yield ""
        yield fill(
            f"{report.lost_host} is no name that others can find: records that name it cannot "
            "work. Do not enter them; first MAIL_HOSTNAME has to be set.",
            _WIDTH,
        )
    for head, is_required in (("Required", True), ("Recommended", False)):
        found = [one for one in report.findings if one.wanted.is_required is is_required]
        if not found:
            continue
        yield ""
        yield f"== {head} =="
        for finding in found:
            yield from _record(report, finding)


def _record(report: Report, finding: Finding) -> Iterator[str]:
    wanted = finding.wanted
    yield ""
    yield f"{wanted.title}: {_line(report, finding).look.word.lower()}"
    yield fill(wanted.why, _WIDTH)
    yield f"  Type:  {wanted.type}"
    yield f"  Host:  {wanted.host}   (in full: {wanted.name})"
    for value in wanted.values:
        yield f"  Value: {value}"  # in one line, however long: it is to be copied
