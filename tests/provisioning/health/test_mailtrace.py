"""Checks of what is traced and counted: when they tell somebody, and when they are silent."""

from collections.abc import Iterator

import pytest
import time_machine

from apps.mailqueue.models import Destination
from apps.provisioning.health import mailtrace
from apps.provisioning.health.checks import Check
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.trace.flow import EVERYTHING, HOUR, MICROSECONDS, MINUTE, NAME
from apps.trace.models import Cursor, Flow, FlowTotal, TraceEvent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_rest() -> Iterator[None]:
    with time_machine.travel("2026-11-25T12:30:30Z", tick=False):
        yield


def found() -> dict[str, Check]:
    return {one.key: one for one in (*mailtrace.keeping_up(), *mailtrace.moving())}


def troubles() -> set[str]:
    return {key for key, one in found().items() if one.is_trouble}


def flowed(span: int, ago: int, **figures: int) -> None:
    at = now_us() - ago * MICROSECONDS
    at -= at % (span * MICROSECONDS)
    Flow.objects.create(span=span, domain_id=EVERYTHING, at=at, **figures)


def test_a_new_installation_is_well() -> None:
    assert troubles() == set()
    assert set(found()) == {
        *("trace.index", "trace.flow", "flow.time", "flow.refused", "queue.destinations")
    }


@pytest.mark.parametrize(("ago", "is_late"), [(30, False), (3_600, True)])
def test_an_index_that_is_behind(ago: int, is_late: bool) -> None:
    TraceEvent.objects.create(trace_id=new_ulid(), at=now_us() - ago * MICROSECONDS, kind="x")

    assert ("trace.index" in troubles()) == is_late
    Cursor.objects.create(name="passages", event_id=TraceEvent.objects.get().pk)
    assert "trace.index" not in troubles()


@pytest.mark.parametrize(("ago", "is_late"), [(90, False), (7_200, True)])
def test_counts_that_are_behind(ago: int, is_late: bool) -> None:
    FlowTotal.objects.create(name=NAME, until=now_us() - ago * MICROSECONDS)

    assert ("trace.flow" in troubles()) == is_late
    if is_late:
        assert "up to 2 hours ago" in found()["trace.flow"].words


@pytest.mark.parametrize(
    ("times", "is_slow"),
    [({"took_2": 100}, False), ({"took_2": 90, "took_9": 10}, True), ({"took_9": 5}, False)],
)
def test_mail_that_takes_long(times: dict[str, int], is_slow: bool) -> None:
    flowed(MINUTE, 600, **times)

    assert ("flow.time" in troubles()) == is_slow


@pytest.mark.parametrize(
    ("hour", "day", "is_trouble"),
    [
        ({"received": 100, "refused": 10}, {"received": 1_000, "refused": 100}, False),
        ({"received": 100, "refused": 900}, {"received": 9_000, "refused": 950}, True),
        ({"received": 100, "refused": 900}, {"received": 100, "refused": 900}, False),  # as ever
        ({"received": 1, "refused": 50}, {"received": 1_000}, False),  # they are few
    ],
)
def test_a_share_of_refused_mail_that_jumps(
    hour: dict[str, int], day: dict[str, int], is_trouble: bool
) -> None:
    flowed(MINUTE, 600, **hour)
    flowed(HOUR, 0, **day)

    assert ("flow.refused" in troubles()) == is_trouble


def test_destinations_that_do_not_answer() -> None:
    later = now_us() + 10**9
    Destination.objects.create(name="mx/once.test", closed_until=later, failures=1)
    assert "queue.destinations" not in troubles()
    Destination.objects.create(name="mx/gone.test", closed_until=later, failures=9)

    assert "1 destination did not answer" in found()["queue.destinations"].words
    assert "queue.destinations" in troubles()
