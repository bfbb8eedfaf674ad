"""Organisations as the console lists them: a page by name, with what each holds, in three
statements however many there are."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q, Sum
from django.http import QueryDict

from apps.console.dearcounts import DearCounts
from apps.console.typed import typed
from apps.directory import permissions
from apps.directory.models import Domain, Organization, State, User
from apps.directory.permissions import Powers
from apps.directory.services.capacity import OWN_BOX

PAGE: Final = 50
MAX_TEXT: Final = 200  # characters of what is searched for
STATES: Final = (State.ACTIVE, State.LOCKED, State.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; "" asks for anything.

    Args:
        text: part of a name.
        after: the name of the last organisation of the page before.
    """

    text: str = ""
    state: str = ""
    after: str = ""

    @classmethod
    def of(cls, values: dict[str, str]) -> "Wanted":
        """Read what came in a URL: anything."""
        taken = {name: typed(values, name, MAX_TEXT) for name in ("text", "state", "after")}
        return cls(**taken)

    @property
    def is_narrow(self) -> bool:
        """Whether a filter is set."""
        return bool(self.text or self.state)

    def query(self, after: str = "") -> str:
        """The query string that asks the same, from a place in the list on."""
        asked = QueryDict(mutable=True)
        for name, value in (("text", self.text), ("state", self.state), ("after", after)):
            if value:
                asked[name] = value
        return asked.urlencode()


@dataclass(frozen=True, slots=True)
class Share:
    """How much there is of something that may be limited; None is no limit."""

    held: int
    most: int | None

    @property
    def percent(self) -> int:
        """How much of the limit is taken, 0 to 100."""
        if self.most is None:
            return 0
        return min(100, self.held * 100 // self.most) if self.most else 100

    @property
    def is_over(self) -> bool:
        """Whether more is held than may be: a limit that came later takes nothing away."""
        return self.most is not None and self.held > self.most


@dataclass(frozen=True, slots=True)
class Holding:
    """What an organisation holds.

    Args:
        given: bytes, the sum of its users' quotas; what the limit of storage counts.
        used: bytes that its mail takes.
    """

    domains: Share
    users: Share
    given: Share
    used: int


@dataclass(frozen=True, slots=True)
class Line:
    """An organisation in the list."""

    id: int
    name: str
    state: str
    holding: Holding


@dataclass(frozen=True, slots=True)
class Page:
    """Some organisations by name, and the query strings of the first and the next page: "" where
    there is none. `words` is for the pager."""

    lines: list[Line]
    query_first: str
    query_next: str
    words: str = ""


def organizations(powers: Powers, wanted: Wanted) -> Page:
    """A page of the organisations in sight."""
    found = permissions.organizations(powers)
    if wanted.text:
        found = found.filter(name__icontains=wanted.text)
    if wanted.state:
        found = found.filter(state=wanted.state)
    if wanted.after:
        found = found.filter(name__gt=wanted.after)
    rows = list(found.order_by("name")[: PAGE + 1])
    shown = rows[:PAGE]
    held = holdings(shown)
    return Page(
        [Line(row.pk, row.name, row.state, held[row.pk]) for row in shown],
        query_first=(wanted.query() or "text=") if wanted.after else "",
        query_next=wanted.query(shown[-1].name) if len(rows) > PAGE else "",
    )


_Counts = tuple[dict[int, int], dict[int, tuple[int, int, int]]]

counts: Final = DearCounts[_Counts]()


def holdings(found: Collection[Organization]) -> dict[int, Holding]:
    """What each of them holds, by its id; two statements. Where they hold very much, it is what
    they held a moment ago."""
    ids = tuple(row.pk for row in found)
    domains, users = counts.get(ids, lambda: _counted(ids))
    made = {}
    for row in found:
        number, given, used = users.get(row.pk, (0, 0, 0))
        made[row.pk] = Holding(
            Share(domains.get(row.pk, 0), row.max_domains),
            Share(number, row.max_users),
            Share(given, row.max_storage),
            used,
        )
    return made


def _counted(ids: Collection[int]) -> _Counts:
    """Domains of organisations; their users, what is given to these and what they use in bytes."""
    domains: dict[int, int] = dict(
        Domain.objects.filter(organization__in=ids)
        .order_by()
        .values_list("organization_id")
        .annotate(Count("pk"))
    )
    living = User.objects.living().filter(domain__organization__in=ids).order_by()
    # A domain's own postmaster box takes no place: see `capacity`.
    counted = ~Q(OWN_BOX)
    users = {
        pk: (number, int(given or 0), int(used or 0))
        for pk, number, given, used in living.values_list("domain__organization_id").annotate(
            places=Count("pk", filter=counted),
            given=Sum("quota", filter=counted),
            used=Sum("usage__size"),
        )
    }
    return domains, users
