"""The database itself: records are added, and otherwise left alone."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.audit import guard
from apps.audit.models import AuditRecord
from apps.audit.services import record

pytestmark = pytest.mark.django_db


def refused(sql: str, *parameters: int) -> str:
    with (
        connection.cursor() as cursor,
        pytest.raises(IntegrityError) as error,
        transaction.atomic(),
    ):
        cursor.execute(sql, parameters)
    return str(error.value)


def old_record(days: float) -> AuditRecord:
    return AuditRecord.objects.create(
        at=timezone.now() - timedelta(days=days), actor_kind="service", actor="x", action="user.add"
    )


def test_a_record_is_never_changed() -> None:
    record("user.suspend", subject="alice@example.test")
    old_record(400)
    told = refused("UPDATE audit_auditrecord SET actor = 'somebody else'")
    assert "append-only" in told
    assert not AuditRecord.objects.filter(actor="somebody else").exists()


def test_a_young_record_does_not_go() -> None:
    record("user.suspend", subject="alice@example.test")
    old_record(29.99)
    assert "younger than 30 days" in refused("DELETE FROM audit_auditrecord")
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditRecord.objects.all().delete()
    assert AuditRecord.objects.count() == 2


def test_an_old_one_may_go() -> None:
    kept, gone = old_record(29.99), old_record(30.01)
    AuditRecord.objects.filter(pk=gone.pk).delete()
    assert list(AuditRecord.objects.all()) == [kept]


def test_nothing_takes_the_place_of_a_record() -> None:
    there = old_record(1)
    if connection.vendor == "sqlite":
        how = "INSERT OR REPLACE INTO audit_auditrecord"
        end = ""
    else:
        how = "INSERT INTO audit_auditrecord"
        end = " ON CONFLICT (id) DO UPDATE SET actor = excluded.actor"
    told = refused(
        f"{how} (id, at, actor_kind, actor, acting_for, door, address, action, subject, detail)"
        f" SELECT id, at, actor_kind, 'y', '', '', '', action, subject, detail"
        f" FROM audit_auditrecord WHERE id = %s{end}",
        there.pk,
    )
    assert "append-only" in told
    assert AuditRecord.objects.get().actor == "x"


def test_the_whole_table_cannot_be_emptied() -> None:
    record("user.suspend")
    how = "DELETE FROM" if connection.vendor == "sqlite" else "TRUNCATE"
    refused(f"{how} audit_auditrecord")


def test_who_empties_the_database_lifts_the_guard_and_it_is_there_again() -> None:
    record("user.suspend")
    with guard.lifted():
        AuditRecord.objects.all().delete()
    record("user.resume")
    refused("DELETE FROM audit_auditrecord")


def test_a_guard_that_was_lifted_stays_if_the_emptying_fails() -> None:
    record("user.suspend")

    def empty() -> None:
        with guard.lifted():
            AuditRecord.objects.all().delete()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        empty()
    assert AuditRecord.objects.count() == 1
    refused("DELETE FROM audit_auditrecord")
