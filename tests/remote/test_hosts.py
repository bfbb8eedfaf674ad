"""From MX records to hosts: RFC 5321 section 5.1, and what strangers' DNS must not do with us."""

from typing import Any

import pytest
from pytest_django import Settings

from apps.remote.hosts import MOST_ADDRESSES, MOST_HOSTS, Host, exchangers, named, usable
from apps.remote.types import HopUnreachableError, NextHop
from apps.resolver.stub import StubResolver
from mailhost.env import Endpoint
from tests.support.dns_server import DnsServer

PUBLIC = "8.8.8.8"


def resolver(dns: DnsServer) -> StubResolver:
    return StubResolver([(dns.host, dns.port)], is_trusted=True)


async def hosts(dns: DnsServer, domain: str = "example.org") -> list[Host]:
    asking = resolver(dns)
    return [host async for host in usable(asking, await exchangers(asking, domain))]


async def refusal(dns: DnsServer, domain: str = "example.org") -> HopUnreachableError:
    with pytest.raises(HopUnreachableError) as caught:
        await exchangers(resolver(dns), domain)
    return caught.value


def status(host: Host) -> str:
    return host.problem.status if host.problem is not None else ""


def mail(dns: DnsServer, *records: str, **addresses: str) -> None:
    """MX records of example.org, and the address of each short host name."""
    dns.add("example.org", "MX", *(f"{record}.example.org." for record in records))
    for name, address in addresses.items():
        dns.add(f"{name}.example.org", "AAAA" if ":" in address else "A", address)


async def test_it_goes_by_preference(dns: DnsServer) -> None:
    mail(dns, "20 b", "5 a", "30 c", a=PUBLIC, b=PUBLIC, c=PUBLIC)
    assert [host.name[0] for host in await hosts(dns)] == ["a", "b", "c"]


async def test_it_shuffles_hosts_of_one_preference(dns: DnsServer) -> None:
    names = "abcdef"
    mail(dns, *(f"10 {name}" for name in names), **dict.fromkeys(names, PUBLIC))
    asking = resolver(dns)
    orders = {
        tuple(one.host for one in (await exchangers(asking, "example.org")).records)
        for _ in range(30)
    }
    assert len(orders) > 10


async def test_it_refuses_at_once_where_no_mail_is_taken(dns: DnsServer) -> None:
    dns.add("example.org", "MX", "0 .")
    error = await refusal(dns)
    assert (error.status, error.is_permanent) == ("5.1.10", True)
    assert error.reply == "example.org says that it takes no mail (null MX)"


async def test_it_passes_over_a_null_mx_among_others(dns: DnsServer) -> None:
    dns.add("example.org", "MX", "0 .", "10 a.example.org.")
    dns.add("a.example.org", "A", PUBLIC)
    assert [host.name for host in await hosts(dns)] == ["a.example.org"]


async def test_it_fails_for_a_domain_that_is_none(dns: DnsServer) -> None:
    assert (await refusal(dns)).status == "5.1.2"
    assert (await refusal(dns, "a..b")).status == "5.1.2"


async def test_it_waits_when_dns_does_not_answer(dns: DnsServer) -> None:
    dns.fail("example.org")
    error = await refusal(dns)
    assert (error.status, error.is_permanent) == ("4.4.3", False)
    assert error.reply == (
        "the MX records of example.org could not be had: name servers answered SERVFAIL"
    )


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700:4700::1111"])
async def test_it_takes_the_domain_itself_without_mx(dns: DnsServer, address: str) -> None:
    dns.add("example.org", "AAAA" if ":" in address else "A", address)
    (host,) = await hosts(dns)
    assert host.name == "example.org"
    assert [str(one) for one in host.addresses] == [address]


async def test_it_takes_no_address_when_there_are_mx_records(dns: DnsServer) -> None:
    mail(dns, "10 gone")
    dns.add("example.org", "A", PUBLIC)
    assert [status(host) for host in await hosts(dns)] == ["5.4.4"]


async def test_it_takes_no_address_when_mx_records_name_no_host(dns: DnsServer) -> None:
    dns.add("example.org", "MX", "10 a\\032b.example.org.")
    dns.add("example.org", "A", PUBLIC)
    assert [status(host) for host in await hosts(dns)] == ["5.4.4"]


async def test_it_waits_for_hosts_whose_address_cannot_be_had(dns: DnsServer) -> None:
    mail(dns, "10 gone", "20 slow")
    dns.fail("slow.example.org")
    assert [status(host) for host in await hosts(dns)] == ["5.4.4", "4.4.3"]


async def test_it_follows_cnames(dns: DnsServer) -> None:
    dns.add("example.org", "CNAME", "example.net.")
    dns.add("example.net", "MX", "10 mx.example.net.")
    dns.add("mx.example.net", "CNAME", "host.example.com.")
    dns.add("host.example.com", "A", PUBLIC)
    (host,) = await hosts(dns)
    assert (host.name, host.canonical) == ("mx.example.net", "host.example.com")


async def test_it_takes_where_a_cname_leads_for_the_implicit_mx(dns: DnsServer) -> None:
    dns.add("example.org", "CNAME", "host.example.net.")
    dns.add("host.example.net", "A", PUBLIC)
    assert [host.name for host in await hosts(dns)] == ["host.example.net"]


async def test_it_tells_what_is_secure(dns: DnsServer) -> None:
    dns.secure("example.org")
    mail(dns, "10 a", a=PUBLIC)
    dns.add("example.org", "MX", "10 a.example.org.", "20 b.example.net.")
    dns.add("b.example.net", "A", PUBLIC)
    first, second = await hosts(dns)
    assert (first.is_mx_secure, first.is_address_secure) == (True, True)
    assert (second.is_mx_secure, second.is_address_secure) == (True, False)


async def test_it_tries_ten_of_five_hundred_hosts(dns: DnsServer) -> None:
    names = [f"h{number}" for number in range(500)]
    mail(dns, *(f"{number} h{number}" for number in range(500)), **dict.fromkeys(names, PUBLIC))
    found = await hosts(dns)
    assert [host.name for host in found] == [f"h{n}.example.org" for n in range(MOST_HOSTS)]
    assert sum(kind in {"A", "AAAA"} for _, kind in dns.questions) == 2 * MOST_HOSTS


async def test_it_tries_a_few_of_a_hundred_addresses(dns: DnsServer) -> None:
    mail(dns, "10 a")
    dns.add("a.example.org", "A", *(f"8.8.4.{number}" for number in range(100)))
    (host,) = await hosts(dns)
    assert len(host.addresses) == MOST_ADDRESSES


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", "5.4.6"),
        ("::1", "5.4.6"),
        ("0.0.0.0", "5.4.6"),
        ("::ffff:127.0.0.1", "5.4.4"),
        ("169.254.169.254", "5.4.4"),
        ("10.0.0.1", "5.4.4"),
        ("fd00:ec2::254", "5.4.4"),
        ("fe80::1", "5.4.4"),
        ("224.0.0.1", "5.4.4"),
    ],
)
async def test_it_goes_nowhere_private(dns: DnsServer, address: str, expected: str) -> None:
    mail(dns, "10 a", a=address)
    (host,) = await hosts(dns)
    assert host.addresses == ()
    assert status(host) == expected


async def test_it_goes_to_the_public_address_of_a_host_that_has_both(dns: DnsServer) -> None:
    mail(dns, "10 a")
    dns.add("a.example.org", "A", "10.0.0.1", PUBLIC)
    (host,) = await hosts(dns)
    assert [str(one) for one in host.addresses] == [PUBLIC]


async def test_it_goes_to_better_hosts_than_itself_alone(
    dns: DnsServer, settings: Settings
) -> None:
    settings.MAIL_HOSTNAME = "us.example.org"
    mail(dns, "10 a", "20 us", "20 b", "30 c", a=PUBLIC, us=PUBLIC, b=PUBLIC, c=PUBLIC)
    found = await hosts(dns)
    assert [(host.name, status(host)) for host in found] == [
        ("a.example.org", ""),
        ("us.example.org", "5.4.6"),
    ]
    assert dns.count("c.example.org") == 0


async def test_it_knows_itself_by_address(
    dns: DnsServer, settings: Settings, private: None
) -> None:
    settings.SMTP_LISTEN = Endpoint("0.0.0.0", 2525)
    settings.SMTP_OUT_PORT = 2525
    mail(dns, "10 other", other="127.0.0.9")
    assert [status(host) for host in await hosts(dns)] == ["5.4.6"]


async def test_it_asks_for_no_ipv6_address_when_it_has_no_ipv6(
    dns: DnsServer, settings: Settings
) -> None:
    settings.SMTP_OUT_IPV6 = False
    mail(dns, "10 a", a=PUBLIC)
    dns.add("a.example.org", "AAAA", "2606:4700::1")
    (host,) = await hosts(dns)
    assert [str(one) for one in host.addresses] == [PUBLIC]
    assert dns.count("a.example.org", "AAAA") == 0


def hop(host: str, **more: Any) -> NextHop:
    return NextHop("x", **{"kind": "smtp", "port": 25, **more}, host=host)


async def test_it_takes_an_address_literal_as_it_is(dns: DnsServer) -> None:
    host = await named(resolver(dns), hop("[8.8.8.8]", kind="mx", port=0))
    assert (host.name, str(host.addresses[0])) == ("8.8.8.8", "8.8.8.8")
    host = await named(resolver(dns), hop("[IPv6:2606:4700::1]", kind="mx", port=0))
    assert str(host.addresses[0]) == "2606:4700::1"
    assert dns.questions == []


@pytest.mark.parametrize(
    ("literal", "expected"),
    [("[127.0.0.1]", "5.4.6"), ("[10.0.0.1]", "5.4.4"), ("[IPv6:::1]", "5.4.6")],
)
async def test_it_holds_literals_to_the_same_rules(
    dns: DnsServer, literal: str, expected: str
) -> None:
    assert status(await named(resolver(dns), hop(literal, kind="mx", port=0))) == expected


async def test_it_lets_an_administrator_name_private_hosts(dns: DnsServer) -> None:
    assert str((await named(resolver(dns), hop("10.0.0.1"))).addresses[0]) == "10.0.0.1"
    assert str((await named(resolver(dns), hop("127.0.0.1"))).addresses[0]) == "127.0.0.1"
    dns.add("relay.example.org", "A", "192.168.1.1")
    assert str((await named(resolver(dns), hop("relay.example.org"))).addresses[0]) == "192.168.1.1"
    assert dns.count("relay.example.org", "MX") == 0


async def test_it_lets_no_transport_lead_back(dns: DnsServer, settings: Settings) -> None:
    settings.SMTP_LISTEN = Endpoint("0.0.0.0", 2525)
    settings.LMTP_LISTEN = Endpoint("127.0.0.1", 2424)
    for number in (2525, 2424):
        assert status(await named(resolver(dns), hop("127.0.0.1", port=number))) == "5.4.6"
    assert status(await named(resolver(dns), hop("127.0.0.1", port=2526))) == ""
    assert status(await named(resolver(dns), hop("gone.example.org"))) == "5.4.4"
