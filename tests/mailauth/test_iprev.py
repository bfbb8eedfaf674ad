"""The names of an address: which results there are, and what strangers' zones can do to it."""

import asyncio
from ipaddress import ip_address

import pytest

from apps.mailauth import iprev
from apps.mailauth.iprev import NAMES_MOST, Names
from apps.mailauth.types import Iprev, Result
from tests.support.zones import Zones

IPV4 = "192.0.2.1"
IPV6 = "2001:db8::1"


@pytest.mark.parametrize("address", [IPV4, IPV6, "::ffff:192.0.2.1", f"{IPV6}%eth0"])
async def test_it_passes_an_address_whose_name_leads_back(address: str) -> None:
    zones = Zones()
    zones.reverse(IPV4, "mail.example.org")
    zones.reverse(IPV6, "mail.example.org")
    zones.host("mail.example.org", "198.51.100.1", IPV4, IPV6)
    assert await iprev.check(address, zones) == Iprev(Result.PASS, "mail.example.org")


async def test_it_says_which_of_several_names_leads_back() -> None:
    zones = Zones()
    zones.reverse(IPV4, "liar.test", "mail.example.org", "gone.test")
    zones.host("liar.test", "198.51.100.1")
    zones.host("mail.example.org", IPV4)
    assert await iprev.check(IPV4, zones) == Iprev(Result.PASS, "mail.example.org")


async def test_it_fails_an_address_whose_name_leads_elsewhere() -> None:
    zones = Zones()
    zones.reverse(IPV4, "mail.bank.test")
    zones.host("mail.bank.test", "198.51.100.1", IPV6)
    found = await iprev.check(IPV4, zones)
    assert (found.result, found.name) == (Result.FAIL, "mail.bank.test")
    zones.remove("mail.bank.test")
    assert (await iprev.check(IPV4, zones)).result is Result.FAIL


async def test_it_has_an_error_for_an_address_without_a_name() -> None:
    assert await iprev.check(IPV4, Zones()) == Iprev(
        Result.PERMERROR, reason="the address has no name"
    )


async def test_it_has_no_result_without_an_address() -> None:
    zones = Zones()
    for address in ("", "unix", "192.0.2", "mail.example.org", "192.0.2.1 ", "%eth0"):
        found = await iprev.check(address, zones)
        assert (found.result, found.name) == (Result.NONE, "")
    assert not zones.questions


async def test_it_says_temperror_when_the_dns_is_silent() -> None:
    zones = Zones()
    zones.fail("1.2.0.192.in-addr.arpa")
    assert await iprev.check(IPV4, zones) == Iprev(
        Result.TEMPERROR, reason="the DNS did not answer"
    )
    zones.mend()
    zones.reverse(IPV4, "a.test", "b.test")
    zones.host("a.test", "198.51.100.1")
    zones.fail("b.test")
    assert await iprev.check(IPV4, zones) == Iprev(
        Result.TEMPERROR, "a.test", "the DNS did not answer"
    )
    zones.host("a.test", IPV4)
    assert await iprev.check(IPV4, zones) == Iprev(Result.PASS, "a.test")


async def test_it_gives_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iprev, "SECONDS", 0.05)
    zones = Zones()
    zones.reverse(IPV4, "a.test")
    zones.drop("a.test")
    assert (await iprev.check(IPV4, zones)).result is Result.TEMPERROR


async def test_it_asks_for_ten_names_at_most_and_for_each_once() -> None:
    zones = Zones()
    zones.reverse(IPV4, "same.test", "same.test", "", *(f"n{number}.test" for number in range(90)))
    zones.host("n50.test", IPV4)
    found = await iprev.names_of(ip_address(IPV4), zones)
    assert len(found.claimed) == NAMES_MOST
    assert found.confirmed == ()
    assert zones.count("same.test") == 1
    assert len(zones.questions) == 1 + NAMES_MOST


async def test_it_asks_for_all_names_at_once() -> None:
    """Ten silent zones keep us waiting no longer than one."""
    zones = Zones()
    zones.reverse(IPV4, *(f"n{number}.test" for number in range(10)))
    zones.drop("n0.test")
    task = asyncio.create_task(iprev.names_of(ip_address(IPV4), zones))
    await zones.asked(11)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_asks_for_the_family_of_the_address() -> None:
    zones = Zones()
    zones.reverse(IPV6, "mail.example.org")
    zones.host("mail.example.org", IPV4)
    assert (await iprev.check(IPV6, zones)).result is Result.FAIL
    assert zones.questions[1:] == [("mail.example.org", "AAAA")]


async def test_it_tells_names_apart_from_silence() -> None:
    zones = Zones()
    address = ip_address(IPV4)
    assert await iprev.names_of(address, zones) == Names()
    zones.reverse(IPV4, "a.test", "b.test")
    zones.host("b.test", IPV4)
    zones.fail("a.test")
    assert await iprev.names_of(address, zones) == Names(("a.test", "b.test"), ("b.test",), True)
