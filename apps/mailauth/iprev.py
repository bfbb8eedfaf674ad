"""The names of an address, and whether they lead back to it (RFC 8601 section 3; FCrDNS).

Asked for by the `ptr` mechanism and the `%{p}` macro of SPF too (RFC 7208 section 5.5). The owner
of an address decides what its names are and how many: only NAMES_MOST of them are looked up.
"""

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

from apps.mailauth.types import Iprev, Result
from apps.resolver.base import DnsError, DnsUnavailableError, IPAddress, Resolver

NAMES_MOST: Final = 10  # RFC 7208 section 4.6.4
SECONDS: Final = 20.0  # for everything


@dataclass(frozen=True, slots=True)
class Names:
    """What the DNS has of an address.

    Args:
        claimed: by PTR records, in the order of the answer, NAMES_MOST at most.
        confirmed: those of them that have the address.
        is_partial: a look-up could not be made, so there may be more of both.
    """

    claimed: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    is_partial: bool = False


@lru_cache(maxsize=4_096)
def read_address(text: str) -> IPAddress | None:
    """The address of a client, an IPv4-mapped one as IPv4, a zone index left out; None if it is
    none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


async def check(address: str, resolver: Resolver) -> Iprev:
    """Whether one of the address's names leads back to it. Never raises but CancelledError.

    Pass and fail say that; permerror that it has no name at all; temperror that the DNS did not
    answer; none that there is no address.
    """
    read = read_address(address)
    if read is None:
        return Iprev(reason="the connection has no IP address")
    try:
        async with asyncio.timeout(SECONDS):
            found = await names_of(read, resolver)
    except TimeoutError:
        return Iprev(Result.TEMPERROR, reason="the DNS did not answer in time")
    if found.confirmed:
        return Iprev(Result.PASS, found.confirmed[0])
    name = found.claimed[0] if found.claimed else ""
    if found.is_partial:
        return Iprev(Result.TEMPERROR, name, "the DNS did not answer")
    if name:
        return Iprev(Result.FAIL, name, "no name of the address leads back to it")
    return Iprev(Result.PERMERROR, reason="the address has no name")


async def names_of(address: IPAddress, resolver: Resolver) -> Names:
    """Look its names up, and their addresses. Never raises but CancelledError."""
    try:
        answer = await resolver.ptr(address)
    except DnsUnavailableError:
        return Names(is_partial=True)
    except DnsError:
        return Names()
    claimed = tuple(dict.fromkeys(name for name in answer.records if name))[:NAMES_MOST]
    leads = await asyncio.gather(*(_leads_back(name, address, resolver) for name in claimed))
    return Names(
        claimed,
        tuple(name for name, back in zip(claimed, leads, strict=True) if back),
        is_partial=None in leads,
    )


async def _leads_back(name: str, address: IPAddress, resolver: Resolver) -> bool | None:
    """None: nobody could say."""
    is_ipv4 = address.version == 4
    try:
        answer = await resolver.addresses(name, ipv4=is_ipv4, ipv6=not is_ipv4)
    except DnsUnavailableError:
        return None
    except DnsError:
        return False
    return address in answer.records
