"""The same request many times at once: with one Idempotency-Key one thing is made, and everybody is
given the one answer; without one the database decides, and the others hear why."""

import threading
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.db import connection

from apps.api.models import Replay
from apps.directory.models import Organization, Role, User
from apps.directory.services import organizations
from apps.provisioning import services as provisioning
from tests.api.conftest import Program, program
from tests.console.conftest import holder

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE: Final = 8


def at_once(ask: Callable[[], Any]) -> list[Any]:
    """The answers to a request that so many send at the same moment."""
    start = threading.Barrier(AT_ONCE)
    answers: list[Any] = []

    def run() -> None:
        try:
            start.wait(30)
            answers.append(ask())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == AT_ONCE
    return answers


@pytest.fixture
def asks() -> Program:
    provisioning.add_domain("example.test", organization="A")
    return program(holder("root@elsewhere.test", Role.OPERATOR))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("organizations", {"name": "Numbat"}),
        ("users", {"address": "numbat@example.test", "password": "seven wombats dig at night"}),
    ],
)
def test_one_key_makes_one_thing(path: str, body: dict[str, Any], asks: Program) -> None:
    answers = at_once(lambda: asks.post(path, body, Idempotency_Key="one"))

    assert {(one.status_code, one.content) for one in answers} == {(201, answers[0].content)}
    assert len({one["Location"] for one in answers}) == 1
    assert sorted("Idempotency-Replayed" in one for one in answers) == [False] + [True] * 7
    assert Replay.objects.count() == 1
    made = Organization.objects.filter(name="Numbat") | Organization.objects.filter(
        domains__users__key="numbat@example.test"
    )
    assert made.distinct().count() == 1


def test_one_key_for_many_things_makes_one_of_them(asks: Program) -> None:
    names = iter([f"Numbat {number}" for number in range(AT_ONCE)])
    answers = at_once(
        lambda: asks.post("organizations", {"name": next(names)}, Idempotency_Key="one")
    )

    assert sorted(one.status_code for one in answers) == [201] + [422] * 7
    assert Organization.objects.filter(name__startswith="Numbat").count() == 1


def test_what_fails_at_the_same_time_is_tried_by_each(
    asks: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first that comes breaks; nothing of it is noted, and one of the others does it."""
    broke = threading.Event()
    create = organizations.create

    def breaks_once(**wanted: Any) -> Any:
        if not broke.is_set():
            broke.set()
            raise RuntimeError("the worker went away")
        return create(**wanted)

    monkeypatch.setattr(organizations, "create", breaks_once)
    answers = at_once(lambda: asks.post("organizations", {"name": "Numbat"}, Idempotency_Key="one"))

    assert sorted(one.status_code for one in answers) == [201] * 7 + [500]
    assert Organization.objects.filter(name="Numbat").count() == 1


def test_without_a_key_one_wins_and_the_others_hear_why(asks: Program) -> None:
    body = {"address": "numbat@example.test"}
    answers = at_once(lambda: asks.post("users", body))

    assert sorted(one.status_code for one in answers) == [201] + [409] * 7
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"already_exists"}
    assert User.objects.filter(key="numbat@example.test").count() == 1
