"""The write door: checks that are made now or asked for, and what is left so on purpose."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Domain
from apps.dnscheck import kept, queries
from apps.dnscheck.findings import Report
from apps.dnscheck.models import DomainCheck
from apps.dnscheck.services import inquiries, keeping
from apps.wire.errors import NotFound

AGAIN: Final = timedelta(seconds=10)  # between two wishes of the same domain


def check(domain_id: int) -> Report:
    """Ask the DNS now, which takes 10 seconds at most, and keep what it says. Not within an event
    loop. While somebody else checks the domain, what is known is returned.

    Raises:
        NotFound: there is no such domain.
    """
    domain = _domain(domain_id)
    keeping.enrol(domain_id)
    if keeping.claim(domain_id):
        inquiries.run([domain_id])
    return queries.report(domain)


def request(domain_id: int) -> None:
    """Have a worker ask soon; at most once in ten seconds. `report().is_checking` tells until it
    has.

    Raises:
        NotFound: there is no such domain.
    """
    now = timezone.now()
    asked = DomainCheck.objects.filter(domain=domain_id).filter(
        Q(checked_at=None) | Q(checked_at__lt=now - AGAIN), requested_at=None
    )
    if not asked.update(requested_at=now, due_at=keeping.AT_ONCE):
        _row(domain_id, requested_at=now)


def leave_alone(domain_id: int, is_elsewhere: bool) -> None:
    """Note that a domain's DNS is as it is on purpose, or no more.

    Raises:
        NotFound: there is no such domain.
    """
    domain = _domain(domain_id)
    with transaction.atomic():
        row = _locked(domain)
        row.is_elsewhere = is_elsewhere
        row.is_alarming = keeping.is_alarming(row)
        row.save(update_fields=["is_elsewhere", "is_alarming"])
        detail = {"elsewhere": is_elsewhere}
        record("dns.leave", **subjects.of_domain(domain), detail=detail)


def leave(domain_id: int, record_id: str, *, is_left: bool) -> None:
    """Note that a record of a domain is as it is on purpose, or no more.

    Raises:
        NotFound: there is no such domain, or it shall have no such record.
    """
    domain = _domain(domain_id)
    wanted = {one.id: one.kind.value for one in queries.wanted(domain)}
    if record_id not in wanted:
        raise NotFound(f"record {record_id[:100]}", text="There is no such record")
    with transaction.atomic():
        row = _locked(domain)
        # A whole kind may have been left: of each of its records that is said for itself now.
        left = {name for name in wanted if kept.is_left(row.left, name)}
        row.left = sorted(left | {record_id} if is_left else left - {record_id})
        row.is_alarming = keeping.is_alarming(row)
        row.save(update_fields=["left", "is_alarming"])
        record("dns.leave", **subjects.of_domain(domain), detail={"records": row.left})


def _locked(domain: Domain) -> DomainCheck:
    _row(domain.pk)
    return DomainCheck.objects.select_for_update().get(domain=domain)


def _row(domain_id: int, requested_at: datetime | None = None) -> None:
    """Have a row, whoever makes it; `requested_at` is of a new one."""
    if not Domain.objects.filter(pk=domain_id).exists():
        raise NotFound(f"domain {domain_id}", text="There is no such domain here")
    new = {"requested_at": requested_at, "due_at": keeping.AT_ONCE}
    DomainCheck.objects.get_or_create(domain_id=domain_id, defaults=new)


def _domain(domain_id: int) -> Domain:
    found = Domain.objects.select_related("alias_of").filter(pk=domain_id).first()
    if found is None:
        raise NotFound(f"domain {domain_id}", text="There is no such domain here")
    return found
