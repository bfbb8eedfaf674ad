"""The other servers that a domain's mail goes through: operators alone say which. Whom the one
behind a relay domain knows, its administrators say.

Whoever names a host here has this service connect to it, and hands it mail and a password.
"""

from collections.abc import Iterable

from django.db import transaction

from apps.directory.models import Domain, RelayCheck, TransportScope
from apps.directory.permissions import Ability, Powers
from apps.directory.services import relay, transports
from apps.directory.services.transports import Server
from apps.provisioning.administration import outbound
from apps.provisioning.administration.policies import Changed
from apps.provisioning.administration.sight import demand, find_domain
from apps.wire.errors import NotFound, NotPermitted


def set_relay(
    *, powers: Powers, domain_id: int, check: RelayCheck | None, server: Server | None = None
) -> Domain:
    """Hand mail for a domain on to another server, as far as nobody here takes it.

    Args:
        check: how its recipients are known; None: all its mailboxes are here.
        server: None: the one that was named before, or that its MX records name.

    Raises:
        NotFound, NotPermitted, InvalidName
        InUse: it is an alias domain.
    """
    domain = _domain(powers, domain_id)
    with transaction.atomic():
        relay.set_relay(domain=domain, check=check)
        if server is not None:
            transports.put(scope=TransportScope.RECIPIENT, domain=domain.name, server=server)
    return domain


def add_recipients(*, powers: Powers, domain_id: int, recipients: Iterable[str]) -> int:
    """Note which addresses the server behind a relay domain has; return how many were new. Who sets
    the policies of the domain says so: no host is named here.

    Args:
        recipients: addresses in the domain, or local parts.

    Raises:
        NotFound, NotPermitted, InvalidAddress
        InUse: the domain is none with a list.
    """
    return relay.add(domain=_named(powers, domain_id), recipients=recipients)


def replace_recipients(
    *, powers: Powers, domain_id: int, recipients: Iterable[str]
) -> tuple[int, int]:
    """Make the list exactly these; return how many came and went.

    Raises:
        NotFound, NotPermitted, InvalidAddress, InUse
    """
    return relay.replace(domain=_named(powers, domain_id), recipients=recipients)


def remove_recipient(*, powers: Powers, domain_id: int, recipient: str) -> None:
    """Note that it does not have this one.

    Raises:
        NotFound: also where the list does not have it.
        NotPermitted, InvalidAddress, InUse
    """
    domain = _named(powers, domain_id)
    if not relay.remove(domain=domain, recipients=[recipient]):
        raise NotFound("recipient", text="The list does not have this address")


def _named(powers: Powers, domain_id: int) -> Domain:
    domain = find_domain(powers, domain_id)
    demand(powers, Ability.CHANGE_POLICIES, domain)
    return domain


def set_smarthost(*, powers: Powers, domain_id: int, server: Server) -> Changed:
    """Send a domain's mail by another server; what `outbound.put_transport_back` takes.

    Raises:
        NotFound, NotPermitted
        InvalidName: a value that cannot be, or a password that would travel unprotected.
    """
    domain = _domain(powers, domain_id)
    return outbound.set_transport(
        powers=powers, scope=TransportScope.SENDER, domain=domain.name, server=server
    )


def remove_smarthost(*, powers: Powers, domain_id: int) -> Changed:
    """Send a domain's mail as that of any other; what `outbound.put_transport_back` takes.

    Raises:
        NotFound: also where there is none.
        NotPermitted
    """
    domain = _domain(powers, domain_id)
    return outbound.remove_transport(powers=powers, scope=TransportScope.SENDER, domain=domain.name)


def _domain(powers: Powers, domain_id: int) -> Domain:
    domain = find_domain(powers, domain_id)
    if not powers.is_operator:
        raise NotPermitted("transport", text="Only operators say by which server mail goes")
    return domain
