"""The bell: heard by a loop that listens, else a task on the broker; never more than a few."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.utils.module_loading import import_string
from pytest_django import Settings

from apps.events import bell, bus
from apps.events.types import OutgoingRang, QueueRang
from tests.support.services import wait_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def app() -> Iterator[Any]:
    found = import_string(settings.CELERY_APP)
    _purge(found)
    yield found
    _purge(found)


def _purge(app: Any) -> None:
    with app.pool.acquire(block=True) as connection:
        for queue in ("mail", "outbound", "housekeeping"):
            connection.default_channel.queue_declare(queue)
            connection.default_channel.queue_purge(queue)


def _waiting(app: Any, queue: str = "mail") -> int:
    with app.pool.acquire(block=True) as connection:
        declared = connection.default_channel.queue_declare(queue, passive=False)
        return int(declared.message_count)


def test_it_wakes_a_loop_and_leaves_the_broker_alone(app: Any) -> None:
    with bus.listen({QueueRang}) as inbox:
        inbox.wait(0)
        bell.ring()
        assert inbox.wait(30)
    assert _waiting(app) == 0


def test_it_sends_a_task_when_no_loop_listens(app: Any) -> None:
    bell.ring()
    wait_for(lambda: _waiting(app) == 1, what="the task is on the broker")


def test_it_wakes_senders_by_a_bell_of_their_own(app: Any) -> None:
    with bus.listen({OutgoingRang}) as senders, bus.listen({QueueRang}) as others:
        bell.ring_outgoing()
        assert senders.wait(30)
        assert not others.wait(0)
    assert _waiting(app, "outbound") == 0


def test_it_sends_a_task_to_the_queue_of_the_senders(app: Any) -> None:
    bell.ring_outgoing()
    wait_for(lambda: _waiting(app, "outbound") == 1, what="the task is on the broker")
    assert _waiting(app, "mail") == 0


def test_it_calls_one_sender_more_even_if_some_listen(app: Any) -> None:
    with bus.listen({OutgoingRang}) as inbox:
        bell.call_senders()
        assert inbox.wait(30)
        wait_for(lambda: _waiting(app, "outbound") == 1, what="the task is on the broker")


def test_it_piles_up_no_tasks_while_no_worker_runs(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "_BETWEEN_TASKS", 0.001)

    def is_full() -> bool:
        bell.ring()
        return _waiting(app) >= bell._MOST_WAITING

    wait_for(is_full, what="as many tasks as may wait")
    for _ in range(50):
        bell.ring()
    wait_for(lambda: not bell._bell()._rung.is_set(), what="the last ring is done")
    assert _waiting(app) <= bell._MOST_WAITING + 1


def test_it_never_fails_its_caller(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.CELERY_APP = "no.such.module"
    with caplog.at_level(logging.INFO, logger="apps.events.bell"):
        for _ in range(20):
            bell.ring()
        wait_for(lambda: "cannot reach the broker" in caplog.text, what="it is logged")
        bell.ring()
        wait_for(lambda: not bell._bell()._rung.is_set(), what="the last ring is done")
        assert caplog.text.count("cannot reach the broker") == 1
        settings.CELERY_APP = "mailhost.celery.app"
        bell.ring()
        wait_for(lambda: "reaches the broker again" in caplog.text, what="its task is sent")


def test_it_asks_for_learning_on_a_queue_of_its_own(app: Any) -> None:
    bell.ring_learning()
    wait_for(lambda: _waiting(app, "housekeeping") == 1, what="the task is on the broker")
    assert _waiting(app) == 0
