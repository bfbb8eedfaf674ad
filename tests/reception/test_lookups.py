"""What was found out a moment ago is not asked again."""

from ipaddress import ip_address

import pytest

from apps.mailauth.types import Result
from apps.reception import lookups
from apps.reception.dnslists import DnsLists, Verdict
from apps.reception.hello import Existence
from apps.reception.listform import parse
from apps.reception.lookups import SECONDS, UNSURE_SECONDS, LookUps
from tests.support.zones import Zones

ADDRESS = ip_address("198.51.100.7")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set forward."""
    now = [1000.0]
    monkeypatch.setattr("apps.reception.lookups.time.monotonic", lambda: now[0])
    return now


def look_ups(zones: Zones, *lists: str) -> LookUps:
    return LookUps(DnsLists(zones, map(parse, lists)))


async def test_it_remembers_for_a_minute(clock: list[float]) -> None:
    zones = Zones()
    zones.reverse("198.51.100.7", "mx.example.org")
    zones.host("mx.example.org", "198.51.100.7")
    zones.add("7.100.51.198.bl.example", "A", "127.0.0.2")
    some = look_ups(zones, "bl.example")
    assert (some.known_name(ADDRESS), some.known_verdict(ADDRESS)) == (None, None)
    name, verdict = await some.find_name(ADDRESS, zones), await some.find_verdict(ADDRESS)
    existence = await some.find_host("mx.example.org", zones)
    assert (name.result, verdict.listed) == (Result.PASS, ("bl.example",))
    clock[0] += SECONDS - 1
    assert (some.known_name(ADDRESS), some.known_verdict(ADDRESS)) == (name, verdict)
    assert some.known_host("mx.example.org") is existence is Existence.YES
    clock[0] += 2
    assert (some.known_name(ADDRESS), some.known_verdict(ADDRESS)) == (None, None)
    assert some.known_host("mx.example.org") is None


async def test_it_remembers_what_the_dns_left_open_for_a_moment(clock: list[float]) -> None:
    zones = Zones()
    zones.fail()
    some = look_ups(zones, "bl.example")
    assert (await some.find_name(ADDRESS, zones)).result is Result.TEMPERROR
    assert not (await some.find_verdict(ADDRESS)).is_whole
    assert await some.find_host("mx.example.org", zones) is Existence.UNSURE
    assert some.known_name(ADDRESS) is not None
    clock[0] += UNSURE_SECONDS + 0.1
    assert (some.known_name(ADDRESS), some.known_verdict(ADDRESS)) == (None, None)
    assert some.known_host("mx.example.org") is None


async def test_it_knows_without_asking_that_there_are_no_lists() -> None:
    zones = Zones()
    assert look_ups(zones).known_verdict(ADDRESS) == Verdict()
    assert zones.count() == 0


async def test_it_remembers_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "MOST", 10)
    zones = Zones()
    some = look_ups(zones)
    for number in range(100):
        await some.find_name(ip_address(f"198.51.100.{number}"), zones)
    known = [number for number in range(100) if some.known_name(ip_address(f"198.51.100.{number}"))]
    assert known == list(range(90, 100))
