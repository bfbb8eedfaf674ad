"""Who gets the mail of a domain's postmaster and abuse desk when no rule of routing says so.

Its administrators (of the domain or of its whole organisation), else the operators, else the
domain's own box: somebody always does (RFC 5321 section 4.5.1, RFC 2142 section 4), whatever is
suspended.
"""

from typing import Final

from django.db.models import Q, QuerySet

from apps.directory.homes import Home, LocalUser
from apps.directory.models import Kind, Role, RoleGrant, State, User, UserState

MAX_HOLDERS: Final = 100
POSTMASTER: Final = "postmaster"
ROLES: Final = frozenset({POSTMASTER, "abuse"})
_OWN_BOX: Final = Q(kind=Kind.SHARED, key__startswith=f"{POSTMASTER}@")


def role_holders(homes: list[Home]) -> dict[int, list[LocalUser]]:
    """Who gets the mail of each domain's roles, by the domain's id."""
    holders = _domain_admins(homes)
    if all(holders.values()):
        return holders
    everywhere = operators()
    if not everywhere:
        keys = {f"{POSTMASTER}@{home.name}": home.domain_id for home in homes}
        boxes = User.objects.filter(_OWN_BOX, key__in=keys)
        for key, pk, address in boxes.values_list("key", "pk", "address"):
            holders[keys[key]] = holders[keys[key]] or [LocalUser(pk, address)]
    return {domain_id: users or everywhere for domain_id, users in holders.items()}


def _domain_admins(homes: list[Home]) -> dict[int, list[LocalUser]]:
    grants = RoleGrant.objects.filter(
        Q(domain__in={home.domain_id for home in homes})
        | Q(organization__in={home.organization_id for home in homes}),
        role=Role.DOMAIN_ADMIN,
    ).values_list("domain_id", "organization_id", "user_id")
    scopes: dict[tuple[int | None, int | None], set[int]] = {}
    for domain_id, organization_id, user_id in grants:
        scopes.setdefault((domain_id, organization_id), set()).add(user_id)
    everybody = set().union(*scopes.values())
    admins = _active(User.objects.filter(pk__in=everybody)) if everybody else []
    holders = {}
    for home in homes:
        own = scopes.get((home.domain_id, None), set())
        own = own | scopes.get((None, home.organization_id), set())
        holders[home.domain_id] = [user for user in admins if user.user_id in own]
    return holders


def operators() -> list[LocalUser]:
    """Those who run the installation."""
    return _active(User.objects.filter(grants__role=Role.OPERATOR))


def _active(users: QuerySet[User]) -> list[LocalUser]:
    """Those of them who can sign in and read it, each once."""
    shut_out = [State.LOCKED, State.SUSPENDED]
    rows = (
        users.filter(state=UserState.ACTIVE)
        .exclude(domain__state__in=shut_out)
        .exclude(domain__organization__state__in=shut_out)
        .order_by("pk")
        .distinct()
        .values_list("pk", "address")
    )
    return [LocalUser(*row) for row in rows[:MAX_HOLDERS]]
