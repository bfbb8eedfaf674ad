"""Users as the console lists them: a page by key, filtered in the database, in five statements
however many there are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Max, Q

from apps.directory import permissions
from apps.directory.models import Outcome, Role, RoleGrant, SignIn, UserState
from apps.directory.permissions import Powers

PAGE: Final = 50
MAX_TEXT: Final = 320  # characters of what is searched for
CHOICES: Final = 200  # domains that the filter offers
STATES: Final = (UserState.ACTIVE, UserState.LOCKED, UserState.SUSPENDED)
ROLE_WORDS: Final = {
    Role.OPERATOR: "Operator",
    Role.RESELLER: "Reseller",
    Role.DOMAIN_ADMIN: "Administrator",
    Role.HELPDESK: "Helpdesk",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; "" asks for anything.

    Args:
        text: part of a name or address.
        domain: its name.
        after: the key of the last user of the page before.
    """

    text: str = ""
    domain: str = ""
    state: str = ""
    after: str = ""

    @classmethod
    def of(cls, values: dict[str, str]) -> "Wanted":
        """Read what came in a URL: anything."""
        taken = {
            name: values.get(name, "").replace("\0", "").strip()[:MAX_TEXT]
            for name in ("text", "domain", "state", "after")
        }
        return cls(**taken)

    @property
    def is_narrow(self) -> bool:
        """Whether a filter is set."""
        return bool(self.text or self.domain or self.state)


@dataclass(frozen=True, slots=True)
class UserLine:
    """A user in the list; sizes in bytes, quota 0 is no limit."""

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

    @property
    def percent(self) -> int:
        """How full, 0 to 100."""
        return min(100, self.used * 100 // self.quota) if self.quota else 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some users by key, and the `after` of those that follow: "" if none do."""

    lines: list[UserLine]
    following: str


def users(powers: Powers, wanted: Wanted) -> Page:
    """A page of the users in sight."""
    found = permissions.users(powers)
    if wanted.text:
        folded = wanted.text.casefold()
        found = found.filter(Q(key__contains=folded) | Q(name__icontains=wanted.text))
    if wanted.domain:
        found = found.filter(domain__name=wanted.domain.casefold())
    if wanted.state:
        found = found.filter(state=wanted.state)
    if wanted.after:
        found = found.filter(key__gt=wanted.after)
    rows = list(
        found.order_by("key").values_list(
            *("pk", "key", "address", "name", "kind", "state", "quota", "usage__size"),
            "has_factor",
        )[: PAGE + 1]
    )
    shown = rows[:PAGE]
    ids = [row[0] for row in shown]
    roles, seen = roles_of(powers, ids), _seen(ids)
    lines = [
        UserLine(
            id=pk,
            address=address,
            name=name,
            kind=kind,
            state=state,
            roles=roles.get(pk, []),
            quota=quota,
            used=used or 0,
            has_factor=has_factor,
            seen_at=seen.get(pk),
        )
        for pk, _, address, name, kind, state, quota, used, has_factor in shown
    ]
    return Page(lines, shown[-1][1] if len(rows) > PAGE else "")


def domain_choices(powers: Powers) -> list[str]:
    """Names of domains in sight that have users, for the filter."""
    found = permissions.domains(powers).filter(alias_of=None).order_by("name")
    return list(found.values_list("name", flat=True)[:CHOICES])


def roles_of(powers: Powers, ids: Iterable[int]) -> dict[int, list[str]]:
    """The roles of users in words. Where a role out of sight holds is not told."""
    grants = list(
        RoleGrant.objects.filter(user__in=list(ids))
        .order_by("pk")
        .values_list(
            "user_id",
            "role",
            "organization_id",
            "organization__name",
            "domain_id",
            "domain__name",
            "domain__organization_id",
        )
    )
    mine = _scopes(powers)
    found: dict[int, list[str]] = {}
    for user_id, role, organization_id, organization, domain_id, domain, home_id in grants:
        words = ROLE_WORDS[Role(role)]
        where = organization or domain
        if where is not None:
            is_known = mine is None or {organization_id, home_id} & mine[0] or domain_id in mine[1]
            words += f" of {where}" if is_known else " elsewhere"
        found.setdefault(user_id, []).append(words)
    return found


def _scopes(powers: Powers) -> tuple[set[int], set[int]] | None:
    """The organisations and domains of one's own roles; None is everywhere."""
    if powers.is_operator:
        return None
    return (
        {grant.organization_id for grant in powers.grants if grant.organization_id is not None},
        {grant.domain_id for grant in powers.grants if grant.domain_id is not None},
    )


def _seen(ids: list[int]) -> dict[int, datetime]:
    """When users last got in, by the sign-ins that are kept."""
    rows = SignIn.objects.filter(user__in=ids, outcome=Outcome.OK).exclude(means="acting")
    return dict(rows.order_by().values_list("user_id").annotate(Max("last_at")))
