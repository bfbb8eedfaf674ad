"""The stub resolver against a name server that does what the test says."""

import asyncio
from collections.abc import Awaitable, Iterator
from ipaddress import ip_address

import dns.message
import dns.name
import pytest

from apps.resolver.base import (
    DnsError,
    DnsUnavailableError,
    MxRecord,
    NoDataError,
    NoSuchNameError,
    TlsaData,
)
from apps.resolver.stub import MOST_RECORDS, StubResolver
from tests.support.dns_server import DnsServer
from tests.support.services import free_port

# For servers that say nothing; a busy machine needs longer for one that speaks.
QUICK = {"try_seconds": 0.2, "seconds": 0.5}


@pytest.fixture
def dns_server() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


def resolver(*servers: DnsServer, is_trusted: bool = True) -> StubResolver:
    found = [(server.host, server.port) for server in servers]
    return StubResolver(found, is_trusted=is_trusted)


def hasty(server: DnsServer) -> StubResolver:
    return StubResolver([(server.host, server.port)], is_trusted=True, **QUICK)


async def failure(question: Awaitable[object]) -> DnsError:
    with pytest.raises(DnsError) as caught:
        await question
    return caught.value


async def test_it_finds_mx_records(dns_server: DnsServer) -> None:
    dns_server.add("example.org", "MX", "10 MX1.Example.org.", "20 mx2.example.org.", ttl=100)
    answer = await resolver(dns_server).mx("Example.ORG.")
    assert set(answer.records) == {MxRecord(10, "mx1.example.org"), MxRecord(20, "mx2.example.org")}
    assert answer.canonical == "example.org"
    assert answer.ttl == 100


async def test_it_knows_the_null_mx(dns_server: DnsServer) -> None:
    dns_server.add("example.org", "MX", "0 .")
    assert (await resolver(dns_server).mx("example.org")).records == (MxRecord(0, ""),)


async def test_it_gives_ipv6_addresses_before_ipv4(dns_server: DnsServer) -> None:
    dns_server.add("mx.example.org", "A", "192.0.2.1")
    dns_server.add("mx.example.org", "AAAA", "2001:db8::1")
    stub = resolver(dns_server)
    both = await stub.addresses("mx.example.org")
    assert both.records == (ip_address("2001:db8::1"), ip_address("192.0.2.1"))
    assert (await stub.addresses("mx.example.org", ipv6=False)).records == (
        ip_address("192.0.2.1"),
    )


async def test_it_is_content_with_one_kind_of_address(dns_server: DnsServer) -> None:
    dns_server.add("mx.example.org", "A", "192.0.2.1")
    dns_server.fail("mx.example.org", "AAAA")
    assert (await resolver(dns_server).addresses("mx.example.org")).records == (
        ip_address("192.0.2.1"),
    )


async def test_it_does_not_take_a_failed_question_for_a_no(dns_server: DnsServer) -> None:
    dns_server.add("mx.example.org", "TXT", '"here"')
    dns_server.fail("mx.example.org", "AAAA")
    stub = resolver(dns_server)
    error = await failure(stub.addresses("mx.example.org"))
    assert isinstance(error, DnsUnavailableError)
    assert error.reason == "name servers answered SERVFAIL"
    assert isinstance(await failure(stub.addresses("mx.example.org", ipv6=False)), NoDataError)


async def test_it_joins_the_strings_of_a_txt_record(dns_server: DnsServer) -> None:
    dns_server.add("example.org", "TXT", '"v=spf1 " "-all"', '"\\255"')
    records = (await resolver(dns_server).txt("example.org")).records
    assert set(records) == {b"v=spf1 -all", b"\xff"}


async def test_it_reads_tlsa_and_ptr_and_cname(dns_server: DnsServer) -> None:
    dns_server.add("_25._tcp.mx.example.org", "TLSA", "3 1 1 " + "ab" * 32)
    dns_server.add("1.2.0.192.in-addr.arpa", "PTR", "mx.example.org.")
    dns_server.add("www.example.org", "CNAME", "mx.example.org.")
    stub = resolver(dns_server)
    assert (await stub.tlsa("_25._tcp.mx.example.org")).records == (
        TlsaData(3, 1, 1, b"\xab" * 32),
    )
    assert (await stub.ptr(ip_address("192.0.2.1"))).records == ("mx.example.org",)
    assert (await stub.cname("www.example.org")).records == ("mx.example.org",)


async def test_it_follows_cnames_and_tells_where_they_led(dns_server: DnsServer) -> None:
    dns_server.add("example.org", "CNAME", "example.net.")
    dns_server.add("example.net", "MX", "10 mx.example.net.")
    stub = resolver(dns_server)
    assert (await stub.mx("example.org")).canonical == "example.net"
    error = await failure(stub.addresses("example.org"))
    assert isinstance(error, NoDataError)
    assert error.canonical == "example.net"


async def test_it_tells_no_name_from_no_record(dns_server: DnsServer) -> None:
    dns_server.add("mx.example.org", "A", "192.0.2.1")
    stub = resolver(dns_server)
    assert isinstance(await failure(stub.mx("example.org")), NoDataError)
    assert isinstance(await failure(stub.mx("example.net")), NoSuchNameError)
    assert isinstance(await failure(stub.addresses("example.net")), NoSuchNameError)


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"])
async def test_it_says_unavailable_when_the_server_fails(dns_server: DnsServer, rcode: str) -> None:
    dns_server.fail("example.org", rcode=rcode)
    error = await failure(resolver(dns_server).mx("example.org"))
    assert isinstance(error, DnsUnavailableError)
    assert rcode in error.reason or rcode == "FORMERR"


async def test_it_asks_the_next_server_when_one_fails(dns_server: DnsServer) -> None:
    dns_server.mail("example.org")
    with DnsServer() as bad, DnsServer() as silent:
        bad.fail("example.org")
        silent.drop("example.org")
        found = [(server.host, server.port) for server in (bad, silent, dns_server)]
        stub = StubResolver(found, is_trusted=True, try_seconds=0.3)
        assert (await stub.mx("example.org")).records == (MxRecord(10, "mx.example.org"),)


async def test_it_gives_up_in_time(dns_server: DnsServer) -> None:
    dns_server.drop("example.org")
    error = await failure(hasty(dns_server).mx("example.org"))
    assert isinstance(error, DnsUnavailableError)
    assert error.reason == "no name server answered in time"


async def test_it_says_unavailable_when_nobody_listens() -> None:
    stub = StubResolver([("127.0.0.1", free_port())], is_trusted=True, **QUICK)
    assert isinstance(await failure(stub.mx("example.org")), DnsUnavailableError)


async def test_it_asks_over_tcp_what_does_not_fit(dns_server: DnsServer) -> None:
    dns_server.add("example.org", "TXT", *(f'"{number:0200}"' for number in range(50)))
    assert len((await resolver(dns_server).txt("example.org")).records) == 50
    assert dns_server.count("example.org", "TXT") == 2
    dns_server.mail("example.net")
    dns_server.truncate("example.net")
    assert (await resolver(dns_server).mx("example.net")).records


async def test_it_keeps_the_best_of_very_many_mx_hosts(dns_server: DnsServer) -> None:
    many = [f"{500 - number} mx{number}.example.org." for number in range(500)]
    dns_server.add("example.org", "MX", *many)
    records = (await resolver(dns_server).mx("example.org")).records
    assert len(records) == MOST_RECORDS
    assert max(record.preference for record in records) == MOST_RECORDS


async def test_it_keeps_all_text(dns_server: DnsServer) -> None:
    dns_server.text("example.org", *(f"token={number}" for number in range(500)), "v=spf1 -all")
    assert b"v=spf1 -all" in (await resolver(dns_server).txt("example.org")).records


async def test_it_finds_no_address_for_mail_hosts_that_cannot_be(dns_server: DnsServer) -> None:
    dns_server.add("example.org", "MX", "5 a\\032b\\010.example.org.", "10 mx.example.org.")
    dns_server.add("example.net", "MX", "5 *.x.")
    stub = resolver(dns_server)
    records = (await stub.mx("example.org")).records
    impossible, possible = sorted(records, key=lambda record: record.preference)
    assert possible == MxRecord(10, "mx.example.org")
    assert impossible.host.isascii()
    assert impossible.host.isprintable()
    assert " " not in impossible.host
    # Kept, or the domain would seem to have no MX, and mail go to its own address.
    assert (await stub.mx("example.net")).records == (MxRecord(5, "\\042.x"),)
    for host in (impossible.host, "\\042.x"):
        assert isinstance(await failure(stub.addresses(host)), NoSuchNameError)
        assert not dns_server.count(host)


@pytest.mark.parametrize("name", ["o'brien=me+x.spf.example.org", "*.example.org", "a b/@;$(.org"])
async def test_it_asks_for_any_printable_name(dns_server: DnsServer, name: str) -> None:
    """The macros of SPF make such names of local parts (RFC 7208 section 7)."""
    dns_server.add(_escaped(name), "A", "127.0.0.2")
    found = await resolver(dns_server).addresses(name, ipv6=False)
    assert [str(address) for address in found.records] == ["127.0.0.2"]


async def test_it_asks_for_one_family_alone(dns_server: DnsServer) -> None:
    dns_server.add("mx.example.org", "A", "127.0.0.2")
    dns_server.add("mx.example.org", "AAAA", "::1")
    found = await resolver(dns_server).addresses("mx.example.org", ipv4=False)
    assert found.records == (ip_address("::1"),)
    assert not dns_server.count("mx.example.org", "A")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a..b",
        "a\tb.org",
        "x" * 64 + ".org",
        "a." * 127 + "org",
        "é.org",
        "a\\.b",
        "a\n.org",
    ],
)
async def test_it_does_not_ask_for_what_is_no_name(dns_server: DnsServer, name: str) -> None:
    assert isinstance(await failure(resolver(dns_server).mx(name)), NoSuchNameError)
    assert dns_server.questions == []


async def test_it_ends_a_loop_of_cnames(dns_server: DnsServer) -> None:
    dns_server.add("a.example.org", "CNAME", "b.example.org.")
    dns_server.add("b.example.org", "CNAME", "a.example.org.")
    assert isinstance(
        await failure(resolver(dns_server).addresses("a.example.org")), DnsUnavailableError
    )


def _looped(query: dns.message.Message) -> bytes:
    response = dns.message.make_response(query)
    name = query.question[0].name.to_text()
    response.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", name))
    return response.to_wire()


@pytest.mark.parametrize(
    "make",
    [
        _looped,
        lambda query: b"\x00" * 12,
        lambda query: query.to_wire()[:2] + b"\xff" * 40,
        lambda query: query.to_wire(),  # no answer, but the question again
    ],
)
async def test_it_survives_a_server_that_answers_nonsense(
    dns_server: DnsServer, make: object
) -> None:
    dns_server.raw("example.org", "MX", make)  # type: ignore[arg-type]
    assert isinstance(await failure(hasty(dns_server).mx("example.org")), DnsUnavailableError)


async def test_it_believes_ad_of_a_trusted_server_alone(dns_server: DnsServer) -> None:
    dns_server.mail("example.org")
    dns_server.secure("example.org")
    assert (await resolver(dns_server).mx("example.org")).secure
    assert not (await resolver(dns_server, is_trusted=False).mx("example.org")).secure


async def test_it_calls_secure_only_what_is_secure_throughout(dns_server: DnsServer) -> None:
    dns_server.secure("example.org")
    dns_server.add("example.org", "CNAME", "insecure.example.net.")
    dns_server.mail("insecure.example.net")
    dns_server.add("mx.example.org", "A", "192.0.2.1")
    stub = resolver(dns_server)
    assert not (await stub.mx("example.org")).secure
    assert (await stub.addresses("mx.example.org")).secure
    denied = await failure(stub.tlsa("_25._tcp.mx.example.org"))
    assert isinstance(denied, NoSuchNameError)
    assert denied.secure
    assert not (await failure(stub.mx("example.com"))).secure


async def test_it_asks_once_for_all_who_ask_at_once(dns_server: DnsServer) -> None:
    dns_server.mail("example.org")
    dns_server.delay("example.org", 0.1)
    dns_server.raw("example.org", "MX", lambda query: dns.message.make_response(query).to_wire())
    stub = resolver(dns_server)
    outcomes = await asyncio.gather(
        *(stub.mx("example.org") for _ in range(50)), return_exceptions=True
    )
    assert len({type(outcome) for outcome in outcomes}) == 1
    assert dns_server.count("example.org", "MX") <= 4


async def test_it_goes_on_for_others_when_one_who_asked_is_gone(dns_server: DnsServer) -> None:
    with DnsServer() as server:
        server.mail("example.org")
        stub = resolver(server)
        first = asyncio.ensure_future(stub.mx("example.org"))
        second = asyncio.ensure_future(stub.mx("example.org"))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).records == (MxRecord(10, "mx.example.org"),)
        assert server.count("example.org", "MX") == 1


def _escaped(name: str) -> str:
    return dns.name.from_text(f"{name}.").to_text(omit_final_dot=True)
