"""Where a client is, as roughly as a person would say it: the network of its provider that an
address is handed out from, so that a new address every night is no new place."""

import ipaddress
from functools import lru_cache
from typing import Final

_IPV4: Final = 24  # bits
_IPV6: Final = 48  # what a site gets (RFC 6177)


@lru_cache(maxsize=4_096)
def place_of(address: str) -> str:
    """The IPv4 /24 or IPv6 /48 of an address; anything else is this machine."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "local"
    ip = getattr(ip, "ipv4_mapped", None) or ip
    bits = _IPV4 if ip.version == 4 else _IPV6
    return str(ipaddress.ip_network((ip, bits), strict=False))
