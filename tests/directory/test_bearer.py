"""Sign-in with a token: what opens what, what is told, what is counted, and when it ends."""

import asyncio
import base64
import json
import logging
import secrets
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError
from django.test import override_settings

from apps.directory import bearer, issuer, throttle, tokens
from apps.directory.authentication import Principal
from apps.directory.bearer import Client, TokenRefused
from apps.directory.models import AccessToken, Kind, Means, User
from apps.directory.remembered import RememberedPasswords
from apps.directory.services import credentials
from apps.directory.services import tokens as services
from apps.directory.signedin import still_in
from apps.directory.signin import SignIn
from apps.provisioning import services as provisioning
from apps.wire.bearer import INSUFFICIENT_SCOPE, INVALID_REQUEST, INVALID_TOKEN
from apps.wire.errors import (
    AccountSuspended,
    AuthenticationFailed,
    InvalidName,
    LimitReached,
    NotFound,
    SignInUnavailable,
    Throttled,
)
from apps.wire.sasl import Challenge, TokenClaim
from tests.support.identity_provider import ISSUER, IdentityProvider, identity_provider
from tests.support.scram_client import ScramClient
from tests.support.test_ca import Authority

HOME = "192.0.2.1"
ALICE = "alice@example.test"
NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bearer, "_wrong", RememberedPasswords())


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[IdentityProvider]:
    authority = Authority(tmp_path)
    issuer._issuer.cache_clear()
    with (
        identity_provider(authority.server("localhost").context) as one,
        override_settings(EXTRA_CA=authority.file, **one.settings_for_keys()),
    ):
        yield one


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)


def sign_in(
    token: str, username: str = ALICE, *, door: str = "imap", host: str = "", **more: Any
) -> Principal:
    client = Client(HOME, door, more.pop("secure", True), **more)
    principal: Principal = run(bearer.sign_in(TokenClaim(username, token, host), client))
    return principal


def refused(token: str, username: str = ALICE, **more: Any) -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        sign_in(token, username, **more)
    return caught.value


# -- tokens of our own ----------------------------------------------------------------------------


@pytest.mark.parametrize("username", [ALICE, "Alice@Example.TEST", ""])
@pytest.mark.parametrize("door", ["imap", "pop3", "submission"])
def test_it_signs_in_its_user(alice: User, username: str, door: str) -> None:
    row, text = services.issue(user=alice, name="Backup")
    principal = sign_in(text, username, door=door)
    assert principal == Principal(
        alice.pk, ALICE, "Alice Archer", 1, means=Means.TOKEN, access_token=row.pk
    )


def test_it_keeps_no_token(alice: User) -> None:
    _, text = services.issue(user=alice, name="Backup")
    assert text.startswith("mht_")
    assert len(text) == 47
    (row,) = AccessToken.objects.values()
    assert text not in repr(row)
    assert bytes(row["digest"]) == tokens.digest(text)


def test_it_opens_the_doors_in_its_scopes(alice: User) -> None:
    _, text = services.issue(user=alice, name="Sender", scopes=["SMTP"])
    assert sign_in(text, door="submission").user_id == alice.pk
    for door in ("imap", "pop3", "web"):
        assert refused(text, door=door).status == INSUFFICIENT_SCOPE


def test_it_never_opens_the_web(alice: User) -> None:
    _, text = services.issue(user=alice, name="Backup")
    assert refused(text, door="web").status == INSUFFICIENT_SCOPE


@pytest.mark.parametrize("username", ["bob@example.test", "nobody@example.test", "no address"])
def test_it_opens_nobody_elses_account(alice: User, bob: User, username: str) -> None:
    _, text = services.issue(user=alice, name="Backup")
    assert refused(text, username).status == INVALID_TOKEN


def test_it_is_no_password(alice: User) -> None:
    _, text = services.issue(user=alice, name="Backup")

    async def by_plain() -> None:
        exchange = SignIn("PLAIN", address=HOME, door="imap", secure=True)
        await exchange.start(base64.b64encode(f"\0{ALICE}\0{text}".encode()))

    with pytest.raises(AuthenticationFailed):
        run(by_plain())


def test_it_expires(alice: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        expires_at = NOON + timedelta(hours=1)
        _, text = services.issue(user=alice, name="Backup", expires_at=expires_at)
        principal = sign_in(text)
        assert still_in([principal]) == {principal}
        clock.shift(3_601)
        assert "has expired" in str(refused(text))
        assert still_in([principal]) == set()


def test_it_ends_with_its_removal(alice: User) -> None:
    _, text = services.issue(user=alice, name="Backup")
    _, other = services.issue(user=alice, name="Other")
    gone, staying = sign_in(text), sign_in(other)
    services.revoke(user=alice, name=" Backup ")
    assert refused(text).status == INVALID_TOKEN
    assert still_in([gone, staying]) == {staying}
    with pytest.raises(NotFound):
        services.revoke(user=alice, name="Backup")
    assert services.revoke_all(user=alice) == 1
    assert services.revoke_all(user=alice) == 0
    assert still_in([staying]) == set()


def test_it_stays_when_the_password_changes_and_ends_the_session(alice: User) -> None:
    _, text = services.issue(user=alice, name="Backup")
    before = sign_in(text)
    provisioning.set_password(alice, "another long password")
    assert still_in([before]) == set()
    assert sign_in(text).credential_version == 2


def test_it_tells_a_suspended_user(alice: User) -> None:
    _, text = services.issue(user=alice, name="Backup")
    provisioning.suspend_user(ALICE)
    with pytest.raises(AccountSuspended):
        sign_in(text)
    assert refused(f"{text}x").status == INVALID_TOKEN


def test_it_ends_with_its_user(alice: User) -> None:
    _, text = services.issue(user=alice, name="Backup")
    principal = sign_in(text)
    provisioning.remove_user(ALICE)
    assert still_in([principal]) == set()
    assert refused(text).status == INVALID_TOKEN
    assert refused(text, "").status == INVALID_TOKEN


def test_it_notes_its_use_once_an_hour(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        _, text = services.issue(user=alice, name="Backup")
        sign_in(text)
        clock.shift(1_800)
        sign_in(text)
        (known,) = tokens.of_user(alice.pk)
        assert (known.last_used_at, known.last_used_from) == (NOON, HOME)
        clock.shift(1_801)
        sign_in(text)
        assert tokens.of_user(alice.pk)[0].last_used_at == NOON + timedelta(seconds=3_601)

        def full(*_: object) -> None:
            raise DatabaseError("disk full")

        monkeypatch.setattr(bearer, "note_use", full)
        clock.shift(4_000)
        assert sign_in(text).user_id == alice.pk


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\x07b"},
        {"scopes": ["web"]},
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_it_issues_nothing_odd(alice: User, changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidName):
        services.issue(**{"user": alice, "name": "Backup", **changed})


def test_it_issues_each_name_once_and_50_at_most(alice: User, bob: User) -> None:
    for number in range(credentials.MOST):
        services.issue(user=alice, name=f"Token {number}")
    with pytest.raises(LimitReached):
        services.issue(user=alice, name="One more")
    services.issue(user=bob, name="Token 1")
    with pytest.raises(InvalidName) as caught:
        services.issue(user=bob, name="Token 1")
    assert "already" in caught.value.reply.text


def test_it_is_issued_to_people(alice: User) -> None:
    shared, _ = provisioning.add_user("office@example.test", kind=Kind.SHARED)
    with pytest.raises(InvalidName):
        services.issue(user=shared, name="Backup")
    provisioning.remove_user(ALICE)
    with pytest.raises(NotFound):
        services.issue(user=alice, name="Backup")


# -- tokens of an identity provider ---------------------------------------------------------------


def test_it_signs_in_whom_the_provider_names(alice: User, provider: IdentityProvider) -> None:
    principal = sign_in(provider.sign(exp=2_000_000_000, email="ALICE@example.test"))
    assert principal == Principal(
        alice.pk, ALICE, "Alice Archer", 1, means=Means.TOKEN, expires_at=2_000_000_030.0
    )
    assert sign_in(provider.sign(), "").user_id == alice.pk


def test_it_ends_with_the_token_of_the_provider(alice: User, provider: IdentityProvider) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        principal = sign_in(provider.sign(exp=int(NOON.timestamp()) + 300))
        assert still_in([principal]) == {principal}
        clock.shift(329)
        assert still_in([principal]) == {principal}  # clocks differ
        clock.shift(2)
        assert still_in([principal]) == set()


@pytest.mark.parametrize("email", ["bob@example.test", "nobody@example.test", "no address"])
def test_it_signs_in_nobody_else(
    alice: User, bob: User, provider: IdentityProvider, email: str
) -> None:
    assert refused(provider.sign(email=email)).status == INVALID_TOKEN


@pytest.mark.parametrize("email", ["nobody@example.test", "office@example.test"])
def test_it_signs_in_people_only(alice: User, provider: IdentityProvider, email: str) -> None:
    provisioning.add_user("office@example.test", kind=Kind.SHARED)
    assert refused(provider.sign(email=email), "").status == INVALID_TOKEN


def test_it_says_later_while_the_provider_is_away(alice: User, provider: IdentityProvider) -> None:
    token = provider.sign()
    provider.say({}, 500)
    with pytest.raises(SignInUnavailable):
        sign_in(token)


def test_it_passes_on_why_a_token_does_not_do(alice: User, provider: IdentityProvider) -> None:
    with override_settings(OAUTH_SCOPE="mail"):
        assert refused(provider.sign(scope="files")).status == INSUFFICIENT_SCOPE


def test_it_takes_no_foreign_token_without_a_provider(alice: User) -> None:
    assert "no identity provider" in str(refused("eyJhbGciOiJub25lIn0.e30."))


# -- what is counted and logged -------------------------------------------------------------------


def test_it_counts_guesses_and_nothing_else(alice: User, bob: User) -> None:
    before = datetime(2020, 1, 31, 12, tzinfo=UTC)
    with time_machine.travel(before, tick=False):
        expires_at = before + timedelta(hours=1)
        _, old = services.issue(user=alice, name="Old", expires_at=expires_at)
        _, sender = services.issue(user=alice, name="Sender", scopes=["smtp"])
    for _ in range(throttle.BUDGET + 2):
        refused(old)  # a program that nobody looks after
        refused(sender)
        refused("mht_the_same_again")
        refused("")  # asks for the scope
    for number in range(throttle.BUDGET - 1):
        refused(f"mht_{number}")
    refused(sender)  # one attempt passes, the next one waits
    with pytest.raises(Throttled):
        sign_in(sender)


def test_it_counts_guesses_without_a_name(alice: User) -> None:
    for number in range(throttle.BUDGET):
        refused(f"mht_{number}", "")
    refused("mht_x", "")
    with pytest.raises(Throttled):
        sign_in("mht_y", "")


def test_it_asks_no_provider_for_who_is_throttled(alice: User, provider: IdentityProvider) -> None:
    for number in range(throttle.BUDGET + 1):
        refused(f"mht_{number}")
    with pytest.raises(Throttled):
        sign_in(provider.sign())
    assert provider.asked == []


def test_it_logs_who_and_never_a_token(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _, text = services.issue(user=alice, name="Backup")
    sign_in(text)
    refused(f"{text}wrong")
    refused(text, "bob@example.test")
    refused(text, "password typed here")
    events = [
        (one.getMessage(), vars(one)["account"], vars(one)["client"], vars(one)["door"])
        for one in caplog.records
        if one.name == "apps.directory.bearer"
    ]
    assert events == [
        ("sign-in", ALICE, HOME, "imap"),
        ("sign-in refused", ALICE, HOME, "imap"),
        ("sign-in refused", "bob@example.test", HOME, "imap"),
        ("sign-in refused", "(not an address)", HOME, "imap"),
    ]
    for one in caplog.records:
        assert text not in repr(vars(one))
        assert "password typed here" not in repr(vars(one))


@pytest.mark.parametrize(
    ("host", "asked", "fits"),
    [
        ("mail.example.test", "mail.example.test", True),
        ("Mail.Example.test.", "mail.example.test", True),
        ("mail.example.test", "", True),
        ("", "mail.example.test", True),
        ("evil.example.net", "mail.example.test", False),
    ],
)
def test_it_compares_the_host(alice: User, host: str, asked: str, fits: bool) -> None:
    """RFC 7628 section 3.2."""
    _, text = services.issue(user=alice, name="Backup")
    if fits:
        assert sign_in(text, host=host, server_name=asked).user_id == alice.pk
    else:
        assert refused(text, host=host, server_name=asked).status == INVALID_REQUEST


def test_it_needs_tls(alice: User) -> None:
    _, text = services.issue(user=alice, name="Backup")
    with override_settings(CLEARTEXT_AUTH="loopback"):
        assert "not under TLS" in str(refused(text, secure=False))


# -- the exchange ---------------------------------------------------------------------------------


def exchange(mechanism: str, line: str, *answers: bytes) -> Any:
    """Speak to the end; what came last."""

    async def speak() -> Any:
        one = SignIn(mechanism, address=HOME, door="imap", secure=True)
        outcome: Any = await one.start(base64.b64encode(line.encode()))
        for answer in answers:
            assert isinstance(outcome, Challenge)
            outcome = await one.step(answer)
        return outcome

    return run(speak())


@pytest.mark.parametrize(
    ("mechanism", "form"),
    [
        ("OAUTHBEARER", "n,a={0},\x01host=x\x01auth=Bearer {1}\x01\x01"),
        ("XOAUTH2", "user={0}\x01auth=Bearer {1}\x01\x01"),
    ],
)
def test_it_speaks_both_mechanisms(
    alice: User, provider: IdentityProvider, mechanism: str, form: str
) -> None:
    _, text = services.issue(user=alice, name="Backup")
    assert exchange(mechanism, form.format(ALICE, text)).user_id == alice.pk
    wrong = form.format(ALICE, f"{text}x")
    told = json.loads(exchange(mechanism, wrong).data)
    assert told["status"] == ("invalid_token" if mechanism == "OAUTHBEARER" else "401")
    assert told["openid-configuration"] == f"{ISSUER}/.well-known/openid-configuration"
    for answer in (b"AQ==", b"", b"*"):
        with pytest.raises(TokenRefused):
            exchange(mechanism, wrong, answer)
    with override_settings(OAUTH_SCOPE="mail"):
        assert json.loads(exchange(mechanism, wrong).data)["scope"] == "mail"


def test_it_tells_a_malformed_message_apart(alice: User) -> None:
    told = exchange("OAUTHBEARER", "n,,\x01auth=Basic x\x01\x01")
    assert json.loads(told.data) == {"status": "invalid_request"}
    with pytest.raises(TokenRefused, match="malformed"):
        exchange("OAUTHBEARER", "n,,\x01auth=Basic x\x01\x01", b"AQ==")


# -- channel binding ------------------------------------------------------------------------------

BINDINGS = {"tls-exporter": b"e" * 32}


def bind(header: str, bound: bytes = b"", *, plus: bool = True) -> Any:
    """A whole exchange by SCRAM; what came last."""

    async def speak() -> Any:
        client = ScramClient(
            ALICE, "correct horse battery", secrets.token_hex(9), header=header, bound=bound
        )
        mechanism = "SCRAM-SHA-256-PLUS" if plus else "SCRAM-SHA-256"
        one = SignIn(mechanism, address=HOME, door="imap", secure=True, bindings=BINDINGS)
        offered: Any = await one.start(base64.b64encode(client.first()))
        final: Any = await one.step(base64.b64encode(client.final(offered.data)))
        assert client.is_convinced(final.data)
        return await one.step(b"")

    return run(speak())


def test_it_signs_in_who_sees_the_same_channel(alice: User) -> None:
    assert bind("p=tls-exporter,,", b"e" * 32).user_id == alice.pk
    assert bind("n,,", plus=False).user_id == alice.pk


@pytest.mark.parametrize(
    ("header", "bound", "plus", "account"),
    [
        ("p=tls-exporter,,", b"x" * 32, True, ALICE),
        ("p=tls-unique,,", b"x" * 12, True, "(not an address)"),
        ("y,,", b"", False, "(not an address)"),
    ],
)
def test_it_refuses_and_logs_who_sees_another(
    alice: User,
    caplog: pytest.LogCaptureFixture,
    header: str,
    bound: bytes,
    plus: bool,
    account: str,
) -> None:
    caplog.set_level(logging.WARNING)
    with pytest.raises(AuthenticationFailed):
        bind(header, bound, plus=plus)
    (record,) = [one for one in caplog.records if one.name == "apps.directory.signin"]
    assert vars(record)["account"] == account
    assert "channel binding" in vars(record)["detail"]
