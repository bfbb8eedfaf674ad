"""A hash of other parameters than today's is made anew by the sign-in that knows the password."""

import logging

import pytest
from django.contrib.auth.hashers import make_password
from django.db import DatabaseError

from apps.directory import authentication, passwords
from apps.directory.hashers import Argon2idHasher
from apps.directory.models import User
from apps.directory.services import users
from apps.wire.errors import AuthenticationFailed

PASSWORD = "correct horse battery"


def sign_in(password: str = PASSWORD, door: str = "imap") -> authentication.Principal:
    return authentication.authenticate(
        username="alice@example.test", password=password, address="192.0.2.1", door=door
    )


def stored(user: User) -> str:
    return User.objects.values_list("password", flat=True).get(pk=user.pk)


@pytest.fixture
def stale(alice: User, monkeypatch: pytest.MonkeyPatch) -> str:
    """Alice's hash; since it was made the parameters have grown."""
    monkeypatch.setattr(Argon2idHasher, "memory_cost", 16)
    passwords._dummy.cache_clear()
    return stored(alice)


def test_it_is_made_anew_once(alice: User, stale: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    before = sign_in()
    fresh = stored(alice)
    assert "$m=8," in stale
    assert "$m=16," in fresh
    assert passwords.check(PASSWORD, fresh) == (True, False)
    # The password is the same: nobody is signed out, and SCRAM goes on.
    assert before.credential_version == sign_in().credential_version == 1
    assert stored(alice) == fresh
    assert caplog.text.count("hashed anew") == 1
    assert fresh not in caplog.text


def test_a_wrong_password_changes_nothing(alice: User, stale: str) -> None:
    with pytest.raises(AuthenticationFailed):
        sign_in("wrong")
    assert stored(alice) == stale


def test_a_new_password_is_not_undone_by_an_old_one_on_its_way(alice: User, stale: str) -> None:
    users.set_secrets(user_id=alice.pk, secrets=passwords.seal("another long password"))
    new = stored(alice)
    users.renew_hash(user_id=alice.pk, stale=stale, encoded=make_password(PASSWORD))
    assert stored(alice) == new


def test_who_can_be_read_can_sign_in(
    alice: User, stale: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: object) -> None:
        raise DatabaseError("attempt to write a readonly database")

    monkeypatch.setattr(users, "renew_hash", broken)
    assert sign_in().user_id == alice.pk
    assert "not hashed anew" in caplog.text


def test_a_password_knows_when_it_was_set(alice: User) -> None:
    alice.refresh_from_db()
    first = alice.password_changed_at
    assert first is not None
    users.set_secrets(
        user_id=alice.pk, secrets=passwords.seal("another long password"), must_change=True
    )
    alice.refresh_from_db()
    assert alice.password_changed_at is not None
    assert alice.password_changed_at > first
    assert sign_in("another long password", "web").must_change is True
    users.set_secrets(user_id=alice.pk, secrets=passwords.seal(PASSWORD))
    assert sign_in().must_change is False
