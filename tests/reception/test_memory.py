"""Whom we know and whom our users wrote to: counted, bounded, forgotten."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from apps.blobs import services as blobs
from apps.delivery import accept
from apps.directory.models import User
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.provisioning import services as provisioning
from apps.reception import acquaintance, queries, tasks
from apps.reception.acquaintance import Acquaintances
from apps.reception.keys import key_of
from apps.reception.models import Acquaintance, Correspondent, Greylisted
from apps.reception.services import acquaintances, columns, correspondents, greylisting
from apps.reception.services.greylisting import Note
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid

DAY = 86_400


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquaintances._room, "_until", 0.0)
    monkeypatch.setattr(acquaintances._room, "_is_free", True)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-11-25T12:00:00Z", tick=False) as traveller:
        yield traveller


def today() -> int:
    return now() // DAY


@pytest.mark.django_db
def test_it_counts_messages_and_days() -> None:
    acquaintances.count({(10, "a.test"): 3, (10, "b.test"): 1})
    acquaintances.count({(11, "a.test"): 1, (12, "a.test"): 1, (12, "b.test"): 5})
    acquaintances.count({(11, "a.test"): 1})  # from a process whose clock is behind
    rows = Acquaintance.objects.order_by("name").values_list(
        "name", "first_day", "last_day", "days", "messages"
    )
    assert list(rows) == [("a.test", 10, 12, 3, 6), ("b.test", 10, 12, 2, 6)]
    keys = [key_of("a.test"), key_of("b.test"), key_of("c.test")]
    assert queries.known(keys) == set(keys[:2])


@pytest.mark.django_db
def test_it_knows_nobody_of_one_day() -> None:
    acquaintances.count({(10, "a.test"): 5_000})
    assert queries.known([key_of("a.test")]) == set()
    (row,) = queries.acquaintances(limit=5)
    assert (row.name, row.days, row.messages, row.is_known) == ("a.test", 1, 5_000, False)
    assert row.first == "1970-01-11"


@pytest.mark.django_db
def test_it_takes_nobody_new_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquaintances._room, "_most", 2)
    monkeypatch.setattr(acquaintances._room, "SECONDS", -1)
    acquaintances.count({(1, "a.test"): 1, (1, "b.test"): 1})
    acquaintances.count({(2, "c.test"): 1, (2, "b.test"): 1})
    assert {row.name: row.days for row in Acquaintance.objects.all()} == {"a.test": 1, "b.test": 2}


@pytest.mark.django_db
def test_it_forgets_who_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "PRUNE_ROWS", 2)
    for n in range(5):
        acquaintances.count({(today() - 20, f"once{n}.test"): 1})
    acquaintances.count({(today() - 20, "twice.test"): 1, (today() - 15, "twice.test"): 1})
    acquaintances.count({(today() - 99, "old.test"): 1, (today() - 91, "old.test"): 1})
    acquaintances.count({(today() - 13, "new.test"): 1})
    assert acquaintances.prune() == 6
    assert {row.name for row in Acquaintance.objects.all()} == {"twice.test", "new.test"}


@pytest.mark.django_db
def test_it_forgets_who_is_named() -> None:
    names = ["a.test", "a.test from 192.0.2.0/24", "b.test from 192.0.2.0/24", "xa.test"]
    acquaintances.count({(1, name): 1 for name in names})
    assert acquaintances.forget(name="a.test") == 2
    assert acquaintances.forget(name="192.0.2.0/24") == 1
    assert acquaintances.forget(name="a.test") == 0
    assert Acquaintance.objects.get().name == "xa.test"


@pytest.mark.django_db
def test_it_writes_counts_at_the_end(clock: time_machine.Traveller) -> None:
    counts = Acquaintances()
    counts.add(["a.test", "b.test"])
    clock.shift(timedelta(days=1))
    counts.add(["a.test"])
    counts.write()
    counts.write()
    assert {row.name: row.days for row in Acquaintance.objects.all()} == {"a.test": 2, "b.test": 1}


def test_it_writes_counts_when_they_have_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[object] = []
    monkeypatch.setattr(acquaintances, "count", written.append)
    counts = Acquaintances()
    counts.add(["a.test"])
    counts.write_in_time()
    assert written == []
    monkeypatch.setattr(acquaintance, "WRITE_SECONDS", 0)
    for n in range(2):  # and begins anew
        counts.write()
        counts.add([f"b{n}.test"])
        counts.write_in_time()
        assert len(written) == n + 2
    counts.write_in_time()
    assert written[-1] == {(today(), "b1.test"): 1}


def test_it_counts_a_bounded_number_of_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquaintance, "MOST_NAMES", 3)
    counts = Acquaintances()
    written: list[object] = []
    monkeypatch.setattr(acquaintances, "count", written.append)
    for n in range(9):
        counts.add([f"a{n}.test", "a0.test"])
    counts.write()
    assert written == [{(today(), "a0.test"): 10, (today(), "a1.test"): 1, (today(), "a2.test"): 1}]


def test_it_loses_counts_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(acquaintances, "count", fail)
    counts = Acquaintances()
    counts.add(["a.test"])
    with caplog.at_level(logging.WARNING, logger="apps.reception.acquaintance"):
        counts.write()
    assert "counts of senders were lost" in caplog.text


def remembered() -> dict[str, tuple[int, int]]:
    rows = Acquaintance.objects.order_by("name")
    return {row.name: (row.messages, row.days) for row in rows}


@pytest.mark.django_db
def test_it_takes_back_what_readers_call_spam() -> None:
    acquaintances.count({(1, "small.test"): 1, (1, "large.test"): 900})
    acquaintances.count({(2, "small.test"): 1, (2, "large.test"): 900, (3, "large.test"): 1})
    assert queries.known([key_of("small.test")])
    acquaintances.doubt({"small.test": 1, "large.test": 1, "never.test": 5, "other.test": 0})
    assert remembered() == {"large.test": (1_800, 3), "small.test": (1, 1)}
    assert not queries.known([key_of("small.test")])
    acquaintances.doubt({"small.test": -1, "never.test": -7})  # and what they think better of
    assert remembered() == {"large.test": (1_800, 3), "small.test": (2, 1)}
    acquaintances.doubt({"small.test": 5, "large.test": 1_799})
    assert remembered() == {"large.test": (1, 1)}


@pytest.mark.django_db
@pytest.mark.parametrize("names", [1, 40])
def test_it_takes_back_in_constant_statements(names: int) -> None:
    acquaintances.count({(1, f"n{n}.test"): 2 for n in range(names)})
    with CaptureQueriesContext(connection) as seen:
        acquaintances.doubt({f"n{n}.test": 1 for n in range(names)})
    assert len(seen) == 3
    assert set(remembered().values()) == {(1, 1)}


def submission(user: User | None, *recipients: tuple[str, int | None]) -> Submission:
    return Submission(
        id=new_ulid(),
        trace_id=new_ulid(),
        blob=blobs.prepare(b"x"),
        prefix=b"",
        cuts=(),
        sender="alice@example.test",
        recipients=tuple(EnvelopeRecipient(one, one, user_id) for one, user_id in recipients),
        door="submission",
        user_id=None if user is None else user.pk,
        client={},
        received_at_us=7_000_000,
    )


@pytest.mark.django_db
def test_it_notes_whom_users_write_to(alice: User, bob: User) -> None:
    accept.accept(
        [
            submission(alice, ("Ann@Shop.test", None), ("bob@example.test", bob.pk)),
            submission(alice, ("ann@shop.test", None), ("z@shop.test", None)),
            submission(bob, ("ann@shop.test", None)),
            submission(None, ("nobody@shop.test", None)),
        ]
    )
    rows = Correspondent.objects.order_by("user", "address")
    assert list(rows.values_list("user_id", "address", "last_at", "messages")) == [
        (alice.pk, "ann@shop.test", 7, 2),
        (alice.pk, "z@shop.test", 7, 1),
        (bob.pk, "ann@shop.test", 7, 1),
    ]
    assert sorted(queries.correspondents(alice.pk, limit=9)) == ["ann@shop.test", "z@shop.test"]
    theirs = key_of(str(alice.pk), "ann@shop.test")
    assert queries.written_to([theirs, key_of(str(bob.pk), "z@shop.test")]) == {theirs}


@pytest.mark.django_db
def test_it_notes_any_number_with_one_statement(alice: User) -> None:
    for count in (1, 60):
        with CaptureQueriesContext(connection) as captured:
            correspondents.note([(alice.pk, f"a{n}@shop.test", n) for n in range(count)])
        assert len(captured) == 1
    with CaptureQueriesContext(connection) as captured:
        correspondents.note([])
    assert len(captured) == 0


@pytest.mark.django_db
def test_it_keeps_the_newest_correspondents(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correspondents, "MOST_OF_A_USER", 3)
    at = now()
    correspondents.note([(alice.pk, f"a{n}@shop.test", at + n) for n in range(6)])
    correspondents.note([(bob.pk, "old@shop.test", at - 731 * DAY), (bob.pk, "b@shop.test", at)])
    assert correspondents.prune() == 4
    assert queries.correspondents(alice.pk, limit=9) == [f"a{n}@shop.test" for n in (5, 4, 3)]
    assert queries.correspondents(bob.pk, limit=9) == ["b@shop.test"]


@pytest.mark.django_db
def test_it_forgets_correspondents_with_their_user(alice: User, bob: User) -> None:
    correspondents.note([(one.pk, "ann@shop.test", 1) for one in (alice, bob)])
    provisioning.remove_user("alice@example.test")
    with time_machine.travel(now() + 40 * DAY):
        provisioning.purge_removed()
        alice.mailboxes.all().delete()  # as mailstore does in pieces
        assert provisioning.purge_removed() == 1
    assert Correspondent.objects.get().user_id == bob.pk


@pytest.mark.django_db
def test_it_keeps_house(clock: time_machine.Traveller) -> None:
    greylisting.note([Note("192.0.2.0/24", "a@b.test", "alice@example.test", now(), now())])
    acquaintances.count({(today(), "a.test"): 1})
    correspondents.note([(1, "ann@shop.test", now())])
    tasks.prune()
    assert Greylisted.objects.exists()
    clock.shift(timedelta(days=800))
    tasks.prune()
    for model in (Greylisted, Acquaintance, Correspondent):
        assert not model.objects.exists()
