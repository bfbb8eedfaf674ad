"""Users as the console lists them, in seven or eight statements however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from apps.console import paging
from apps.console.paging import Page
from apps.console.rolewords import roles_of
from apps.console.userfilter import ADDRESS, IDLE, NAME, STORAGE, Wanted, chosen
from apps.directory import permissions
from apps.directory.choosing import IDLE_SINCE
from apps.directory.models import Outcome, SignIn, User, UserState
from apps.directory.permissions import Ability, Powers
from apps.runtime.keyset import Column, Order

CHOICES: Final = 200  # domains that the filter offers
STATES: Final = (UserState.ACTIVE, UserState.LOCKED, UserState.SUSPENDED)
_ORDERS: Final = {
    ADDRESS: Order(Column("key", str)),
    NAME: Order(Column("name", str), Column("pk")),
    STORAGE: Order(Column("used", falls=True), Column("pk")),
    IDLE: Order(Column("idle_since", datetime), Column("pk")),
}
_ACTS: Final = (Ability.RESET_PASSWORDS, Ability.REMOVE_USERS)  # that the menu of a row offers
_USED: Final = Coalesce("usage__size", Value(0))
_NO_LIFE: Final[tuple[int, datetime | None]] = (0, None)  # of who was purged just now
_COLUMNS: Final = (
    *("pk", "key", "address", "name", "kind", "state", "quota"),
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


def users(powers: Powers, wanted: Wanted) -> Page[UserLine]:
    """A page of the users in sight."""
    found = chosen(powers, wanted)
    known = found.annotate(idle_since=IDLE_SINCE)
    if wanted.sort == STORAGE:
        known = known.annotate(used=_USED)
    return paging.page(
        known.values(*_COLUMNS, *(["used"] if wanted.sort == STORAGE else [])),
        _ORDERS[wanted.sort],
        wanted,
        lambda rows: _lines(powers, rows),
        counts=found,
        nouns=("user", "users"),
    )


def _lines(powers: Powers, rows: Sequence[dict[str, Any]]) -> list[UserLine]:
    ids = [row["pk"] for row in rows]
    roles, lives = roles_of(powers, ids), _lives(ids)
    acts = permissions.acts_on_each(powers, _ACTS, ids)
    return [
        UserLine(
            id=row["pk"],
            address=row["address"],
            name=row["name"],
            kind=row["kind"],
            state=row["state"],
            roles=roles.get(row["pk"], []),
            quota=row["quota"],
            used=lives.get(row["pk"], _NO_LIFE)[0],
            has_factor=row["has_factor"],
            seen_at=lives.get(row["pk"], _NO_LIFE)[1],
            resets=Ability.RESET_PASSWORDS in acts.get(row["pk"], ()),
            removes=Ability.REMOVE_USERS in acts.get(row["pk"], ()),
        )
        for row in rows
    ]


def domain_choices(powers: Powers) -> list[str]:
    """Names of domains in sight that have users, for the filter."""
    found = permissions.domains(powers).filter(alias_of=None).order_by("name")
    return list(found.values_list("name", flat=True)[:CHOICES])


def _lives(ids: list[int]) -> dict[int, tuple[int, datetime | None]]:
    """What users have in their mailboxes, in bytes, and when they last got in: of those of a page
    alone, for a search may fit very many.

    By the sign-ins that are kept: for each a look at the end of an index, for a mail program leaves
    hundreds of rows a month. Longer ago the user's own row knows.
    """
    latest = SignIn.objects.filter(user=OuterRef("pk"), outcome=Outcome.OK)
    last = latest.exclude(means="acting").order_by("-last_at").values("last_at")[:1]
    rows = User.objects.filter(pk__in=ids).annotate(
        used=_USED, last=Coalesce(Subquery(last), F("seen_at"))
    )
    return {pk: (used, at) for pk, used, at in rows.values_list("pk", "used", "last")}
