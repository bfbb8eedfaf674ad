"""Role grants: the only door through which they change; `permissions.py` reads them.

Whether somebody may give a role to others is not asked here, but by the doors for administrators
(`provisioning.administration`): on this machine, operators do.
"""

from typing import Final

from django.db import transaction
from django.db.models import Q

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Domain, Kind, Organization, Role, RoleGrant, User
from apps.directory.services import accountlinks, operators
from apps.directory.subjects import Subject
from apps.wire.errors import InUse, InvalidName, LimitReached, NotFound

MAX_GRANTS: Final = 200  # of one user: they are read at each request


def grant(
    *,
    user: User,
    role: Role,
    organization: Organization | None = None,
    domain: Domain | None = None,
    may_reset: bool = False,
) -> RoleGrant:
    """Give a person a role. Twice is once, with the last word on `may_reset`.

    Args:
        organization, domain: where; one of them, and none for an operator.
        may_reset: of a helpdesk: whether it resets passwords and second factors.

    Raises:
        InvalidName: not where such a role is given, or not to whom.
        NotFound: the user was removed meanwhile.
        InUse: the domain stands for another one.
        LimitReached
    """
    _check_scope(role, organization, domain)
    if may_reset and role is not Role.HELPDESK:
        raise InvalidName("may_reset", text="Only of a helpdesk one says whether it may reset")
    with transaction.atomic():
        # Locked, so that nobody who is removed at this moment keeps it (`users.bury`).
        rows = User.objects.living().select_for_update(of=("self",), no_key=True)
        holder = rows.select_related("domain").filter(pk=user.pk).first()
        if holder is None:
            raise NotFound(f"user {user.pk}", text="There is no such user")
        if holder.kind != Kind.PERSON:
            raise InvalidName("no person", text="Only a person has a role")
        if RoleGrant.objects.filter(user=holder).count() >= MAX_GRANTS:
            raise LimitReached("grants", text=f"A user has at most {MAX_GRANTS} roles")
        found, _ = RoleGrant.objects.update_or_create(
            user=holder,
            role=role,
            organization=organization,
            domain=domain,
            defaults={"may_reset": may_reset},
        )
        # What a helpdesk may have made for who was nobody yet.
        accountlinks.end(user=holder, purpose=accountlinks.RESET)
        record("role.grant", **_about(holder, found), detail=_detail(found))
    return found


def revoke(
    *,
    user: User,
    role: Role,
    organization: Organization | None = None,
    domain: Domain | None = None,
) -> None:
    """Take a role back. What its holder gave to others stays: it is the organisation's.

    Raises:
        NotFound: the user does not have it.
        InUse: no operator could sign in any more.
    """
    with transaction.atomic():
        if role is Role.OPERATOR:
            operators.keep_one(Q(user=user))
        rows = RoleGrant.objects.select_for_update(of=("self",))
        found = rows.filter(user=user, role=role, organization=organization, domain=domain).first()
        if found is None:
            raise NotFound("grant", text="The user does not have this role")
        found.delete()
        record("role.revoke", **_about(user, found), detail=_detail(found))


def grant_operator(user: User) -> None:
    """Let the user run the whole installation. Twice is once."""
    grant(user=user, role=Role.OPERATOR)


def grant_domain_admin(user: User, domain: Domain) -> None:
    """Let the user administer a domain, and get its postmaster's mail. Twice is once."""
    grant(user=user, role=Role.DOMAIN_ADMIN, domain=domain)


def _check_scope(role: Role, organization: Organization | None, domain: Domain | None) -> None:
    if role is Role.OPERATOR:
        if organization is not None or domain is not None:
            raise InvalidName("scope", text="An operator's role holds everywhere")
    elif (organization is None) == (domain is None):
        raise InvalidName("scope", text="This role is given in an organisation or in a domain")
    elif role is Role.RESELLER and domain is not None:
        raise InvalidName("scope", text="A reseller's role is given in an organisation")
    if domain is not None and domain.alias_of is not None:
        target = domain.alias_of.name
        raise InUse("alias domain", text=f"{domain.name} stands for {target}: give it there")


def _about(user: User, found: RoleGrant) -> Subject:
    """Administrators of where the role holds may read of it."""
    about = subjects.of_user(user)
    if found.organization is not None:
        about["organization_id"], about["domain_id"] = found.organization.pk, None
    elif found.domain is not None:
        about["organization_id"] = found.domain.organization_id
        about["domain_id"] = found.domain.pk
    return about


def _detail(found: RoleGrant) -> dict[str, object]:
    detail: dict[str, object] = {"role": found.role}
    if found.organization is not None:
        detail["organization"] = found.organization.name
    if found.domain is not None:
        detail["domain"] = found.domain.name
    if found.may_reset:
        detail["may_reset"] = True
    return detail
