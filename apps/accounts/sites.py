"""The web site that a passkey belongs to (WebAuthn level 3: "relying party").

A passkey is bound to a host name for ever, so the name is one that the administrator has set, never
merely what a request's Host says. An IP address is none (WebAuthn section 5.1.3: a domain), nor is
a site without TLS, but for localhost.
"""

import ipaddress
from dataclasses import dataclass

from django.conf import settings
from django.http.request import split_domain_port


@dataclass(frozen=True, slots=True)
class Site:
    """Where a ceremony takes place."""

    rp_id: str
    origin: str


def site_of(host: str, *, is_secure: bool) -> Site | None:
    """The site that a page is open at; None if passkeys do not work there.

    Args:
        host: host and port of the request, which Django has compared with ALLOWED_HOSTS.
        is_secure: whether the page came under TLS.
    """
    name, port = split_domain_port(host)
    name = name.removesuffix(".")
    # Word for word: a pattern in ALLOWED_HOSTS would let the client choose.
    if name not in {allowed.lower() for allowed in settings.ALLOWED_HOSTS} or _is_ip(name):
        return None
    if not is_secure and name != "localhost":
        return None
    scheme = "https" if is_secure else "http"
    return Site(name, f"{scheme}://{name}:{port}" if port else f"{scheme}://{name}")


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
