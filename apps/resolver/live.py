"""The resolver by the settings."""

import ipaddress
import logging

import dns.resolver
from django.conf import settings

from apps.resolver.base import Resolver
from apps.resolver.stub import StubResolver

logger = logging.getLogger(__name__)

PORT = 53


def live_resolver() -> Resolver:
    """A resolver that asks DNS_SERVERS, or those of /etc/resolv.conf as it is now; it belongs to
    the running loop."""
    servers = configured_servers()
    return StubResolver(servers, is_trusted=_is_trusted([host for host, _ in servers]))


def configured_servers() -> list[tuple[str, int]]:
    """Addresses and ports of the name servers that questions go to."""
    return [(server.host, server.port) for server in settings.DNS_SERVERS] or _system_servers()


def _system_servers() -> list[tuple[str, int]]:
    try:
        found = dns.resolver.Resolver().nameservers
    except dns.resolver.NoResolverConfiguration as error:
        logger.warning("no name server is configured, 127.0.0.1 is asked: %s", error)
        found = []
    return [(str(server), PORT) for server in found] or [("127.0.0.1", PORT)]


def _is_trusted(hosts: list[str]) -> bool:
    """With several servers, nobody can tell afterwards which one was believed: all must be good."""
    if settings.DNSSEC_TRUST == "loopback":
        return all(ipaddress.ip_address(host.partition("%")[0]).is_loopback for host in hosts)
    return bool(settings.DNSSEC_TRUST == "always")
