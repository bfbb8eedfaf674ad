"""The page on which a forward's target agrees, or ends it: no sign-in, but the link."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.directory.models import User
from apps.directory.services import forwards

pytestmark = pytest.mark.django_db

OUT = "out@elsewhere.test"


@pytest.fixture
def browser() -> Client:
    """A browser on HTTPS that must bring CSRF tokens as real ones do."""
    return Client(
        enforce_csrf_checks=True, headers={"host": "localhost"}, SERVER_PORT="443", HTTPS="on"
    )


@pytest.fixture
def token(alice: User) -> str:
    return forwards.ask(user=alice, target=OUT, keeps_copy=False)[1]


def get(browser: Client, token: str) -> Any:
    return browser.get(f"/forward/{token}/", secure=True)


def post(browser: Client, token: str, answer: str) -> Any:
    form = get(browser, token).content.decode()
    csrf = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    return browser.post(
        f"/forward/{token}/",
        {"answer": answer, "csrfmiddlewaretoken": csrf[1] if csrf else ""},
        secure=True,
        headers={"origin": "https://localhost"},
    )


def forwarding(user: User) -> str:
    user.refresh_from_db()
    return user.forwarding


def test_it_asks_and_changes_nothing_by_being_read(
    alice: User, browser: Client, token: str
) -> None:
    for _ in range(2):
        response = get(browser, token)
        assert response.status_code == 200
        assert "May mail be sent on to you?" in response.content.decode()
        assert OUT in response.content.decode()
    assert browser.head(f"/forward/{token}/", secure=True).status_code == 200
    assert forwarding(alice) == ""
    # The link is as good as a password: it must not leave in a Referer, nor stay in a cache.
    assert response.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert "no-store" in response.headers["Cache-Control"]


def test_it_takes_yes_and_later_no(alice: User, browser: Client, token: str) -> None:
    response = post(browser, token, "yes")
    assert response.status_code == 200
    assert f"You get mail for {alice.address}" in response.content.decode()
    assert forwarding(alice) == "away"
    assert f"You get mail for {alice.address}" in get(browser, token).content.decode()

    response = post(browser, token, "no")
    assert "Nothing is sent on to you" in response.content.decode()
    assert forwarding(alice) == ""
    assert get(browser, token).status_code == 410
    assert post(browser, token, "yes").status_code in {403, 410}
    assert forwarding(alice) == ""


def test_it_takes_no_answer_from_elsewhere(alice: User, browser: Client, token: str) -> None:
    response = browser.post(
        f"/forward/{token}/",
        {"answer": "yes"},
        secure=True,
        headers={"origin": "https://evil.test"},
    )
    assert response.status_code == 403
    assert browser.get(f"/forward/{token}/?answer=yes", secure=True).status_code == 200
    assert browser.put(f"/forward/{token}/", secure=True).status_code in {403, 405}
    assert "May mail be sent on" in post(browser, token, "maybe").content.decode()
    assert forwarding(alice) == ""


@pytest.mark.parametrize("wrong", ["x", "1.x", "0.", "1." + "y" * 43, "9" * 300])
def test_it_knows_no_other_links(alice: User, browser: Client, wrong: str) -> None:
    response = get(browser, wrong)
    assert response.status_code == 410
    assert "does not work any more" in response.content.decode()
