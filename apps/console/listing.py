"""Users as the console lists them: a page by key, filtered in the database, in seven or eight
statements however many there are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.dateparse import parse_datetime

from apps.console.rolewords import roles_of
from apps.console.userfilter import ADDRESS, IDLE, IDLE_SINCE, NAME, STORAGE, Wanted, chosen
from apps.directory import permissions
from apps.directory.models import Outcome, SignIn, User, UserState
from apps.directory.permissions import Ability, Powers

PAGE: Final = 50
CHOICES: Final = 200  # domains that the filter offers
COUNTED: Final = 10_000  # users; there are "more than" so many beyond
STATES: Final = (UserState.ACTIVE, UserState.LOCKED, UserState.SUSPENDED)
_ORDER: Final = {
    ADDRESS: ("key",),
    NAME: ("name", "pk"),
    STORAGE: ("-used", "pk"),
    IDLE: ("idle_since", "pk"),
}
_ACTS: Final = (Ability.RESET_PASSWORDS, Ability.REMOVE_USERS)  # that the menu of a row offers
_COLUMNS: Final = (
    *("pk", "key", "address", "name", "kind", "state", "quota", "used"),
    *("has_factor", "idle_since"),
)


@dataclass(frozen=True, slots=True)
class UserLine:
    """A user in the list; sizes in bytes, quota 0 is no limit.

    Args:
        resets, removes: whether who looks may do that to this very user.
    """

    id: int
    address: str
    name: str
    kind: str
    state: str
    roles: list[str]
    quota: int
    used: int
    has_factor: bool
    seen_at: datetime | None
    resets: bool
    removes: bool

    @property
    def percent(self) -> int:
        """How full, 0 to 100."""
        return min(100, self.used * 100 // self.quota) if self.quota else 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some users by key.

    Args:
        count: how many fit in all; one more than COUNTED if they are more than that.
        query_first, query_next: where the first and the next page are; "" if there is none.
    """

    lines: list[UserLine]
    count: int
    query_first: str
    query_next: str

    @property
    def words(self) -> str:
        """How many of how many are shown."""
        if self.count > COUNTED:
            return f"{len(self.lines)} of more than {COUNTED:,}"
        if self.query_first or self.query_next:
            return f"{len(self.lines)} of {self.count:,}"
        return "1 user" if self.count == 1 else f"{self.count:,} users"


def users(powers: Powers, wanted: Wanted) -> Page:
    """A page of the users in sight."""
    found = chosen(powers, wanted)
    place = _place(wanted)
    rows = _rows(found, wanted.sort, place)
    count = len(rows)
    if place is not None or count > PAGE:
        # In a subquery that ends: nobody waits until a hundred thousand are counted. What is all
        # on one page is counted by that: a search that finds nobody reads everything once.
        count = found.order_by()[: COUNTED + 1].count()
    shown = rows[:PAGE]
    ids = [row["pk"] for row in shown]
    roles, seen = roles_of(powers, ids), _seen(ids)
    acts = permissions.acts_on_each(powers, _ACTS, ids)
    lines = [
        UserLine(
            id=row["pk"],
            address=row["address"],
            name=row["name"],
            kind=row["kind"],
            state=row["state"],
            roles=roles.get(row["pk"], []),
            quota=row["quota"],
            used=row["used"],
            has_factor=row["has_factor"],
            seen_at=seen.get(row["pk"]),
            resets=Ability.RESET_PASSWORDS in acts.get(row["pk"], ()),
            removes=Ability.REMOVE_USERS in acts.get(row["pk"], ()),
        )
        for row in shown
    ]
    following = _key(wanted.sort, shown[-1]) if len(rows) > PAGE else ""
    return Page(
        lines,
        count,
        query_first=(wanted.query(after="") or "sort=address") if place is not None else "",
        query_next=wanted.query(after=following) if following else "",
    )


def _rows(found: QuerySet[User], sort: str, place: Q | None) -> list[dict[str, Any]]:
    found = found.annotate(used=Coalesce("usage__size", Value(0)), idle_since=IDLE_SINCE)
    if place is not None:
        found = found.filter(place)
    return list(found.order_by(*_ORDER[sort]).values(*_COLUMNS)[: PAGE + 1])


def _key(sort: str, row: dict[str, Any]) -> str:
    """Where the page after this user begins."""
    if sort == ADDRESS:
        return str(row["key"])
    if sort == IDLE:
        return f"{row['pk']}~{row['idle_since'].isoformat()}"
    return f"{row['pk']}~{row['name'] if sort == NAME else row['used']}"


def _place(wanted: Wanted) -> Q | None:
    """What comes after; None from the beginning on, also for a key that is none."""
    if wanted.sort == ADDRESS:
        return Q(key__gt=wanted.after) if wanted.after else None
    number, tilde, value = wanted.after.partition("~")
    pk = _number(number)
    if not tilde or pk is None:
        return None
    if wanted.sort == NAME:
        # The first condition is the second's shadow: an index serves it.
        return Q(name__gte=value) & (Q(name__gt=value) | Q(pk__gt=pk))
    if wanted.sort == IDLE:
        since = _moment(value)
        if since is None:
            return None
        return Q(idle_since__gte=since) & (Q(idle_since__gt=since) | Q(pk__gt=pk))
    size = _number(value)
    if size is None:
        return None
    return Q(used__lte=size) & (Q(used__lt=size) | Q(pk__gt=pk))


def _number(text: str) -> int | None:
    is_one = text.isascii() and text.isdigit() and len(text) < 20
    return int(text) if is_one and int(text) < 2**63 else None


def _moment(text: str) -> datetime | None:
    """A moment in UTC, as `_key` writes it."""
    try:
        at = parse_datetime(text[:40])
    except ValueError:
        return None
    return at if at is not None and at.utcoffset() == timedelta(0) else None


def domain_choices(powers: Powers) -> list[str]:
    """Names of domains in sight that have users, for the filter."""
    found = permissions.domains(powers).filter(alias_of=None).order_by("name")
    return list(found.values_list("name", flat=True)[:CHOICES])


def _seen(ids: list[int]) -> dict[int, datetime]:
    """When users last got in, by the sign-ins that are kept: for each a look at the end of an
    index, for a mail program leaves hundreds of rows a month. Longer ago the user's own row knows.
    """
    latest = SignIn.objects.filter(user=OuterRef("pk"), outcome=Outcome.OK)
    last = latest.exclude(means="acting").order_by("-last_at").values("last_at")[:1]
    rows = User.objects.filter(pk__in=ids).annotate(last=Coalesce(Subquery(last), F("seen_at")))
    return {pk: at for pk, at in rows.values_list("pk", "last") if at is not None}
