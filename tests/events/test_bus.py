"""The bus as its users see it, on whichever backend this run has."""

import asyncio
import os
import time
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from apps.events import bus
from apps.events.types import (
    Event,
    EventsMissed,
    MailboxChanged,
    QueueRang,
    UserChanged,
)

pytestmark = pytest.mark.django_db(transaction=True)


class Heard:
    """A hearer that notes what it is told; a fresh Redis hearer's `EventsMissed` left out."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        if not isinstance(event, EventsMissed):
            self.events.append(event)

    async def until(self, *expected: Event) -> None:
        await _until(lambda: self.events == list(expected), lambda: self.events)


async def _until(condition: Callable[[], bool], shown: Callable[[], object]) -> None:
    try:
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 - a list tells nobody that it grew
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(shown()) from None


def _closing(function: Callable[[], object]) -> Callable[[], None]:
    """For another thread: the connection that it got must not outlive the test."""

    def run() -> None:
        try:
            function()
        finally:
            connection.close()

    return run


async def _hear(*kinds: type[Event]) -> tuple[Heard, bus.Subscription]:
    heard = Heard()
    loop = asyncio.get_running_loop()
    return heard, await bus.subscribe(loop, kinds or bus.ALL, heard)


async def test_it_tells_all_who_want_to_know() -> None:
    mailboxes, first = await _hear(MailboxChanged)
    everything, second = await _hear()
    bus.publish(MailboxChanged(7, 2), UserChanged(1))
    await everything.until(MailboxChanged(7, 2), UserChanged(1))
    await mailboxes.until(MailboxChanged(7, 2))
    first.close()
    second.close()


async def test_it_is_iterated() -> None:
    subscription = await bus.subscribe(asyncio.get_running_loop(), {MailboxChanged})
    bus.publish(MailboxChanged(1, 1))
    async with asyncio.timeout(30):
        async for event in subscription:
            if isinstance(event, MailboxChanged):
                assert event == MailboxChanged(1, 1)
                break
    subscription.close()
    assert [event async for event in subscription] == []  # ended: it does not wait


async def test_it_survives_a_hearer_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: Event) -> None:
        raise ValueError(event)

    failing = await bus.subscribe(asyncio.get_running_loop(), {QueueRang}, fail)
    heard, subscription = await _hear(QueueRang)
    bus.publish(QueueRang())
    await heard.until(QueueRang())
    await _until(lambda: "a hearer of events failed" in caplog.text, lambda: caplog.text)
    failing.close()
    subscription.close()


async def test_it_publishes_when_the_transaction_commits() -> None:
    heard, subscription = await _hear()

    def change() -> None:
        with transaction.atomic():
            bus.publish_on_commit(MailboxChanged(1, 1))
            bus.publish_on_commit(MailboxChanged(2, 9))
            bus.publish_on_commit(MailboxChanged(1, 3))

    await asyncio.to_thread(_closing(change))
    await heard.until(MailboxChanged(1, 3), MailboxChanged(2, 9))  # merged
    subscription.close()


async def test_it_publishes_nothing_that_was_rolled_back() -> None:
    heard, subscription = await _hear()

    def publish_and_fail(event: Event) -> None:
        bus.publish_on_commit(event)
        raise ZeroDivisionError

    def change() -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            publish_and_fail(MailboxChanged(1, 1))
        with transaction.atomic():
            bus.publish_on_commit(MailboxChanged(2, 2))
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                publish_and_fail(MailboxChanged(3, 3))
            bus.publish_on_commit(MailboxChanged(4, 4))

    await asyncio.to_thread(_closing(change))
    await heard.until(MailboxChanged(2, 2), MailboxChanged(4, 4))
    subscription.close()


async def test_it_publishes_at_once_outside_of_a_transaction() -> None:
    heard, subscription = await _hear()
    await asyncio.to_thread(_closing(lambda: bus.publish_on_commit(UserChanged(1))))
    await heard.until(UserChanged(1))
    subscription.close()


def test_it_wakes_a_plain_function() -> None:
    with bus.listen({QueueRang}) as inbox:
        inbox.wait(0)  # what a fresh Redis hearer is told
        started = time.monotonic()
        assert not inbox.wait(0.05)
        assert time.monotonic() - started >= 0.05
        bus.publish(UserChanged(1))
        bus.publish(QueueRang())
        assert inbox.wait(20)
        assert not inbox.wait(0)


def test_it_counts_who_heard() -> None:
    assert bus.send_now(QueueRang()) == 0
    with bus.listen({QueueRang}), bus.listen({UserChanged}):
        assert bus.send_now(QueueRang()) == 1
    assert bus.send_now(QueueRang()) == 0


def test_it_works_in_a_forked_child() -> None:
    """The child must not use its parent's sockets or locks, whatever state they were in."""
    with bus.listen({QueueRang}) as inbox:
        inbox.wait(0)
        bus.publish(UserChanged(1))  # so that there is something to inherit
        pid = os.fork()
        if pid == 0:
            try:
                bus.send_now(QueueRang())
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        assert inbox.wait(20)


async def test_it_tells_a_slow_reader_the_newest_of_each() -> None:
    subscription = await bus.subscribe(asyncio.get_running_loop(), {MailboxChanged})
    for modseq in range(1, 200):
        bus.publish(MailboxChanged(1, modseq))
    bus.publish(MailboxChanged(2, 1))
    await asyncio.sleep(0.05)
    seen: list[Event] = []
    async with asyncio.timeout(30):
        async for event in subscription:
            if not isinstance(event, EventsMissed):
                seen.append(event)
            if {MailboxChanged(1, 199), MailboxChanged(2, 1)} <= set(seen):
                break
    subscription.close()
    assert len(seen) < 100


async def test_it_counts_who_hears() -> None:
    before = await bus.count(QueueRang)
    assert before is not None
    with bus.listen({QueueRang}), bus.listen({UserChanged}):
        assert await bus.count(QueueRang) == before + 1
