"""What lists say, and which lists are not believed."""

import asyncio
import logging
from ipaddress import ip_address
from types import SimpleNamespace

import pytest

from apps.reception.dnslists import LONGEST_TEXT, DnsLists, Verdict
from apps.reception.listform import parse
from tests.support.zones import Zones

ADDRESS = ip_address("198.51.100.7")
BACKWARDS = "7.100.51.198"


def lists(zones: Zones, *block: str, allow: tuple[str, ...] = (), seconds: float = 5.0) -> DnsLists:
    return DnsLists(zones, map(parse, block), map(parse, allow), seconds=seconds)


async def test_it_finds_an_address_on_a_list() -> None:
    zones = Zones()
    zones.add(f"{BACKWARDS}.bl.example", "A", "127.0.0.2")
    assert await lists(zones, "bl.example").ask(ADDRESS) == Verdict(1, ("bl.example",))
    assert await lists(zones, "bl.example").ask(ip_address("198.51.100.8")) == Verdict()


async def test_it_asks_for_ipv6_by_nibbles() -> None:
    zones = Zones()
    name = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example"
    zones.add(name, "A", "127.0.0.2")
    found = await lists(zones, "bl.example").ask(ip_address("2001:db8::1"))
    assert found.listed == ("bl.example",)


async def test_it_adds_the_weights_of_all_lists_and_of_all_kinds_of_answers() -> None:
    zones = Zones()
    zones.add(f"{BACKWARDS}.a.example", "A", "127.0.0.2", "127.0.0.10")
    zones.add(f"{BACKWARDS}.b.example", "A", "127.0.0.2")
    zones.add(f"{BACKWARDS}.wl.example", "A", "127.0.0.9")
    some = lists(
        zones,
        "b.example",
        "a.example=127.0.0.2*3",
        "a.example=127.0.0.[10..11]*4",
        "a.example=127.0.0.4*100",
        "wl.example*-2",
    )
    assert await some.ask(ADDRESS) == Verdict(6, ("a.example", "b.example"))
    assert zones.count(f"{BACKWARDS}.a.example") == 1


async def test_it_tells_which_allow_list_has_it() -> None:
    zones = Zones()
    zones.add(f"{BACKWARDS}.bl.example", "A", "127.0.0.2")
    zones.add(f"{BACKWARDS}.wl.example", "A", "127.0.5.2")
    some = lists(zones, "bl.example", allow=("wl.example=127.0.[0..255].[1..3]", "other.example"))
    assert await some.ask(ADDRESS) == Verdict(1, ("bl.example",), ("wl.example",))


@pytest.mark.parametrize(
    ("answers", "detail"),
    [
        (("127.255.255.254",), "does not answer us"),
        (("127.0.0.2", "127.255.255.255"), "does not answer us"),
        (("203.0.113.9",), "no answer of a list"),
        (("127.0.0.2", "203.0.113.9"), "no answer of a list"),
    ],
)
async def test_it_does_not_believe_a_list_that_makes_no_sense(
    caplog: pytest.LogCaptureFixture, answers: tuple[str, ...], detail: str
) -> None:
    zones = Zones()
    zones.add(f"{BACKWARDS}.bl.example", "A", *answers)
    some = lists(zones, "bl.example=127.[0..255].[0..255].[0..255]", "bl.example*9")
    caplog.set_level(logging.WARNING, "apps.reception")
    for _ in range(5):
        assert await some.ask(ADDRESS) == Verdict()
    (line,) = caplog.records  # once an hour
    assert detail in line.__dict__["detail"]


async def test_it_does_not_believe_a_list_that_lists_everybody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    zones = Zones(lambda name, kind: ("127.0.0.2",) if kind == "A" else ())
    caplog.set_level(logging.WARNING, "apps.reception")
    assert await lists(zones, "gone.example").ask(ADDRESS) == Verdict()
    assert [one.__dict__["zone"] for one in caplog.records] == ["gone.example"]


async def test_it_hardly_waits_for_a_list_that_is_silent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1_000.0
    # The module's own clock only: the loop goes by the true one.
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr("apps.reception.dnslists.time", clock)
    monkeypatch.setattr("apps.reception.dnslists.SILENT_SECONDS", 0.0)
    zones = Zones()
    zones.drop(f"{BACKWARDS}.bl.example")
    some = lists(zones, "bl.example", seconds=0.02)
    caplog.set_level(logging.WARNING, "apps.reception")
    loop = asyncio.get_running_loop()

    async def waited() -> bool:
        began = loop.time()
        await some.ask(ADDRESS)
        return loop.time() - began >= 0.02

    async def hardly_waited() -> bool:
        """At least once: the machine may have stood still."""
        return not all([await waited() for _ in range(5)])

    assert [await waited() for _ in range(3)] == [True] * 3
    assert await hardly_waited()
    assert [one.message for one in caplog.records] == ["a DNS list does not answer"]
    now += 61
    assert await waited(), "one looks whether it is back"
    assert await hardly_waited()
    zones.mend()
    zones.add(f"{BACKWARDS}.bl.example", "A", "127.0.0.2")
    now += 61
    assert (await some.ask(ADDRESS)).listed == ("bl.example",)
    zones.drop(f"{BACKWARDS}.bl.example")
    assert await waited(), "it is trusted to answer again"


async def test_it_goes_by_the_others_when_one_is_late_or_away() -> None:
    zones = Zones()
    for zone in ("late.example", "away.example", "here.example"):
        zones.add(f"{BACKWARDS}.{zone}", "A", "127.0.0.2")
    zones.drop(f"{BACKWARDS}.late.example")
    zones.fail(f"{BACKWARDS}.away.example")
    some = lists(zones, "late.example", "away.example", "here.example", seconds=0.05)
    assert await some.ask(ADDRESS) == Verdict(1, ("here.example",), is_whole=False)


async def test_it_asks_all_lists_at_once() -> None:
    zones = Zones()
    zones.delay(0.5)
    some = lists(zones, *(f"{number}.example" for number in range(40)), seconds=30)
    async with asyncio.timeout(10):  # one after the other would take twice as long
        assert await some.ask(ADDRESS) == Verdict()


async def test_it_asks_nothing_without_lists() -> None:
    zones = Zones()
    assert not lists(zones)
    assert await lists(zones).ask(ADDRESS) == Verdict()
    assert zones.count() == 0


async def test_it_tells_the_reason_clean_and_short() -> None:
    zones = Zones()
    text = b"Spam!\r\n250 Ok\x00\xff\xc3\xa9  https://bl.example/q?198.51.100.7 " + b"x" * 60_000
    zones.add(f"{BACKWARDS}.bl.example", "TXT", text)
    reason = await lists(zones, "bl.example").reason(ADDRESS, "bl.example")
    assert reason.startswith("Spam! 250 Ok https://bl.example/q?198.51.100.7 xxx")
    assert len(reason) == LONGEST_TEXT
    assert reason.isascii()
    assert reason.isprintable()


async def test_it_does_without_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.reception.dnslists.TEXT_SECONDS", 0.05)
    zones = Zones()
    some = lists(zones, "bl.example")
    assert await some.reason(ADDRESS, "bl.example") == ""
    zones.drop()
    assert await some.reason(ADDRESS, "bl.example") == ""


async def test_it_finds_a_domain_on_lists_of_domains() -> None:
    zones = Zones()
    zones.add("evil.example.a.example", "A", "127.0.1.2")
    zones.add("evil.example.b.example", "A", "127.0.0.2")
    some = lists(zones, "a.example=127.0.1.[2..99]*4", "b.example*2", "c.example")
    found = await some.ask_name("evil.example")
    assert found == Verdict(6, ("a.example", "b.example"))
    assert found.weights == {"a.example": 4, "b.example": 2}
    assert await some.ask_name("good.example") == Verdict()


async def test_it_does_not_believe_a_list_that_lists_every_domain(
    caplog: pytest.LogCaptureFixture,
) -> None:
    zones = Zones(lambda name, kind: ("127.0.1.2",) if kind == "A" else ())
    caplog.set_level(logging.WARNING, "apps.reception")
    assert await lists(zones, "gone.example").ask_name("good.example") == Verdict()
    assert zones.count("invalid.gone.example", "A") == 1
    assert "INVALID" in caplog.records[0].__dict__["detail"]
