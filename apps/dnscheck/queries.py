"""Reads: what a domain's records should be, and how they stood when last asked for.

Nobody is asked here, and what a list of domains costs the database does not depend on its length.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from apps.directory.models import Domain, State
from apps.dnscheck import expected, kept
from apps.dnscheck.findings import Report, Standing, Summary
from apps.dnscheck.here import here
from apps.dnscheck.hostname import is_lost
from apps.dnscheck.models import DomainCheck
from apps.dnscheck.records import Kind, Wanted

# The worst first: what a kind with several records shows in a list.
_WORST = (
    Standing.WRONG,
    Standing.MISSING,
    Standing.WAITING,
    Standing.UNKNOWN,
    Standing.BETTER,
    Standing.UNSET,
    Standing.ELSEWHERE,
    Standing.RIGHT,
)
PAGE = 200  # rows
PATIENCE = timedelta(minutes=2)
LETTERS_EVERY = timedelta(days=1)
"""Between two letters on the same domain."""
_GOOD = frozenset({Standing.RIGHT, Standing.BETTER, Standing.ELSEWHERE})


@dataclass(frozen=True, slots=True)
class Trouble:
    """A domain whose administrators are to be told.

    Args:
        titles: of the required records that are wrong or missing.
    """

    domain_id: int
    name: str
    titles: tuple[str, ...]


def wanted(domain: Domain) -> tuple[Wanted, ...]:
    """The records that a domain should have."""
    return expected.of_domains([domain], here())[domain.pk]


def report(domain: Domain) -> Report:
    """How a domain's records stood when last asked for."""
    found = wanted(domain)
    row = DomainCheck.objects.filter(domain=domain).first()
    return report_of(domain, found, row)


def report_of(domain: Domain, found: Collection[Wanted], row: DomainCheck | None) -> Report:
    """The same, of rows that somebody has read."""
    row = row or DomainCheck(domain=domain)
    return Report(
        domain=domain.name,
        findings=tuple(
            kept.read(
                one,
                kept.read_short(row.standings.get(one.id)),
                row.findings.get(one.id),
                is_left=kept.is_left(row.left, one.id),
            )
            for one in found
        ),
        host=row.host,
        checked_at=row.checked_at,
        is_checking=_is_checking(row),
        trouble=row.trouble,
        is_elsewhere=row.is_elsewhere,
        lost_host=lost_host(),
    )


def has_left(domain: Domain) -> bool:
    """Whether somebody said of some records of a domain that they are so on purpose."""
    return DomainCheck.objects.filter(domain=domain).exclude(left=[]).exists()


def lost_host() -> str:
    """The name that this host gives itself, if nobody can find it by that; else ""."""
    host = str(settings.MAIL_HOSTNAME)
    return host if is_lost(host) else ""


def _is_checking(row: DomainCheck) -> bool:
    """A wish that nobody has heard for so long waits for a worker that is away."""
    now = timezone.now()
    is_leased = row.lease_until is not None and row.lease_until > now
    return is_leased or (row.requested_at is not None and row.requested_at > now - PATIENCE)


def summaries(domain_ids: Collection[int]) -> dict[int, Summary]:
    """How the records of some domains stood, by their ids; four statements for them all."""
    domains = Domain.objects.filter(pk__in=domain_ids).select_related("alias_of")
    found = expected.of_domains(domains, here())
    columns = ("standings", "left", "is_elsewhere", "is_alarming", "checked_at")
    rows = DomainCheck.objects.filter(domain__in=found).only("domain_id", *columns)
    by_domain = {row.domain_id: row for row in rows}
    return {
        pk: _summary(pk, records, by_domain.get(pk) or DomainCheck(domain_id=pk))
        for pk, records in found.items()
    }


def _summary(pk: int, records: Collection[Wanted], row: DomainCheck) -> Summary:
    standings: dict[Kind, Standing] = {}
    right = 0
    for one in records:
        standing = _standing(one, row)
        right += standing in _GOOD
        known = standings.get(one.kind, standing)
        standings[one.kind] = min(standing, known, key=_WORST.index)
    return Summary(
        domain_id=pk,
        right=right,
        total=len(records),
        standings=standings,
        checked_at=row.checked_at,
        is_alarming=row.is_alarming,
        is_elsewhere=row.is_elsewhere,
    )


def _standing(one: Wanted, row: DomainCheck) -> Standing:
    if kept.is_left(row.left, one.id):
        return Standing.ELSEWHERE
    short = kept.read_short(row.standings.get(one.id))
    if short is None or short.digest != kept.digest(one):
        return Standing.UNKNOWN
    return short.standing


def alarming(domains: QuerySet[Domain]) -> QuerySet[Domain]:
    """Those of the domains of which something is wrong in two checks in a row, and not on purpose;
    a condition that an index answers."""
    wrong = DomainCheck.objects.filter(is_alarming=True)
    return domains.filter(pk__in=wrong.values("domain_id"))


def to_tell(now: datetime) -> Q:
    """Of rows: in trouble of which nobody was told, nor of another one within LETTERS_EVERY. A zone
    can be made to fail and to be right again by turns, all day long."""
    again = Q(told_at__lt=F("trouble_since")) & Q(told_at__lt=now - LETTERS_EVERY)
    return Q(is_alarming=True) & (Q(told_at=None) | again)


def untold() -> Iterator[Trouble]:
    """Domains of which a required record is wrong in two checks in a row, and whose administrators
    were not told of it, a page of rows at a time."""
    this, after = here(), 0
    rows = DomainCheck.objects.filter(to_tell(timezone.now()))
    rows = rows.exclude(domain__state=State.SUSPENDED).select_related("domain__alias_of")
    while page := list(rows.filter(domain__gt=after).order_by("domain").defer("findings")[:PAGE]):
        found = expected.of_domains([row.domain for row in page], this)
        for row in page:
            wanted = [one for one in found[row.domain_id] if _needs_work(one, row)]
            if wanted:
                titles = tuple(one.title for one in wanted)
                yield Trouble(row.domain_id, row.domain.name, titles)
        after = page[-1].domain_id


def _needs_work(one: Wanted, row: DomainCheck) -> bool:
    short = kept.read_short(row.standings.get(one.id))
    return (
        one.is_required
        and not kept.is_left(row.left, one.id)
        and short is not None
        and short.digest == kept.digest(one)
        and kept.is_alarming(short)
    )
