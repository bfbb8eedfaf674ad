"""What operators say of the ways that mail takes to other servers: TLS, and transports."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apps.directory.models import TransportScope
from apps.directory.permissions import Powers
from apps.directory.services import transports
from apps.directory.services.transports import Server
from apps.mime.address import AddressError, normalise_domain
from apps.provisioning import tlspolicies
from apps.provisioning.administration.policies import Changed, demand_operator
from apps.remote import services as remote
from apps.remote.models import TlsMode
from apps.wire.errors import InvalidName


def set_tls(*, powers: Powers, domain: str, mode: TlsMode, names: Sequence[str] = ()) -> Changed:
    """Set what TLS mail to a domain must have; `Changed.name` is the domain as it is kept.

    Args:
        domain: with a dot before it: all below it.
        names: what the certificate may say instead, for `TlsMode.VERIFY`.

    Raises:
        NotPermitted, InvalidName
    """
    demand_operator(powers)
    kept, known = destination(domain), tuple(_name(name) for name in names)
    with transaction.atomic():
        before = remote.standing_override(kept)
        tlspolicies.put(domain=kept, mode=mode, names=known)
        return Changed(kept, before, (mode, known))


def remove_tls(*, powers: Powers, domain: str) -> Changed:
    """Go back to what the domain says itself.

    Raises:
        NotPermitted, InvalidName, NotFound
    """
    demand_operator(powers)
    kept = destination(domain)
    with transaction.atomic():
        before = remote.standing_override(kept)
        tlspolicies.remove(domain=kept)
        return Changed(kept, before, None)


def put_tls_back(*, powers: Powers, changed: Changed) -> bool:
    """Set it as it was, unless somebody has changed that since; say whether it is.

    Raises:
        NotPermitted
    """
    demand_operator(powers)
    return tlspolicies.put_back(
        domain=changed.name, now=_said(changed.now), then=_said(changed.before)
    )


def _said(kept: Any) -> remote.Said | None:
    return None if kept is None else (TlsMode(kept[0]), tuple(kept[1]))


def set_transport(*, powers: Powers, scope: TransportScope, domain: str, server: Server) -> Changed:
    """Set the transport of a rule; `Changed.name` is its domain as it is kept.

    Raises:
        NotPermitted, InvalidName, NotFound
    """
    demand_operator(powers)
    kept = transports.rule_domain(scope, domain)
    with transaction.atomic():
        before = transports.standing(scope, kept)
        transports.put(scope=scope, domain=kept, server=server)
        return Changed(kept, before, transports.standing(scope, kept))


def remove_transport(*, powers: Powers, scope: TransportScope, domain: str) -> Changed:
    """Remove the transport of a rule.

    Raises:
        NotPermitted, InvalidName, NotFound
    """
    demand_operator(powers)
    kept = transports.stored_domain(scope, domain)
    with transaction.atomic():
        before = transports.standing(scope, kept)
        transports.remove(scope=scope, domain=kept)
        return Changed(kept, before, None)


def put_transport_back(*, powers: Powers, scope: TransportScope, changed: Changed) -> bool:
    """Set it as it was, unless somebody has changed that since; say whether it is.

    Raises:
        NotPermitted
        NotFound: the sender's domain is hosted here no more.
    """
    demand_operator(powers)
    return transports.put_back(
        scope=scope, domain=changed.name, now=changed.now, then=changed.before
    )


def destination(text: str) -> str:
    """A domain of which TLS is set, as it is kept; a dot before it is all below. Raises
    InvalidName."""
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
