"""Which IP addresses may be connected to: never those of our own network, whatever DNS says."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

from django.conf import settings

# Addresses that carry an IPv4 address which a gateway would go on to (RFC 6052, RFC 3056).
_NAT64: Final = IPv6Network("64:ff9b::/96")
_6TO4: Final = IPv6Network("2002::/16")


def is_allowed(address: IPv4Address | IPv6Address) -> bool:
    """Whether a server that a stranger's DNS named may be connected to: a public unicast address,
    or any with SMTP_OUT_PRIVATE."""
    return settings.SMTP_OUT_PRIVATE or is_public(address)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is a unicast address of the public internet, through and through."""
    if isinstance(address, IPv6Address):
        inner = _carried(address)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _6TO4:
        return IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return None
