"""Ears that a door opens and closes."""

import asyncio

import pytest

from apps.events import bus
from apps.events.hearing import Hearing
from apps.events.types import Event, EventsMissed, MailboxChanged, UserChanged

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_hears_from_its_beginning_to_its_end() -> None:
    heard: asyncio.Queue[Event] = asyncio.Queue()
    hearing = Hearing({UserChanged}, heard.put_nowait)
    hearing.begin()
    hearing.begin()  # once is enough
    async with asyncio.timeout(30):
        assert await heard.get() == EventsMissed()
        bus.publish(MailboxChanged(1, 1), UserChanged(7))
        while (event := await heard.get()) == EventsMissed():
            pass  # Redis tells it once more
        assert event == UserChanged(7)
    await hearing.end()
    assert heard.empty()
    bus.publish(UserChanged(8))
    other: asyncio.Queue[Event] = asyncio.Queue()
    subscription = await bus.subscribe(asyncio.get_running_loop(), {UserChanged}, other.put_nowait)
    bus.publish(UserChanged(9))
    async with asyncio.timeout(30):
        while await other.get() != UserChanged(9):
            pass
    assert heard.empty()
    subscription.close()


async def test_it_ends_without_having_begun() -> None:
    heard: list[Event] = []
    await Hearing({UserChanged}, heard.append).end()
    assert heard == []
