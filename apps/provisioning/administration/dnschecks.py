"""What administrators do about the records of a domain: have them checked, and leave them so."""

from apps.directory.models import Domain
from apps.directory.permissions import Ability, Powers
from apps.dnscheck.services import checks
from apps.provisioning.administration.sight import demand, find_domain


def request(*, powers: Powers, domain_id: int) -> Domain:
    """Have a domain's records looked at soon: whoever sees the domain may.

    Raises:
        NotFound
    """
    domain = find_domain(powers, domain_id)
    checks.request(domain.pk)
    return domain


def leave_alone(*, powers: Powers, domain_id: int, is_elsewhere: bool) -> Domain:
    """Say that a domain's records are as they are on purpose, or no more: no alerts.

    Raises:
        NotFound, NotPermitted
    """
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.CHANGE_POLICIES, domain)
    checks.leave_alone(domain.pk, is_elsewhere)
    return domain


def leave(*, powers: Powers, domain_id: int, record_id: str, is_left: bool) -> Domain:
    """Say that a record is as it is on purpose, or no more.

    Raises:
        NotFound: also of the record.
        NotPermitted
    """
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.CHANGE_POLICIES, domain)
    checks.leave(domain.pk, record_id, is_left=is_left)
    return domain
