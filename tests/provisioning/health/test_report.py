"""All checks together: what hangs, what breaks, what is kept, and what the rest finds."""

import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from apps.audit.models import AuditRecord
from apps.provisioning.health import flow, parts, report, risks, scanners, signs, storage
from apps.provisioning.health.checks import Check, State, age, octets
from apps.runtime.clock import now
from mailhost.env import Endpoint

Usage = namedtuple("Usage", "total used free")
GOOD = Check("good", "Good", State.OK, "It works.")


@pytest.fixture(autouse=True)
def _ask_anew() -> Iterator[None]:
    report.forget()
    yield
    report.forget()


def asker(**asks: Any) -> report._Asker:
    return report._Asker({"All": tuple((name, ask, False) for name, ask in asks.items())})


def test_one_that_hangs_says_so_and_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "SECONDS", 1.0)
    monkeypatch.setattr(report, "FRESH", 0.0)
    free, asked = threading.Event(), []

    def hangs() -> list[Check]:
        asked.append(1)
        free.wait(60)
        return [GOOD]

    some = asker(Slow=hangs, Quick=lambda: [GOOD])
    began = time.monotonic()
    first, second = some.report(), some.report()
    assert time.monotonic() - began < 5

    for found in (first, second):
        slow, quick = found.checks
        assert (slow.state, quick) == (State.BAD, GOOD)
        assert "no answer within" in slow.words
    assert asked == [1]  # it is not asked again while it hangs
    free.set()
    deadline = time.monotonic() + 20
    while some.report().worst is not State.OK and time.monotonic() < deadline:
        pass
    assert some.report().worst is State.OK


def test_one_that_breaks_is_not_known(caplog: pytest.LogCaptureFixture) -> None:
    def breaks() -> list[Check]:
        raise OperationalError("password for mailhost at 10.0.0.7 is wrong")

    (check,) = asker(Broken=breaks).report().checks

    assert check.state is State.UNKNOWN
    assert "10.0.0.7" not in check.words
    assert "Broken" in caplog.text


def test_an_answer_is_kept_for_a_moment() -> None:
    asked: list[int] = []

    def ask() -> list[Check]:
        asked.append(1)
        return [GOOD]

    some = asker(One=ask)
    assert some.lately() is None
    for _ in range(5):
        some.report()
    assert len(asked) == 1
    assert some.lately() is some.report()


@pytest.mark.django_db
def test_a_database_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("password for mailhost at 10.0.0.7 is wrong")

    monkeypatch.setattr(parts, "database", away)

    (check,) = storage.database()

    assert (check.state, "10.0.0.7" in check.words) == (State.BAD, False)


@pytest.mark.django_db
def test_the_database_says_its_size() -> None:
    (check,) = storage.database()

    assert check.state is State.OK
    assert "B" in check.words


def test_a_broker_that_is_away(settings: Settings) -> None:
    settings.CELERY_APP = "no.such.module"

    (check,) = storage.broker()

    assert (check.state, "REDIS_URL" in check.advice) == (State.BAD, True)


def test_a_store_that_is_away(settings: Settings, tmp_path: Path) -> None:
    assert storage.blobs()[0].state is State.OK
    file = tmp_path / "file"
    file.write_text("no folder")
    settings.BLOB_URL = f"file://{file}"

    assert storage.blobs()[0].state is State.BAD


@pytest.mark.parametrize(
    ("free", "state"),
    [(0, State.BAD), (2**28, State.BAD), (2**33, State.WARNING), (2**36, State.OK)],
)
def test_a_disk_that_fills_up(monkeypatch: pytest.MonkeyPatch, free: int, state: State) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(2**37, 2**37 - free, free))

    assert storage.disk()[0].state is state


def test_thresholds_of_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "NONE", 1.1)
    monkeypatch.setattr(storage, "LITTLE", 1.2)

    assert {check.state for check in storage.disk()} == {State.BAD}


def test_a_folder_that_is_gone(settings: Settings, tmp_path: Path) -> None:
    settings.MAILHOST_DATA = tmp_path / "gone"

    assert storage.disk()[0].state is State.BAD


@pytest.mark.django_db
def test_backups_by_the_audit_log() -> None:
    assert storage.backup()[0].state is State.WARNING
    old = timezone.now() - timedelta(days=storage.BACKUP_DAYS + 1)
    AuditRecord.objects.create(action="backup.make", at=old, subject="x")
    check = storage.backup()[0]
    assert (check.state, "9 days ago" in check.words) == (State.WARNING, True)
    AuditRecord.objects.create(action="backup.make", at=timezone.now(), subject="x")
    assert storage.backup()[0].state is State.OK


@pytest.mark.django_db
def test_the_search_index(settings: Settings) -> None:
    settings.SEARCH_INDEX = False
    assert storage.index()[0].state is State.OFF


def test_workers_show_that_they_live(settings: Settings, tmp_path: Path) -> None:
    settings.MAILHOST_DATA, settings.REDIS_URL = tmp_path, ""
    assert {check.state for check in flow.workers()} == {State.BAD}
    for name in (*flow.WORKERS, flow.BEAT):
        signs.leave(name)
    assert {check.state for check in flow.workers()} == {State.OK}

    (tmp_path / "run" / "outbound.alive").write_text(f"{now() - 200}\n")
    (tmp_path / "run" / "heavy.alive").write_text("rubbish")
    checks = {check.key: check for check in flow.workers()}

    assert checks["worker.mail"].state is State.OK
    assert checks["worker.outbound"].state is State.BAD
    assert "3 minutes ago" in checks["worker.outbound"].words
    assert "never been seen" in checks["worker.heavy"].words


def test_signs_are_kept_leaving(settings: Settings, tmp_path: Path) -> None:
    settings.MAILHOST_DATA, settings.REDIS_URL = tmp_path, ""
    signs.keep(["mail"])
    deadline = time.monotonic() + 10
    while signs.ages(["mail"])["mail"] is None and time.monotonic() < deadline:
        pass
    assert signs.ages(["mail"])["mail"] is not None


def test_a_sign_that_cannot_be_left_stops_nobody(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    settings.MAILHOST_DATA, settings.REDIS_URL = file, ""

    signs.leave("mail")

    assert signs.ages(["mail"]) == {"mail": None}


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"DEBUG": True}, State.BAD),
        ({"ACT_AS_USER": True}, State.WARNING),
        ({"CLEARTEXT_AUTH": "loopback"}, State.WARNING),
        ({"WEB_TLS": False, "TRUSTED_PROXIES": ()}, State.BAD),
        ({"SECOND_FACTOR": "optional"}, State.WARNING),
        ({}, State.OK),
    ],
)
def test_risky_settings(settings: Settings, changed: dict[str, object], state: State) -> None:
    safe = {"DEBUG": False, "ACT_AS_USER": False, "CLEARTEXT_AUTH": "never", "WEB_TLS": True}
    for name, value in {**safe, "SECOND_FACTOR": "everybody", **changed}.items():
        setattr(settings, name, value)

    (check,) = risks.risks()

    assert check.state is state
    assert state is State.OK or check.advice


def test_scanners(settings: Settings) -> None:
    settings.CLAMD = settings.SPAMD = None
    settings.RSPAMD_URL = ""
    assert scanners.scanners()[0].state is State.OFF
    settings.CLAMD = Endpoint("127.0.0.1", 1)

    (check,) = scanners.scanners()

    assert (check.key, check.state) == ("scanner.clamd", State.BAD)


def test_it_says_what_is_missing_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scanners.what_is_missing() == ""
    assert scanners.libraries()[0].state is State.OK
    monkeypatch.setattr("apps.scan.attachments.library.loaded", lambda: None)
    missing = scanners.what_is_missing()
    assert "rar" in missing
    assert "apt-get install libarchive13" in missing
    assert scanners.libraries()[0].state is State.WARNING


@pytest.mark.django_db
def test_the_queue_costs_three_statements_and_one(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(3):
        assert {check.state for check in flow.queue()} == {State.OK}


def test_words() -> None:
    assert [age(0), age(61), age(7_200), age(90_000)] == [
        "0 seconds",
        "1 minute",
        "2 hours",
        "1 day",
    ]
    assert [octets(0), octets(2_048), octets(5 * 2**40)] == ["0 bytes", "2.0 KB", "5.0 TB"]
