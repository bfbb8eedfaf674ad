"""Aliases as people sort and find them, for lists of them at any door."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from apps.directory.models import Alias, AliasTarget, PatternKind
from apps.directory.services.aliases import Pattern
from apps.mime.address import Address, AddressError, take_apart
from apps.runtime.keyset import Column, Order
from apps.runtime.prefixes import beginning

ORDER: Final = Order(Column("domain_id"), Column("local", str))  # of the index `alias_once`
OF_DOMAIN: Final = Order(Column("local", str))  # of one domain alone, by the same index
_PATTERNS: Final = (PatternKind.WILDCARD, PatternKind.REGEX)


class Sort(StrEnum):
    """What people call an alias: with several targets it is a group, and they are its members."""

    ALIAS = "alias"
    GROUP = "group"
    PATTERN = "pattern"
    CATCH_ALL = "catch_all"


def sort_of(alias: Alias, count: int) -> Sort:
    """What it is, with so many targets."""
    if alias.kind == PatternKind.EXACT:
        return Sort.GROUP if count > 1 else Sort.ALIAS
    return Sort.CATCH_ALL if alias.kind == PatternKind.CATCH_ALL else Sort.PATTERN


def of_sort(found: QuerySet[Alias], sort: Sort) -> QuerySet[Alias]:
    """Those that people call so."""
    if sort is Sort.PATTERN:
        return found.filter(kind__in=_PATTERNS)
    if sort is Sort.CATCH_ALL:
        return found.filter(kind=PatternKind.CATCH_ALL, local="")
    # Whether there is a second one, by the index of the alias: nothing is counted.
    second = AliasTarget.objects.filter(alias=OuterRef("pk")).order_by("pk")[1:2]
    several = Exists(second)
    return found.filter(several if sort is Sort.GROUP else ~several, kind=PatternKind.EXACT)


def begins(text: str) -> Q:
    """Those whose own address begins so."""
    folded = text.casefold()
    local, domain = take_apart(folded)
    if domain == folded:
        return beginning("local", folded)
    # A whole local part before the "@"; of a catch-all there is none, or an asterisk.
    return Q(local="" if local == "*" else local) & beginning("domain__name", domain)


def leads_to(text: str) -> Q:
    """Those of which a target begins so."""
    return Q(pk__in=_with_target(beginning("lower", text.lower())))


def has_target(address: str) -> Q:
    """Those that have this target, in whatever case."""
    try:
        stored = str(Address.parse(address.strip()))
    except AddressError:  # nobody has it
        stored = address
    return Q(pk__in=_with_target(Q(lower=stored.lower())))


def _with_target(wanted: Q) -> QuerySet[AliasTarget, Any]:
    return AliasTarget.objects.annotate(lower=Lower("address")).filter(wanted).values("alias")


def pattern_of(alias: Alias) -> Pattern:
    """What an alias matches (`select_related("domain")`)."""
    return Pattern(PatternKind(alias.kind), alias.local, alias.domain.name)


def targets(ids: Iterable[int]) -> dict[int, list[str]]:
    """All targets of aliases, in the order in which they were added; one statement."""
    rows = AliasTarget.objects.filter(alias__in=list(ids)).order_by("alias_id", "pk")
    found: dict[int, list[str]] = {}
    for alias_id, address in rows.values_list("alias_id", "address"):
        found.setdefault(alias_id, []).append(address)
    return found
