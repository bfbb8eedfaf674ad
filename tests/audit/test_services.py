"""Recording: both happen or none, under the name of who is at work."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from apps.audit import services, tasks
from apps.audit.acting import Actor, acting
from apps.audit.models import AuditRecord
from apps.audit.services import record

pytestmark = pytest.mark.django_db

OLGA = Actor("user", 7, "olga@example.test", "web", "192.0.2.7")


def only() -> AuditRecord:
    return AuditRecord.objects.get()


def old(days: float, count: int = 1) -> None:
    at = timezone.now() - timedelta(days=days)
    AuditRecord.objects.bulk_create(
        AuditRecord(at=at, actor_kind="service", actor="mailhost", action="user.purge")
        for _ in range(count)
    )


def test_it_says_who_when_what_on_whom_and_from_where() -> None:
    with acting(OLGA):
        record(
            "user.suspend",
            subject="alice@example.test",
            organization_id=1,
            domain_id=2,
            user_id=3,
            detail={"reason": "left us"},
        )
    found = only()
    assert abs(timezone.now() - found.at) < timedelta(minutes=1)
    assert (found.actor_kind, found.actor_id, found.actor) == ("user", 7, "olga@example.test")
    assert (found.door, found.address, found.acting_for) == ("web", "192.0.2.7", "")
    assert (found.action, found.subject) == ("user.suspend", "alice@example.test")
    assert (found.organization_id, found.domain_id, found.user_id) == (1, 2, 3)
    assert found.detail == {"reason": "left us"}
    assert str(found) == "olga@example.test user.suspend alice@example.test"


def test_what_nobody_asked_for_was_done_by_the_service_itself() -> None:
    record("user.purge", subject="alice@example.test")
    assert (only().actor_kind, only().actor, only().door) == ("service", "mailhost", "")


def test_it_costs_one_statement() -> None:
    with CaptureQueriesContext(connection) as statements:
        record("user.suspend")
    assert len(statements) == 1


def test_what_did_not_happen_is_not_recorded() -> None:
    def change() -> None:
        with transaction.atomic():
            record("user.suspend")
            raise RuntimeError("the change fails")

    with pytest.raises(RuntimeError):
        change()
    assert not AuditRecord.objects.exists()


def test_names_that_are_code_somewhere_are_names_here() -> None:
    evil = "x'); DROP TABLE audit_auditrecord; -- {0} {} %s %(id)s ${HOME} <script>"
    with acting(Actor("user", 1, evil, "web", "203.0.113.9")):
        record("user.suspend", subject=evil, detail={evil: evil})
    found = only()
    assert (found.actor, found.subject) == (evil, evil)
    assert list(found.detail.values()) == [evil]


def test_names_that_no_database_takes_are_made_harmless() -> None:
    evil = "nul\0 half \ud800 turn \u202e" + "long" * 1_000
    with acting(Actor("command", None, evil, "a door that is too long", "f" * 100)):
        record("user.suspend", subject=evil, detail={"name": evil})
    found = only()
    found.full_clean()
    assert found.subject.startswith("nul? half ? turn ?long")
    assert found.subject.endswith("…")


def test_a_secret_makes_it_fail_as_a_whole() -> None:
    with pytest.raises(ValueError, match="no place"):
        record("user.password", detail={"password": "correct horse battery"})
    assert not AuditRecord.objects.exists()


def test_old_records_go_in_small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "PRUNE_ROWS", 4)
    old(731, 10)
    old(729, 3)
    record("user.suspend")
    with CaptureQueriesContext(connection) as statements:
        assert services.prune(730) == 10
    assert AuditRecord.objects.count() == 4
    deleted = [one["sql"] for one in statements if one["sql"].startswith("DELETE")]
    assert len(deleted) == 3


def test_nothing_younger_than_the_database_lets_go_is_asked_for() -> None:
    old(29.9)
    old(30.1)
    assert services.prune(1) == 1
    assert AuditRecord.objects.count() == 1


def test_the_beat_keeps_them_for_ever_if_the_installation_says_so() -> None:
    old(10_000)
    with override_settings(AUDIT_DAYS=0):
        tasks.prune()
    assert AuditRecord.objects.count() == 1
    with override_settings(AUDIT_DAYS=730):
        tasks.prune()
    assert AuditRecord.objects.count() == 0
