"""Tokens of an identity provider: which are good, whom they stand for, and what if it is away."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import override_settings

from apps.directory import issuer
from apps.directory.issuer import Identity, Issuer, TokenRejectedError
from apps.wire.bearer import INSUFFICIENT_SCOPE, INVALID_TOKEN
from apps.wire.errors import SignInUnavailable
from tests.support.identity_provider import (
    ALICE,
    AUDIENCE,
    ISSUER,
    IdentityProvider,
    identity_provider,
    usual_claims,
)
from tests.support.test_ca import Authority


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[IdentityProvider]:
    authority = Authority(tmp_path)
    issuer._issuer.cache_clear()
    with (
        identity_provider(authority.server("localhost").context) as one,
        override_settings(EXTRA_CA=authority.file),
    ):
        yield one


@pytest.fixture
def by_keys(provider: IdentityProvider) -> Iterator[IdentityProvider]:
    with override_settings(**provider.settings_for_keys()):
        yield provider


@pytest.fixture
def by_questions(provider: IdentityProvider) -> Iterator[IdentityProvider]:
    with override_settings(**provider.settings_for_questions()):
        yield provider


def current() -> Issuer:
    found = issuer.current()
    assert found is not None
    return found


async def rejected(token: str, status: str = INVALID_TOKEN) -> str:
    """Why a token is rejected."""
    with pytest.raises(TokenRejectedError) as caught:
        await current().identify(token)
    assert caught.value.status == status
    return str(caught.value)


def part(text: str | bytes) -> str:
    """A part of a JWT."""
    raw = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_it_is_nobody_unless_it_is_set() -> None:
    assert issuer.current() is None


# -- RFC 9068 -------------------------------------------------------------------------------------


async def test_it_takes_a_token_that_its_keys_prove(by_keys: IdentityProvider) -> None:
    token = by_keys.sign(exp=2_000_000_000)
    assert await current().identify(token) == Identity(ALICE, 2_000_000_030.0)
    await current().identify(by_keys.sign())
    assert [(one.method, one.path) for one in by_keys.asked] == [("GET", "/keys")]
    assert current().rules.configuration == f"{ISSUER}/.well-known/openid-configuration"


@pytest.mark.parametrize("kind", ["RS256", "PS384", "EdDSA"])
async def test_it_takes_other_algorithms(by_keys: IdentityProvider, kind: str) -> None:
    key = (
        ed25519.Ed25519PrivateKey.generate()
        if kind == "EdDSA"
        else rsa.generate_private_key(65_537, 2_048)
    )
    by_keys.rotate("other", kind, key)
    assert (await current().identify(by_keys.sign())).username == ALICE


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://id.example.test"}, "InvalidIssuer"),
        ({"iss": None}, "iss"),
        ({"aud": "https://files.example.test"}, "Audience"),
        ({"aud": None}, "aud"),
        ({"sub": None}, "sub"),
        ({"exp": None}, "exp"),
        ({"exp": 1_000_000_000}, "expired"),
        ({"exp": "soon"}, "exp"),
        ({"nbf": 4_000_000_000}, "not yet valid"),
        ({"email": None}, "without a claim email"),
        ({"email": ["alice@example.test"]}, "without a claim email"),
        ({"email_verified": False}, "not verified"),
        ({"email_verified": "false"}, "not verified"),
    ],
)
async def test_it_rejects_a_token_whose_claims_do_not_hold(
    by_keys: IdentityProvider, claims: dict[str, Any], reason: str
) -> None:
    assert reason in await rejected(by_keys.sign(**claims))


async def test_it_takes_one_of_several_audiences(by_keys: IdentityProvider) -> None:
    token = by_keys.sign(aud=["https://files.example.test", AUDIENCE], email_verified=True)
    assert (await current().identify(token)).username == ALICE


async def test_it_bears_a_clock_that_differs(by_keys: IdentityProvider) -> None:
    assert await current().identify(by_keys.sign(exp=int(time.time()) - 10))


@pytest.mark.parametrize("kind", ["JWT", "id+jwt", None, 7])
async def test_it_takes_access_tokens_only(by_keys: IdentityProvider, kind: object) -> None:
    assert "is no access token" in await rejected(by_keys.sign(headers={"typ": kind}))
    assert by_keys.asked == []


async def test_it_takes_the_type_in_its_long_form(by_keys: IdentityProvider) -> None:
    assert await current().identify(by_keys.sign(headers={"typ": "application/AT+JWT"}))


async def test_it_rejects_what_is_signed_with_another_key(by_keys: IdentityProvider) -> None:
    token = by_keys.sign()
    by_keys.rotate("first")  # the same id
    assert "Signature" in await rejected(token)


async def test_it_rejects_a_token_without_a_signature(by_keys: IdentityProvider) -> None:
    header = {"typ": "at+jwt", "alg": "none", "kid": "first"}
    token = jwt.encode(usual_claims(), None, "none", headers=header)  # type: ignore[arg-type]
    assert "not taken" in await rejected(token)


async def test_it_takes_no_public_key_for_a_shared_secret(by_keys: IdentityProvider) -> None:
    _, key = by_keys.keys["first"]
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    header = part(json.dumps({"typ": "at+jwt", "alg": "HS256", "kid": "first"}))
    signed = f"{header}.{part(json.dumps(usual_claims()))}"
    token = f"{signed}.{part(hmac.digest(public, signed.encode(), 'sha256'))}"
    assert "not taken" in await rejected(token)
    by_keys.publish([{"kty": "oct", "k": "c2VjcmV0", "kid": "first", "alg": "HS256"}])
    assert "not taken" in await rejected(token)


@pytest.mark.parametrize(
    "token",
    ["opaque", "a.b.c", "e30.e30.", ".", "", "eyJhbGciOltdLCJ0eXAiOiJhdCtqd3QifQ.e30.AA"],
)
async def test_it_rejects_what_is_no_jwt(by_keys: IdentityProvider, token: str) -> None:
    await rejected(token)
    assert by_keys.asked == []


async def test_it_rejects_a_jwt_that_is_deeply_nested(by_keys: IdentityProvider) -> None:
    deep = part("[" * 6_000 + "]" * 6_000)
    assert await rejected(f"{deep}.e30.AA") == "no JWT"
    *_, signature = by_keys.sign().split(".")
    header = part(json.dumps({"typ": "at+jwt", "alg": "ES256", "kid": "first"}))
    await rejected(f"{header}.{deep}.{signature}")


async def test_it_fetches_a_new_key_once_a_minute_at_most(by_keys: IdentityProvider) -> None:
    with time_machine.travel("2030-01-31 12:00:00+00:00", tick=False):
        await current().identify(by_keys.sign())
        by_keys.rotate("second")
        token = by_keys.sign()
        assert "no such key" in await rejected(token)
        for number in range(20):
            await rejected(by_keys.sign(headers={"kid": f"made up {number}"}))
        assert len(by_keys.asked) == 1
    current()._keys._asked_at -= issuer.ASKED_EVERY
    assert (await current().identify(by_keys.sign())).username == ALICE
    assert len(by_keys.asked) == 2


async def test_it_fetches_keys_for_all_who_wait(by_keys: IdentityProvider) -> None:
    tokens = [by_keys.sign(jti=str(number)) for number in range(8)]
    found = await asyncio.gather(*(current().identify(token) for token in tokens))
    assert {one.username for one in found} == {ALICE}
    assert len(by_keys.asked) == 1


async def test_it_needs_no_key_id_where_there_is_one_key(by_keys: IdentityProvider) -> None:
    token = by_keys.sign(headers={"kid": None})
    assert await current().identify(token)
    current()._keys._asked_at -= issuer.ASKED_EVERY
    current()._keys._fetched_at -= issuer.KEYS_FOR + 1
    by_keys.rotate("second")
    assert "no such key" in await rejected(by_keys.sign(headers={"kid": None}))


@pytest.mark.parametrize(
    "document",
    [
        {"keys": []},
        {"keys": "none"},
        {"keys": [None, {}, {"kty": "EC"}, {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "!", "y": "!", "kid": "first"}]},
    ],
)
async def test_it_passes_over_keys_that_it_cannot_use(
    by_keys: IdentityProvider, document: object
) -> None:
    token = by_keys.sign()
    by_keys.say(document)
    with pytest.raises(SignInUnavailable):
        await current().identify(token)


async def test_it_passes_over_keys_for_something_else(by_keys: IdentityProvider) -> None:
    token = by_keys.sign()
    row = by_keys.public("first")
    by_keys.publish([{**row, "use": "enc"}, {**row, "alg": "ES384"}, {**row, "kid": "x"}])
    assert "no such key" in await rejected(token)


async def test_it_passes_over_short_keys(by_keys: IdentityProvider) -> None:
    by_keys.rotate("short", "RS256", rsa.generate_private_key(65_537, 1_024))
    with pytest.warns(UserWarning, match="1024"):
        token = by_keys.sign()
    assert "no such key" in await rejected(token)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"no JSON", 200), (b"[]", 200), (b"[" * 50_000, 200), (b"{}", 500), (b"x" * 300_000, 200)],
)
async def test_it_says_later_while_the_keys_are_not_to_be_had(
    by_keys: IdentityProvider, body: bytes, status: int
) -> None:
    token = by_keys.sign()
    by_keys.say(body, status)
    with pytest.raises(SignInUnavailable):
        await current().identify(token)


async def test_it_goes_on_with_the_keys_it_has(by_keys: IdentityProvider) -> None:
    await current().identify(by_keys.sign())
    current()._keys._asked_at -= issuer.KEYS_FOR + 1
    current()._keys._fetched_at -= issuer.KEYS_FOR + 1
    by_keys.say({}, 503)
    assert (await current().identify(by_keys.sign())).username == ALICE
    assert len(by_keys.asked) == 2


async def test_it_forgets_keys_that_are_withdrawn(by_keys: IdentityProvider) -> None:
    token = by_keys.sign()
    await current().identify(token)
    current()._keys._asked_at -= issuer.KEYS_FOR + 1
    current()._keys._fetched_at -= issuer.KEYS_FOR + 1
    del by_keys.keys["first"]
    by_keys.rotate("second")
    assert "no such key" in await rejected(token)


@pytest.mark.parametrize(
    ("host", "changed"), [("localhost", {"EXTRA_CA": Path()}), ("127.0.0.1", {})]
)
async def test_it_believes_no_stranger(
    provider: IdentityProvider, host: str, changed: dict[str, Any]
) -> None:
    with (
        override_settings(**provider.settings_for_keys(host), **changed),
        pytest.raises(SignInUnavailable),
    ):
        await current().identify(provider.sign())
    assert provider.asked == []


# -- scopes and claims ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "is_enough"),
    [
        ({"scope": "openid mail.read mail"}, True),
        ({"scp": ["mail"]}, True),
        ({"scp": "mail"}, True),
        ({"scope": "mail.read"}, False),
        ({"scope": ["mail", 7]}, True),
        ({"scope": 7, "scp": {"mail": 1}}, False),
        ({}, False),
    ],
)
async def test_it_asks_for_the_scope(
    by_keys: IdentityProvider, claims: dict[str, Any], is_enough: bool
) -> None:
    with override_settings(OAUTH_SCOPE="mail"):
        if is_enough:
            assert await current().identify(by_keys.sign(**claims))
        else:
            await rejected(by_keys.sign(**claims), INSUFFICIENT_SCOPE)


async def test_it_reads_the_claim_that_is_set(by_keys: IdentityProvider) -> None:
    with override_settings(OAUTH_USER_CLAIM="upn"):
        token = by_keys.sign(upn="bob@example.test", email_verified=False)
        assert (await current().identify(token)).username == "bob@example.test"


# -- RFC 7662 -------------------------------------------------------------------------------------


async def test_it_asks_about_a_token(by_questions: IdentityProvider) -> None:
    by_questions.say({"active": True, "email": ALICE, "exp": 2_000_000_000, "extra": {"a": []}})
    for _ in range(3):  # it is believed for a while
        found = await current().identify("2YotnFZFEjr1zCsicMWpAA")
        assert found == Identity(ALICE, 2_000_000_030.0)
    (request,) = by_questions.asked
    assert (request.method, request.path) == ("POST", "/introspect")
    assert request.body == b"token=2YotnFZFEjr1zCsicMWpAA&token_type_hint=access_token"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["accept"] == "application/json"
    # RFC 6749 section 2.3.1: name and secret are form-encoded before they are joined.
    pair = base64.b64decode(request.headers["authorization"].removeprefix("Basic "))
    assert pair == b"mail%20host:s3cret%3A%2F"


async def test_it_reads_the_example_of_rfc_7662(by_questions: IdentityProvider) -> None:
    """Section 2.2: an active token that has expired meanwhile, and one that is not active."""
    example = {
        "active": True,
        "client_id": "l238j323ds-23ij4",
        "username": "jdoe",
        "scope": "read write dolphin",
        "sub": "Z5O3upPC88QrAjx00dis",
        "aud": "https://protected.example.net/resource",
        "iss": "https://server.example.com/",
        "exp": 1419356238,
        "iat": 1419350238,
        "extension_field": "twenty-seven",
    }
    by_questions.say(example)
    with override_settings(
        OAUTH_USER_CLAIM="username",
        OAUTH_SCOPE="dolphin",
        OAUTH_ISSUER="https://server.example.com/",
        OAUTH_AUDIENCE="https://protected.example.net/resource",
    ):
        with time_machine.travel(1_419_350_300, tick=False):
            found = await current().identify("mF_9.B5f-4.1JqM")
            assert found == Identity("jdoe", 1_419_356_268.0)
        assert await rejected("mF_9.B5f-4.1JqM") == "expired"
    by_questions.say({"active": False})
    assert "not active" in await rejected("another")


@pytest.mark.parametrize(
    "claims",
    [
        {"active": False, "email": ALICE},
        {"active": True},
        {"active": True, "email": ALICE, "exp": 1_000_000_000},
        {"active": True, "email": ALICE, "exp": "soon"},
        {"active": True, "email": ALICE, "exp": True},
        {"active": True, "email": ALICE, "nbf": 4_000_000_000},
        {"active": True, "email": ALICE, "iss": "https://other.example.test", "aud": AUDIENCE},
        {"active": True, "email": ALICE, "iss": ISSUER},
        {"active": True, "email": ALICE, "aud": ["https://files.example.test"]},
        {"active": True, "email": ALICE, "aud": AUDIENCE, "token_type": "mac"},
    ],
)
async def test_it_rejects_what_the_answer_does_not_support(
    by_questions: IdentityProvider, claims: dict[str, Any]
) -> None:
    by_questions.say(claims)
    with override_settings(OAUTH_ISSUER=ISSUER, OAUTH_AUDIENCE=AUDIENCE):
        await rejected("opaque")


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE, "x"]])
async def test_it_takes_an_answer_for_us(by_questions: IdentityProvider, audience: object) -> None:
    by_questions.say({"active": True, "email": ALICE, "aud": audience, "token_type": "Bearer"})
    with override_settings(OAUTH_ISSUER=ISSUER, OAUTH_AUDIENCE=AUDIENCE):
        assert await current().identify("opaque") == Identity(ALICE, 0.0)


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"active": "yes"}, 200),
        ({}, 200),
        ([], 200),
        (b"<html>", 200),
        ({"active": True}, 401),
        ({"active": True}, 302),
        (b"{" + b'"a":' * 100 + b" " * 70_000, 200),
    ],
)
async def test_it_says_later_while_nobody_answers_well(
    by_questions: IdentityProvider, document: object, status: int
) -> None:
    by_questions.say(document, status)
    with pytest.raises(SignInUnavailable):
        await current().identify("opaque")
    by_questions.say({"active": True, "email": ALICE})
    assert await current().identify("opaque")  # nothing of it was kept


async def test_it_waits_for_nobody_for_long(
    by_questions: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer, "SECONDS", 0.2)
    by_questions.web.answer.is_silent = True
    before = time.monotonic()
    with pytest.raises(SignInUnavailable, match="no whole answer"):
        await current().identify("opaque")
    assert time.monotonic() - before < 10


async def test_it_believes_nothing_beyond_the_end_of_a_token(
    by_questions: IdentityProvider,
) -> None:
    """RFC 7662 section 4."""
    by_questions.say({"active": True, "email": ALICE, "exp": int(time.time()) - 1})
    await current().identify("opaque")  # clocks differ, and the provider says that it is active
    await current().identify("opaque")
    assert len(by_questions.asked) == 2


async def test_it_bounds_what_it_believes(
    by_questions: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer, "BELIEVED_MOST", 2)
    by_questions.say({"active": True, "email": ALICE})
    for token in ("one", "two", "three", "three", "two"):
        await current().identify(token)
    assert len(by_questions.asked) == 3
    await current().identify("one")
    assert len(by_questions.asked) == 4
    assert "one" not in repr(current()._believed)


def test_it_keeps_its_secret_out_of_sight(by_questions: IdentityProvider) -> None:
    assert "s3cret" not in repr(current().rules)
