"""The engine: what the database knows of a cookie, and when a session ends."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.browsers import browsers_of
from apps.accounts.models import WebSession
from apps.accounts.services import sessions
from apps.accounts.sessions import SessionStore, id_of
from apps.directory.models import Means, User
from apps.provisioning import services as provisioning

pytestmark = pytest.mark.django_db


def sign_in(user: User, *, is_kept: bool = False, acting: User | None = None) -> SessionStore:
    store = SessionStore()
    store.address, store.client = "192.0.2.1", "Firefox/140"
    store[SESSION_KEY] = str(user.pk)
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    acting_id = acting.pk if acting else None
    store.signed_in(means=Means.PASSWORD, is_kept=is_kept, acting_id=acting_id)
    store.save()
    return store


def lives(store: SessionStore) -> bool:
    return SESSION_KEY in SessionStore(store.session_key)


def test_the_database_knows_no_cookie(alice: User) -> None:
    store = sign_in(alice)
    key = store.session_key
    assert key is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_websession")
        row = cursor.fetchone()
    assert key not in str(row)
    assert row[0] == hashlib.sha256(key.encode()).hexdigest()
    # What stands in the database is no key, neither as it is nor as a cookie.
    assert not lives(SessionStore(row[0]))


def test_its_data_are_signed_json(alice: User) -> None:
    store = sign_in(alice)
    text = WebSession.objects.get().session_data
    payload = signing.loads(text, salt=store.key_salt, serializer=store.serializer)
    assert json.dumps(payload)
    WebSession.objects.update(session_data=text[:-1] + ("A" if text[-1] != "A" else "B"))
    assert not lives(store)


def test_its_columns_tell_who_where_and_how(alice: User) -> None:
    sign_in(alice, is_kept=True)
    (row,) = WebSession.objects.all()
    assert (row.user_id, row.address, row.client) == (alice.pk, "192.0.2.1", "Firefox/140")
    assert (row.means, row.is_kept, row.acting_id) == ("password", True, None)
    assert abs(row.created_at - timezone.now()) < timedelta(minutes=1)


@pytest.mark.parametrize("key", ["", "x", "x" * 32, "x" * 10_000, "é\x00" * 16, "../" * 11])
def test_nobody_chooses_a_key(db: None, key: str) -> None:
    store = SessionStore(key)
    assert store.is_empty() or not dict(store.items())
    store["a"] = 1
    store.save()
    assert store.session_key is not None
    assert store.session_key != key
    assert not WebSession.objects.filter(pk=id_of(key)).exists()


def test_a_new_key_ends_the_old_one(alice: User) -> None:
    store = sign_in(alice)
    old, since = store.session_key, store.facts
    store.cycle_key()
    store.save()
    assert store.session_key != old
    assert not lives(SessionStore(old))
    assert lives(store)
    assert store.facts is not None
    assert since is not None
    assert (store.facts.created_at, store.facts.means) == (since.created_at, since.means)
    assert WebSession.objects.count() == 1


def test_flushing_leaves_nothing(alice: User) -> None:
    store = sign_in(alice)
    store.flush()
    assert not WebSession.objects.exists()
    assert store.session_key is None


def test_what_was_ended_meanwhile_does_not_come_back(alice: User) -> None:
    store = sign_in(alice)
    mine = SessionStore(store.session_key)
    mine["seen"] = 1
    assert sessions.end(user=alice, session_id=store.session_id)
    with pytest.raises(UpdateError):
        mine.save()
    mine.see(timezone.now())
    assert not WebSession.objects.exists()


def test_nor_does_it_under_a_new_key(alice: User) -> None:
    """Somebody changes a factor in the moment in which the owner ends the session."""
    store = sign_in(alice)
    mine = SessionStore(store.session_key)
    assert SESSION_KEY in mine
    sessions.end_all(user_id=alice.pk)
    mine.cycle_key()
    mine[HASH_SESSION_KEY] = alice.get_session_auth_hash()
    mine.save()
    assert not lives(mine)
    assert not WebSession.objects.filter(user=alice).exists()


def test_it_costs_one_statement_to_read_and_one_to_write(alice: User) -> None:
    key = sign_in(alice).session_key
    with CaptureQueriesContext(connection) as asked:
        store = SessionStore(key)
        assert SESSION_KEY in store
        assert store.get("other") is None
    assert len(asked) == 1
    store["x"] = 1
    with CaptureQueriesContext(connection) as asked:
        store.save()
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("is_kept", "is_used", "hours", "is_there"),
    [
        (False, False, 11, True),
        (False, False, 13, False),  # idle
        (False, True, 23, True),
        (False, True, 25, False),  # used all the time, and over none the less
        (True, False, 29 * 24, True),
        (True, True, 31 * 24, False),
    ],
)
def test_it_ends_by_idleness_and_by_age(
    alice: User, is_kept: bool, is_used: bool, hours: int, is_there: bool
) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as traveller:
        store = sign_in(alice, is_kept=is_kept)
        for hour in range(0, hours, 8) if is_used else ():
            traveller.move_to(start + timedelta(hours=hour))
            again = SessionStore(store.session_key)
            if SESSION_KEY in again:
                again.see(timezone.now())
        traveller.move_to(start + timedelta(hours=hours))
        assert lives(store) is is_there


def test_acting_ends_after_an_hour_however_much_it_is_used(alice: User, bob: User) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as traveller:
        store = sign_in(alice, is_kept=True, acting=bob)
        traveller.move_to(start + timedelta(minutes=59))
        SessionStore(store.session_key).see(timezone.now())
        assert lives(store)
        traveller.move_to(start + timedelta(minutes=61))
        assert not lives(store)


def test_half_a_sign_in_ends_after_a_quarter_of_an_hour(db: None) -> None:
    store = SessionStore()
    store["pending"] = {}
    store.save()
    with time_machine.travel(timedelta(minutes=14), tick=True):
        assert "pending" in SessionStore(store.session_key)
    with time_machine.travel(timedelta(minutes=16), tick=True):
        assert "pending" not in SessionStore(store.session_key)


def test_a_shorter_limit_holds_for_those_who_are_in(alice: User, settings: object) -> None:
    store = sign_in(alice, is_kept=True)
    settings.SESSION_DAYS = 2  # type: ignore[attr-defined]
    with time_machine.travel(timedelta(days=3), tick=True):
        assert not lives(store)


def test_it_is_seen_every_five_minutes_by_one_of_many(alice: User) -> None:
    store = sign_in(alice)
    assert not SessionStore(store.session_key).is_due(timezone.now())  # nothing is known of it yet
    with time_machine.travel(timedelta(minutes=6), tick=False):
        first, second = SessionStore(store.session_key), SessionStore(store.session_key)
        assert SESSION_KEY in first
        assert SESSION_KEY in second
        assert first.is_due(timezone.now())
        first.address = "198.51.100.7"
        first.see(timezone.now())
        second.address = "203.0.113.9"
        second.see(timezone.now())
        row = WebSession.objects.get()
        assert row.seen_at == timezone.now()
        assert row.address == "198.51.100.7"
        again = SessionStore(store.session_key)
        assert SESSION_KEY in again
        assert not again.is_due(timezone.now())


def test_it_ends_one_the_others_or_all(alice: User, bob: User) -> None:
    mine, others, his = sign_in(alice), [sign_in(alice), sign_in(alice)], sign_in(bob)
    assert not sessions.end(user=alice, session_id=his.session_id)
    assert not sessions.end(user=alice, session_id="\x00")
    assert sessions.end_others(user=alice, keep=mine.session_id) == 2
    assert lives(mine)
    assert not any(lives(one) for one in others)
    elsewhere = sign_in(bob, acting=alice)
    assert sessions.end_others(user=alice, keep=mine.session_id) == 1
    assert not lives(elsewhere)
    acting = sign_in(bob, acting=alice)
    assert sessions.end_all(user_id=alice.pk) == 2
    assert not lives(mine)
    assert not lives(acting)
    assert lives(his)


def set_password(user: User) -> None:
    provisioning.set_password(User.objects.get(pk=user.pk), "another good sentence")


def suspend(user: User) -> None:
    provisioning.suspend_user(user.address)
    provisioning.resume_user(user.address)


@pytest.mark.parametrize("what", [set_password, suspend])
def test_the_list_has_only_what_still_opens_something(
    alice: User, what: Callable[[User], None]
) -> None:
    sign_in(alice)
    assert len(browsers_of(alice)) == 1
    what(alice)
    alice.refresh_from_db()
    assert browsers_of(alice) == []
    sign_in(alice)
    with time_machine.travel(timedelta(hours=13), tick=True):
        assert browsers_of(alice) == []


def test_the_list_is_one_statement_and_bounded(alice: User) -> None:
    for _ in range(53):
        sign_in(alice)
    with CaptureQueriesContext(connection) as asked:
        assert len(browsers_of(alice)) == 50
    assert len(asked) == 1


def test_a_user_has_so_many_and_no_more(alice: User, bob: User) -> None:
    his, first = sign_in(bob), sign_in(alice)
    WebSession.objects.filter(pk=first.session_id).update(
        seen_at=timezone.now() - timedelta(hours=1)
    )
    WebSession.objects.bulk_create(
        WebSession(
            session_key=f"{number:064x}", user=alice, expire_date=timezone.now() + timedelta(1)
        )
        for number in range(sessions.MOST - 1)
    )
    assert lives(first)
    last = sign_in(alice)
    assert lives(last)
    assert not lives(first)
    assert WebSession.objects.filter(user=alice).count() == sessions.MOST
    assert lives(his)


def test_housekeeping_removes_what_has_ended(alice: User) -> None:
    sign_in(alice)
    kept = sign_in(alice, is_kept=True)
    with time_machine.travel(timedelta(hours=13), tick=True):
        assert sessions.clear() == 1
    assert WebSession.objects.get().pk == kept.session_id
