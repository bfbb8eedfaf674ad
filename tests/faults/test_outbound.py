"""Workers that send are killed, stopped and poisoned: nothing is lost, and nothing sent twice but
in the one moment in which nobody can know: between the other server's 250 and our record of it."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connections

from apps.delivery.outbound import outcomes, overdue, running, stopping
from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient
from apps.mailqueue.services import CRASHES_ALONE
from apps.runtime.clock import now_us
from tests.faults.senders import Start, nursery
from tests.mailqueue.leaving import backlog
from tests.support.database import breakable
from tests.support.outgoing import Outside, make_due, outside, queue, row, send, state
from tests.support.services import wait_for
from tests.support.smtp_sink import HANG, SmtpSink, after

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 40


@pytest.fixture
def world() -> Iterator[Outside]:
    with outside() as made:
        yield made
    stopping.reset()


def lapse() -> None:
    """The leases of dead workers end."""
    QueuedRecipient.objects.exclude(lease_token=None).update(lease_until=1, next_attempt_at=1)


def all_done() -> bool:
    return not QueuedMessage.objects.exclude(state=MessageState.DONE).exists()


def copies(*sinks: SmtpSink) -> Counter[str]:
    """How many copies of the mail for each address arrived."""
    return Counter(to for sink in sinks for one in sink.messages for to in one.recipients)


class Reached:
    """A fault that tells that it was reached, then does something else."""

    def __init__(self, then: Callable[[Any], Awaitable[None]] = HANG) -> None:
        self.event = threading.Event()
        self._then = then

    async def __call__(self, session: Any) -> None:
        self.event.set()
        await self._then(session)


def killing(victim: list[int]) -> Callable[[Any], Awaitable[None]]:
    """A reply that its reader does not live to read: stopped, answered, killed."""

    async def act(session: Any) -> None:
        os.kill(victim[-1], signal.SIGSTOP)
        await session.write(b"250 2.0.0 mine now\r\n")
        os.kill(victim[-1], signal.SIGKILL)

    return act


def kill_at(world: Outside, start: Start, step: str) -> SmtpSink:
    """Three messages, and a sender that is killed when it has come to a step."""
    name = f"{step.lower().strip('.') or 'dot'}.test"
    sink = world.domain(name)
    reached = Reached()
    sink.on(step, reached, times=1)
    for number in range(3):
        queue(f"user{number}@{name}")
    sender = start()
    assert reached.event.wait(SECONDS), f"{step} was not reached"
    os.kill(sender, signal.SIGKILL)
    return sink


def kill_before_it_connects(world: Outside, start: Start) -> SmtpSink:
    sink = world.domain("unknown.test")
    world.dns.delay("unknown.test", 120)
    queue("user@unknown.test")
    sender = start()
    wait_for(lambda: world.dns.count("unknown.test"), SECONDS, "nobody asked")
    os.kill(sender, signal.SIGKILL)
    world.dns.delay("unknown.test", 0)
    return sink


def kill_after_the_reply(world: Outside, start: Start) -> SmtpSink:
    sink = world.domain("window.test")
    victim: list[int] = []
    sink.on(".", killing(victim), times=1)
    for number in range(3):
        queue(f"user{number}@window.test")
    victim.append(start())
    wait_for(lambda: sink.messages, SECONDS, "a message")
    return sink


def test_it_sends_each_once_wherever_a_worker_is_killed(world: Outside) -> None:
    # One connection each: a second one would finish its message while the first is at the step.
    with nursery(world, OUT_CONNECTIONS_PER_DESTINATION="1") as start:
        sinks = [kill_before_it_connects(world, start)]
        for step in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA"):
            sinks.append(kill_at(world, start, step))
        assert not copies(*sinks)
        # The other server has the whole message, and says so or not: we do not hear it.
        windows = [kill_at(world, start, "."), kill_after_the_reply(world, start)]
        lapse()
        start()
        wait_for(all_done, SECONDS, "the queue does not empty")
    assert set(copies(*sinks).values()) == {1}
    assert len(copies(*sinks)) == 16
    for sink in windows:
        # The one came again, as it was; the two behind it did not come twice.
        assert sorted(copies(sink).values()) == [1, 1, 2]
        (twice,) = [to for to, count in copies(sink).items() if count == 2]
        texts = [one.text for one in sink.messages if one.recipients == [twice]]
        assert texts[0] == texts[1]
        assert QueuedRecipient.objects.get(address=twice).crashes == 1


@pytest.mark.parametrize("step", [pytest.param("RCPT", marks=pytest.mark.long), "DATA"])
def test_it_sends_nothing_that_was_taken_over_while_it_was_stopped(
    world: Outside, step: str
) -> None:
    """At RCPT the fence before DATA stops it, at DATA the one before the final dot."""
    sink = world.domain("a.test")
    go = threading.Event()
    sink.on(step, after(go, {"RCPT": "250 2.1.5 yes", "DATA": "354 go ahead"}[step]), times=1)
    item = queue("bob@a.test")
    with nursery(world, lease_seconds=3) as start:
        paused = start()
        wait_for(lambda: sink.count(step), SECONDS, "nothing was sent")
        os.kill(paused, signal.SIGSTOP)
        other = start()
        wait_for(lambda: state(item) == "done", SECONDS, "nobody took it over")
        os.kill(other, signal.SIGKILL)
        go.set()
        os.kill(paused, signal.SIGCONT)
        # It works again, and what it sends now comes after anything it might have sent of the old.
        later = queue("ann@a.test")
        wait_for(lambda: state(later) == "done", SECONDS, "it does not work again")
    assert copies(sink) == {"bob@a.test": 1, "ann@a.test": 1}
    assert (row(item).state, row(item).attempts) == ("delivered", 1)


def test_it_holds_what_kills_its_workers_while_the_rest_flows(world: Outside) -> None:
    sink = world.domain("a.test")
    victim: list[int] = []

    async def kill(session: Any) -> None:
        os.kill(victim[-1], signal.SIGKILL)
        await HANG(session)

    sink.on("RCPT poison@a.test", kill)
    poison = queue("poison@a.test")
    healthy = [queue(f"user{number}@a.test") for number in range(5)]
    with nursery(world, OUT_CONNECTIONS_PER_DESTINATION="1") as start:
        for crashes in range(CRASHES_ALONE + 1):
            victim.append(start())
            wait_for(lambda: not _lives(victim[-1]), SECONDS, f"it lives after {crashes} crashes")
            lapse()
        victim.append(start())
        wait_for(lambda: state(poison) == "held", SECONDS, "it is not held")
        wait_for(lambda: {state(one) for one in healthy} == {"done"}, SECONDS, "the rest waits")
        assert _lives(victim[-1])
    assert copies(sink) == {f"user{number}@a.test": 1 for number in range(5)}
    assert "died" in row(poison).last_reply


def test_it_remembers_what_left_while_the_database_was_away(
    world: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = world.domain("a.test")
    answer, refused = threading.Event(), threading.Event()

    def settle(batch: Sequence[outcomes.Settlement]) -> list[Any]:
        try:
            return outcomes.settle(batch)
        except OperationalError:
            refused.set()
            raise

    monkeypatch.setattr(running, "settle", settle)
    sink.on(".", after(answer, "250 2.0.0 taken"), times=1)
    item = queue("bob@a.test")
    thread = threading.Thread(target=send_on_a_thread)
    with breakable() as broken:
        thread.start()
        wait_for(lambda: sink.messages, SECONDS, "nothing was sent")
        next_item = queue("ann@a.test")
        broken(True)
        answer.set()
        assert refused.wait(SECONDS)
        broken(False)
    thread.join(SECONDS)
    assert not thread.is_alive()
    # What it could not claim meanwhile, or claimed in the last moment, could not read and put off.
    QueuedRecipient.objects.filter(message=next_item.id).update(next_attempt_at=1)
    send()
    assert copies(sink) == {"bob@a.test": 1, "ann@a.test": 1}
    assert state(item) == state(next_item) == "done"
    assert row(item).attempts == 1


def test_it_sends_new_mail_at_once_beside_ten_thousand_that_cannot_leave(world: Outside) -> None:
    world.dead_domain("dead.test")
    sink = world.domain("live.test")
    queue("first@live.test")
    backlog(10_000, attempts=3, next_attempt_at=1)
    with nursery(world) as start:
        start()
        wait_for(lambda: sink.messages, SECONDS, "the sender does not begin")
        queue("second@live.test")
        begun = time.monotonic()
        wait_for(lambda: len(sink.messages) == 2, SECONDS, "it does not leave")
        assert time.monotonic() - begun < 5
    assert QueuedRecipient.objects.filter(destination="mx/dead.test", state="waiting").exists()


@pytest.mark.parametrize("hours", [-1, 1, 120])
def test_it_neither_storms_nor_gives_up_when_the_clock_jumps(world: Outside, hours: int) -> None:
    """One try for each that the new time makes due, none more; nothing untried is given up."""
    sink = world.domain("a.test")
    sink.on("RCPT later@a.test", "451 4.7.1 later")
    waiting, fresh = queue("later@a.test"), queue("bob@a.test")
    QueuedRecipient.objects.filter(message=fresh.id).update(next_attempt_at=now_us() + 10**12)
    send()
    assert row(waiting).attempts == 1
    with time_machine.travel(timedelta(hours=hours), tick=True):
        for _ in range(3):
            send()
            overdue.run(running.schedule())
        assert row(waiting).attempts <= 2
        assert row(fresh).state != "failed"
        make_due()
        send()
    assert state(fresh) == "done"
    assert copies(sink) == {"bob@a.test": 1}


def send_on_a_thread() -> None:
    try:
        send()
    finally:
        connections.close_all()  # those of this thread


def _lives(pid: int) -> bool:
    with suppress(OSError):
        os.kill(pid, 0)
        return True
    return False
