"""Domains as the console lists them, in a few statements however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Count, QuerySet

from apps.console import paging
from apps.console.domains.standings import Look, cells
from apps.console.filters import Filter, choice, words
from apps.console.paging import Page
from apps.directory import permissions
from apps.directory.models import Domain, DomainKind, Kind, State, User
from apps.directory.permissions import Powers
from apps.directory.services.names import POSTMASTER
from apps.directory.written import stored_domain
from apps.dnscheck import queries as dns
from apps.dnscheck.findings import Summary
from apps.mime.address import display_domain
from apps.runtime.keyset import Column, Order
from apps.runtime.prefixes import beginning

CHOICES: Final = 200  # organisations that the filter offers
ALL: Final = ""
NEEDS_WORK: Final = "work"
SUSPENDED: Final = "suspended"
SHOWS: Final = {ALL: "All", NEEDS_WORK: "Needs work", SUSPENDED: "Suspended"}
_ORDER: Final = Order(Column("name", str))
_ASLEEP: Final = (State.SUSPENDED, State.LOCKED)


@dataclass(frozen=True, slots=True)
class Wanted(Filter):
    """What is asked for.

    Args:
        text: the beginning of a name.
        show: one of SHOWS.
        organization: its name.
    """

    text: str = field(default="", metadata=words(253))
    show: str = field(default=ALL, metadata=choice(SHOWS))
    organization: str = ""


@dataclass(frozen=True, slots=True)
class DomainLine:
    """A domain in the list.

    Args:
        name: in its own letters; `stored` as the DNS has it.
        note: what there is to say beside its name.
        summary: None before anything was asked of the DNS.
        users: people and boxes, without its own postmaster's.
    """

    id: int
    name: str
    stored: str
    note: str
    state: str
    kind: str
    is_alias: bool
    users: int
    summary: Summary | None
    cells: list[tuple[str, Look]]


def domains(powers: Powers, wanted: Wanted, *, tells_organization: bool) -> Page[DomainLine]:
    """A page of the domains in sight."""
    found = chosen(powers, wanted).select_related("alias_of")
    return paging.page(found, _ORDER, wanted, lambda rows: _lines(powers, rows, tells_organization))


def needing_work(powers: Powers) -> int:
    """How many domains in sight have records that are wrong; one statement."""
    return dns.alarming(permissions.domains(powers)).count()


def chosen(powers: Powers, wanted: Wanted) -> QuerySet[Domain]:
    """The domains in sight that fit, in no order, whatever the page; also of the export."""
    found = permissions.domains(powers)
    if wanted.text:
        found = found.filter(beginning("name", stored_domain(wanted.text)))
    if wanted.organization:
        mine = permissions.organizations(powers).filter(name=wanted.organization)
        found = found.filter(organization__in=mine.values("pk"))
    if wanted.show == SUSPENDED:
        found = found.filter(state__in=_ASLEEP)
    if wanted.show == NEEDS_WORK:
        found = dns.alarming(found)
    return found


def _lines(powers: Powers, rows: Sequence[Domain], tells_organization: bool) -> list[DomainLine]:
    ids = [row.pk for row in rows]
    users, summaries = user_counts(ids), dns.summaries(ids)
    owners = (
        permissions.owners(powers, {row.organization_id for row in rows})
        if tells_organization
        else {}
    )
    return [
        _line(row, users.get(row.pk, 0), summaries.get(row.pk), owners.get(row.organization_id, ""))
        for row in rows
    ]


def _line(row: Domain, users: int, summary: Summary | None, owner: str) -> DomainLine:
    notes = [row.name] if display_domain(row.name) != row.name else []
    if row.alias_of is not None:
        notes.append(f"Mirrors {display_domain(row.alias_of.name)}")
    if row.kind == DomainKind.RELAY:
        notes.append("Relay to another server")
    if owner:
        notes.append(owner)
    return DomainLine(
        id=row.pk,
        name=display_domain(row.name),
        stored=row.name,
        note=" · ".join(notes),
        state=row.state,
        kind=row.kind,
        is_alias=row.alias_of_id is not None,
        users=users,
        summary=summary,
        cells=cells(summary),
    )


def user_counts(ids: list[int]) -> dict[int, int]:
    """How many people and boxes domains have, without their own postmasters'; one statement."""
    rows = (
        User.objects.living()
        .filter(domain__in=ids)
        .exclude(kind=Kind.SHARED, key__startswith=f"{POSTMASTER}@")
    )
    return dict(rows.order_by().values_list("domain").annotate(Count("pk")))


def organization_choices(powers: Powers) -> list[str]:
    """Names of organisations in sight, for the filter: empty if there is but one."""
    found = permissions.organizations(powers).order_by("name").values_list("name", flat=True)
    names = list(found[:CHOICES])
    return names if len(names) > 1 else []
