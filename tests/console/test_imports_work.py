"""The worker of imports: what was begun is done once, whoever dies or is sent away."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from apps.console import importing
from apps.console.models import Import, ImportKind, ImportLine, ImportState, LineState
from apps.console.services import imports, importwork
from apps.directory.models import Domain, RoleGrant, User
from apps.directory.permissions import powers_of
from apps.provisioning import services as provisioning
from apps.wire.errors import InUse


def begun(user: User, count: int, *, password: str = "") -> Import:
    """An import of so many users that a worker may take."""
    lines = "".join(f"u{number}@example.test,{password}\n" for number in range(count))
    job = imports.take(
        user=user,
        powers=powers_of(user),
        kind=ImportKind.USERS,
        octets=f"address,password\n{lines}".encode(),
        file_name="u.csv",
        must_change=False,
    )
    assert imports.start(user=user, job_id=job.pk, address="192.0.2.1")
    return job


def added() -> int:
    return User.objects.filter(key__startswith="u").count()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of two lines."""
    monkeypatch.setattr(importing, "AT_ONCE", {"users": 2})


def test_a_worker_that_is_killed_leaves_a_batch_to_the_next(
    admin: User, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begun(admin, 5)
    write = importwork._write
    calls = []

    def killed(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise OperationalError("the machine is gone")
        write(*args)

    with monkeypatch.context() as patch:
        patch.setattr(importwork, "_write", killed)
        with pytest.raises(OperationalError):
            importwork.work()
    assert added() == 2

    assert not importwork.work()  # the lease still holds
    assert added() == 2
    Import.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    importwork.work(60)

    job.refresh_from_db()
    assert (job.state, job.added, job.failed) == (ImportState.DONE, 5, 0)
    assert added() == 5


def test_of_two_workers_only_the_one_with_the_lease_writes(admin: User, small: None) -> None:
    job = begun(admin, 4)
    first = importwork._claim()
    assert first is not None
    assert importwork._claim() is None
    Import.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    second = importwork._claim()
    assert second is not None

    assert importwork._batch(second)
    assert not importwork._batch(first)  # it slept through its lease
    assert added() == 2
    importwork._let_go(first)
    assert importwork._batch(second)
    assert added() == 4


def test_a_role_that_is_taken_ends_it_at_once(admin: User, small: None) -> None:
    job = begun(admin, 4)
    hold = importwork._claim()
    assert hold is not None
    assert importwork._batch(hold)

    RoleGrant.objects.filter(user=admin).delete()

    assert not importwork._batch(hold)
    job.refresh_from_db()
    assert (job.state, job.added) == (ImportState.STOPPED, 2)
    assert added() == 2
    assert not importwork.work()


def test_cancelled_in_the_middle(admin: User, small: None) -> None:
    job = begun(admin, 4, password="a long enough phrase")
    hold = importwork._claim()
    assert hold is not None
    assert importwork._batch(hold)

    imports.cancel(user=admin, job_id=job.pk)

    assert not importwork._batch(hold)
    assert added() == 2
    assert not ImportLine.objects.filter(secret__isnull=False).exists()
    with pytest.raises(InUse):
        imports.cancel(user=admin, job_id=job.pk)


def test_a_domain_that_is_removed_meanwhile(admin: User, operator: User) -> None:
    provisioning.add_domain("gone.test", organization="A")
    octets = b"address\nx@gone.test\ny@example.test\n"
    job = imports.take(
        user=operator,
        powers=powers_of(operator),
        kind=ImportKind.USERS,
        octets=octets,
        file_name="",
        must_change=True,
    )
    imports.start(user=operator, job_id=job.pk, address="")
    provisioning.remove_domain("gone.test")

    importwork.work()

    job.refresh_from_db()
    assert (job.added, job.failed) == (1, 1)
    line = ImportLine.objects.get(state=LineState.FAILED)
    assert line.reason == "The domain gone.test is not hosted here"


def test_passwords_of_the_file_are_sealed_and_wiped(admin: User, domain: Domain) -> None:
    job = begun(admin, 1, password="a long enough phrase")
    kept = bytes(ImportLine.objects.get().secret or b"")
    assert kept
    assert b"phrase" not in kept
    assert "phrase" not in str(ImportLine.objects.values().get()["cells"])

    importwork.work()

    assert ImportLine.objects.get().secret is None
    user = User.objects.get(key="u0@example.test")
    assert user.check_password("a long enough phrase")
    assert not user.must_change_password
    job.refresh_from_db()
    assert job.state == ImportState.DONE


def test_temporary_passwords_are_gone_after_a_day(admin: User, domain: Domain) -> None:
    job = begun(admin, 1)
    importwork.work()
    assert ImportLine.objects.get().secret is not None

    Import.objects.filter(pk=job.pk).update(open_until=timezone.now())
    imports.prune()
    assert ImportLine.objects.get().secret is None

    Import.objects.filter(pk=job.pk).update(finished_at=timezone.now() - imports.KEPT * 2)
    assert imports.prune() == 1
    assert not ImportLine.objects.exists()
