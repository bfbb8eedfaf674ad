"""What operators say of the ways that mail takes to other servers: TLS, and transports."""

from collections.abc import Sequence

from apps.directory.models import Transport, TransportScope
from apps.directory.permissions import Powers
from apps.directory.services import transports
from apps.directory.services.transports import Server
from apps.mime.address import AddressError, normalise_domain
from apps.provisioning import tlspolicies
from apps.provisioning.administration.policies import demand_operator
from apps.remote.models import TlsMode
from apps.wire.errors import InvalidName


def set_tls(*, powers: Powers, domain: str, mode: TlsMode, names: Sequence[str] = ()) -> str:
    """Set what TLS mail to a domain must have; return the domain as it is kept.

    Args:
        domain: with a dot before it: all below it.
        names: what the certificate may say instead, for `TlsMode.VERIFY`.

    Raises:
        NotPermitted, InvalidName
    """
    demand_operator(powers)
    kept = _destination(domain)
    tlspolicies.put(domain=kept, mode=mode, names=[_name(name) for name in names])
    return kept


def remove_tls(*, powers: Powers, domain: str) -> None:
    """Go back to what the domain says itself.

    Raises:
        NotPermitted, InvalidName, NotFound
    """
    demand_operator(powers)
    tlspolicies.remove(domain=_destination(domain))


def set_transport(
    *, powers: Powers, scope: TransportScope, domain: str, server: Server
) -> Transport:
    """Set the transport of a rule.

    Raises:
        NotPermitted, InvalidName, NotFound
    """
    demand_operator(powers)
    return transports.put(scope=scope, domain=domain, server=server)


def remove_transport(*, powers: Powers, scope: TransportScope, domain: str) -> Transport:
    """Remove the transport of a rule.

    Raises:
        NotPermitted, InvalidName, NotFound
    """
    demand_operator(powers)
    return transports.remove(scope=scope, domain=domain)


def _destination(text: str) -> str:
    text = text.strip()
    return f".{_name(text[1:])}" if text.startswith(".") else _name(text)


def _name(text: str) -> str:
    try:
        name = normalise_domain(text.strip())
    except AddressError:
        name = ""
    if not name or name.startswith("["):
        raise InvalidName("domain", text=f"{text.strip()[:100]!r} is no domain name")
    return name
