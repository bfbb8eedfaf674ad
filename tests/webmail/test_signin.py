"""Sign-in, sign-out, the set-up link, the password page: who gets in, and what nobody learns."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import WebSession
from apps.directory.models import OneTimeLink, Role, RoleGrant, User
from apps.provisioning import services as provisioning
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    """A browser on HTTPS that must bring CSRF tokens as real ones do."""
    return Client(
        enforce_csrf_checks=True, headers={"host": "localhost"}, SERVER_PORT="443", HTTPS="on"
    )


def post(browser: Client, address: str, data: dict[str, str]) -> Any:
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page(browser, address))
    fields = {**data, "csrfmiddlewaretoken": token[1] if token else ""}
    return browser.post(address, fields, secure=True, headers={"origin": "https://localhost"})


def page(browser: Client, address: str) -> str:
    return browser.get(address, secure=True).content.decode()


def sign_in(browser: Client, address: str, password: str = PASSWORD, **fields: str) -> Any:
    return post(browser, "/login/", {"address": address, "password": password, **fields})


def test_it_signs_in_and_out(alice: User, browser: Client) -> None:
    response = sign_in(browser, "alice@example.test")
    assert (response.status_code, response.headers["Location"]) == (302, "/mail/")
    cookie = response.cookies["__Host-session"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert "alice@example.test" in page(browser, "/mail/inbox/")
    assert post(browser, "/mail/inbox/", {}).status_code == 405
    token = re.search(r'value="(\w+)"', page(browser, "/mail/inbox/"))
    assert token is not None
    browser.post(
        "/logout/",
        {"csrfmiddlewaretoken": token[1]},
        secure=True,
        headers={"origin": "https://localhost"},
    )
    assert browser.get("/mail/inbox/", secure=True).status_code == 302
    assert not WebSession.objects.exists()


def test_it_gives_a_new_session_id_at_sign_in(alice: User, browser: Client) -> None:
    browser.get("/login/", secure=True)
    before = browser.cookies.get("__Host-session")
    response = sign_in(browser, "alice@example.test")
    assert before is None or before.value != response.cookies["__Host-session"].value


@pytest.mark.parametrize(
    ("address", "password"),
    [
        ("alice@example.test", "wrong"),
        ("nobody@example.test", PASSWORD),
        ("alice@nowhere.invalid", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        ("alice@example.test\r\nX: y", PASSWORD),
        ("alice@example.test", "x" * 1000),
    ],
)
def test_it_answers_the_same_for_every_wrong_pair(
    alice: User, browser: Client, address: str, password: str
) -> None:
    response = sign_in(browser, address, password)
    assert response.status_code == 422
    assert b"do not belong together" in response.content
    assert "__Host-session" not in response.cookies


def test_it_never_shows_the_password_again(alice: User, browser: Client) -> None:
    response = sign_in(browser, "alice@example.test", "my wrong secret")
    assert b"my wrong secret" not in response.content


def test_it_slows_down_guessing(alice: User, browser: Client) -> None:
    answers = [sign_in(browser, "alice@example.test", f"guess {n}").content for n in range(30)]
    assert any(b"Too many attempts" in answer for answer in answers)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.invalid/",
        "//evil.invalid/",
        "/\\evil.invalid",
        "javascript:alert(1)",
        "http:///evil.invalid",
        "\x01//evil.invalid",
    ],
)
def test_it_leads_to_no_other_site(alice: User, browser: Client, target: str) -> None:
    response = sign_in(browser, "alice@example.test", next=target)
    assert response.headers["Location"] == "/mail/"


def test_it_leads_back_to_the_page_that_was_asked_for(alice: User, browser: Client) -> None:
    response = browser.get("/settings/password/", secure=True)
    assert response.headers["Location"] == "/login/?next=/settings/password/"
    response = sign_in(browser, "alice@example.test", next="/settings/password/")
    assert response.headers["Location"] == "/settings/password/"


@pytest.mark.parametrize("address", ["/login/", "/logout/", "/settings/password/"])
def test_it_refuses_forms_without_a_token(alice: User, browser: Client, address: str) -> None:
    browser.force_login(alice)
    response = browser.post(address, {"address": "x"}, secure=True)
    assert response.status_code == 403


def test_it_refuses_forms_from_another_origin(alice: User, browser: Client) -> None:
    token = re.search(r'value="(\w+)"', page(browser, "/login/"))
    assert token is not None
    response = browser.post(
        "/login/",
        {"csrfmiddlewaretoken": token[1]},
        secure=True,
        headers={"origin": "https://evil.invalid"},
    )
    assert response.status_code == 403


def test_it_changes_the_password_and_ends_other_sessions(alice: User, browser: Client) -> None:
    other = Client()
    other.force_login(alice)
    sign_in(browser, "alice@example.test")
    new = "another good sentence"
    data = {"current": PASSWORD, "new": new, "again": new}
    assert post(browser, "/settings/password/", data).status_code == 302
    assert browser.get("/mail/inbox/", secure=True).status_code == 200
    assert other.get("/mail/inbox/").status_code == 302
    browser.cookies.clear()
    assert sign_in(browser, "alice@example.test").status_code == 422
    assert sign_in(browser, "alice@example.test", new).status_code == 302


@pytest.mark.parametrize(
    ("current", "new", "again", "words"),
    [
        ("wrong", "another good sentence", "another good sentence", "not your current password"),
        (PASSWORD, "another good sentence", "another bad sentence", "differ"),
        (PASSWORD, "short", "short", "too short"),
        (PASSWORD, "password123", "password123", "too common"),
    ],
)
def test_it_refuses_bad_new_passwords(
    alice: User, browser: Client, current: str, new: str, again: str, words: str
) -> None:
    sign_in(browser, "alice@example.test")
    data = {"current": current, "new": new, "again": again}
    response = post(browser, "/settings/password/", data)
    assert response.status_code == 422
    assert words in response.content.decode()
    stored = User.objects.get(pk=alice.pk).password
    assert stored == alice.password


def test_it_shuts_out_who_was_suspended(alice: User, browser: Client) -> None:
    sign_in(browser, "alice@example.test")
    provisioning.suspend_user("alice@example.test")
    assert browser.get("/mail/inbox/", secure=True).status_code == 302
    assert sign_in(browser, "alice@example.test").status_code == 422


@pytest.mark.usefixtures("db")
def test_it_makes_the_first_operator_once(browser: Client) -> None:
    token = provisioning.make_setup_link()
    address = f"/setup/{token}/"
    data = {
        "name": "Olga",
        "address": "olga@example.test",
        "password": PASSWORD,
        "host_domain": "on",
    }
    response = post(browser, address, data)
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/setup/")
    assert RoleGrant.objects.get().role == Role.OPERATOR
    domain = User.objects.get(key="olga@example.test").domain
    assert domain is not None
    assert domain.name == "example.test"
    assert "Olga" in page(browser, "/mail/inbox/") or "olga@example.test" in page(
        browser, "/mail/inbox/"
    )
    again = Client().get(address)
    assert again.status_code == 410
    assert provisioning.make_setup_link() is None
    assert OneTimeLink.objects.exclude(used_at=None).count() == 1


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("address", "password", "words"),
    [
        ("no address", PASSWORD, "not an email address"),
        ("olga@example.test", "short", "too short"),
        ("olga@-bad-.test", PASSWORD, "not an email address"),
    ],
)
def test_it_says_what_is_wrong_and_keeps_the_link(
    browser: Client, address: str, password: str, words: str
) -> None:
    link = f"/setup/{provisioning.make_setup_link()}/"
    response = post(browser, link, {"address": address, "password": password})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert browser.get(link, secure=True).status_code == 200


@pytest.mark.parametrize("token", ["x", "x" * 300, "%00", "..%2f.."])
def test_it_knows_no_other_setup_link(db: None, browser: Client, token: str) -> None:
    assert browser.get(f"/setup/{token}/", secure=True).status_code in {404, 410}
