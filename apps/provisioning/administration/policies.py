"""What administrators do to the filter's thresholds, to what is done with files, and to rules.

What is for the whole installation only operators change. From how many points on mail that is sent
from here is held protects everybody else's deliveries: only who sets an organisation's limits
changes that, wherever it is set.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.directory.models import Domain
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration.sight import demand, demand_on, find_domain, find_user
from apps.scan.attachments.policy import What
from apps.scan.models import Threshold
from apps.scan.scopes import SERVER, Scope
from apps.scan.services import attachments, rulepoints, thresholds
from apps.scan.services.thresholds import Change
from apps.wire.errors import InUse, NotFound, NotPermitted


@dataclass(frozen=True, slots=True)
class Changed:
    """A row that was changed, as JSON can keep it for the opposite; None for no row.

    Args:
        name: which one.
    """

    name: str
    before: Any
    now: Any


def own_domain(powers: Powers, domain_id: int) -> Domain:
    """A domain whose policies may be changed; what stands for another one has none of its own.

    Raises:
        NotFound, NotPermitted, InUse
    """
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.CHANGE_POLICIES, domain)
    if domain.alias_of is not None:
        target = domain.alias_of.name
        raise InUse("alias domain", text=f"{domain.name} stands for {target}: set it there")
    return domain


def demand_operator(powers: Powers) -> None:
    """Raise NotPermitted for who does not run the whole installation."""
    if not powers.is_operator:
        raise NotPermitted("installation", text="Only who runs this service changes that")


def scope_of(powers: Powers, *, domain_id: int | None = None, user_id: int | None = None) -> Scope:
    """The installation, a domain or a user, if its policies may be changed.

    Raises:
        NotFound, NotPermitted, InUse
    """
    if user_id is not None:
        user = find_user(powers, user_id)
        demand_on(powers, Ability.CHANGE_POLICIES, user)
        return Scope(user_id=user.pk)
    if domain_id is not None:
        return Scope(domain_id=own_domain(powers, domain_id).pk)
    demand_operator(powers)
    return SERVER


def seen_scope(
    powers: Powers, *, domain_id: int | None = None, user_id: int | None = None
) -> Scope:
    """The same, to be read; what is set for the whole installation, whoever changes some may read.

    Raises:
        NotFound: it is not there, or somebody may not change policies there.
        NotPermitted
    """
    if user_id is not None:
        user = find_user(powers, user_id)
        _demand_sight(powers.may(Ability.CHANGE_POLICIES, user), "user")
        return Scope(user_id=user.pk)
    if domain_id is not None:
        domain = find_domain(powers, domain_id)
        _demand_sight(powers.may(Ability.CHANGE_POLICIES, domain), "domain")
        return Scope(domain_id=domain.pk)
    demand(powers, Ability.CHANGE_POLICIES)
    return SERVER


def _demand_sight(may: bool, noun: str) -> None:
    if not may:
        raise NotFound("policies", text=f"There is no such {noun}")


def set_thresholds(
    *, powers: Powers, domain_id: int | None = None, user_id: int | None = None, wanted: Change
) -> Threshold:
    """Set from how many points on what is done; without a domain or a user for all of them.

    Raises:
        NotFound, NotPermitted, InUse, InvalidName
    """
    scope = scope_of(powers, domain_id=domain_id, user_id=user_id)
    if wanted.hold is not None:
        if user_id is not None:
            demand_on(powers, Ability.SET_LIMITS, find_user(powers, user_id))
        elif domain_id is not None:
            demand(powers, Ability.SET_LIMITS, find_domain(powers, domain_id))
    return thresholds.change(scope, wanted)


def set_file(
    *, powers: Powers, domain_id: int | None = None, what: What, value: str, action: str
) -> str:
    """Say what is done with files of one sort; return the value as it is kept.

    Raises:
        NotFound, NotPermitted, InUse, InvalidName, LimitReached
    """
    return attachments.set_entry(what, value, action, domain=_domain_or_server(powers, domain_id))


def unset_file(*, powers: Powers, domain_id: int | None = None, what: What, value: str) -> str:
    """Take back what was said of files of one sort.

    Raises:
        NotFound, NotPermitted, InUse, InvalidName
    """
    return attachments.remove_entry(what, value, domain=_domain_or_server(powers, domain_id))


def _domain_or_server(powers: Powers, domain_id: int | None) -> Domain | None:
    if domain_id is not None:
        return own_domain(powers, domain_id)
    demand_operator(powers)
    return None


def set_points(*, powers: Powers, rule: str, points: float | None) -> Changed:
    """Let a rule count something; None: what is usual.

    Raises:
        NotPermitted, NotFound, InvalidName, LimitReached
    """
    demand_operator(powers)
    with transaction.atomic():
        before = rulepoints.standing(rule)
        if points is None:
            rulepoints.unset(rule)
        else:
            rulepoints.set_points(rule, points)
        return Changed(rule, before, points)


def put_points_back(*, powers: Powers, changed: Changed) -> bool:
    """Let a rule count what it did, unless somebody has changed that since; say whether it does.

    Raises:
        NotPermitted, NotFound, LimitReached
    """
    demand_operator(powers)
    return rulepoints.put_back(changed.name, now=changed.now, then=changed.before)
