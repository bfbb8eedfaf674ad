"""What administrators do to domains."""

from django.conf import settings
from django.db.models import Q

from apps.directory import permissions
from apps.directory.models import Domain, Organization, State, User
from apps.directory.permissions import Ability, Powers
from apps.directory.services.domains import Reception, domain_name
from apps.directory.services.signinrules import SignInRules
from apps.mailauth import suffixes
from apps.provisioning import services
from apps.provisioning.administration.sight import (
    demand,
    demand_on_all,
    find_domain,
    find_named,
    find_organization,
)
from apps.wire.errors import AlreadyExists, InvalidName


def add(
    *,
    powers: Powers,
    name: str,
    organization_id: int | None = None,
    alias_of: str | None = None,
) -> Domain:
    """Host a domain.

    Args:
        organization_id: whose it shall be; None where there is but one to choose.
        alias_of: a domain in sight, for which the new one shall stand.

    Raises:
        NotFound, NotPermitted, InvalidName, AlreadyExists, InUse, LimitReached
    """
    wanted = domain_name(name)
    if alias_of is not None:
        target = find_named(powers, domain_name(alias_of))
        demand(powers, Ability.ADD_DOMAINS, target)
        owner = None
    else:
        target = None
        owner = _owner(powers, organization_id)
        demand(powers, Ability.ADD_DOMAINS, owner)
    if not powers.is_operator:
        _refuse_claimed(powers, wanted)
    return services.add_domain(
        wanted,
        owner,
        None if target is None else target.name,
        unlimited=powers.is_operator,
    )


def _owner(powers: Powers, organization_id: int | None) -> Organization:
    if organization_id is not None:
        return find_organization(powers, organization_id)
    demand(powers, Ability.ADD_DOMAINS)
    choice = list(permissions.organizations(powers, Ability.ADD_DOMAINS)[:2])
    if len(choice) != 1:
        raise InvalidName("organisation", text="Say to which organisation the domain belongs")
    return choice[0]


def _refuse_claimed(powers: Powers, name: str) -> None:
    """Refuse what is another tenant's or this host's, the same words for all of it: a domain, one
    above or below theirs, one in which an operator from outside has an address, and one to which
    links for somebody's new password are sent: they would be delivered here."""
    if suffixes.is_public(name):
        raise InvalidName("public suffix", text=f"Under {name} everybody registers domains")
    others = Domain.objects.exclude(pk__in=permissions.domains(powers).values("pk"))
    strangers = User.objects.living().exclude(pk__in=permissions.users(powers).values("pk"))
    if (
        _is_of_host(name)
        or others.filter(Q(name__in=_with_above(name)) | Q(name__endswith=f".{name}")).exists()
        or User.objects.living().filter(domain=None, key__endswith=f"@{name}").exists()
        or strangers.filter(recovery_address__iendswith=f"@{name}").exists()
    ):
        raise AlreadyExists(
            f"domain {name}", text=f"The domain {name} cannot be added: ask who runs this service"
        )


def _is_of_host(name: str) -> bool:
    """Whether it is this host's name, above or below it: who reads mail to admin@ there can have
    certificates for it."""
    host = str(settings.MAIL_HOSTNAME).lower().removesuffix(".")
    return name in _with_above(host) or host in _with_above(name)


def _with_above(name: str) -> list[str]:
    """A name, and those above it but for the last label."""
    labels = name.split(".")
    return [".".join(labels[at:]) for at in range(len(labels) - 1)]


def set_state(*, powers: Powers, domain_id: int, state: State) -> Domain:
    """Suspend or lock a domain, or let it work again.

    Raises:
        NotFound, NotPermitted, InUse
    """
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.SUSPEND_DOMAINS, domain)
    demand_on_all(powers, User.objects.filter(domain=domain))
    if state == State.ACTIVE:
        return services.resume_domain(domain.name)
    return services.suspend_domain(domain.name, receives=state == State.LOCKED)


def change_policies(
    *,
    powers: Powers,
    domain_id: int,
    separator: str | None = None,
    default_quota: int | None = None,
    adds_sender: bool | None = None,
    reception: Reception | None = None,
    sign_in: SignInRules | None = None,
) -> Domain:
    """Change how a domain works; None leaves a thing as it is.

    Raises:
        NotFound, NotPermitted, InvalidName, InUse
    """
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.CHANGE_POLICIES, domain)
    return services.change_domain(
        domain.name,
        separator=separator,
        default_quota=default_quota,
        adds_sender=adds_sender,
        reception=reception,
        sign_in=sign_in,
    )


def remove(*, powers: Powers, domain_id: int, force: bool = False) -> None:
    """Stop hosting a domain.

    Args:
        force: with its users, whose mail is kept for some time, and its aliases.

    Raises:
        NotFound, NotPermitted, InUse
    """
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.REMOVE_DOMAINS, domain)
    demand_on_all(powers, User.objects.filter(domain=domain))
    services.remove_domain(domain.name, force=force)
