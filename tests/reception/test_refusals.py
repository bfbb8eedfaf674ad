"""The traces of refusals: written in the background, and never without bounds."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection

from apps.reception import refusals
from apps.reception.refusals import (
    MINUTE_OCTETS,
    NETWORK_OCTETS,
    PER_MINUTE,
    PER_NETWORK,
    Refusals,
)
from apps.runtime import db
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.trace.models import TraceEvent
from apps.trace.services import Event
from apps.wire.errors import StorageUnavailable

pytestmark = pytest.mark.django_db(transaction=True)


def event(trace_id: UUID | None = None) -> Event:
    return Event(trace_id or new_ulid(), "mx.refused", {"why": "x"})


def note(*addresses: str) -> list[bool]:
    """Note refusals of these clients, and close."""

    async def run() -> list[bool]:
        found = Refusals()
        noted = [found.note(address, [event()]) for address in addresses]
        await found.close()
        return noted

    try:
        return asyncio.run(run())
    finally:
        db.shutdown()


def test_they_are_written_at_the_end() -> None:
    assert note("192.0.2.1", "192.0.2.1", "") == [True] * 3
    assert TraceEvent.objects.count() == 3


def test_a_network_gets_its_share() -> None:
    flood = [f"192.0.2.{number}" for number in range(PER_NETWORK + 5)]
    noted = note(*flood, "198.51.100.1")
    assert noted == [True] * PER_NETWORK + [False] * 5 + [True]
    assert TraceEvent.objects.count() == PER_NETWORK + 1


def test_all_networks_together_have_a_bound() -> None:
    noted = note(*(f"10.{number}.0.1" for number in range(PER_MINUTE + 7)))
    assert noted.count(True) == PER_MINUTE == TraceEvent.objects.count()


def test_what_a_flood_writes_has_a_size() -> None:
    """However long the lines are that somebody says before he is refused."""
    long = Event(new_ulid(), "mx.refused", {"why": "\ufffd" * (NETWORK_OCTETS // 24)})

    async def run() -> list[bool]:
        found = Refusals()
        clients = [f"10.{number // 6}.0.1" for number in range(60)]
        noted = [found.note(address, [long]) for address in clients]
        await found.close()
        return noted

    try:
        noted = asyncio.run(run())
    finally:
        db.shutdown()
    assert noted[:6] == [True] * 3 + [False] * 3
    octets = sum(len(data) for data in TraceEvent.objects.values_list("data", flat=True))
    assert MINUTE_OCTETS // 2 < octets <= MINUTE_OCTETS


def test_all_of_it_has_the_time_at_which_it_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what is written much later, for the database was away."""
    kept: list[Event] = []
    monkeypatch.setattr(refusals, "_record", kept.extend)
    began = now_us()
    note("192.0.2.1")
    (one,) = kept
    assert one.at_us is not None
    assert began <= one.at_us <= now_us()


def test_the_next_minute_is_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Refusals()
    monkeypatch.setattr("apps.reception.refusals.time.monotonic", lambda: 60.0)
    assert [found._admit("n", 1) for _ in range(PER_NETWORK + 1)].count(False) == 1
    monkeypatch.setattr("apps.reception.refusals.time.monotonic", lambda: 120.0)
    assert found._admit("n", 1)


def test_they_are_written_while_the_door_is_open() -> None:
    async def run(written: Callable[[], int]) -> int:
        found = Refusals()
        found.note("192.0.2.1", [event(), event()])
        deadline = asyncio.get_running_loop().time() + 10.0
        while not (count := await asyncio.to_thread(written)):
            assert asyncio.get_running_loop().time() < deadline
        await found.close()
        return count

    def written() -> int:
        try:
            return TraceEvent.objects.count()
        finally:
            connection.close()

    try:
        assert asyncio.run(run(written)) == 2
    finally:
        db.shutdown()


def fail(*_: object) -> None:
    raise StorageUnavailable("gone")


def test_a_database_that_is_away_at_the_end_costs_only_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refusals, "_record", fail)
    assert note("192.0.2.1") == [True]
    assert not TraceEvent.objects.exists()


def test_they_wait_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "AGAIN_SECONDS", 0.01)
    record, tries = refusals._record, []

    async def run() -> None:
        written, loop = asyncio.Event(), asyncio.get_running_loop()

        def first_fail(events: list[Event]) -> None:
            tries.append(len(events))
            if len(tries) < 3:
                fail()
            record(events)
            loop.call_soon_threadsafe(written.set)

        monkeypatch.setattr(refusals, "_record", first_fail)
        found = Refusals()
        found.note("192.0.2.1", [Event(new_ulid(), "mx.refused", {"why": "x"}, 1_234)])
        async with asyncio.timeout(30):
            await written.wait()
        await found.close()

    try:
        asyncio.run(run())
    finally:
        db.shutdown()
    assert list(TraceEvent.objects.values_list("at", flat=True)) == [1_234]


def test_what_waits_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "KEPT_MOST", 5)

    async def run() -> None:
        found = Refusals()
        for number in range(PER_NETWORK):
            found.note("192.0.2.1", [Event(new_ulid(), "mx.refused", {}, number)])
        await found.close()

    try:
        asyncio.run(run())
    finally:
        db.shutdown()
    kept = TraceEvent.objects.order_by("at").values_list("at", flat=True)
    assert list(kept) == list(range(PER_NETWORK - 5, PER_NETWORK))
