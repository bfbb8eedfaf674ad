"""The flight recorder: in order, within the caller's transaction, pruned in small steps."""

import dataclasses
from uuid import UUID

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.trace import queries, services
from apps.trace.models import Sent, TraceEvent
from apps.trace.services import Event, SentMessage

pytestmark = pytest.mark.django_db


def test_it_tells_what_happened_in_order() -> None:
    mine, other = new_ulid(), new_ulid()
    with time_machine.travel("2026-11-25T12:00:00Z", tick=False):
        now = now_us()
        services.record([Event(mine, "smtp.received", {"size": 4096}), Event(other, "x")])
        services.record([Event(mine, "local.delivered", at_us=5)])
    events = queries.events_of(mine)
    assert [(event.kind, event.at_us) for event in events] == [
        ("smtp.received", now),
        ("local.delivered", 5),
    ]
    assert (events[0].data, events[1].data) == ({"size": 4096}, {})


def test_it_takes_hostile_text() -> None:
    trace = new_ulid()
    data = {"helo": "\x00\ud800'; DROP TABLE x; --\u202e", "n": 2**70}
    services.record([Event(trace, "k" * 100, data)])
    event = queries.events_of(trace)[0]
    assert (event.data, event.kind) == (data, "k" * 40)


def test_it_takes_one_query_for_any_number() -> None:
    for count in (1, 50):
        with CaptureQueriesContext(connection) as captured:
            services.record([Event(new_ulid(), "x") for _ in range(count)])
        assert len(captured) == 1
    with CaptureQueriesContext(connection) as captured:
        services.record([])
    assert len(captured) == 0


def test_it_belongs_to_the_callers_transaction() -> None:
    with transaction.atomic():
        services.record([Event(new_ulid(), "x")])
        transaction.set_rollback(True)
    assert not TraceEvent.objects.exists()


def test_it_forgets_old_events_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "PRUNE_ROWS", 4)
    trace = new_ulid()
    services.record([Event(trace, "old", at_us=n) for n in range(10)] + [Event(trace, "new")])
    assert services.prune(30) == 10
    assert [event.kind for event in queries.events_of(trace)] == ["new"]
    assert services.prune(30) == 0


def test_it_reads_a_bounded_number() -> None:
    trace = new_ulid()
    services.record([Event(trace, f"k{n}") for n in range(9)])
    assert [event.kind for event in queries.events_of(trace, limit=2)] == ["k0", "k1"]


def sent(user_id: int, message_id: str, envelope_id: str = "", at_us: int = 1) -> SentMessage:
    return SentMessage(new_ulid(), user_id, message_id, envelope_id, at_us)


def test_it_finds_what_users_sent() -> None:
    first, second = sent(1, "<a@x>", "e-1", 1), sent(2, "<a@x>", "", 2)
    services.remember([second, first, sent(1, "<b@x>", "e-2")])
    assert queries.sent_as("<a@x>") == [(first.trace_id, 1), (second.trace_id, 2)]
    assert queries.sent_under("e-1") == [(first.trace_id, 1)]
    assert queries.sent_as("<c@x>") == []
    assert queries.sent_under("") == []
    assert queries.senders_of(["<a@x>", "<c@x>", "<a@x>"]) == {"<a@x>": {1, 2}}
    assert queries.senders_of(["<\0@x>", "<\ud800@x>", "<a@x>'--"]) == {}
    assert queries.senders_of([]) == {}


def test_it_remembers_once() -> None:
    one = sent(1, "<a@x>")
    services.remember([one])
    services.remember([dataclasses.replace(one, message_id="<b@x>")])
    assert queries.sent_as("<a@x>") == [(one.trace_id, 1)]
    assert queries.sent_as("<b@x>") == []
    with CaptureQueriesContext(connection) as captured:
        services.remember([])
    assert len(captured) == 0


def test_it_remembers_ids_of_any_text() -> None:
    services.remember([sent(1, "\0\ud800" + "x" * 9_000, "\0" * 900)])
    row = Sent.objects.get()
    assert (len(row.message_id), len(row.envelope_id)) == (500, 100)


def test_it_forgets_old_sent_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "PRUNE_ROWS", 2)
    services.remember([*(sent(1, f"<{n}@x>") for n in range(5)), sent(1, "<new@x>", "", now_us())])
    assert services.prune(30) == 5
    assert [row.message_id for row in Sent.objects.all()] == ["<new@x>"]


def test_it_finds_sent_mail_by_an_index() -> None:
    services.remember([sent(n % 50, f"<{n}@x>", f"e{n % 2 and n}") for n in range(3_000)])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE trace_sent")
        plans = []
        for sql in (
            "SELECT trace_id, user_id FROM trace_sent WHERE message_id = '<7@x>' ORDER BY at",
            queries._BY_ENVELOPE.replace("%s", "'e7'", 1).replace("%s", "5"),
        ):
            explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
            cursor.execute(f"{explain} {sql}")
            plans.append(" ".join(str(row) for row in cursor.fetchall()))
    assert "sent_message" in plans[0]
    assert "sent_envelope" in plans[1]


def test_it_finds_the_messages_of_an_address() -> None:
    names = ["\u00e4@x.test", 'q"o@x.test', "50%_@x.test"]
    traces = {name: new_ulid() for name in names}
    services.record(
        [
            Event(found, "mx.received", {"from": "a@y.test", "to": [name]}, now_us() + at)
            for at, (name, found) in enumerate(traces.items())
        ]
    )
    services.record([Event(new_ulid(), "mx.received", {"from": "", "to": ["50abc@x.test"]})])
    services.record([Event(new_ulid(), "other.kind", {"from": "a@y.test", "to": []})])
    for name, found in traces.items():
        assert [one.trace_id for one in queries.with_address(name, days=1, limit=9)] == [found]
    newest = queries.with_address("A@Y.test", days=1, limit=2)
    assert [one.trace_id for one in newest] == [traces[names[2]], traces[names[1]]]


def test_it_finds_what_was_refused_to_an_address() -> None:
    lost, partly = new_ulid(), new_ulid()
    told = {"from": "a@y.test", "to": ["b@x.test"]}
    services.record(
        [
            Event(lost, "mx.refused", told, now_us()),
            Event(partly, "mx.refused", {**told, "to": ["c@x.test"]}, now_us() + 1),
            Event(partly, "mx.received", told, now_us() + 2),
            Event(partly, "mx.refused", {**told, "to": ["d@x.test"]}, now_us() + 3),
        ]
    )

    def found(address: str) -> list[tuple[UUID, bool]]:
        rows = queries.with_address(address, days=1, limit=9)
        return [(one.trace_id, one.is_refused) for one in rows]

    # Taken for some of its recipients: it is one message, and is found as such.
    assert found("a@y.test") == [(partly, False), (lost, True)]
    assert found("b@x.test") == [(partly, False), (lost, True)]
    assert found("c@x.test") == [(partly, True)]


def test_it_counts_events_of_a_kind() -> None:
    one = new_ulid()
    services.record([Event(one, "a"), Event(one, "b"), Event(one, "b"), Event(new_ulid(), "b")])
    assert queries.count_of(one, "b") == 2
