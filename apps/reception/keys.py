"""The narrow numbers that rows of reception are found by, and how clients are told apart. Pure.

A key is 64 bits of a hash of what the row is about: equal on every machine and after any restart,
as narrow in an index as a number, whatever strangers put into addresses.
"""

import hashlib
import ipaddress
from functools import lru_cache
from typing import Final

IPV4_BITS: Final = 24
IPV6_BITS: Final = 64


def key_of(*parts: str) -> int:
    """The key of these words, in this order: a signed number of 64 bits."""
    # The length first: ("a", "b\0c") and ("a\0b", "c") are not the same words.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@lru_cache(maxsize=4_096)
def network_of(address: str) -> str:
    """The network that servers of one sender share: the /24 of an IPv4 address, the /64 of an IPv6
    one, as `192.0.2.0/24`; "" for what is no address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    bits = IPV4_BITS if found.version == 4 else IPV6_BITS
    # An IPv6 zone (fe80::1%eth0) is a matter of this machine.
    return str(ipaddress.ip_network((int(found), bits), strict=False))
