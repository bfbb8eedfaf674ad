"""SPF of a connection: which domain is asked, what is none, and that it ends in time."""

import asyncio

import pytest

from apps.mailauth import spf
from apps.mailauth.spf import check
from apps.mailauth.types import Client, Result, Spf
from apps.resolver.stub import StubResolver
from tests.support.dns_server import DnsServer
from tests.support.zones import Zones

ADDRESS = "192.0.2.1"


def client(sender: str = "alice@example.org", helo: str = "mail.example.org") -> Client:
    return Client(ADDRESS, helo, sender, "mx.example.net")


@pytest.fixture
def zones() -> Zones:
    zones = Zones()
    zones.add("example.org", "TXT", "v=spf1 ip4:192.0.2.1 -all")
    zones.add("mail.example.org", "TXT", "v=spf1 ip4:192.0.2.2 -all exp=%{l}.why.test")
    zones.add("postmaster.why.test", "TXT", "%{s} from %{h}")
    return zones


async def test_it_checks_the_reverse_path(zones: Zones) -> None:
    assert await spf.check_sender(client(), zones) == Spf(
        Result.PASS, "example.org", "mfrom", "", "ip4:192.0.2.1", ""
    )


async def test_it_checks_helo_as_its_postmaster(zones: Zones) -> None:
    assert await spf.check_helo(client(), zones) == Spf(
        Result.FAIL,
        "mail.example.org",
        "helo",
        "",
        "-all",
        "postmaster@mail.example.org from mail.example.org",
    )


async def test_it_checks_helo_for_the_null_path(zones: Zones) -> None:
    """RFC 7208 section 2.4."""
    found = await spf.check_sender(client(""), zones)
    assert (found.result, found.domain, found.scope) == (Result.FAIL, "mail.example.org", "mfrom")
    assert zones.count("example.org") == 0


async def test_it_has_no_result_for_a_domain_without_a_record(zones: Zones) -> None:
    found = await spf.check_sender(client("a@none.test"), zones)
    assert found == Spf(Result.NONE, "none.test", "mfrom", "none.test has no record")
    zones.add("none.test", "TXT", "something else")
    assert (await spf.check_sender(client("a@none.test"), zones)).result is Result.NONE


@pytest.mark.parametrize(
    "name",
    [
        "",
        "localhost",
        "OEMCOMPUTER",
        "[192.0.2.1]",
        "[IPv6:2001:db8::1]",
        "192.0.2.1",
        "2001:db8::1",
        "example..org",
        ".example.org",
        "x" * 64 + ".org",
        "a." * 127 + "org",
        "x" * 100_000,
        "exa mple.org",
        "example.org\r\nX: y",
        "exam\x00ple.org",
        "\ud800.org",
        "\u2028.org",
        "*.example.org",
        "%{d}.example.org",
    ],
)
async def test_it_has_no_result_for_what_is_no_domain(zones: Zones, name: str) -> None:
    for found in (
        await spf.check_helo(client(helo=name), zones),
        await spf.check_sender(client("", name), zones),
        await spf.check_sender(client(f"alice@{name}"), zones),
    ):
        assert (found.result, found.domain) == (Result.NONE, "")
        assert found.reason == "not a domain name"
    assert not zones.questions


@pytest.mark.parametrize("name", ["Example.ORG", "example.org."])
async def test_it_knows_a_domain_however_it_is_written(zones: Zones, name: str) -> None:
    found = await spf.check_sender(client(f"alice@{name}"), zones)
    assert (found.result, found.domain) == (Result.PASS, "example.org")


async def test_it_says_domains_in_a_labels(zones: Zones) -> None:
    zones.add("xn--bcher-kva.example", "TXT", "v=spf1 exists:%{h}.h.test exists:%{o}.o.test -all")
    zones.host("xn--bcher-kva.example.h.test", "127.0.0.2")
    spelled = client("a@B\u00dcCHER.example", "B\u00fccher.example")
    found = await spf.check_sender(spelled, zones)
    assert (found.result, found.domain) == (Result.PASS, "xn--bcher-kva.example")
    assert found.mechanism == "exists:%{h}.h.test"


@pytest.mark.parametrize("address", ["", "unix", "192.0.2", "::ffff:192.0.2.1"])
async def test_it_needs_an_address(zones: Zones, address: str) -> None:
    known = Client(address, "mail.example.org", "alice@example.org", "mx.example.net")
    found = await spf.check_sender(known, zones)
    if address.startswith("::ffff:"):  # an IPv4 client of an IPv6 socket (section 5)
        assert found.result is Result.PASS
    else:
        assert found == Spf(Result.NONE, "example.org", "mfrom", "the connection has no IP address")


async def test_it_gives_up_in_time(zones: Zones, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "SECONDS", 0.05)
    zones.drop("example.org")
    assert await spf.check_sender(client(), zones) == Spf(
        Result.TEMPERROR, "example.org", "mfrom", "the DNS did not answer in time"
    )


async def test_it_gives_up_in_time_when_each_answer_is_late(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten look-ups, each as late as can be, take no longer than one: the limit is for all."""
    monkeypatch.setattr(check, "SECONDS", 2.0)
    zones.add("example.org", "TXT", "v=spf1 " + "exists:x.test " * 10)
    zones.host("y.x.test", ADDRESS)
    zones.delay(0.8)
    assert (await spf.check_sender(client(), zones)).result is Result.TEMPERROR
    assert 1 < len(zones.questions) < 5


async def test_it_does_not_lose_a_fail_over_its_explanation(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "EXPLANATION_SECONDS", 0.05)
    zones.drop("postmaster.why.test")
    found = await spf.check_helo(client(), zones)
    assert (found.result, found.explanation) == (Result.FAIL, "")
    zones.mend()
    zones.fail("postmaster.why.test")
    found = await spf.check_helo(client(), zones)
    assert (found.result, found.explanation) == (Result.FAIL, "")


async def test_it_can_be_cancelled(zones: Zones) -> None:
    zones.drop("example.org")
    task = asyncio.create_task(spf.check_sender(client(), zones))
    await zones.asked()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_asks_real_name_servers() -> None:
    """Long records in several strings, odd names, denials, a dead server: over real packets."""
    with DnsServer() as server:
        resolver = StubResolver([(server.host, server.port)], is_trusted=False)
        filler = " ".join(f"ip4:198.51.100.{number}" for number in range(60))
        server.text("example.org", f"v=spf1 {filler} exists:%{{l}}.test mx -all")
        server.add("o'brien+x.test", "A", "127.0.0.2")
        server.mail("example.org", ADDRESS)
        for sender, mechanism in (("o'brien+x", "exists:%{l}.test"), ("bob", "mx")):
            found = await spf.check_sender(client(f"{sender}@example.org"), resolver)
            assert (found.result, found.mechanism) == (Result.PASS, mechanism)
        # 24 KB of other texts, by TCP, and the record among them.
        server.text("large.test", *("x" * 250 + str(one) for one in range(90)), "v=spf1 +all")
        assert (await spf.check_sender(client("a@large.test"), resolver)).result is Result.PASS
        server.fail("broken.test")
        found = await spf.check_sender(client("a@broken.test"), resolver)
        assert found.result is Result.TEMPERROR
        found = await spf.check_sender(client("a@nowhere.invalid"), resolver)
        assert found.result is Result.NONE
