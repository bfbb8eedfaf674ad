"""Addresses of clients: which are strangers', and what counts as one client, one network.

Keys are short texts that name an address or a network for good: counters and memories go by them.
What is no address (a unix socket, "") is no stranger's, and a key of its own.
"""

import ipaddress
from functools import lru_cache
from typing import Final

from apps.mailauth.iprev import read_address
from apps.resolver.base import IPAddress

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# Whoever has such an address is in our own house, or in one that routes to us. Those of
# documentation (RFC 5737, RFC 3849) are not here: they do not occur in life, and examples and
# tests mean strangers by them.
_OURS: Final[tuple[IPNetwork, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::/127",
        "fc00::/7",
        "fe80::/10",
    )
)
_HOST: Final = {4: 32, 6: 64}  # a customer has at least a /64
_NETWORK: Final = {4: 24, 6: 48}
_SERVERS: Final = {4: 24, 6: 64}


@lru_cache(maxsize=4_096)
def is_public(address: str) -> bool:
    """Whether it is an address that strangers come from."""
    found = read_address(address)
    return found is not None and not is_among(found, _OURS)


def is_among(address: IPAddress, networks: tuple[IPNetwork, ...]) -> bool:
    """Whether one of the networks holds the address."""
    return any(address in network for network in networks)


@lru_cache(maxsize=4_096)
def host_key(address: str) -> str:
    """What one client cannot change at will: its IPv4 address, the /64 of its IPv6 one."""
    return _key(address, _HOST)


@lru_cache(maxsize=4_096)
def network_key(address: str) -> str:
    """What one operator has: the /24 of an IPv4 address, the /48 of an IPv6 one."""
    return _key(address, _NETWORK)


@lru_cache(maxsize=4_096)
def network_of(address: str) -> str:
    """The network that servers of one sender share: the /24 of an IPv4 address, the /64 of an IPv6
    one; "" for what is no address."""
    return "" if read_address(address) is None else _key(address, _SERVERS)


def _key(address: str, lengths: dict[int, int]) -> str:
    found = read_address(address)
    if found is None:
        return "local"
    length = lengths[found.version]
    beyond = found.max_prefixlen - length
    start = type(found)(int(found) >> beyond << beyond)
    return f"{start}/{length}" if beyond else str(start)
