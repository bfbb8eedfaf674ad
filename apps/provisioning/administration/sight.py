"""Finding what an administrator acts on, and asking whether it is allowed."""

from django.db.models import Q, QuerySet

from apps.directory import permissions
from apps.directory.models import Alias, Domain, Organization, RoleGrant, User
from apps.directory.permissions import Ability, Powers
from apps.mime.address import Address, AddressError
from apps.wire.errors import InvalidAddress, NotFound, NotPermitted


def find_user(powers: Powers, user_id: int) -> User:
    """A living user in sight; raise NotFound."""
    rows = permissions.users(powers).select_related("domain__organization")
    found = rows.filter(pk=user_id).first()
    if found is None:
        raise NotFound(f"user {user_id}", text="There is no such user")
    return found


def find_addressed(powers: Powers, address: str) -> User:
    """A living user in sight, by an address as people write it; raise InvalidAddress, NotFound."""
    try:
        key = Address.parse(address.strip()).key
    except AddressError as error:
        raise InvalidAddress(str(error), text=f"Not an address: {error}") from None
    rows = permissions.users(powers).select_related("domain__organization")
    found = rows.filter(key=key).first()
    if found is None:
        raise NotFound(f"user {key}", text=f"There is no user {key}")
    return found


def find_domain(powers: Powers, domain_id: int) -> Domain:
    """A domain in sight; raise NotFound."""
    rows = permissions.domains(powers).select_related("organization", "alias_of")
    found = rows.filter(pk=domain_id).first()
    if found is None:
        raise NotFound(f"domain {domain_id}", text="There is no such domain")
    return found


def find_named(powers: Powers, name: str) -> Domain:
    """A domain in sight, by its stored name; raise NotFound in the words of every other door."""
    found = permissions.domains(powers).filter(name=name).first()
    if found is None:
        raise NotFound(f"domain {name}", text=f"The domain {name} is not hosted here")
    return found


def find_organization(
    powers: Powers, organization_id: int, ability: Ability = Ability.SEE_ORGANIZATIONS
) -> Organization:
    """An organisation in which that may be done; raise NotFound."""
    found = permissions.organizations(powers, ability).filter(pk=organization_id).first()
    if found is None:
        raise NotFound(f"organisation {organization_id}", text="There is no such organisation")
    return found


def find_alias(powers: Powers, alias_id: int) -> Alias:
    """An alias in sight; raise NotFound."""
    rows = permissions.aliases(powers).select_related("domain__organization")
    found = rows.filter(pk=alias_id).first()
    if found is None:
        raise NotFound(f"alias {alias_id}", text="There is no such alias")
    return found


def grants_in_sight(powers: Powers) -> QuerySet[RoleGrant]:
    """The roles that hold where somebody may make helpdesks, or more: who administers a thing knows
    who else does."""
    found = RoleGrant.objects.all()
    if powers.is_operator:
        return found
    return found.filter(
        Q(organization__in=permissions.organizations(powers, Ability.MAKE_HELPDESKS).values("pk"))
        | Q(domain__in=permissions.domains(powers, Ability.MAKE_HELPDESKS).values("pk"))
    )


def grants_within(
    found: QuerySet[RoleGrant], owners: QuerySet[Organization]
) -> QuerySet[RoleGrant]:
    """Those that hold in these organisations or in one of their domains."""
    ids = owners.values("pk")
    return found.filter(Q(organization__in=ids) | Q(domain__organization__in=ids))


def find_grant(powers: Powers, grant_id: int) -> RoleGrant:
    """A role in sight; raise NotFound."""
    rows = grants_in_sight(powers).select_related("user__domain", "organization")
    found = rows.select_related("domain__organization").filter(pk=grant_id).first()
    if found is None:
        raise NotFound(f"grant {grant_id}", text="There is no such role")
    return found


def demand(powers: Powers, ability: Ability, where: Organization | Domain | None = None) -> None:
    """Raise NotPermitted unless it is allowed there."""
    if not powers.may(ability, where):
        raise NotPermitted(ability.name, text=f"Your role does not let you {ability.value} here")


def demand_on(powers: Powers, ability: Ability, user: User) -> None:
    """Raise NotPermitted unless it may be done to this person."""
    if not powers.may(ability, user):
        raise NotPermitted(ability.name, text=f"Your role does not let you {ability.value} here")
    if ability in permissions.NOT_TO_ONESELF and user.pk == powers.user_id:
        raise NotPermitted(ability.name, text="Not to yourself: your own settings are for that")
    if not permissions.may_act_on(powers, ability, user):
        raise NotPermitted(ability.name, text="This user's roles reach further than yours")


def demand_on_all(powers: Powers, users: QuerySet[User]) -> None:
    """Raise NotPermitted if the role of one of them reaches further."""
    if not permissions.may_act_on_all(powers, users):
        raise NotPermitted("in it", text="The roles of a user in it reach further than yours")
