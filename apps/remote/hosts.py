"""Where the servers of a next hop are: MX records made into hosts to be tried, in order.

RFC 5321 section 5.1 with RFC 7505: null MX, the domain itself without MX records, CNAMEs followed,
hosts of one preference in random order, none that is not preferred to ourselves. What a stranger's
DNS can do here is bounded: at most MOST_HOSTS are tried, each at no more than MOST_ADDRESSES, and
never at an address that `addresses` forbids.
"""

import asyncio
import ipaddress
import itertools
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings

from apps.remote import addresses
from apps.remote.types import HopUnreachableError, NextHop
from apps.resolver.base import (
    DnsError,
    DnsUnavailableError,
    IPAddress,
    MxRecord,
    NoDataError,
    NoSuchNameError,
    Resolver,
)

MOST_HOSTS: Final = 10
MOST_ADDRESSES: Final = 4  # of one host

# Enhanced status codes of what is found here (RFC 3463, RFC 7505).
NO_DOMAIN: Final = "5.1.2"
NULL_MX: Final = "5.1.10"
NO_ROUTE: Final = "5.4.4"
LOOP: Final = "5.4.6"
DNS_DOWN: Final = "4.4.3"


@dataclass(frozen=True, slots=True)
class Host:
    """A server to be tried: a name or an IP address, as in DNS or by an administrator.

    Args:
        is_mx_secure, canonical, is_address_secure: as for `policy.Exchanger`.
        problem: why it cannot be tried; `addresses` is empty then. Its status tells whether that
            may change.
    """

    name: str
    addresses: tuple[IPAddress, ...] = ()
    is_mx_secure: bool = False
    canonical: str = ""
    is_address_secure: bool = False
    problem: HopUnreachableError | None = None


@dataclass(frozen=True, slots=True)
class Exchangers:
    """What the MX records of a domain say.

    Args:
        records: sorted by preference, those of equal preference shuffled.
        is_secure: they, or the proof that there are none, are secure.
    """

    domain: str
    records: tuple[MxRecord, ...] = field(default=())
    is_secure: bool = False


async def exchangers(resolver: Resolver, domain: str) -> Exchangers:
    """Ask for the MX records of a domain; without any, the domain is its own mail host.

    Raises:
        HopUnreachableError: it has no mail, or nobody could say.
    """
    try:
        answer = await resolver.mx(domain)
    except NoSuchNameError:
        raise HopUnreachableError(NO_DOMAIN, f"there is no domain {domain}") from None
    except NoDataError as error:
        # Section 5.1: an implicit MX; where a CNAME led, that name is processed in its place.
        host = error.canonical or domain
        return Exchangers(domain, (MxRecord(0, host),), error.secure)
    except DnsUnavailableError as error:
        raise _dns_down(f"the MX records of {domain}", error) from None
    if all(record.host == "" for record in answer.records):
        raise HopUnreachableError(NULL_MX, f"{domain} says that it takes no mail (null MX)")
    # RFC 7505 section 3: a null MX beside others is a mistake, and no host.
    found = [record for record in answer.records if record.host]
    random.shuffle(found)
    found.sort(key=lambda record: record.preference)
    return Exchangers(domain, tuple(found), answer.secure)


async def usable(resolver: Resolver, found: Exchangers) -> AsyncIterator[Host]:
    """The hosts in the order to try them, their addresses asked for as late as that is possible.

    A host that is ourselves ends them, and all of its preference with it: mail goes to better
    preferred ones, or it would come back to us (section 5.1).
    """
    records = found.records[:MOST_HOSTS]
    for _, group in itertools.groupby(records, key=lambda record: record.preference):
        names = [record.host for record in group]
        hosts = await asyncio.gather(
            *(_resolve(resolver, name, is_mx_secure=found.is_secure) for name in names)
        )
        ours = [host for host in hosts if _is_ours(host)]
        if ours:
            yield _loop(ours[0].name)
            return
        for host in hosts:
            yield _held_to_rules(host)


async def named(resolver: Resolver, hop: NextHop) -> Host:
    """The one host of a hop that names it: a transport's (whose private addresses are the
    administrator's own wish), or a domain that is an address literal."""
    literal = hop.host.removeprefix("[").removesuffix("]").removeprefix("IPv6:")
    try:
        found = ipaddress.ip_address(literal)
    except ValueError:
        host = await _resolve(resolver, hop.host, is_mx_secure=False)
    else:
        host = Host(str(found), (found,))
    if any(addresses.is_ours(one, port(hop)) and _is_door(hop) for one in host.addresses):
        return _loop(host.name)
    return _held_to_rules(host) if hop.kind == "mx" else host


def port(hop: NextHop) -> int:
    """The port to connect to."""
    return hop.port or int(settings.SMTP_OUT_PORT)


def _is_door(hop: NextHop) -> bool:
    """A transport to a server beside us on this machine is none to us, whatever its port."""
    return hop.kind == "mx" or port(hop) in addresses.own_ports()


async def _resolve(resolver: Resolver, name: str, *, is_mx_secure: bool) -> Host:
    try:
        answer = await resolver.addresses(name, ipv6=settings.SMTP_OUT_IPV6)
    except DnsUnavailableError as error:
        return Host(name, problem=_dns_down(f"the address of {name}", error))
    except DnsError as error:
        reason = f"the mail server {name} has no address: {error.reason}"
        return Host(name, problem=HopUnreachableError(NO_ROUTE, reason, host=name))
    return Host(
        name,
        tuple(addresses.interleave(answer.records, MOST_ADDRESSES)),
        is_mx_secure,
        answer.canonical,
        answer.secure,
    )


def _is_ours(host: Host) -> bool:
    if host.name == settings.MAIL_HOSTNAME:
        return True
    return any(addresses.is_ours(one, settings.SMTP_OUT_PORT) for one in host.addresses)


def _held_to_rules(host: Host) -> Host:
    """The host without the addresses that mail of strangers must not go to."""
    allowed = tuple(one for one in host.addresses if addresses.is_allowed(one))
    if allowed or host.problem is not None:
        return Host(
            host.name,
            allowed,
            host.is_mx_secure,
            host.canonical,
            host.is_address_secure,
            host.problem,
        )
    if any(one.is_loopback or one.is_unspecified for one in host.addresses):
        return _loop(host.name)
    reason = f"the mail server {host.name} has the address {host.addresses[0]}, which is not public"
    return Host(host.name, problem=HopUnreachableError(NO_ROUTE, reason, host=host.name))


def _loop(name: str) -> Host:
    reason = f"the mail server {name} is this one: mail would go in a circle"
    return Host(name, problem=HopUnreachableError(LOOP, reason, host=name))


def _dns_down(what: str, error: DnsError) -> HopUnreachableError:
    return HopUnreachableError(DNS_DOWN, f"{what} could not be had: {error.reason}")
