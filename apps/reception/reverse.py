"""What the reverse name of an address says: whether it was given by hand to a server that sends
mail, or by a machine to a customer's line (Iprev: RFC 8601 section 3)."""

import re
from ipaddress import IPv4Address
from typing import Final

from apps.mailauth.types import Iprev, Result
from apps.reception.suspicion import Suspicion
from apps.resolver.base import IPAddress

NONE: Final = "no-reverse-name"
UNCONFIRMED: Final = "unconfirmed-reverse-name"
GENERIC: Final = "generic-reverse-name"

_NUMBER = re.compile(r"[0-9]+")
_TOGETHER: Final = 3  # octets side by side that no name has by chance
_NIBBLES: Final = 8  # the same for IPv6


def suspicion(address: IPAddress, iprev: Iprev) -> Suspicion | None:
    """What an iprev check found that speaks against the client; None if nothing does."""
    if iprev.result is Result.PERMERROR:
        return Suspicion(NONE, "has an address without a name", 2)
    if iprev.result is Result.FAIL:
        if not iprev.name:
            return Suspicion(NONE, "has an address without a name", 2)
        return Suspicion(
            UNCONFIRMED, f"has the name {iprev.name}, which does not lead back to its address", 2
        )
    if iprev.result is Result.PASS and is_generic(address, iprev.name):
        return Suspicion(GENERIC, f"has the name {iprev.name}, which is made from its address", 2)
    return None


def is_generic(address: IPAddress, name: str) -> bool:
    """Whether a name has been made from the address: `host-192-0-2-1.example.net`."""
    if isinstance(address, IPv4Address):
        return _has_octets(address, name) or f"{int(address):08x}" in name
    nibbles = f"{int(address):032x}"
    told = name.replace("-", "").replace(":", "").replace(".", "")
    return nibbles[-_NIBBLES:] in told or nibbles[16 : 16 + 2 * _NIBBLES] in told


def _has_octets(address: IPv4Address, name: str) -> bool:
    octets = list(address.packed)
    digits = "".join(f"{one:03d}" for one in octets)
    numbers = [int(found) for found in _NUMBER.findall(name[:253]) if len(found) <= 3]
    windows = {
        tuple(some)
        for order in (octets, octets[::-1])
        for some in (order[:_TOGETHER], order[-_TOGETHER:])
    }
    found = zip(numbers, numbers[1:], numbers[2:], strict=False)
    return digits in name or any(some in windows for some in found)
