"""Sign-in by SCRAM: who gets in, what strangers are told, what is counted."""

import asyncio
import base64
import logging
import re
import secrets
from collections.abc import Coroutine
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory import passwords, scram, throttle
from apps.directory.authentication import Principal
from apps.directory.models import User
from apps.directory.services import apppasswords, users
from apps.directory.signin import SignIn
from apps.provisioning import services as provisioning
from apps.wire.errors import AccountSuspended, AuthenticationFailed, InUse, Throttled
from apps.wire.sasl import Challenge, Failure, FailureReason
from tests.support.scram_client import ScramClient

PASSWORD = "correct horse battery"
HOME = "192.0.2.1"


def begin(username: str, *, address: str = HOME, door: str = "submission") -> scram.Begun:
    return scram.begin(username=username, address=address, door=door, secure=True)


def prove(username: str, password: str, *, door: str = "submission") -> Principal:
    """A whole exchange as a door has it."""

    async def speak() -> Principal:
        client = ScramClient(username, password, secrets.token_hex(9))
        sign_in = SignIn("SCRAM-SHA-256", address=HOME, door=door, secure=True)
        offered = await sign_in.start(base64.b64encode(client.first()))
        assert isinstance(offered, Challenge)
        final = await sign_in.step(base64.b64encode(client.final(offered.data)))
        assert isinstance(final, Challenge)
        assert client.is_convinced(final.data)
        principal = await sign_in.step(b"")
        assert isinstance(principal, Principal)
        return principal

    principal: Principal = run(speak())
    return principal


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)


pytestmark = pytest.mark.django_db(transaction=True)


def test_it_signs_in_with_the_password(alice: User) -> None:
    principal = prove("Alice@Example.test", PASSWORD)
    assert principal == Principal(alice.pk, "alice@example.test", "Alice Archer", 1)


def test_it_signs_in_with_an_app_password(alice: User) -> None:
    apppasswords.create(user=alice, name="Tablet")
    row, text = apppasswords.create(user=alice, name="Phone")
    assert prove("alice@example.test", text).app_password == row.pk
    assert prove("alice@example.test", PASSWORD).app_password is None


def test_it_signs_in_with_an_app_password_after_a_change_of_the_password(alice: User) -> None:
    row, text = apppasswords.create(user=alice, name="Phone")
    provisioning.set_password(alice, "another long password")
    assert prove("alice@example.test", text).app_password == row.pk
    assert prove("alice@example.test", "another long password").credential_version == 2
    with pytest.raises(AuthenticationFailed):
        prove("alice@example.test", PASSWORD)


def test_it_makes_new_salts_while_no_app_password_needs_the_old_one(alice: User) -> None:
    salts = {begin("alice@example.test").basis.salt}
    provisioning.set_password(alice, "another long password")
    salts.add(begin("alice@example.test").basis.salt)
    assert len(salts) == 2
    apppasswords.create(user=alice, name="Phone")
    provisioning.set_password(alice, PASSWORD)
    assert begin("alice@example.test").basis.salt in salts


def test_it_breaks_no_app_password_that_is_made_in_the_middle(alice: User) -> None:
    secrets_ = passwords.seal("another long password", users.next_basis(alice.pk))
    row, text = apppasswords.create(user=alice, name="Phone")
    with pytest.raises(InUse):
        users.set_secrets(user_id=alice.pk, secrets=secrets_)
    assert prove("alice@example.test", text).app_password == row.pk


def test_it_offers_no_app_password_that_is_not_for_the_door(alice: User) -> None:
    _, text = apppasswords.create(user=alice, name="Reader", protocols=["imap"])
    with pytest.raises(AuthenticationFailed):
        prove("alice@example.test", text)
    assert prove("alice@example.test", text, door="imap").user_id == alice.pk


def test_it_refuses_a_wrong_password(alice: User) -> None:
    with pytest.raises(AuthenticationFailed):
        prove("alice@example.test", "wrong")


def test_it_tells_strangers_what_it_tells_users(alice: User) -> None:
    known = begin("alice@example.test")
    for name in ("nobody@example.test", "nobody@elsewhere.invalid", "no address"):
        unknown = begin(name)
        assert unknown.basis.iterations == known.basis.iterations == passwords.SCRAM_ITERATIONS
        assert len(unknown.basis.salt) == len(known.basis.salt)
        assert len(unknown.keys) == len(known.keys) == 1
        # The same every time, and another for another name: so is a real one.
        assert begin(name).basis.salt == unknown.basis.salt
        assert unknown.nonce != begin(name).nonce
    assert begin("nobody@example.test").basis.salt != begin("somebody@example.test").basis.salt


def test_no_alias_domain_tells_who_exists(alice: User) -> None:
    """A user has one salt by all names; so has who is no user."""
    provisioning.add_domain("alias.test", alias_of="example.test")
    for local in ("alice", "nobody"):
        names = (f"{local}@example.test", f"{local}@alias.test", f"{local}@ALIAS.test.")
        assert len({begin(name).basis for name in names}) == 1, local
    assert begin("nobody@alias.test").basis != begin("nobody@other.test").basis


def test_it_asks_the_database_the_same_whoever_exists(alice: User) -> None:
    asked = []
    for name in ("alice@example.test", "nobody@example.test", "no address"):
        with CaptureQueriesContext(connection) as queries:
            begin(name)
        texts = [re.sub(r"'[^']*'", "?", query["sql"]) for query in queries]  # names, and the time
        asked.append([re.sub(r"= \d+", "= ?", text) for text in texts])
    assert asked[0] == asked[1] == asked[2]


def test_it_takes_any_spelling_of_an_unknown_name_for_one(alice: User) -> None:
    salts = {begin(name).basis.salt for name in ("Nobody@example.test", "nobody@EXAMPLE.test")}
    assert len(salts) == 1


@pytest.mark.parametrize("password", ["", PASSWORD, "wrong"])
def test_it_signs_nobody_in_as_an_unknown_user(alice: User, password: str) -> None:
    with pytest.raises(AuthenticationFailed):
        prove("nobody@example.test", password)


def test_it_signs_nobody_in_who_has_no_password(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(
        scram_salt=b"", scram_iterations=0, scram_stored_key=b"", scram_server_key=b""
    )
    begun = begin("alice@example.test")
    assert begun.basis.iterations == passwords.SCRAM_ITERATIONS
    with pytest.raises(AuthenticationFailed):
        prove("alice@example.test", PASSWORD)
    row, text = apppasswords.create(user=alice, name="Phone")
    assert prove("alice@example.test", text).app_password == row.pk
    with pytest.raises(AuthenticationFailed):
        prove("alice@example.test", "")


def test_it_tells_a_suspended_user_only_after_the_right_password(alice: User) -> None:
    provisioning.suspend_user("alice@example.test")
    with pytest.raises(AuthenticationFailed):
        prove("alice@example.test", "wrong")
    with pytest.raises(AccountSuspended):
        prove("alice@example.test", PASSWORD)


def test_it_notices_a_change_in_the_middle(alice: User) -> None:
    begun = begin("alice@example.test")
    provisioning.set_password(alice, "another long password")
    with pytest.raises(AuthenticationFailed, match="changed meanwhile"):
        scram.finish(begun, 0)


def test_it_notices_an_app_password_that_goes_in_the_middle(alice: User) -> None:
    apppasswords.create(user=alice, name="Phone")
    begun = begin("alice@example.test")
    apppasswords.revoke(user=alice, name="Phone")
    with pytest.raises(AuthenticationFailed, match="gone"):
        scram.finish(begun, 1)


def test_it_counts_wrong_proofs_like_wrong_passwords(alice: User) -> None:
    for _ in range(throttle.BUDGET):
        scram_failed = begin("alice@example.test")
        with pytest.raises(AuthenticationFailed):
            scram.finish(scram_failed, None)
    begin("alice@example.test")  # one attempt passes, the next one waits
    with pytest.raises(Throttled):
        begin("alice@example.test")


def test_it_needs_tls(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with pytest.raises(AuthenticationFailed):
        scram.begin(username="alice@example.test", address=HOME, door="submission", secure=False)
    assert "sign-in refused" in caplog.text


def test_it_lets_nobody_act_as_another(alice: User, bob: User) -> None:
    client = ScramClient("bob@example.test", PASSWORD, "nonce", header="n,a=alice@example.test,")
    sign_in = SignIn("SCRAM-SHA-256", address=HOME, door="submission", secure=True)
    with pytest.raises(AuthenticationFailed, match="another user"):
        run(sign_in.start(base64.b64encode(client.first())))


def test_it_is_over_when_the_client_cancels(alice: User) -> None:
    client = ScramClient("alice@example.test", PASSWORD, "nonce")
    sign_in = SignIn("SCRAM-SHA-256", address=HOME, door="submission", secure=True)
    assert isinstance(run(sign_in.start(base64.b64encode(client.first()))), Challenge)
    assert run(sign_in.step(b"*")) == Failure(FailureReason.CANCELLED)


def test_it_speaks_plain_and_login_as_well(alice: User) -> None:
    sign_in = SignIn("PLAIN", address=HOME, door="submission", secure=True)
    line = base64.b64encode(f"\0alice@example.test\0{PASSWORD}".encode())
    assert run(sign_in.start(line)).user_id == alice.pk
    sign_in = SignIn("LOGIN", address=HOME, door="submission", secure=True)
    assert isinstance(run(sign_in.start(base64.b64encode(b"alice@example.test"))), Challenge)
    assert run(sign_in.step(base64.b64encode(PASSWORD.encode()))).user_id == alice.pk
