"""`manage.py factor`: what is listed, and what is left of factors that were lost."""

import pytest
from pytest_django import Settings

from apps.accounts import onetime
from apps.accounts.models import Authenticator
from apps.accounts.services import authenticators, recoverycodes
from apps.audit.models import AuditRecord
from apps.directory.models import User
from apps.mailqueue.models import QueuedMessage
from apps.provisioning import seals
from apps.runtime import clock, sealing
from tests.accounts.test_passkeys import add
from tests.provisioning.management.running import run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]


def set_up(user: User) -> bytes:
    secret = authenticators.start(user=user, issuer="x").secret
    authenticators.confirm(user=user, code=onetime.code_at(secret, clock.now()))
    return secret


def test_it_lists_factors_and_no_secrets(alice: User) -> None:
    assert run("factor", "list", "alice@example.test", "--json").json == []
    secret = set_up(alice)
    device = add(alice, name="Laptop")
    rows = run("factor", "list", "alice@example.test", "--json").json
    assert [(row["kind"], row["name"]) for row in rows] == [
        ("authenticator", "Authenticator app"),
        ("passkey", "Laptop"),
    ]
    text = run("factor", "list", "ALICE@example.test").out + str(rows)
    assert "passkey\tLaptop\t" in text
    assert onetime.spelled(secret) not in text
    assert device.id.hex() not in text


def test_it_resets_what_was_lost(alice: User, bob: User) -> None:
    set_up(alice)
    set_up(bob)
    add(alice)
    codes = recoverycodes.make(user=alice)
    letters = QueuedMessage.objects.count()
    assert run("factor", "reset", "alice@example.test", "--json").json == {
        "address": "alice@example.test",
        "removed": 2,
    }
    alice.refresh_from_db()
    bob.refresh_from_db()
    assert (alice.has_factor, bob.has_factor) == (False, True)
    assert not recoverycodes.take(user=alice, code=codes[0])
    assert QueuedMessage.objects.count() == letters + 1
    record = AuditRecord.objects.get(action="factor.reset")
    assert (record.actor_kind, record.user_id) == ("command", alice.pk)
    assert "0 second factors are gone" in run("factor", "reset", "alice@example.test").out


def test_it_knows_nobody_else(alice: User) -> None:
    for verb in ("list", "reset"):
        done = run("factor", verb, "nobody@example.test")
        assert (done.code, done.out) == (1, "")
        assert done.err.strip() == "Error: There is no user nobody@example.test."


def test_secrets_get_the_seal_of_a_new_key(alice: User, settings: Settings) -> None:
    old = settings.ENCRYPTION_KEY
    secret = set_up(alice)
    settings.ENCRYPTION_KEY = ("A" * 43 + "=", *old)
    assert seals.reseal().changed >= 1
    assert seals.reseal().changed == 0
    settings.ENCRYPTION_KEY = ("A" * 43 + "=",)
    Authenticator.objects.update(last_step=-1)
    assert authenticators.take(user=alice, code=onetime.code_at(secret, clock.now()))
    settings.ENCRYPTION_KEY = old
    with pytest.raises(sealing.SealBrokenError):
        authenticators.take(user=alice, code=onetime.code_at(secret, clock.now()))
