"""Aliases as the console lists them, in three statements however many there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import Lower, RowNumber

from apps.console import paging
from apps.console.filters import Filter, choice
from apps.console.paging import Page
from apps.directory import permissions
from apps.directory.models import Alias, AliasTarget, PatternKind, State
from apps.directory.permissions import Powers
from apps.directory.services.aliases import Pattern
from apps.directory.written import stored_domain
from apps.mime.address import take_apart
from apps.runtime.keyset import Column, Order
from apps.runtime.prefixes import beginning

SHOWN: Final = 3  # targets of one alias in the list
SORTS: Final = (
    ("", "All"),
    ("alias", "Aliases"),
    ("group", "Groups"),
    ("pattern", "Patterns"),
    ("catch-all", "Catch-all"),
)
_ORDER: Final = Order(Column("domain_id"), Column("local", str))  # of the index `alias_once`
_PATTERNS: Final = (PatternKind.WILDCARD, PatternKind.REGEX)


@dataclass(frozen=True, slots=True)
class Wanted(Filter):
    """What is asked for.

    Args:
        text: the beginning of an address, or of the address of a target.
        sort: one of SORTS.
        domain: its name.
    """

    sort: str = field(default="", metadata=choice(dict(SORTS)))
    domain: str = ""

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """Link, words and whether it is chosen, of each sort."""
        return [(self.link(sort=key), words, key == self.sort) for key, words in SORTS]


@dataclass(frozen=True, slots=True)
class AliasLine:
    """An alias in the list.

    Args:
        sort: one of SORTS without "".
        targets: the first SHOWN of `count`.
    """

    id: int
    pattern: str
    sort: str
    state: str
    targets: list[str]
    count: int

    @property
    def words(self) -> str:
        """Where its mail goes, in a few words."""
        if self.count == 1:
            return self.targets[0]
        return f"{self.count} members" if self.sort == "group" else f"{self.count} addresses"


def aliases(powers: Powers, wanted: Wanted) -> Page[AliasLine]:
    """A page of the aliases in sight."""
    found = chosen(powers, wanted).select_related("domain")
    return paging.page(found, _ORDER, wanted, _lines)


def chosen(powers: Powers, wanted: Wanted) -> QuerySet[Alias]:
    """The aliases in sight that fit, without an order."""
    found = _sorted(permissions.aliases(powers), wanted.sort)
    if wanted.domain:
        found = found.filter(domain__name=stored_domain(wanted.domain))
    if wanted.text:
        found = found.filter(_like(wanted.text))
    return found


def _sorted(found: QuerySet[Alias], sort: str) -> QuerySet[Alias]:
    if sort in ("alias", "group"):
        # Whether there is a second one, by the index of the alias: nothing is counted.
        second = AliasTarget.objects.filter(alias=OuterRef("pk")).order_by("pk")[1:2]
        several = Exists(second)
        return found.filter(several if sort == "group" else ~several, kind=PatternKind.EXACT)
    if sort == "pattern":
        return found.filter(kind__in=_PATTERNS)
    if sort == "catch-all":
        return found.filter(kind=PatternKind.CATCH_ALL, local="")
    return found


def _like(text: str) -> Q:
    """The beginning of the own address, or of a target's."""
    folded = text.casefold()
    local, domain = take_apart(folded)
    has_sign = domain != folded
    own = beginning("local", local if has_sign else folded)
    if has_sign:
        # A whole local part before the "@"; of a catch-all there is none, or an asterisk.
        own = Q(local="" if local == "*" else local) & beginning("domain__name", domain)
    lower = text.lower()
    members = AliasTarget.objects.annotate(lower=Lower("address")).filter(beginning("lower", lower))
    return own | Q(pk__in=members.values("alias"))


def _targets(ids: Iterable[int]) -> dict[int, tuple[list[str], int]]:
    """The first few targets of each alias, and how many it has; one statement."""
    rows = AliasTarget.objects.filter(alias__in=list(ids)).annotate(
        place=Window(RowNumber(), partition_by=F("alias_id"), order_by=F("pk").asc()),
        total=Window(Count("pk"), partition_by=F("alias_id")),
    )
    found: dict[int, tuple[list[str], int]] = {}
    for alias_id, address, total in (
        rows.filter(place__lte=SHOWN)
        .order_by("alias_id", "place")
        .values_list("alias_id", "address", "total")
    ):
        found.setdefault(alias_id, ([], total))[0].append(address)
    return found


def pattern_of(alias: Alias) -> Pattern:
    """What an alias matches (`select_related("domain")`)."""
    return Pattern(PatternKind(alias.kind), alias.local, alias.domain.name)


def sort_of(alias: Alias, count: int) -> str:
    """Which of SORTS it is, with so many targets."""
    if alias.kind == PatternKind.EXACT:
        return "group" if count > 1 else "alias"
    return "catch-all" if alias.kind == PatternKind.CATCH_ALL else "pattern"


def _lines(aliases: Sequence[Alias]) -> list[AliasLine]:
    targets = _targets([alias.pk for alias in aliases])
    return [_line(alias, *targets.get(alias.pk, ([], 0))) for alias in aliases]


def _line(alias: Alias, targets: list[str], count: int) -> AliasLine:
    return AliasLine(
        id=alias.pk,
        pattern=str(pattern_of(alias)),
        sort=sort_of(alias, count),
        state=State(alias.state).value,
        targets=targets,
        count=count,
    )
