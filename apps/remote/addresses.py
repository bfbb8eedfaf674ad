"""Which IP addresses mail may be taken to: none of this machine, none of a private network.

DNS of strangers says where mail goes, so an MX record is a way to make this host connect to
itself, to its neighbours, or to the metadata service of its cloud. Whoever connects uses the
address that was checked here, never the name again.
"""

import contextlib
import ipaddress
import socket
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from django.conf import settings

from apps.resolver.base import IPAddress

# Platform services outside the link-local network.
METADATA: Final = frozenset[IPAddress](
    {
        IPv4Address("168.63.129.16"),  # Azure's WireServer
        IPv6Address("fd00:ec2::254"),  # AWS
    }
)
# Special by RFC 6890 and its registry, though Python's `is_global` takes parts of them for public.
_SPECIAL: Final = (
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
# A network's own translators (RFC 8215): where in it the IPv4 address stands is theirs to choose.
_NAT64_LOCAL: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
# "IPv4-compatible" and deprecated (RFC 4291 section 2.5.5.1); ::/128 and ::1 are among them.
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
_SITE_LOCAL: Final = ipaddress.IPv6Network("fec0::/10")
_LOCAL: Final = (_COMPATIBLE, _SITE_LOCAL, _NAT64_LOCAL)
_DISCARD: Final = 9


def is_allowed(address: IPAddress) -> bool:
    """Whether a connection to this address may be made because a stranger's DNS says so.

    SMTP_OUT_PRIVATE opens private and loopback networks, not what is no server's address at all,
    nor where clouds have their metadata (169.254.169.254, in the link-local network).
    """
    if not settings.SMTP_OUT_PRIVATE:
        return is_public(address)
    inner = _inner(address) if isinstance(address, IPv6Address) else None
    real = address if inner is None else inner
    return not (
        real.is_multicast
        or real.is_unspecified
        or real.is_link_local
        or (real.version == 4 and real.is_reserved)
        or real in METADATA
    )


def is_public(address: IPAddress) -> bool:
    """Whether an address belongs to one machine of the public internet. An IPv6 address with an
    IPv4 address inside leads to that one, so it is as public as that."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None or any(address in network for network in _LOCAL):
            return False
        inner = _inner(address)
        if inner is not None:
            return is_public(inner)
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved)
        and address not in METADATA
        and not any(address in network for network in _SPECIAL)
    )


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or address in _NAT64_LOCAL:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def is_ours(address: IPAddress, port: int) -> bool:
    """Whether a connection there would end at this mailhost: mail that is routed to us again.

    With SMTP_OUT_PRIVATE other servers may share the machine, so that only the ports of our own
    doors count.
    """
    if not _is_local(address):
        return False
    if port in own_ports():
        return True
    return not settings.SMTP_OUT_PRIVATE


def own_ports() -> set[int]:
    """The ports at which this installation takes mail."""
    doors = (
        settings.SMTP_LISTEN,
        settings.SUBMISSION_LISTEN,
        settings.SUBMISSIONS_LISTEN,
        settings.LMTP_LISTEN,
    )
    return {door.port for door in doors if door is not None}


def _is_local(address: IPAddress) -> bool:
    """Whether this machine has the address. A datagram socket that is "connected" to it, which
    sends nothing, has then the very same address itself; binding to it would prove nothing where
    ip_nonlocal_bind is set."""
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((str(address), _DISCARD))
        return bool(probe.getsockname()[0] == str(address))
    return False


def source_for(address: IPAddress) -> str:
    """The address to connect from, by SMTP_OUT_ADDRESS; "" leaves it to the system."""
    return _sources(settings.SMTP_OUT_ADDRESS).get(address.version, "")


@lru_cache(maxsize=8)
def _sources(addresses: tuple[str, ...]) -> dict[int, str]:
    return {ipaddress.ip_address(one).version: one for one in addresses}


def interleave(addresses: Iterable[IPAddress], limit: int) -> list[IPAddress]:
    """At most `limit` addresses, IPv6 and IPv4 in turn, IPv6 first (RFC 8305 section 4)."""
    distinct = list(dict.fromkeys(addresses))
    by_version = [[one for one in distinct if one.version == version] for version in (6, 4)]
    mixed: list[IPAddress] = []
    while any(by_version):
        mixed += [group.pop(0) for group in by_version if group]
    return mixed[:limit]


def endpoint(address: IPAddress | str, port: int) -> str:
    """`192.0.2.1:25`, `[2001:db8::1]:25`."""
    text = str(address)
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"
