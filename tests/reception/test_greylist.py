"""Doubtful mail waits, comes back, and waits no more; all other mail never hears of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError
from pytest_django import Settings

from apps.reception import greylist, queries
from apps.reception.acquaintance import Acquaintances
from apps.reception.arrival import Addressee
from apps.reception.greylist import Grey, Greylist
from apps.reception.models import Acquaintance, Greylisted
from apps.reception.services import acquaintances, correspondents, greylisting
from apps.reception.services.greylisting import Note
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.runtime.ulid import new_ulid
from apps.trace import services as trace
from apps.trace.services import SentMessage
from tests.reception.letters import ALICE, BOB, FORGED, ODD, PROVEN, SILENT, UNKNOWN, arrival

pytestmark = pytest.mark.django_db(transaction=True)

START = "2026-11-25T12:00:00Z"
MINUTE, HOUR, DAY = 60, 3_600, 86_400


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are counted anew: those of the test before are gone."""
    monkeypatch.setattr(greylisting._room, "_until", 0.0)
    monkeypatch.setattr(greylisting._room, "_is_free", True)
    monkeypatch.setattr(acquaintances._room, "_until", 0.0)


@pytest.fixture
async def grey() -> AsyncIterator[Greylist]:
    made = Greylist()
    yield made
    await made.close()


async def rows() -> list[Greylisted]:
    return await in_db("read", lambda: list(Greylisted.objects.order_by("key")))


def later(clock: time_machine.Traveller, seconds: float) -> None:
    clock.shift(timedelta(seconds=seconds))


async def test_it_asks_doubtful_mail_to_come_back(
    grey: Greylist, clock: time_machine.Traveller
) -> None:
    first = await grey.decide(arrival())
    assert (first.waits, first.seconds) == (True, 300)
    assert first.reply.code == 451
    assert first.reply.enhanced == "4.7.1"
    assert "300 seconds" in first.reply.text
    assert "neither SPF nor DKIM" in first.words
    later(clock, 100)
    early = await grey.decide(arrival())
    assert (early.seconds, early.came_back) == (200, False)
    assert "too early" in early.words
    later(clock, 200)
    back = await grey.decide(arrival())
    assert (back.waits, back.came_back) == (False, True)
    assert "came back after 5 min" in back.words
    (row,) = await rows()
    assert (row.origin, row.sender, row.recipient) == (
        "192.0.2.0/24",
        "news@shop.test",
        "alice@example.test",
    )
    assert (row.attempts, row.passed_at - row.first_at) == (3, 300)


async def test_it_is_asked_once(grey: Greylist, clock: time_machine.Traveller) -> None:
    await grey.decide(arrival())
    later(clock, HOUR)
    await grey.decide(arrival(address="192.0.2.200"))  # another server of the same network
    for _ in range(5):
        later(clock, 10 * DAY)
        assert not (await grey.decide(arrival())).waits
        await in_db("write", greylisting.prune)


async def test_it_forgets_who_came_back_after_long(
    grey: Greylist, clock: time_machine.Traveller
) -> None:
    await grey.decide(arrival())
    later(clock, HOUR)
    await grey.decide(arrival())
    later(clock, 37 * DAY)
    assert await in_db("write", greylisting.prune) == 1
    assert (await grey.decide(arrival())).waits


async def test_it_begins_anew_with_who_stays_away(
    grey: Greylist, clock: time_machine.Traveller
) -> None:
    await grey.decide(arrival())
    later(clock, 3 * DAY)
    assert (await grey.decide(arrival())).seconds == 300  # not pruned yet
    later(clock, 301)
    assert not (await grey.decide(arrival())).waits
    await grey.decide(arrival(sender="other@shop.test"))
    later(clock, 3 * DAY)
    assert await in_db("write", greylisting.prune) == 1


async def test_it_survives_a_restart_and_is_shared(clock: time_machine.Traveller) -> None:
    first, second = Greylist(), Greylist()
    assert (await first.decide(arrival())).waits
    await first.close()
    later(clock, 301)
    assert (await second.decide(arrival())).came_back
    await second.close()


async def test_it_tells_networks_senders_and_recipients_apart(
    grey: Greylist, clock: time_machine.Traveller
) -> None:
    await grey.decide(arrival())
    later(clock, 301)
    assert (await grey.decide(arrival(address="198.51.100.7"))).waits
    assert (await grey.decide(arrival(sender="else@shop.test"))).waits
    assert (await grey.decide(arrival(UNKNOWN, BOB))).waits
    assert not (await grey.decide(arrival())).waits


async def test_it_takes_a_proven_domain_from_any_network(
    grey: Greylist, clock: time_machine.Traveller
) -> None:
    odd = arrival(PROVEN, suspicions=(ODD,))
    assert (await grey.decide(odd)).waits
    later(clock, 301)
    again = arrival(PROVEN, suspicions=(ODD,), address="2001:db8::7")
    assert (await grey.decide(again)).came_back


KEEPS_QUIET = [
    arrival(PROVEN),
    arrival(SILENT),
    arrival(FORGED, is_trusted=True),
    arrival(UNKNOWN, address=""),
    arrival(UNKNOWN, replace(ALICE, greylists=False)),
    arrival(UNKNOWN, ALICE, replace(BOB, greylists=False)),
    arrival(UNKNOWN, ALICE, Addressee("postmaster@example.test", 3, greylists=True)),
    arrival(UNKNOWN, raw=b"Subject: Your verification code\r\n\r\nIt is 482913.\r\n"),
]


@pytest.mark.parametrize("one", KEEPS_QUIET, ids=range(len(KEEPS_QUIET)))
async def test_it_keeps_quiet(
    one: greylist.Arrival, grey: Greylist, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(grey._questions, "submit", asked.append)
    assert not (await grey.decide(one)).waits
    assert not asked
    assert await rows() == []


async def taken(one: greylist.Arrival, told: Grey) -> None:
    """Somebody wanted it, and the worker says so."""
    counts = Acquaintances()
    counts.add(greylist.known_by(one, told))
    await in_db("write", counts.write)


async def test_it_keeps_quiet_for_who_wrote_on_other_days(
    grey: Greylist, clock: time_machine.Traveller
) -> None:
    odd = arrival(PROVEN, suspicions=(ODD,))
    await taken(arrival(PROVEN), Grey())
    await taken(arrival(PROVEN), Grey())
    assert (await grey.decide(odd)).waits  # known since today is not known
    later(clock, DAY)
    await taken(arrival(PROVEN), Grey())
    told = await grey.decide(arrival(PROVEN, BOB, suspicions=(ODD,)))
    assert not told.waits
    assert "came on other days before" in told.words
    # Proof is what is known, not the name: a forger of it is a stranger.
    assert (await grey.decide(arrival(FORGED))).waits


async def test_it_learns_networks_only_from_who_came_back(
    grey: Greylist, clock: time_machine.Traveller
) -> None:
    for _ in range(3):
        await taken(arrival(), Grey())
        later(clock, DAY)
    assert await in_db("read", Acquaintance.objects.count) == 0
    for _ in range(2):
        await grey.decide(arrival())
        later(clock, DAY)
        back = await grey.decide(arrival())
        assert back.came_back
        await taken(arrival(), back)
    assert not (await grey.decide(arrival(UNKNOWN, BOB, sender="new@shop.test"))).waits
    assert (await grey.decide(arrival(UNKNOWN, BOB, sender="new@else.test"))).waits


async def test_it_keeps_quiet_for_who_was_written_to(grey: Greylist) -> None:
    written = [(1, "ann@shop.test", now())]
    await in_db("write", correspondents.note, written)
    raw = b"From: Ann <ann@shop.test>\r\nSubject: Re\r\n\r\nYes.\r\n"
    told = await grey.decide(arrival(UNKNOWN, raw=raw))
    assert "wrote to this sender" in told.words
    assert (await grey.decide(arrival(UNKNOWN, BOB, raw=raw))).waits  # it was not Bob who wrote
    assert (await grey.decide(arrival(FORGED, raw=raw))).waits  # nor is this her
    assert not (await grey.decide(arrival(UNKNOWN, BOB, ALICE, raw=raw))).waits


async def test_it_keeps_quiet_for_answers(grey: Greylist) -> None:
    sent = [SentMessage(new_ulid(), 1, "<q@example.test>", "", 1)]
    await in_db("write", trace.remember, sent)
    raw = b"From: sales@shop.test\r\nIn-Reply-To: <q@example.test>\r\n\r\nYes.\r\n"
    told = await grey.decide(arrival(UNKNOWN, raw=raw))
    assert "answers what a recipient sent" in told.words
    assert (await grey.decide(arrival(UNKNOWN, BOB, raw=raw))).waits


async def test_it_waits_for_none_if_it_came_back_for_one(
    grey: Greylist, clock: time_machine.Traveller
) -> None:
    await grey.decide(arrival())
    later(clock, 301)
    assert (await grey.decide(arrival(UNKNOWN, ALICE, BOB))).came_back
    assert len(await rows()) == 1  # and makes no rows for those it did not wait for


async def test_it_follows_the_setting(
    grey: Greylist, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.GREYLIST_SECONDS = 5
    assert (await grey.decide(arrival())).seconds == 5
    later(clock, 5)
    assert not (await grey.decide(arrival())).waits


async def test_it_bounds_the_rows_of_an_origin(
    grey: Greylist, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(greylist, "WAITING_OF_ORIGIN", 3)
    for n in range(20):
        assert (await grey.decide(arrival(sender=f"a{n}@shop.test"))).waits
    assert len(await rows()) == 4
    assert (await grey.decide(arrival(address="198.51.100.7"))).waits
    assert len(await rows()) == 5  # another network has rows of its own
    later(clock, 299)
    assert (await grey.decide(arrival(sender="z@shop.test"))).seconds == 1
    later(clock, 1)
    told = await grey.decide(arrival(sender="a19@shop.test"))
    assert (told.waits, told.came_back) == (False, False)
    later(clock, 3 * DAY)
    assert (await grey.decide(arrival(sender="a19@shop.test"))).waits


async def test_it_lets_nobody_in_by_the_row_of_a_crowd_that_is_gone(
    grey: Greylist, clock: time_machine.Traveller
) -> None:
    at = now()
    crowd = Note("192.0.2.0/24", "", "", first_at=at - HOUR, last_at=at)
    await in_db("write", greylisting.note, [crowd])
    assert (await grey.decide(arrival())).seconds == 300


async def test_it_bounds_the_table(grey: Greylist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greylisting._room, "_most", 3)
    monkeypatch.setattr(greylisting._room, "SECONDS", -1)
    told = [await grey.decide(arrival(address=f"192.0.{n}.1")) for n in range(6)]
    assert [one.waits for one in told] == [True] * 3 + [False] * 3
    assert len(await rows()) == 3


async def test_it_lets_in_what_it_cannot_look_up(
    grey: Greylist, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(queries, "known", fail)
    told = await grey.decide(arrival())
    assert not told.waits
    assert "could not look it up" in told.words


async def test_it_lets_in_what_it_cannot_note(
    grey: Greylist, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OperationalError("the disk is full")

    monkeypatch.setattr(greylisting, "note", fail)
    assert not (await grey.decide(arrival())).waits


async def test_it_takes_what_came_back_though_it_cannot_note_it(
    grey: Greylist, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OperationalError("the disk is full")

    await grey.decide(arrival())
    later(clock, 301)
    monkeypatch.setattr(greylisting, "note", fail)
    assert (await grey.decide(arrival())).came_back


async def test_it_waits_for_no_slow_database(
    grey: Greylist, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(greylist, "DEADLINE", 0.05)

    async def hang(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(grey._questions, "submit", hang)
    started = time.monotonic()
    assert not (await grey.decide(arrival())).waits
    assert time.monotonic() - started < 10


async def test_it_decides_alike_for_many_at_once(
    grey: Greylist, clock: time_machine.Traveller
) -> None:
    many = [arrival(address=f"10.0.{n}.1", sender=f"s{n}@shop.test") for n in range(40)]
    twice = many * 2
    assert all(one.waits for one in await asyncio.gather(*map(grey.decide, twice)))
    assert len(await rows()) == 40
    later(clock, 301)
    assert all(one.came_back for one in await asyncio.gather(*map(grey.decide, twice)))


async def test_it_takes_hostile_words(grey: Greylist) -> None:
    sender = '"\0\ud800' + "x" * 500 + '"@shop.test'
    assert (await grey.decide(arrival(sender=sender))).waits
    (row,) = await rows()
    assert len(row.sender) == 320
