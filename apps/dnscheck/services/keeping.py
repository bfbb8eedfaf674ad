"""Rows of checks: who checks a domain now, when it is due again, what was found.

A lease lets one worker at a time check a domain; one that died gives it back by the clock.
"""

import random
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from apps.directory.models import Domain
from apps.dnscheck import kept, queries
from apps.dnscheck.findings import Finding, Standing
from apps.dnscheck.kept import Short
from apps.dnscheck.models import DomainCheck, HostAddress

LEASE: Final = timedelta(seconds=60)
AT_ONCE: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Due before all that is due by itself."""
OTHERS: Final = 4  # one of so many places is for what is due by itself
ENROL_MOST: Final = 500  # domains that get their row in one round
ALL_RIGHT: Final = timedelta(hours=6)
SURE: Final = timedelta(minutes=2)  # after a first failure
TROUBLE: Final = timedelta(minutes=10)
# Who mends a record does so soon, and looks; what nobody has mended for a day can wait longer.
_PATIENCE: Final = (
    (timedelta(days=1), TROUBLE),
    (timedelta(days=7), timedelta(hours=1)),
)


def enrol(domain_id: int | None = None) -> None:
    """Have a row for a domain; for all that have none, some at a time."""
    bare = Domain.objects.filter(dns_check=None)
    if domain_id is not None:
        bare = bare.filter(pk=domain_id)
    ids = bare.order_by("pk").values_list("pk", flat=True)[:ENROL_MOST]
    DomainCheck.objects.bulk_create(
        [DomainCheck(domain_id=pk) for pk in ids], ignore_conflicts=True
    )


def claim(domain_id: int) -> bool:
    """Take the lease of a domain; False if somebody has it."""
    now = timezone.now()
    row = DomainCheck.objects.filter(_free(now), domain=domain_id)
    return bool(row.update(lease_until=now + LEASE))


def claim_due(most: int) -> list[int]:
    """Take the leases of domains that are due, those that somebody waits for first.

    Organisations take turns: who asks for ten thousand domains keeps nobody waiting. Some places
    are for what is due by itself, which asking for others must not put off for ever.
    """
    now = timezone.now()
    free = DomainCheck.objects.filter(_free(now))
    asked = list(_in_turn(free.filter(due_at__lte=AT_ONCE))[:most])
    by_itself = free.filter(due_at__gt=AT_ONCE, due_at__lte=now).order_by("due_at")
    due = list(by_itself.values_list("domain_id", flat=True)[:most])
    places = max(most - len(due), most - most // OTHERS)
    ids = [*asked[:places], *due]
    return [pk for pk in ids[:most] if claim(pk)]


def _in_turn(rows: QuerySet[DomainCheck]) -> QuerySet[DomainCheck, int]:
    """Ids of domains: the first of each organisation, the second of each, and so on."""
    turn = Window(
        RowNumber(),
        partition_by=F("domain__organization"),
        order_by=[F("requested_at").asc(nulls_last=True), F("domain").asc()],
    )
    found = rows.annotate(turn=turn).order_by("turn", "requested_at", "domain")
    return found.values_list("domain_id", flat=True)


def release(domain_ids: Collection[int]) -> None:
    """Give leases back; what is due stays so, but not at once."""
    now = timezone.now()
    rows = DomainCheck.objects.filter(domain__in=domain_ids)
    rows.update(lease_until=None, requested_at=None, due_at=now + SURE)


def _free(now: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=now)


def keep(
    domain_id: int,
    findings: Iterable[Finding],
    *,
    host: str,
    trouble: str,
    is_check: bool,
    at: datetime,
) -> None:
    """Keep what was found, and give the lease back.

    Args:
        is_check: False if nobody could be asked, which says nothing about the domain.
        at: when it was asked.
    """
    with transaction.atomic():
        row = _locked(DomainCheck.objects.filter(domain=domain_id))
        if row is None:
            return  # the domain was removed meanwhile
        row.lease_until = row.requested_at = None
        row.trouble = trouble[:500]
        if is_check:
            _note(row, list(findings), at)
            row.host = (host or row.host)[:253]
        row.is_alarming = is_alarming(row)
        row.due_at = _due(row, is_check=is_check)
        row.save()


def _locked(rows: QuerySet[DomainCheck]) -> DomainCheck | None:
    return rows.select_for_update().first()


def _note(row: DomainCheck, findings: list[Finding], at: datetime) -> None:
    before = row.standings
    shorts = {one.wanted.id: _short(one, before.get(one.wanted.id)) for one in findings}
    row.findings = {one.wanted.id: kept.write(one) for one in findings}
    row.standings = {name: short.as_json() for name, short in shorts.items()}
    row.checked_at = at
    needed = [one for one in findings if one.wanted.is_required]
    if any(one.standing in kept.FAILED for one in needed):
        row.trouble_since = row.trouble_since or at
    elif all(one.standing is not Standing.UNKNOWN for one in needed):
        row.trouble_since = None


def _short(finding: Finding, before: object) -> Short:
    """With how often it failed in a row. No answer is neither a failure nor the end of one."""
    of = kept.digest(finding.wanted)
    known = kept.read_short(before)
    failures = known.failures if known is not None and known.digest == of else 0
    if finding.standing in kept.FAILED:
        failures += 1
    elif finding.standing is not Standing.UNKNOWN:
        failures = 0
    return Short(finding.standing, failures, of)


def is_alarming(row: DomainCheck) -> bool:
    """Whether anything that is not left so on purpose failed twice in a row."""
    return not row.is_elsewhere and any(
        kept.is_alarming(short) and not kept.is_left(row.left, name) for name, short in _shorts(row)
    )


def _shorts(row: DomainCheck) -> list[tuple[str, Short]]:
    found = ((name, kept.read_short(value)) for name, value in row.standings.items())
    return [(name, short) for name, short in found if short is not None]


def _due(row: DomainCheck, *, is_check: bool) -> datetime:
    """When to ask again; a little at random, so that domains that began together do not stay so."""
    now = timezone.now()
    shorts = [short for name, short in _shorts(row) if not kept.is_left(row.left, name)]
    failed = [short for short in shorts if short.standing in kept.FAILED]
    waits = any(short.standing in {Standing.WAITING, Standing.UNKNOWN} for short in shorts)
    if not is_check:
        pause = TROUBLE
    elif row.is_elsewhere:
        pause = ALL_RIGHT
    elif any(short.failures == 1 for short in failed):
        pause = SURE
    elif failed or waits or row.trouble:
        since = row.trouble_since or now
        pause = next((wait for age, wait in _PATIENCE if now - since < age), ALL_RIGHT)
    else:
        pause = ALL_RIGHT
    return now + pause * random.uniform(0.95, 1.05)  # noqa: S311  (no secret)


def keep_addresses(host: str, addresses: Collection[str]) -> None:
    """Keep which addresses the DNS gives this host."""
    known = HostAddress.objects.filter(host=host)
    if not addresses or set(known.values_list("address", flat=True)) == set(addresses):
        return
    now = timezone.now()
    with transaction.atomic():
        HostAddress.objects.exclude(host=host, address__in=addresses).delete()
        HostAddress.objects.bulk_create(
            [HostAddress(address=one[:45], host=host, seen_at=now) for one in addresses],
            ignore_conflicts=True,
        )


def note_told(domain_id: int, at: datetime) -> bool:
    """Note that a domain's administrators are told of its trouble; False if somebody has."""
    row = DomainCheck.objects.filter(queries.to_tell(at), domain=domain_id)
    return bool(row.update(told_at=at))
