"""What administrators do to domains."""

from django.conf import settings
from django.db.models import Q

from apps.directory import permissions
from apps.directory.models import (
    Demand,
    Domain,
    Organization,
    State,
    Sternness,
    StsMode,
    User,
)
from apps.directory.permissions import Ability, Powers
from apps.directory.services import stspolicies
from apps.directory.services.dkim import NewKeys
from apps.directory.services.domains import Reception, domain_name
from apps.directory.services.organizations import KEEP, Limit
from apps.directory.services.signinrules import SignInRules
from apps.mailauth import suffixes
from apps.provisioning import renaming, services
from apps.provisioning.administration.sight import (
    demand,
    demand_on_all,
    find_domain,
    find_named,
    find_organization,
)
from apps.provisioning.renaming import RenamedDomain
from apps.wire.errors import AlreadyExists, InUse, InvalidName


class OrganizationNeeded(InvalidName):
    """There are several organisations in which it could be done."""


def add(
    *,
    powers: Powers,
    name: str,
    organization_id: int | None = None,
    alias_of: str | None = None,
    keys: NewKeys | None = None,
) -> Domain:
    """Host a domain.

    Args:
        organization_id: whose it shall be; None where there is but one to choose.
        alias_of: a domain in sight, for which the new one shall stand.
        keys: made before, for who is in a transaction already.

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
        keys=keys,
    )


def _owner(powers: Powers, organization_id: int | None) -> Organization | None:
    """None: there is none yet, and the first domain makes it."""
    if organization_id is not None:
        return find_organization(powers, organization_id)
    demand(powers, Ability.ADD_DOMAINS)
    choice = list(permissions.organizations(powers, Ability.ADD_DOMAINS)[:2])
    if not choice and powers.is_operator:
        return None
    if len(choice) != 1:
        raise OrganizationNeeded(
            "organisation", text="Say to which organisation the domain belongs"
        )
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
    default_quota: Limit = KEEP,
    adds_sender: bool | None = None,
    reception: Reception | None = None,
    sign_in: SignInRules | None = None,
    digest: str | None = None,
) -> Domain:
    """Change how a domain works; None leaves a thing as it is, but for the quota of new users: its
    None is the installation's.

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
        digest=digest,
    )


def set_sts(*, powers: Powers, domain_id: int, mode: StsMode) -> Domain:
    """Say what a domain's MTA-STS policy asks of senders.

    Raises:
        NotFound, NotPermitted
        InUse: it is an alias domain.
    """
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.CHANGE_POLICIES, domain)
    return stspolicies.change(name=domain.name, mode=mode)


def copy_settings(*, powers: Powers, domain_id: int, source: str) -> Domain:
    """Give a domain the settings of another one in sight: how it takes mail, details, the space of
    new users, what sign-in demands.

    Raises:
        NotFound, NotPermitted, InvalidName
        InUse: one of them is an alias domain, which has no settings of its own.
    """
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.CHANGE_POLICIES, domain)
    model = find_named(powers, domain_name(source))
    demand(powers, Ability.CHANGE_POLICIES, model)
    for one in (domain, model):
        if one.alias_of is not None:
            raise InUse("alias domain", text=f"{one.name} stands for {one.alias_of.name}")
    if model.pk == domain.pk:
        raise InvalidName("itself", text="These are its own settings")
    return services.change_domain(
        domain.name,
        separator=model.detail_separator,
        default_quota=model.default_quota,
        adds_sender=model.adds_sender,
        reception=Reception(
            dmarc_policy=Sternness(model.dmarc_policy),
            list_policy=Sternness(model.list_policy),
            greylists=model.greylists,
        ),
        sign_in=SignInRules(
            factor_demand=Demand(model.factor_demand),
            factor_due_at=model.factor_due_at,
            password_length=model.password_length or 0,
        ),
        digest=model.digest,
    )


def rename(
    *,
    powers: Powers,
    domain_id: int,
    name: str,
    keeps_alias: bool = True,
    keys: NewKeys | None = None,
) -> RenamedDomain:
    """Give a domain, and so all its users, another name.

    Args:
        keeps_alias: the old name becomes an alias domain: its addresses go on to work.
        keys: made before, for who is in a transaction already.

    Raises:
        NotFound, NotPermitted, InvalidName, AlreadyExists, InUse, LimitReached
    """
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.REMOVE_DOMAINS, domain)
    demand(powers, Ability.ADD_DOMAINS, domain)
    demand_on_all(powers, User.objects.filter(domain=domain))
    wanted = domain_name(name)
    if wanted == domain.name:
        raise InvalidName("same name", text="That is its name already")
    if not powers.is_operator:
        _refuse_claimed(powers, wanted)
    return renaming.rename_domain(
        domain.name, wanted, keeps_alias=keeps_alias, unlimited=powers.is_operator, keys=keys
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
