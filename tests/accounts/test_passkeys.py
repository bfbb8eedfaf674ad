"""Passkeys: what is asked, what is believed, and all the answers that are not."""

import logging
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from django.core.cache import cache
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

from apps.accounts import factors as reading
from apps.accounts.models import Passkey as Row
from apps.accounts.services import passkeys
from apps.accounts.services.passkeys import Question
from apps.accounts.sites import Site, site_of
from apps.directory.models import Domain, Means, Outcome, SignIn, State, User, UserState
from apps.wire.errors import (
    AccountSuspended,
    AlreadyExists,
    AuthenticationFailed,
    InvalidName,
    LimitReached,
    NotFound,
    Throttled,
)
from tests.support.passkey import PRESENT, VERIFIED, Passkey

pytestmark = pytest.mark.django_db
SITE = Site("localhost", "https://localhost")
HOME = "192.0.2.7"


def add(user: User, device: Passkey | None = None, name: str = "Laptop") -> Passkey:
    device = device or Passkey()
    question = passkeys.ask_for_new(user=user, site=SITE)
    register(user, question, device.create(dict(question.options)), name)
    return device


def register(user: User, question: Question, answer: dict[str, Any], name: str = "Laptop") -> None:
    passkeys.register(user=user, site=SITE, question=question, answer=answer, name=name)


def ask(user: User | None = None) -> Question:
    return passkeys.ask_to_sign_in(site=SITE, user=user)


def show(question: Question, answer: dict[str, Any], user: User | None = None) -> User:
    return passkeys.sign_in(site=SITE, question=question, answer=answer, address=HOME, user=user)


def enter(device: Passkey, user: User | None = None, **wrong: Any) -> User:
    question = ask(user)
    return show(question, device.get(dict(question.options), **wrong), user)


def test_it_asks_for_a_key_that_knows_its_user(alice: User) -> None:
    device = add(alice)
    options = dict(passkeys.ask_for_new(user=alice, site=SITE).options)
    assert options["rp"] == {"id": "localhost", "name": "mailhost"}
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["attestation"] == "none"
    assert [one["id"] for one in options["excludeCredentials"]] == [bytes_to_base64url(device.id)]
    assert options["excludeCredentials"][0]["transports"] == ["hybrid", "internal"]
    handle = base64url_to_bytes(options["user"]["id"])
    assert handle == device.handle  # the same for all of a user
    assert len(handle) == 64
    assert b"alice" not in handle


def test_it_signs_in(alice: User, bob: User) -> None:
    device, other = add(alice), add(bob)
    alice.refresh_from_db()
    assert alice.has_factor
    assert enter(device) == alice
    assert enter(device, alice) == alice
    assert enter(other) == bob
    assert Row.objects.get(user=alice).last_used_at is not None
    options = dict(ask(alice).options)
    assert [one["id"] for one in options["allowCredentials"]] == [bytes_to_base64url(device.id)]
    assert dict(ask().options)["allowCredentials"] == []
    assert options["userVerification"] == "required"


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.invalid"},
        {"origin": "http://localhost"},
        {"origin": "https://localhost:444"},
        {"origin": "https://localhost.evil.invalid"},
        {"rp_id": "evil.invalid"},
        {"flags": PRESENT},  # nobody looked who it was
        {"flags": VERIFIED},  # nobody was there
        {"handle": b"somebody else"},
    ],
)
def test_it_refuses_what_was_meant_for_elsewhere(alice: User, wrong: dict[str, Any]) -> None:
    device = add(alice)
    with pytest.raises(AuthenticationFailed):
        enter(device, **wrong)
    assert enter(device) == alice


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.invalid"},
        {"rp_id": "evil.invalid"},
        {"flags": PRESENT},
        {"fmt": "packed"},
        {"fmt": "unheard-of"},
    ],
)
def test_it_registers_nothing_that_was_meant_for_elsewhere(
    alice: User, wrong: dict[str, Any]
) -> None:
    question = passkeys.ask_for_new(user=alice, site=SITE)
    with pytest.raises(AuthenticationFailed):
        register(alice, question, Passkey().create(dict(question.options), **wrong))
    assert not Row.objects.exists()


def test_it_refuses_a_replay(alice: User) -> None:
    device = add(alice)
    question = ask()
    answer = device.get(dict(question.options))
    assert show(question, answer) == alice
    with pytest.raises(AuthenticationFailed):
        show(question, answer)  # the same question
    with pytest.raises(AuthenticationFailed):
        show(ask(), answer)  # another one


def test_it_refuses_a_replay_without_a_cache(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError("no cache")

    for name in ("add", "incr", "get_many", "set"):
        monkeypatch.setattr(cache, name, away)
    device = add(alice)
    question = ask()
    answer = device.get(dict(question.options))
    assert show(question, answer) == alice
    with pytest.raises(AuthenticationFailed):
        show(question, answer)


def test_it_refuses_another_users_passkey(alice: User, bob: User) -> None:
    add(alice)
    with pytest.raises(AuthenticationFailed):
        enter(add(bob), alice)


def test_it_says_the_same_of_unknown_and_of_wrong(alice: User, bob: User) -> None:
    device = add(alice)
    words = set()
    for stranger, user in (
        (Passkey(), None),
        (add(bob), alice),
        (replace(device, key=Passkey().key), None),
    ):
        with pytest.raises(AuthenticationFailed) as refusal:
            enter(stranger, user)
        words.add(refusal.value.reply.text)
    assert words == {passkeys.REFUSED}


def test_it_refuses_a_copy_whose_count_lags(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    device = add(alice, Passkey(count=5))
    copy = replace(device)
    assert enter(device) == alice
    assert enter(device) == alice
    with pytest.raises(AuthenticationFailed):
        enter(copy)
    assert "sign count" in str([record.__dict__ for record in caplog.records])
    assert enter(device) == alice


def test_it_keeps_counts_of_32_bits(alice: User) -> None:
    device = add(alice, Passkey(count=2**32 - 3))
    assert enter(device) == alice
    assert Row.objects.get().sign_count == 2**32 - 2


@pytest.mark.parametrize("state", [UserState.SUSPENDED, UserState.LOCKED])
def test_it_lets_nobody_in_who_may_not(alice: User, domain: Domain, state: UserState) -> None:
    device = add(alice)
    User.objects.filter(pk=alice.pk).update(state=state)
    with pytest.raises(AccountSuspended):
        enter(device)
    noted = SignIn.objects.get(user=alice)
    assert (noted.outcome, noted.means) == (Outcome.SUSPENDED, Means.PASSKEY)
    User.objects.filter(pk=alice.pk).update(state=UserState.ACTIVE)
    Domain.objects.filter(pk=domain.pk).update(state=State(state))
    with pytest.raises(AccountSuspended):
        enter(device)


def test_it_registers_a_key_once(alice: User, bob: User) -> None:
    device = add(alice)
    with pytest.raises(AlreadyExists):
        add(bob, replace(device))
    assert not reading.has_factor(bob.pk)


def test_it_answers_a_question_once(alice: User) -> None:
    question = passkeys.ask_for_new(user=alice, site=SITE)
    answer = Passkey().create(dict(question.options))
    register(alice, question, answer)
    with pytest.raises(AuthenticationFailed):
        register(alice, question, Passkey().create(dict(question.options)))


def test_it_keeps_twenty(alice: User) -> None:
    for number in range(passkeys.MOST):
        add(alice, name=f"Key {number}")
    with pytest.raises(LimitReached):
        add(alice)


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "a\u202eb", "\0"])
def test_it_takes_no_name_that_is_none(alice: User, name: str) -> None:
    with pytest.raises(InvalidName):
        add(alice, name=name)


def test_it_is_renamed_and_removed_by_its_owner_alone(alice: User, eve: User) -> None:
    add(alice)
    add(alice, name="Key")
    row = Row.objects.get(name="Laptop")
    for act in (
        lambda: passkeys.rename(user=eve, passkey_id=row.pk, name="mine"),
        lambda: passkeys.remove(user=eve, passkey_id=row.pk),
    ):
        with pytest.raises(NotFound):
            act()
    assert reading.passkey_of(eve, row.pk) is None
    passkeys.rename(user=alice, passkey_id=row.pk, name=" Old laptop ")
    assert [one.name for one in reading.passkeys_of(alice)] == ["Old laptop", "Key"]
    assert passkeys.remove(user=alice, passkey_id=row.pk) == "Old laptop"
    alice.refresh_from_db()
    assert alice.has_factor
    passkeys.remove(user=alice, passkey_id=Row.objects.get().pk)
    alice.refresh_from_db()
    assert not alice.has_factor


def deep(levels: int) -> str:
    return bytes_to_base64url(b"[" * levels + b"]" * levels)


@pytest.mark.parametrize(
    "change",
    [
        {"rawId": None},
        {"rawId": "é"},
        {"rawId": 5},
        {"rawId": "AAAA"},
        {"id": "AAAA"},
        {"type": "password"},
        {"response": None},
        {"response": []},
        {"response": {"clientDataJSON": deep(5_000)}},
        {"response": {"authenticatorData": ""}},
        {"response": {"authenticatorData": bytes_to_base64url(b"\xff" * 500)}},
        {"response": {"signature": "!"}},
        {"response": {"userHandle": 3}},
        {"response": {"userHandle": "\u0661"}},
    ],
)
def test_it_refuses_broken_answers(alice: User, change: dict[str, Any]) -> None:
    device = add(alice)
    question = ask()
    answer = device.get(dict(question.options))
    inner = change.get("response")
    if isinstance(inner, dict):
        change = {"response": {**answer["response"], **inner}}
    with pytest.raises(AuthenticationFailed) as refusal:
        show(question, {**answer, **change})
    assert refusal.value.reply.text == passkeys.REFUSED


@pytest.mark.parametrize(
    "statement",
    [
        b"",
        b"\x9f" * 8_000,  # arrays in arrays
        b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",  # one of 2^63 members
        b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",  # a text as long
        encode_cbor({"fmt": "none", "attStmt": {}, "authData": b"\x00" * 37}),
        encode_cbor({"fmt": "tpm", "attStmt": {"ver": []}, "authData": b"\xff" * 600}),
        encode_cbor([]),
    ],
)
def test_it_registers_nothing_broken(alice: User, statement: bytes) -> None:
    question = passkeys.ask_for_new(user=alice, site=SITE)
    answer = Passkey().create(dict(question.options))
    answer["response"]["attestationObject"] = bytes_to_base64url(statement)
    with pytest.raises(AuthenticationFailed):
        register(alice, question, answer)


def test_it_keeps_no_id_that_is_too_long(alice: User) -> None:
    with pytest.raises(AuthenticationFailed):
        add(alice, Passkey(id=b"x" * 1_024))
    add(alice, Passkey(id=b"x" * 1_023))


def test_it_slows_down_a_network_that_guesses(alice: User) -> None:
    outcomes = set()
    for _ in range(20):
        try:
            enter(Passkey())
        except (AuthenticationFailed, Throttled) as error:
            outcomes.add(type(error))
    assert outcomes == {AuthenticationFailed, Throttled}


@pytest.mark.parametrize(
    ("host", "is_secure", "site"),
    [
        ("localhost", True, Site("localhost", "https://localhost")),
        ("LOCALHOST:8443", True, Site("localhost", "https://localhost:8443")),
        ("localhost:8000", False, Site("localhost", "http://localhost:8000")),
        ("mail.example.test", True, Site("mail.example.test", "https://mail.example.test")),
        ("mail.example.test", False, None),
        ("127.0.0.1:8443", True, None),
        ("[::1]:8443", True, None),
        ("evil.invalid", True, None),
        ("x.wild.example", True, None),
        ("", True, None),
        ("localhost.evil.invalid", True, None),
    ],
)
def test_it_knows_its_sites(settings: Any, host: str, is_secure: bool, site: Site | None) -> None:
    settings.ALLOWED_HOSTS = [
        *("localhost", "127.0.0.1", "[::1]", "mail.example.test", ".wild.example"),
    ]
    assert site_of(host, is_secure=is_secure) == site


def test_it_costs_nothing_until_it_is_used() -> None:
    """py_webauthn is 8 MB in each process that loads it."""
    script = (
        "import os, sys, django\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mailhost.settings')\n"
        "django.setup()\n"
        "import apps.accounts.models, apps.accounts.services.passkeys, apps.provisioning.factors\n"
        "print(sorted({'webauthn', 'cbor2', 'OpenSSL', 'segno'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
