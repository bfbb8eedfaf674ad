"""Whether the name of this host is one that others can find at all, before anybody is asked."""

from typing import Final

from apps.dnscheck.records import Kind

NAMING: Final = frozenset(
    {
        Kind.MX,
        Kind.SPF,
        Kind.PTR,
        Kind.POLICY_HOST,
        Kind.AUTOCONFIG,
        Kind.AUTODISCOVER,
        Kind.SRV,
        Kind.TLSA,
    }
)
"""Kinds of records that name this host: with a name that nobody finds they cannot work."""

# Names that are never in the DNS of the world, by RFC 6761, RFC 6762 and RFC 8375, or that ICANN
# gives to nobody for they are used within houses: ".internal" and what routers are shipped with.
_PRIVATE: Final = (
    "arpa",
    "corp",
    "home",
    "internal",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
)


def is_lost(host: str) -> bool:
    """Whether nobody outside can find a host by this name: "vm", "server.local"."""
    above, dot, last = host.lower().removesuffix(".").rpartition(".")
    return not dot or not above or last in _PRIVATE or last.isdigit()
