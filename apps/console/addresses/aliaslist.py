"""Aliases as the console lists them, in three statements however many there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from apps.console import paging
from apps.console.filters import Filter, choice
from apps.console.paging import Page
from apps.directory import permissions
from apps.directory.models import Alias, AliasTarget, State
from apps.directory.permissions import Powers
from apps.directory.written import stored_domain
from apps.provisioning import aliaslists
from apps.provisioning.aliaslists import Sort, pattern_of, sort_of

SHOWN: Final = 3  # targets of one alias in the list
SORTS: Final = (
    ("", "All"),
    (Sort.ALIAS.value, "Aliases"),
    (Sort.GROUP.value, "Groups"),
    (Sort.PATTERN.value, "Patterns"),
    (Sort.CATCH_ALL.value, "Catch-all"),
)


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
    return paging.page(found, aliaslists.ORDER, wanted, _lines)


def chosen(powers: Powers, wanted: Wanted) -> QuerySet[Alias]:
    """The aliases in sight that fit, without an order."""
    found = permissions.aliases(powers)
    if wanted.sort:
        found = aliaslists.of_sort(found, Sort(wanted.sort))
    if wanted.domain:
        found = found.filter(domain__name=stored_domain(wanted.domain))
    if wanted.text:
        found = found.filter(aliaslists.begins(wanted.text) | aliaslists.leads_to(wanted.text))
    return found


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
