"""The zones in memory that tests ask say what the stub resolver says of the same records."""

from collections.abc import Awaitable, Iterator
from ipaddress import ip_address
from typing import Any, Final

import pytest

from apps.resolver.base import Answer, DnsError, DnsUnavailableError, Resolver
from apps.resolver.stub import StubResolver
from tests.support.dns_server import DnsServer
from tests.support.zones import Zones

RECORDS: Final = [
    ("example.org", "MX", ["10 mx.example.org.", "20 backup.example.net."]),
    ("null.example.org", "MX", ["0 ."]),
    ("mx.example.org", "A", ["192.0.2.1", "192.0.2.2"]),
    ("mx.example.org", "AAAA", ["2001:db8::1"]),
    ("four.example.org", "A", ["192.0.2.4"]),
    ("alias.example.org", "CNAME", ["mx.example.org."]),
    ("chain.example.org", "CNAME", ["alias.example.org."]),
    ("loop.example.org", "CNAME", ["loop.example.org."]),
    ("dangling.example.org", "CNAME", ["nowhere.example.org."]),
    ("1.2.0.192.in-addr.arpa", "PTR", ["mx.example.org."]),
    ("o'brien+x.example.org", "A", ["192.0.2.5"]),
    ("_25._tcp.mx.example.org", "TLSA", ["3 1 1 " + "ab" * 32]),
]
NAMES: Final = [
    *(name for name, _, _ in RECORDS),
    "MX.Example.ORG.",
    "below.mx.example.org",
    "_tcp.mx.example.org",
    "nowhere.example.org",
    "failing.example.org",
    "",
    "a..example.org",
    "x" * 64 + ".example.org",
    "a\\.example.org",
    "a b.example.org",
    "\u00e9.example.org",
]


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    with DnsServer() as server:
        for name, kind, records in RECORDS:
            server.add(name, kind, *records)
        server.text("example.org", "v=spf1 mx -all", 'with "quotes" and \\backslash', "")
        server.fail("failing.example.org")
        yield server


@pytest.fixture(scope="module")
def zones() -> Zones:
    zones = Zones()
    for name, kind, records in RECORDS:
        zones.add(name, kind, *(_null_mx(one) for one in records))
    zones.add("example.org", "TXT", "v=spf1 mx -all", 'with "quotes" and \\backslash', "")
    zones.fail("failing.example.org")
    return zones


def _null_mx(record: str) -> str:
    return record.removesuffix(".") if record == "0 ." else record


async def outcome(question: Awaitable[Answer[Any]]) -> Any:
    """What must be the same: records in any order and where they were; or the failure's kind."""
    try:
        answer = await question
    except DnsError as error:
        return type(error)
    return sorted(answer.records, key=repr), answer.canonical


def questions(resolver: Resolver, name: str) -> list[Awaitable[Answer[Any]]]:
    return [
        resolver.mx(name),
        resolver.txt(name),
        resolver.tlsa(name),
        resolver.cname(name),
        resolver.addresses(name),
        resolver.addresses(name, ipv6=False),
        resolver.addresses(name, ipv4=False),
    ]


@pytest.mark.parametrize("name", NAMES)
async def test_it_answers_as_the_stub_resolver_does(
    name: str, server: DnsServer, zones: Zones
) -> None:
    stub = StubResolver([(server.host, server.port)], is_trusted=False)
    asked = zip(questions(zones, name), questions(stub, name), strict=True)
    for ours, theirs in asked:
        assert await outcome(ours) == await outcome(theirs)


async def test_it_knows_the_names_of_addresses(server: DnsServer, zones: Zones) -> None:
    stub = StubResolver([(server.host, server.port)], is_trusted=False)
    for address in map(ip_address, ("192.0.2.1", "192.0.2.9", "2001:db8::1")):
        assert await outcome(zones.ptr(address)) == await outcome(stub.ptr(address))


async def test_it_counts_and_goes_wrong_as_told() -> None:
    zones = Zones()
    zones.add("example.org", "TXT", "one")
    zones.more("example.org", "TXT", "two")
    assert (await zones.txt("Example.org.")).records == (b"one", b"two")
    zones.fail(kind="MX")
    assert await outcome(zones.mx("example.net")) is DnsUnavailableError
    zones.mend()
    zones.remove("example.org")
    assert await outcome(zones.txt("example.org")) is not DnsUnavailableError
    assert (zones.count("example.org", "TXT"), zones.count()) == (2, 3)
