"""Health pages: one word, whatever is wrong."""

import itertools
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from apps.ops import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ask_anew() -> Iterator[None]:
    health._readiness.forget()
    yield
    health._readiness.forget()


def test_it_answers_as_long_as_it_lives(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_PARTS", {"database": _fail})  # not asked
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


def test_it_is_ready_when_all_parts_answer(client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def _fail() -> None:
    raise OperationalError("password for mailhost at 10.0.0.7 is wrong")


@pytest.mark.parametrize("part", ["database", "blobs", "broker"])
def test_it_says_only_that_it_is_unavailable(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    part: str,
) -> None:
    monkeypatch.setitem(health._PARTS, part, _fail)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"unavailable\n")
    assert [record.levelno for record in caplog.records if part in record.message] == [
        logging.ERROR
    ]


def test_it_asks_its_parts_once_a_second_at_most(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(health, "_PARTS", {"database": lambda: asked.append("once")})
    clock = itertools.chain([1_000.0] * 21, itertools.repeat(1_001.1))
    monkeypatch.setattr(health, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    for _ in range(20):
        client.get("/readyz")
    assert asked == ["once"]
    client.get("/readyz")
    assert asked == ["once", "once"]


def test_it_is_not_ready_without_a_broker(client: Client, settings: Settings) -> None:
    settings.CELERY_APP = "no.such.module"
    assert client.get("/readyz").status_code == 503


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_is_only_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
