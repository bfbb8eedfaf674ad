"""The flight recorder: in order, within the caller's transaction, pruned in small steps."""

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.trace import queries, services
from apps.trace.models import TraceEvent
from apps.trace.services import Event

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
