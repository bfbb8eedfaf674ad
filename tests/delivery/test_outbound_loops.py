"""What happens around a loop that sends: transports that go, databases that go, other loops."""

import asyncio
import threading
from collections.abc import Iterator, Sequence

import pytest
from django.db import connections
from django.test import override_settings

from apps.delivery import process
from apps.delivery.outbound import outcomes, running, stopping
from apps.delivery.outbound.outcomes import Settlement
from apps.delivery.outbound.room import Room
from apps.directory.models import TransportScope
from apps.directory.services import transports
from apps.directory.services.transports import Server
from apps.mailqueue.models import QueuedRecipient
from apps.wire.errors import MailError, StorageUnavailable
from tests.support.outgoing import Outside, outside, queue, row, send, state

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> Iterator[Outside]:
    with outside() as made:
        yield made
    stopping.reset()


def test_it_hands_over_to_the_transport_that_was_set(world: Outside) -> None:
    relay = world.domain("relay.test")
    _send_by(relay.host, world.port)
    item = queue("bob@a.test")
    assert row(item).destination.startswith("transport/")
    send()
    assert [one.recipients for one in relay.messages] == [["bob@a.test"]]
    assert state(item) == "done"


def test_it_routes_mail_anew_whose_transport_was_removed(world: Outside) -> None:
    sink = world.domain("a.test")
    _send_by("127.0.2.1", world.port)
    item = queue("bob@a.test")
    transports.remove(scope=TransportScope.RECIPIENT, domain="a.test")
    send()
    assert (row(item).state, state(item)) == ("pending", "accepted")
    while process.run_once():
        pass
    send()
    assert len(sink.messages) == 1
    assert state(item) == "done"


def _send_by(host: str, port: int) -> None:
    server = Server(host=host, port=port)
    transports.put(scope=TransportScope.RECIPIENT, domain="a.test", server=server)


def test_it_writes_down_what_was_sent_when_the_database_is_back(
    world: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = world.domain("a.test")
    away = [True, True, True]

    def settle(batch: Sequence[Settlement]) -> list[MailError | None]:
        if away:
            away.pop()
            raise StorageUnavailable("gone for a moment")
        return outcomes.settle(batch)

    monkeypatch.setattr(running, "settle", settle)
    item = queue("bob@a.test")
    send()
    assert not away
    assert len(sink.messages) == 1
    assert (state(item), row(item).attempts) == ("done", 1)


def test_it_holds_what_was_sent_if_that_can_never_be_written_down(
    world: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = world.domain("a.test")

    def settle(batch: Sequence[Settlement]) -> list[MailError | None]:
        raise ValueError("a defect of ours")

    monkeypatch.setattr(running, "settle", settle)
    item = queue("bob@a.test")
    send()
    send()
    assert len(sink.messages) == 1  # nobody sends it again
    assert state(item) == "held"


def test_it_shares_the_queue_with_other_loops(world: Outside) -> None:
    sinks = [world.domain(f"d{number}.test") for number in range(3)]
    items = [queue(f"u{number}@d{number % 3}.test") for number in range(60)]

    def run() -> None:
        try:
            send()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    recipients = [one.recipients[0] for sink in sinks for one in sink.messages]
    assert sorted(recipients) == sorted(f"u{number}@d{number % 3}.test" for number in range(60))
    assert {state(item) for item in items} == {"done"}


def test_it_keeps_the_rate_of_a_destination(world: Outside) -> None:
    def work() -> None:
        try:
            send()
        finally:
            connections.close_all()

    sink = world.domain("a.test")
    for number in range(12):
        queue(f"u{number}@a.test")
    with override_settings(OUT_RATE_PER_DESTINATION=30):  # five at once, then one in two seconds
        thread = threading.Thread(target=work)
        thread.start()
        sink.wait(5)
        stopping.stop()
        thread.join(20)
    assert len(sink.messages) in {5, 6}
    assert QueuedRecipient.objects.filter(state="waiting", lease_token=None).count() >= 6


async def test_it_gives_room_for_large_texts_in_turn() -> None:
    room, order = Room(100), list[str]()

    async def use(name: str, size: int, go: asyncio.Event) -> None:
        async with room.of(size):
            order.append(name)
            await go.wait()

    first, others = asyncio.Event(), asyncio.Event()
    others.set()
    tasks = [
        asyncio.create_task(use("large", 90, first)),
        asyncio.create_task(use("next", 50, others)),
        asyncio.create_task(use("huge", 1000, others)),
        asyncio.create_task(use("none", 0, others)),
    ]
    await asyncio.sleep(0)
    assert order == ["large", "none"]
    first.set()
    await asyncio.gather(*tasks)
    assert sorted(order) == ["huge", "large", "next", "none"]


async def test_it_gives_back_the_room_of_who_waits_no_longer() -> None:
    room = Room(100)
    go = asyncio.Event()

    async def use(size: int) -> None:
        async with room.of(size):
            await go.wait()

    holder = asyncio.create_task(use(100))
    waiter = asyncio.create_task(use(100))
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    go.set()
    await holder
    async with asyncio.timeout(30), room.of(100):
        has_room = True
    assert has_room
