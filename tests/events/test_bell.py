"""The bell: heard by a loop that listens, else a task on the broker; never more than a few."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.utils.module_loading import import_string
from pytest_django import Settings

from apps.events import bell, bus
from apps.events.types import QueueRang
from tests.support.services import wait_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def app() -> Iterator[Any]:
    found = import_string(settings.CELERY_APP)
    found.control.purge()
    yield found
    found.control.purge()


def _waiting(app: Any) -> int:
    with app.pool.acquire(block=True) as connection:
        queue = app.conf.task_default_queue
        declared = connection.default_channel.queue_declare(queue, passive=False)
        return int(declared.message_count)


def test_it_wakes_a_loop_and_leaves_the_broker_alone(app: Any) -> None:
    with bus.listen({QueueRang}) as inbox:
        inbox.wait(0)
        bell.ring()
        assert inbox.wait(10)
    assert _waiting(app) == 0


def test_it_sends_a_task_when_no_loop_listens(app: Any) -> None:
    bell.ring()
    wait_for(lambda: _waiting(app) == 1, what="the task is on the broker")


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
    with caplog.at_level(logging.WARNING, logger="apps.events.bell"):
        for _ in range(20):
            bell.ring()
        wait_for(lambda: "cannot reach the broker" in caplog.text, what="it is logged")
        bell.ring()
        wait_for(lambda: not bell._bell()._rung.is_set(), what="the last ring is done")
    assert caplog.text.count("cannot reach the broker") == 1
    settings.CELERY_APP = "mailhost.celery.app"
    bell.ring()
