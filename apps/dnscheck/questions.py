"""What is asked of a domain: each record that it should have, and where it lands by mistake."""

import secrets
from collections.abc import Iterable

from apps.dnscheck.answers import Key
from apps.dnscheck.records import Kind, Wanted

ALIASES = frozenset({Kind.POLICY_HOST, Kind.AUTOCONFIG, Kind.AUTODISCOVER})
HOSTS = frozenset({Kind.TLSA, Kind.PTR})
"""Kinds that stand in somebody else's zone, and are the same for all domains."""


def stray_name(domain: str) -> str:
    """A name that nobody has: what answers there answers everywhere."""
    return f"mh-{secrets.token_hex(8)}.{domain}"


def own(domain: str, wanted: Iterable[Wanted], stray: str) -> tuple[Key, ...]:
    """Of those in charge of the zone, and of resolvers, whose answers are compared."""
    keys: list[Key] = [(domain, "SOA"), (stray, "TXT")]
    for one in wanted:
        if one.kind not in HOSTS:
            keys += keys_of(one)
    return tuple(dict.fromkeys(keys))


def keys_of(one: Wanted) -> tuple[Key, ...]:
    """What is asked to see how a record stands; the first tells most."""
    if one.kind in ALIASES:
        return ((one.name, "A"), (one.name, "AAAA"))
    return ((one.name, one.type),)


def doubled(domain: str, wanted: Iterable[Wanted]) -> tuple[Key, ...]:
    """Where a record lands whose whole name was typed into a form that adds the domain."""
    return tuple(
        dict.fromkeys(
            (doubled_name(one, domain), one.type)
            for one in wanted
            if one.kind not in HOSTS and one.kind not in ALIASES
        )
    )


def doubled_name(one: Wanted, domain: str) -> str:
    """The name that such a record has."""
    return f"{one.name}.{domain}"


def of_host(wanted: Iterable[Wanted], host: str) -> tuple[Key, ...]:
    """Of resolvers: what stands in the zones of this host and its addresses."""
    keys = [key for one in wanted if one.kind in HOSTS for key in keys_of(one)]
    return tuple(dict.fromkeys([(host, "A"), (host, "AAAA"), *keys]))


def mail_hosts(records: Iterable[str], host: str, most: int = 5) -> tuple[str, ...]:
    """The hosts of MX records that are not this one: where they lead is asked for."""
    names = [record.partition(" ")[2].rstrip(".") for record in records]
    return tuple(dict.fromkeys(name for name in names if name and name != host))[:most]
