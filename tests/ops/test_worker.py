"""Workers by queue: which tasks go where, and what the supervisor starts for them."""

import logging

import pytest
from celery import Celery
from celery.signals import worker_ready
from django.conf import settings
from django.utils.module_loading import import_string

from apps.ops import start, worker


class Ready:
    """A worker of one queue that has loaded, as Celery shows it."""

    def __init__(self, queue: str) -> None:
        self.app = Celery(set_as_current=False)
        self.app.amqp.queues.select([queue])


@pytest.fixture
def app() -> Celery:
    found: Celery = import_string(settings.CELERY_APP)
    found.loader.import_default_modules()
    return found


def _queue_of(app: Celery, task: str) -> str:
    return str(app.amqp.router.route({}, task)["queue"].name)


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("delivery.process", "mail"),
        ("delivery.sweep", "mail"),
        ("delivery.send", "outbound"),
        ("delivery.overdue", "housekeeping"),
        ("blobs.collect", "housekeeping"),
    ],
)
def test_it_gives_each_task_to_the_workers_of_its_queue(app: Celery, task: str, queue: str) -> None:
    assert task in app.tasks
    assert _queue_of(app, task) == queue


def test_it_lets_nothing_but_delivery_stand_before_delivery(app: Celery) -> None:
    scheduled = {row["task"] for row in app.conf.beat_schedule.values()}
    assert scheduled <= set(app.tasks)
    assert {task for task in scheduled if _queue_of(app, task) != "housekeeping"} == {
        "delivery.sweep"
    }


def test_a_worker_begins_with_the_first_task_of_its_queue(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(Celery, "send_task", lambda _, name, **__: sent.append(name))
    for queue in worker.QUEUES:
        worker_ready.send(sender=Ready(queue))
    assert sent == ["delivery.process", "delivery.process_heavy", "delivery.send"]
    assert [_queue_of(app, name) for name in sent] == ["mail", "heavy", "outbound"]


def test_a_worker_begins_without_its_broker_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(Celery, "send_task", away)
    with caplog.at_level(logging.WARNING, logger="mailhost.celery"):
        worker_ready.send(sender=Ready("mail"))
    assert "a worker could not begin by itself" in caplog.text


def test_it_starts_a_child_for_each_queue() -> None:
    children = start.children(["worker", "beat"], [], has_web=False, queues=worker.QUEUES)
    assert [child.name for child in children] == ["worker", "heavy", "outbound", "housekeeping"]


def test_it_starts_only_the_queues_that_were_asked_for() -> None:
    children = start.children(["worker"], [], has_web=False, queues=["outbound"])
    assert [child.name for child in children] == ["outbound"]
