"""What administrators do to the mail that leaves a domain: its keys, and how much it may be."""

from collections.abc import Mapping

from apps.directory.dkim import Finding, KeyRow
from apps.directory.models import Domain, SendLimit
from apps.directory.permissions import Ability, Powers
from apps.directory.services import dkim, limits, rotation
from apps.directory.services.dkim import NewKeys
from apps.provisioning.administration.sight import demand, find_domain


def rotate_keys(*, powers: Powers, domain_id: int, keys: NewKeys | None = None) -> list[str]:
    """Make the next keys of a domain; return their selectors.

    Args:
        keys: made before, for who is in a transaction already.

    Raises:
        NotFound, NotPermitted
        InUse: the last ones still wait for their records.
    """
    return [key.selector for key in dkim.rotate(_domain(powers, domain_id).name, keys)]


def activate_keys(
    *, powers: Powers, domain_id: int, force: bool = False
) -> list[tuple[KeyRow, Finding]]:
    """Look for the records of the keys that wait, and let those that are there sign; up to half
    a minute.

    Args:
        force: all sign, whatever the DNS says.

    Raises:
        NotFound, NotPermitted
    """
    return rotation.activate(_domain(powers, domain_id).name, force=force)


def discard_keys(*, powers: Powers, domain_id: int) -> int:
    """Drop the keys that wait for their records; return how many there were.

    Raises:
        NotFound, NotPermitted
    """
    return dkim.discard(_domain(powers, domain_id).name)


def set_limits(*, powers: Powers, domain_id: int, changes: Mapping[str, int | None]) -> SendLimit:
    """Say how much a domain may send.

    Args:
        changes: of `limits.FIELDS`; None and 0 are no limit.

    Raises:
        NotFound, InvalidName
        NotPermitted: who is bounded by a limit does not raise it.
    """
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.SET_LIMITS, domain)
    return limits.set_limits(domain=domain, changes=changes)


def _domain(powers: Powers, domain_id: int) -> Domain:
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.CHANGE_POLICIES, domain)
    return domain
