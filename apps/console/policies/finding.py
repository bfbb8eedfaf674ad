"""The place that an address of the console names, for who may change policies there."""

from apps.console.policies.places import EVERYWHERE, Place
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration.sight import find_domain, find_user
from apps.wire.errors import NotFound


def place_of(powers: Powers, kind: str, number: int) -> Place:
    """A place in sight. The installation's policies everybody may read who changes some.

    Raises:
        NotFound: it is not there, or one may not change policies there.
    """
    if not powers.may(Ability.CHANGE_POLICIES):
        raise NotFound("policies", text="There is no such page")
    if kind == "server":
        return EVERYWHERE
    if kind == "user":
        user = find_user(powers, number)
        _demand_sight(powers.may(Ability.CHANGE_POLICIES, user))
        return Place(user=user)
    domain = find_domain(powers, number)
    _demand_sight(powers.may(Ability.CHANGE_POLICIES, domain))
    return Place(domain=domain)


def _demand_sight(may: bool) -> None:
    if not may:
        raise NotFound("policies", text="There is no such page")
