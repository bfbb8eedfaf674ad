"""Quota: over by at most one message, however many reserve at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from apps.directory.models import User
from apps.mailstore.models import Usage
from apps.mailstore.services import quota
from apps.wire.errors import QuotaExceeded
from tests.mailstore.workers import start

SIZE = 1_000


def room(user: User, quota_bytes: int, used: int = 0) -> None:
    User.objects.filter(pk=user.pk).update(quota=quota_bytes)
    Usage.objects.filter(user=user).update(size=used)


def reserved(user: User) -> int:
    return Usage.objects.get(user=user).reserved


@pytest.mark.django_db
def test_it_reserves_until_the_user_is_full(alice: User) -> None:
    room(alice, 99_000 + 1, 99_000)
    assert quota.reserve([(alice.pk, SIZE)]) == set()
    assert quota.reserve([(alice.pk, SIZE)]) == {alice.pk}
    assert reserved(alice) == SIZE
    quota.release([(alice.pk, SIZE)])
    assert quota.reserve([(alice.pk, SIZE)]) == set()


@pytest.mark.django_db
def test_it_reserves_all_of_a_users_rows_or_none(alice: User, bob: User) -> None:
    room(alice, 2 * SIZE)
    rows = [(alice.pk, SIZE), (bob.pk, SIZE), (alice.pk, SIZE), (alice.pk, SIZE)]
    assert quota.reserve(rows) == {alice.pk}
    assert (reserved(alice), reserved(bob)) == (0, SIZE)
    assert quota.reserve(rows[:3]) == set()
    assert (reserved(alice), reserved(bob)) == (2 * SIZE, 2 * SIZE)


@pytest.mark.django_db
def test_it_has_no_limit_at_zero(alice: User) -> None:
    room(alice, 0, 10**15)
    assert quota.reserve([(alice.pk, 10**15)]) == set()
    quota.require(alice.pk, [10**15, 10**15])


@pytest.mark.django_db
def test_it_refuses_users_without_an_account(alice: User) -> None:
    Usage.objects.filter(user=alice).delete()
    assert quota.reserve([(alice.pk, 1)]) == {alice.pk}
    with pytest.raises(QuotaExceeded):
        quota.require(alice.pk, [1])
    quota.open_account(alice.pk)
    quota.open_account(alice.pk)
    assert quota.reserve([(alice.pk, 1)]) == set()


@pytest.mark.django_db
def test_it_has_nothing_to_do_for_nobody() -> None:
    assert quota.reserve([]) == set()
    quota.release([])


@pytest.mark.django_db(transaction=True)
def test_it_is_over_by_at_most_one_message_under_ten_writers(alice: User) -> None:
    room(alice, 100 * SIZE, 99 * SIZE + 1)

    def one(_: int) -> int:
        try:
            with transaction.atomic():
                return not quota.reserve([(alice.pk, SIZE)])
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        taken = sum(threads.map(one, range(30)))
    assert taken == 1
    assert reserved(alice) == SIZE


@pytest.mark.django_db(transaction=True)
def test_it_is_over_by_at_most_one_message_across_processes(alice: User) -> None:
    room(alice, 50 * SIZE, 0)
    workers = [start("reserve", alice.pk, SIZE + n, 25) for n in range(3)]
    taken = []
    for worker in workers:
        out, err = worker.communicate(timeout=60)
        assert worker.returncode == 0, err
        taken.append(int(out))
    assert 50 * SIZE <= reserved(alice) < 51 * SIZE + 3
    assert reserved(alice) == sum((SIZE + n) * count for n, count in enumerate(taken))
