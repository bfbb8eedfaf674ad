"""Aliases as the console lists them: a page by key, filtered in the database, in three statements
however many there are."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import Lower, RowNumber

from apps.console.typed import typed
from apps.directory import permissions
from apps.directory.models import Alias, AliasTarget, PatternKind, State
from apps.directory.permissions import Powers
from apps.directory.services.aliases import Pattern
from apps.mime.address import take_apart

PAGE: Final = 50
SHOWN: Final = 3  # targets of one alias in the list
MAX_TEXT: Final = 320  # characters of what is searched for
_END: Final = "\U0010ffff"
SORTS: Final = (
    ("", "All"),
    ("alias", "Aliases"),
    ("group", "Groups"),
    ("pattern", "Patterns"),
    ("catch-all", "Catch-all"),
)
_PATTERNS: Final = (PatternKind.WILDCARD, PatternKind.REGEX)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; "" asks for anything.

    Args:
        text: the beginning of an address, or of the address of a target.
        sort: one of SORTS.
        domain: its name.
        after: domain's id, a colon and the local part of the last alias of the page before: the
            order is that of the index `alias_once`.
    """

    text: str = ""
    sort: str = ""
    domain: str = ""
    after: str = ""

    @classmethod
    def of(cls, values: dict[str, str]) -> "Wanted":
        """Read what came in a URL: anything."""
        taken = {
            name: typed(values, name, MAX_TEXT) for name in ("text", "sort", "domain", "after")
        }
        found = cls(**taken)
        return found if found.sort in dict(SORTS) else replace(found, sort="")

    @property
    def is_narrow(self) -> bool:
        """Whether a filter is set."""
        return bool(self.text or self.sort or self.domain)

    def query(self, **changes: str) -> str:
        """The same as a query string, with something else in it."""
        other = replace(self, **{"after": "", **changes})
        pairs = {
            "text": other.text,
            "sort": other.sort,
            "domain": other.domain,
            "after": other.after,
        }
        return urlencode({name: value for name, value in pairs.items() if value})

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """Query, words and whether it is chosen, of each sort."""
        return [(self.query(sort=key), words, key == self.sort) for key, words in SORTS]


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


@dataclass(frozen=True, slots=True)
class Page:
    """Some aliases, and what the pager says; see `console/_pager.html`."""

    lines: list[AliasLine]
    words: str = ""
    query_first: str = ""
    query_next: str = ""


def aliases(powers: Powers, wanted: Wanted) -> Page:
    """A page of the aliases in sight."""
    rows = list(
        _after(chosen(powers, wanted), wanted.after)
        .select_related("domain")
        .order_by("domain_id", "local")[: PAGE + 1]
    )
    shown = rows[:PAGE]
    targets = _targets([alias.pk for alias in shown])
    following = f"{shown[-1].domain_id}:{shown[-1].local}" if len(rows) > PAGE else ""
    lines = [_line(alias, *targets.get(alias.pk, ([], 0))) for alias in shown]
    return Page(
        lines,
        words=f"{len(lines)} on this page" if following or wanted.after else "",
        query_first=(wanted.query() or "all") if wanted.after else "",
        query_next=wanted.query(after=following) if following else "",
    )


def chosen(powers: Powers, wanted: Wanted) -> QuerySet[Alias]:
    """The aliases in sight that fit, without an order."""
    found = _sorted(permissions.aliases(powers), wanted.sort)
    if wanted.domain:
        found = found.filter(domain__name=wanted.domain.casefold())
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
    """The beginning of the own address, or of a target's. Ranges, which an index serves on both
    databases, and in which no letter stands for others."""
    folded = text.casefold()
    local, domain = take_apart(folded)
    has_sign = domain != folded
    own = _beginning("local", local if has_sign else folded)
    if has_sign:
        # A whole local part before the "@"; of a catch-all there is none, or an asterisk.
        own = Q(local="" if local == "*" else local) & _beginning("domain__name", domain)
    lower = text.lower()
    members = AliasTarget.objects.annotate(lower=Lower("address")).filter(
        lower__gte=lower, lower__lt=lower + _END
    )
    return own | Q(pk__in=members.values("alias"))


def _beginning(column: str, text: str) -> Q:
    return Q(**{f"{column}__gte": text, f"{column}__lt": text + _END})


def _after(found: QuerySet[Alias], after: str) -> QuerySet[Alias]:
    domain, colon, local = after.partition(":")
    if not (colon and domain.isascii() and domain.isdigit() and len(domain) < 19):
        return found
    number = int(domain)
    return found.filter(
        Q(domain_id__gt=number) | Q(domain_id=number, local__gt=local), domain_id__gte=number
    )


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


def _line(alias: Alias, targets: list[str], count: int) -> AliasLine:
    return AliasLine(
        id=alias.pk,
        pattern=str(pattern_of(alias)),
        sort=sort_of(alias, count),
        state=State(alias.state).value,
        targets=targets,
        count=count,
    )
