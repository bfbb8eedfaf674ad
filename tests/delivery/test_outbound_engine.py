"""Mail to other servers, from the queue to a sink and back: through DNS, client and database."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connections
from django.test import override_settings

from apps.blobs.models import Blob
from apps.delivery.outbound import engine, leases, stopping
from apps.directory.models import User
from apps.mailqueue.models import Attempt, Destination, QueuedMessage, QueuedRecipient
from apps.mailqueue.services import EnvelopeRecipient
from apps.trace import queries as trace
from tests.support.mail import RAW, RECEIVED, submission
from tests.support.outgoing import (
    Outside,
    make_due,
    outside,
    queue,
    queue_all,
    row,
    send,
    state,
)
from tests.support.services import wait_for
from tests.support.smtp_sink import CLOSE, HANG, after

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> Iterator[Outside]:
    with outside() as made:
        yield made
    stopping.reset()


@pytest.fixture
def sender() -> Iterator[threading.Thread]:
    """A loop that sends on a thread of its own, ended with the test."""

    def run() -> None:
        try:
            send()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    yield thread
    stopping.stop()
    thread.join(30)
    assert not thread.is_alive()
    stopping.reset()


def kinds(item: object) -> list[str]:
    return [event.kind for event in trace.events_of(item.trace_id)]  # type: ignore[attr-defined]


def test_it_delivers_and_settles(world: Outside) -> None:
    sink = world.domain("a.test")
    item = queue("bob@a.test")
    send()
    (message,) = sink.messages
    assert (message.sender, message.recipients) == ("carol@outside.invalid", ["bob@a.test"])
    assert message.text == RECEIVED + RAW
    assert state(item) == "done"
    (event,) = [one for one in trace.events_of(item.trace_id) if one.kind == "outbound.delivered"]
    assert event.data["to"] == "bob@a.test"
    assert event.data["host"] == "mx.a.test"
    assert event.data["address"] == sink.address
    assert event.data["reply"].startswith("250 ")
    said = event.data["transcript"].splitlines()
    assert "> RCPT TO:<bob@a.test>" in said
    assert f"* mx.a.test {sink.address}" in said
    assert RAW.decode().split("\r\n\r\n")[1].strip() not in event.data["transcript"]
    (attempt,) = Attempt.objects.all()
    assert (attempt.outcome, attempt.recipient_id) == ("delivered", row(item).pk)


def test_it_sends_one_copy_for_all_recipients_of_a_domain(world: Outside) -> None:
    sink, other = world.domain("a.test"), world.domain("b.test")
    item = queue("bob@a.test", "eve@b.test", "ann@a.test")
    send()
    told = [one for one in trace.events_of(item.trace_id) if one.kind == "outbound.delivered"]
    assert sorted("transcript" in one.data for one in told) == [False, True, True]  # once a try
    assert [one.recipients for one in sink.messages] == [["bob@a.test", "ann@a.test"]]
    assert [one.recipients for one in other.messages] == [["eve@b.test"]]
    assert state(item) == "done"


def test_it_uses_one_connection_for_many_messages(world: Outside) -> None:
    sink = world.domain("a.test")
    with override_settings(OUT_CONNECTIONS_PER_DESTINATION=1):
        for number in range(5):
            queue(f"user{number}@a.test")
        send()
    assert len(sink.messages) == 5
    assert sink.sessions == 1


def test_it_keeps_what_was_put_off_and_tries_again(world: Outside) -> None:
    sink = world.domain("a.test")
    sink.on("RCPT bob@a.test", "451 4.7.1 greylisted, come back", times=1)
    item = queue("bob@a.test")
    send()
    waiting = row(item)
    assert (waiting.state, waiting.attempts) == ("waiting", 1)
    assert waiting.last_reply == "451 4.7.1 greylisted, come back"
    assert 40e6 < waiting.next_attempt_at - item.received_at_us < 90e6
    (event,) = [one for one in trace.events_of(item.trace_id) if one.kind == "outbound.deferred"]
    assert event.data["next_at"] == pytest.approx(waiting.next_attempt_at, abs=2e6)
    send()
    assert not sink.messages  # not due yet
    make_due()
    send()
    assert len(sink.messages) == 1
    assert (state(item), row(item).attempts) == ("done", 2)


def test_it_settles_each_recipient_by_itself(world: Outside) -> None:
    sink = world.domain("a.test")
    sink.on("RCPT later@a.test", "450 4.2.1 busy")
    sink.on("RCPT never@a.test", "550 5.1.1 no such user")
    item = queue("now@a.test", "later@a.test", "never@a.test")
    send()
    states = dict(QueuedRecipient.objects.filter(message=item.id).values_list("address", "state"))
    assert states == {
        "now@a.test": "delivered",
        "later@a.test": "waiting",
        "never@a.test": "failed",
    }
    assert [one.recipients for one in sink.messages] == [["now@a.test"]]
    assert state(item) == "routed"


def test_it_reports_a_failure_to_the_sender(world: Outside, alice: User) -> None:
    sink = world.domain("a.test")
    sink.on("RCPT", "550 5.1.1 no such user")
    item = queue("bob@a.test", sender=alice.address)
    send()
    assert state(item) == "done"
    assert row(item).last_reply == "550 5.1.1 no such user"
    (report,) = QueuedMessage.objects.exclude(id=item.id)
    assert (report.sender, report.state) == ("", "accepted")
    assert QueuedRecipient.objects.get(message=report).user_id == alice.pk


def test_it_fails_at_once_where_there_is_no_such_domain(world: Outside, alice: User) -> None:
    item = queue("bob@nowhere.test", sender=alice.address)
    send()
    assert row(item).state == "failed"
    assert QueuedMessage.objects.exclude(id=item.id).count() == 1
    assert not Destination.objects.filter(closed_until__gt=0).exists()


def test_it_leaves_a_dead_destination_alone_and_others_get_their_mail(world: Outside) -> None:
    world.dead_domain("dead.test")
    live = world.domain("live.test")
    recipients = [f"user{number}@dead.test" for number in range(300)]
    items = [submission([EnvelopeRecipient(one, one, None)]) for one in recipients]
    queue_all(items)
    item = queue("bob@live.test")
    send()
    assert len(live.messages) == 1
    assert state(item) == "done"
    dead = QueuedRecipient.objects.filter(destination="mx/dead.test")
    assert set(dead.values_list("state", flat=True)) == {"waiting"}
    assert all("127.0.2.1" in reply for reply in dead.values_list("last_reply", flat=True))
    assert dead.filter(attempts__gt=0).count() < 10
    closed = Destination.objects.get(name="mx/dead.test")
    assert closed.failures == 1
    assert set(dead.filter(attempts=0).values_list("next_attempt_at", flat=True)) == {
        closed.closed_until
    }


def test_it_comes_back_to_a_destination_that_came_back(world: Outside) -> None:
    world.dead_domain("a.test")
    items = [queue(f"user{number}@a.test") for number in range(10)]
    send()
    sink = world.domain("a.test")
    make_due()
    send()
    assert len(sink.messages) == 10
    assert {state(item) for item in items} == {"done"}
    assert Destination.objects.get(name="mx/a.test").failures == 0


def test_it_does_not_let_one_that_hangs_delay_the_others(
    world: Outside, sender: threading.Thread
) -> None:
    slow = world.domain("slow.test")
    slow.on("MAIL", HANG)
    queue_all(
        [
            submission([EnvelopeRecipient(f"u{number}@slow.test", f"u{number}@slow.test", None)])
            for number in range(50)
        ]
    )
    live = [world.domain(f"live{number}.test") for number in range(5)]
    with override_settings(OUT_CONNECTIONS=4):
        sender.start()
        wait_for(lambda: slow.count("MAIL") >= 2, 60, "the slow one hangs")
        for number in range(5):
            queue(*(f"u{one}@live{number}.test" for one in range(3)))
        for sink in live:
            sink.wait(1)
        stopping.stop()
        sender.join(30)
    assert not slow.messages
    assert not QueuedRecipient.objects.exclude(lease_token=None).exists()


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT"])
def test_it_lets_no_number_of_silent_servers_keep_all_connections(
    world: Outside, sender: threading.Thread, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(engine, "KNOCK_SECONDS", 0.1)
    monkeypatch.setattr(engine, "LOOK_EVERY", 0.1)
    silent = [world.domain(f"silent{number}.test") for number in range(6)]
    for sink in silent:
        sink.on(step, HANG)
    items = [queue(f"user@silent{number}.test") for number in range(6)]
    with override_settings(OUT_CONNECTIONS=4):
        sender.start()
        # There are more of them than connections: they are cut for each other already.
        wait_for(lambda: any("let nobody in" in row(item).last_reply for item in items), 20)
        new = world.domain("new.test")
        queue("user@new.test")
        new.wait(1)
        stopping.stop()
        sender.join(30)
    assert not any(sink.messages for sink in silent)
    assert not QueuedRecipient.objects.exclude(lease_token=None).exists()


def test_it_finishes_what_is_being_sent_and_gives_back_the_rest_when_it_is_to_end(
    world: Outside, sender: threading.Thread
) -> None:
    sink = world.domain("a.test")
    go = threading.Event()
    sink.on(".", after(go, "250 2.0.0 at last"))
    with override_settings(OUT_CONNECTIONS_PER_DESTINATION=1):
        items = [queue(f"user{number}@a.test") for number in range(4)]
        sender.start()
        wait_for(lambda: sink.count("DATA") == 1, 60, "a message is under way")
        stopping.stop()
        go.set()
        sender.join(20)
    assert not sender.is_alive()
    assert len(sink.messages) == 1
    assert sorted(state(item) for item in items) == ["done", "routed", "routed", "routed"]
    left = QueuedRecipient.objects.filter(state="waiting")
    assert set(left.values_list("lease_token", "next_attempt_at", "attempts", "crashes")) == {
        (None, 0, 0, 0)
    }


def test_it_does_not_send_what_another_worker_took_over(
    world: Outside, sender: threading.Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = world.domain("a.test")
    go = threading.Event()
    sink.on("RCPT", after(go, "250 2.1.5 fine"))
    item = queue("bob@a.test")
    sender.start()
    wait_for(lambda: sink.count("RCPT") == 1, 60, "a message is under way")
    # As if this process had been stopped for an hour, and its lease had lapsed.
    QueuedRecipient.objects.update(lease_token="0" * 32)
    began = leases.boottime()
    monkeypatch.setattr(leases, "boottime", lambda: began + 3600)
    go.set()
    wait_for(lambda: sink.open == 0, 60, "the connection is cut")
    assert not sink.messages
    assert row(item).state == "waiting"


def test_it_goes_on_with_a_lease_that_lapsed_and_that_nobody_took(
    world: Outside, sender: threading.Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = world.domain("a.test")
    go = threading.Event()
    sink.on("RCPT", after(go, "250 2.1.5 fine"))
    item = queue("bob@a.test")
    sender.start()
    wait_for(lambda: sink.count("RCPT") == 1, 60, "a message is under way")
    QueuedRecipient.objects.update(lease_until=1)
    began = leases.boottime()
    monkeypatch.setattr(leases, "boottime", lambda: began + 3600)
    go.set()
    sink.wait(1)
    wait_for(lambda: state(item) == "done", 60, "it is settled")


def test_it_defers_what_is_lost_after_the_final_dot(world: Outside) -> None:
    sink = world.domain("a.test")
    sink.on(".", CLOSE, times=1)
    item = queue("bob@a.test")
    send()
    assert row(item).state == "waiting"
    make_due()
    send()
    assert state(item) == "done"


def test_it_leaves_a_destination_alone_that_loses_one_message_after_the_other(
    world: Outside,
) -> None:
    sink = world.domain("a.test")
    sink.on("DATA", CLOSE)
    for number in range(20):
        queue(f"user{number}@a.test")
    send()
    assert Destination.objects.get(name="mx/a.test").closed_until > 0
    assert sink.count("DATA") < 10


def test_it_leaves_a_destination_alone_that_puts_everything_off(world: Outside) -> None:
    sink = world.domain("a.test")
    sink.on("MAIL", "451 4.7.0 too much from you")
    items = [queue(f"user{number}@a.test") for number in range(60)]
    send()
    assert sink.count("MAIL") < 40
    assert {state(item) for item in items} == {"routed"}
    assert Destination.objects.get(name="mx/a.test").closed_until > 0


def test_it_lets_new_mail_pass_a_backlog(world: Outside) -> None:
    sink = world.domain("a.test")
    old = [queue(f"old{number}@a.test") for number in range(30)]
    QueuedRecipient.objects.update(next_attempt_at=1, attempts=3)
    new = queue("new@a.test")
    with override_settings(OUT_CONNECTIONS_PER_DESTINATION=1):
        send()
    order = [one.recipients[0] for one in sink.messages]
    assert order.index("new@a.test") < 5
    assert {state(item) for item in [*old, new]} == {"done"}


def test_it_holds_a_message_whose_bytes_cannot_be_read(world: Outside) -> None:
    sink = world.domain("a.test")
    bad = queue("bad@a.test")
    queue("good@a.test")
    Blob.objects.filter(id=bad.blob.id).update(sha256=b"\0" * 32)
    send()
    assert [one.recipients for one in sink.messages] == [["good@a.test"]]
    assert state(bad) == "held"
    assert "cannot be read" in row(bad).last_reply
    assert "queue.held" in kinds(bad)


def test_it_sends_large_messages_too(world: Outside) -> None:
    sink = world.domain("a.test")
    raw = RAW + b"0123456789" * 100_000 + b"\r\n"
    item = queue("bob@a.test", raw=raw)
    send()
    assert sink.messages[0].text == RECEIVED + raw
    assert state(item) == "done"


def test_it_never_has_more_connections_than_it_may(world: Outside) -> None:
    sink = world.domain("a.test")
    with override_settings(OUT_CONNECTIONS_PER_DESTINATION=3):
        for number in range(60):
            queue(f"user{number}@a.test")
        send()
    assert len(sink.messages) == 60
    assert sink.peak <= 3
