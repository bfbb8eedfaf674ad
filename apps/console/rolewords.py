"""Roles of users in words, as far as whoever looks may know of them."""

from collections.abc import Iterable
from typing import Final

from apps.directory.models import Role, RoleGrant
from apps.directory.permissions import Powers

ROLE_WORDS: Final = {
    Role.OPERATOR: "Operator",
    Role.RESELLER: "Reseller",
    Role.DOMAIN_ADMIN: "Administrator",
    Role.HELPDESK: "Helpdesk",
}


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
