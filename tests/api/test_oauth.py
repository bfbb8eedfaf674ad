"""A program is let in: code with PKCE, tokens, refreshing, taking back (RFC 6749, 7009, 7636,
8414, 9700), and what a mail door says to the token."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.audit.models import AuditRecord
from apps.directory import bearer, oauth, tokens
from apps.directory.authentication import Principal
from apps.directory.bearer import TokenRefused
from apps.directory.models import (
    AccessToken,
    Domain,
    OAuthClient,
    OAuthCode,
    OAuthGrant,
    User,
)
from apps.directory.services import oauth as service
from apps.directory.services import oauthclients
from apps.mailqueue.models import QueuedMessage
from apps.provisioning import services as provisioning
from apps.wire.sasl import TokenClaim
from tests.console.conftest import PASSWORD, browser

BACK: Final = "http://127.0.0.1/back"
THERE: Final = "http://127.0.0.1:49152/back"
VERIFIER: Final = "a-verifier-of-forty-three-characters-or-more~."
CHALLENGE: Final = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[
    :43
]
ANN: Final = "ann@example.test"


@pytest.fixture
def user(domain: Domain) -> User:
    return provisioning.add_user(ANN, PASSWORD)[0]


@pytest.fixture
def program(db: None) -> OAuthClient:
    return oauthclients.register(name="Kestrel", redirects_to=[BACK], scopes=["imap", "smtp"])[0]


def question(program: OAuthClient, **more: str | None) -> str:
    """The address that the program opens in a browser."""
    asked = {
        "response_type": "code",
        "client_id": program.key,
        "redirect_uri": THERE,
        "state": "xyz",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }
    return f"/oauth/authorize?{urlencode({k: v for k, v in asked.items() if v is not None})}"


def answered(response: Any) -> dict[str, str]:
    """What the browser brings back to the program."""
    assert response.status_code == 302, response.content
    assert response["Location"].startswith(THERE + "?")
    found = parse_qs(urlsplit(response["Location"]).query)
    return {name: values[0] for name, values in found.items()}


def code_of(user: User, program: OAuthClient, **more: str | None) -> str:
    """The user agrees."""
    back = answered(browser(user).post(question(program, **more), {"answer": "allow"}))
    assert back["state"] == "xyz"
    assert back["iss"].startswith("http")
    return back["code"]


def ask(path: str = "token", address: str = "192.0.2.1", basic: str = "", **form: str) -> Any:
    """What the program asks by itself."""
    headers = {}
    if basic:
        headers["Authorization"] = "Basic " + base64.b64encode(basic.encode()).decode()
    return Client(headers=headers, REMOTE_ADDR=address).post(f"/oauth/{path}", form)


def exchange(program: OAuthClient, code: str, **more: str) -> Any:
    form = {
        "grant_type": "authorization_code",
        "client_id": program.key,
        "code": code,
        "redirect_uri": THERE,
        "code_verifier": VERIFIER,
        **more,
    }
    return ask(**form)


def refresh(program: OAuthClient, token: str, **more: str) -> Any:
    form = {"grant_type": "refresh_token", "client_id": program.key, "refresh_token": token}
    return ask(**form, **more)


def refused(answer: Any) -> tuple[int, str]:
    assert answer["Cache-Control"] == "no-store"
    return answer.status_code, answer.json()["error"]


@pytest.fixture
def got(user: User, program: OAuthClient) -> dict[str, Any]:
    """What the program has, once it is let in."""
    answer = exchange(program, code_of(user, program))
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def sign_in(token: str, door: str = "imap") -> Principal:
    client = bearer.Client("192.0.2.1", door, True)
    return asyncio.run(bearer.sign_in(TokenClaim(ANN, token, ""), client))


@pytest.mark.django_db(transaction=True)
def test_who_agrees_lets_a_program_in(user: User, program: OAuthClient) -> None:
    """From the page to IMAP and submission, and never to POP3."""
    page = browser(user).get(question(program))
    text = page.content.decode()
    assert "Kestrel" in text
    assert ANN in text
    assert "Send mail in your name" in text
    assert "Fetch and delete" not in text
    assert "form-action 'self' http://127.0.0.1:49152;" in page["Content-Security-Policy"]

    answer = exchange(program, code_of(user, program)).json()

    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3600
    assert answer["scope"] == "imap smtp"
    for door in ("imap", "submission"):
        assert sign_in(answer["access_token"], door).user_id == user.pk
    with pytest.raises(TokenRefused):
        sign_in(answer["access_token"], "pop3")
    kept = [bytes(one) for one in OAuthCode.objects.values_list("digest", flat=True)]
    assert all(len(one) == 32 for one in kept)
    record = AuditRecord.objects.get(action="token.issue")
    assert (record.actor, record.via) == (ANN, "Kestrel")
    assert QueuedMessage.objects.filter(recipients__address=ANN).exists()


def test_who_does_not_agree_is_told_to_the_program(user: User, program: OAuthClient) -> None:
    back = answered(browser(user).post(question(program), {"answer": "deny"}))
    assert (back["error"], back["state"]) == ("access_denied", "xyz")
    assert not OAuthCode.objects.exists()


def test_nobody_agrees_who_is_not_signed_in_or_only_left_a_browser_open(
    user: User, program: OAuthClient
) -> None:
    for client, page in ((Client(), "/login/?"), (browser(user, proved=False), "/login/confirm/?")):
        for answer in (
            client.get(question(program)),
            client.post(question(program), {"answer": "allow"}),
        ):
            assert answer.status_code == 302
            assert answer["Location"].startswith(page)
    assert not OAuthCode.objects.exists()


@pytest.mark.parametrize(
    "more",
    [
        {"client_id": "nobody"},
        {"client_id": "\0"},
        {"client_id": None},
        {"redirect_uri": "https://evil.test/back"},
        {"redirect_uri": f"{THERE}/../x"},
        {"redirect_uri": None},
    ],
)
def test_nobody_is_sent_where_no_program_is(
    more: dict[str, str | None], user: User, program: OAuthClient
) -> None:
    answer = browser(user).post(question(program, **more), {"answer": "allow"})
    assert answer.status_code == 400
    assert "evil.test" not in answer.content.decode()


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "pop3"}, "invalid_scope"),
        ({"scope": "imap \r\nX: y"}, "invalid_scope"),
        ({"state": "x" * 1_001}, "invalid_request"),
    ],
)
def test_what_else_is_wrong_is_told_to_the_program(
    more: dict[str, str | None], error: str, user: User, program: OAuthClient
) -> None:
    assert answered(browser(user).get(question(program, **more)))["error"] == error


def test_a_parameter_stands_once(user: User, program: OAuthClient) -> None:
    page = browser(user).get(question(program) + "&state=other")
    assert answered(page)["error"] == "invalid_request"
    other = browser(user).get(question(program) + "&redirect_uri=https://evil.test/")
    assert other.status_code == 400


@pytest.mark.parametrize(
    "more",
    [
        {"code_verifier": "x" * 43},
        {"code_verifier": ""},
        {"redirect_uri": BACK},
        {"code": "nothing"},
        {"code": "\0"},
        {"code": ""},
    ],
)
def test_a_code_is_of_no_use_without_all_that_goes_with_it(
    more: dict[str, str], user: User, program: OAuthClient
) -> None:
    code = code_of(user, program)
    assert refused(exchange(program, **{"code": code, **more})) == (400, "invalid_grant")
    assert not AccessToken.objects.exists()


def test_a_code_is_the_program_s_own_and_lasts_a_minute(user: User, program: OAuthClient) -> None:
    other, _ = oauthclients.register(name="Other", redirects_to=[BACK])
    code = code_of(user, program)
    assert refused(exchange(other, code)) == (400, "invalid_grant")
    OAuthCode.objects.update(expires_at=timezone.now())
    assert refused(exchange(program, code)) == (400, "invalid_grant")


def test_a_code_that_comes_again_ends_what_came_of_it(user: User, program: OAuthClient) -> None:
    code = code_of(user, program)
    assert exchange(program, code).status_code == 200
    assert refused(exchange(program, code)) == (400, "invalid_grant")
    assert not AccessToken.objects.exists()
    assert not OAuthGrant.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_exchanges_at_once_one_is_done(user: User, program: OAuthClient) -> None:
    code = code_of(user, program)
    answers = at_once(lambda: exchange(program, code).status_code)
    assert sorted(answers) == [200, 400, 400, 400]
    assert not AccessToken.objects.exists()  # the others came again


def at_once(work: Callable[[], Any], times: int = 4) -> list[Any]:
    def alone(_: int) -> Any:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(alone, range(times)))


def test_a_program_with_a_secret_shows_it(user: User, db: None) -> None:
    row, secret = oauthclients.register(name="Server", redirects_to=[BACK], has_secret=True)
    code = code_of(user, row)
    for form, basic in (
        ({}, ""),
        ({"client_secret": "x"}, ""),
        ({}, f"{row.key}:"),
        ({}, f"{row.key}:x"),
    ):
        answer = ask(
            **{"grant_type": "authorization_code", "client_id": row.key, **form}, basic=basic
        )
        assert refused(answer) == (401, "invalid_client"), (form, basic)
        assert answer["WWW-Authenticate"].startswith("Basic")
    twice = exchange(row, code, client_secret=secret, basic=f"{row.key}:{secret}")
    assert refused(twice) == (400, "invalid_request")
    assert exchange(row, code, basic=f"{row.key}:{secret}").status_code == 200
    assert secret.encode() not in bytes(row.secret or b"")


def test_refreshing_changes_both(got: dict[str, Any], program: OAuthClient) -> None:
    """The session of who is signed in goes on: it hangs on the row, which stays."""
    before = AccessToken.objects.get().pk
    new = refresh(program, got["refresh_token"], scope="imap").json()
    assert new["access_token"] != got["access_token"]
    assert new["refresh_token"] != got["refresh_token"]
    assert new["scope"] == "imap smtp"
    assert tokens.find(got["access_token"]) is None
    found = tokens.find(new["access_token"])
    assert found is not None
    assert found.id == before


def test_a_refresh_token_that_comes_again_ends_all(
    got: dict[str, Any], program: OAuthClient
) -> None:
    new = refresh(program, got["refresh_token"]).json()
    assert refused(refresh(program, got["refresh_token"])) == (400, "invalid_grant")
    assert refused(refresh(program, new["refresh_token"])) == (400, "invalid_grant")
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    "token", ["", "\0", "mhr_", "mhr_" + "x" * 65, "mht_" + "x" * 43, "x" * 2_000, "ä"]
)
def test_what_is_no_refresh_token_is_none(
    token: str, got: dict[str, Any], program: OAuthClient
) -> None:
    assert refused(refresh(program, token)) == (400, "invalid_grant")
    assert AccessToken.objects.exists()


def test_it_is_refreshed_no_more_once_its_time_or_its_user_is_gone(
    got: dict[str, Any], program: OAuthClient
) -> None:
    wide = refresh(program, got["refresh_token"], scope="imap pop3")
    assert refused(wide) == (400, "invalid_scope")
    provisioning.suspend_user(ANN)
    assert refused(refresh(program, got["refresh_token"])) == (400, "invalid_grant")
    provisioning.resume_user(ANN)
    OAuthGrant.objects.update(refresh_expires_at=timezone.now())
    assert refused(refresh(program, got["refresh_token"])) == (400, "invalid_grant")
    assert service.prune() > 0
    assert not AccessToken.objects.exists()


def test_codes_are_forgotten_after_a_day(user: User, program: OAuthClient) -> None:
    code_of(user, program)
    assert service.prune() == 0
    OAuthCode.objects.update(expires_at=timezone.now() - timedelta(days=2))
    assert service.prune() == 1


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_program_gives_back_what_it_has(
    which: str, got: dict[str, Any], program: OAuthClient
) -> None:
    other, _ = oauthclients.register(name="Other", redirects_to=[BACK])
    assert ask("revoke", client_id=other.key, token=got[which]).status_code == 200
    assert AccessToken.objects.exists()  # it was none of that program's
    assert ask("revoke", client_id=program.key, token=got[which]).status_code == 200
    assert not AccessToken.objects.exists()
    assert ask("revoke", client_id=program.key, token=got[which]).status_code == 200
    assert refused(ask("revoke", client_id=program.key)) == (400, "invalid_request")


def test_its_user_takes_it_back_among_the_app_passwords(
    got: dict[str, Any], user: User, program: OAuthClient
) -> None:
    client = browser(user)
    page = client.get("/settings/apps/").content.decode()
    assert "Programs that you let in" in page
    assert "Kestrel" in page
    AccessToken.objects.update(expires_at=timezone.now())
    assert "Expired" not in client.get("/settings/apps/").content.decode()
    other = provisioning.add_user("bob@example.test", PASSWORD)[0]
    path = f"/settings/apps/programs/{AccessToken.objects.get().pk}/"
    assert browser(other).post(path).status_code == 404
    assert client.post(path).status_code == 302
    assert refused(refresh(program, got["refresh_token"])) == (400, "invalid_grant")


def test_guesses_are_slowed(program: OAuthClient) -> None:
    answers = [refresh(program, f"mhr_{'x' * 22}{number}").status_code for number in range(12)]
    assert answers[:10] == [400] * 10
    assert answers[-1] == 429


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        (
            {"grant_type": "password", "username": ANN, "password": PASSWORD},
            "unsupported_grant_type",
        ),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "x" * 3_000}, "invalid_request"),
    ],
)
def test_there_is_no_other_way(form: dict[str, str], error: str, program: OAuthClient) -> None:
    assert refused(ask(client_id=program.key, **form)) == (400, error)


def test_a_program_finds_out_where_all_is(db: None) -> None:
    found = Client().get("/.well-known/oauth-authorization-server").json()
    assert found["authorization_endpoint"] == found["issuer"] + "/oauth/authorize"
    assert found["token_endpoint"] == found["issuer"] + "/oauth/token"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["scopes_supported"] == ["imap", "pop3", "smtp"]
    assert oauth.in_order(["smtp", "imap"]) == ("imap", "smtp")
