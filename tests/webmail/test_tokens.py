"""API tokens for one's own account and mail, as their owner makes, sees and revokes them."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.directory.models import ApiToken, User
from apps.directory.services import apitokens, tokens
from apps.mailqueue.models import QueuedMessage
from tests.api.conftest import Program
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice's browser, which has shown her password a moment ago."""
    browser = Client(headers={"host": "localhost"}, SERVER_PORT="443", HTTPS="on")
    browser.post("/login/", {"address": alice.address, "password": PASSWORD}, secure=True)
    return browser


def page(browser: Client, address: str = "/settings/tokens/", **headers: str) -> str:
    response = browser.get(address, secure=True, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def make(browser: Client, **fields: Any) -> Any:
    """Fill in the form and send it."""
    form = page(browser, "/settings/tokens/new/")
    found = re.search(r'name="number" value="(\w+)"', form)
    assert found is not None
    data = {"name": "Script", "scopes": ["mail:read"], "number": found[1], **fields}
    return browser.post("/settings/tokens/new/", data, secure=True)


def test_it_is_made_and_shown_once(browser: Client) -> None:
    """Also in the languages of the webmail."""
    assert "No API tokens yet" in page(browser)
    answer = make(browser, scopes=["tokens:read", "mail:write"], expires="2036-01-31")
    assert answer.status_code == 200
    found = re.search(r">(mhk_[\w-]{43})<", answer.content.decode())
    assert found is not None
    assert "no-store" in answer["Cache-Control"]
    assert Program(found[1]).get("tokens").status_code == 200
    assert found[1] not in page(browser)
    assert "mail:write" in page(browser)
    assert QueuedMessage.objects.filter(recipients__address="alice@example.test").exists()
    assert "Noch keine" in page(_without(browser), accept_language="de")


def _without(browser: Client) -> Client:
    ApiToken.objects.all().delete()
    return browser


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"scopes": ["users:read"]}, "Select a valid choice"),
        ({"scopes": []}, "Choose at least one"),
        ({"name": "x" * 101}, "at most 100"),
        ({"networks": "nowhere"}, "Not a network"),
        ({"number": ""}, "was sent before"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(
    fields: dict[str, Any], words: str, browser: Client
) -> None:
    answer = make(browser, **fields)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_one_of_the_same_name_is_told_at_the_name(browser: Client, alice: User) -> None:
    """An access token may be called so; an API token may not."""
    tokens.issue(user=alice, name="Script")
    assert make(browser).status_code == 200
    answer = make(browser)
    assert answer.status_code == 422
    assert "There is an API token Script already" in answer.content.decode()


def test_it_is_revoked_after_a_question(browser: Client, alice: User) -> None:
    made, text = apitokens.issue(user=alice, name="<b>", scopes=["tokens:read"])
    assert "<bdi>&lt;b&gt;</bdi>" in page(browser, f"/settings/tokens/{made.pk}/")
    answer = browser.post(f"/settings/tokens/{made.pk}/", secure=True, follow=True)
    assert "&lt;b&gt; is revoked." in answer.content.decode()
    assert Program(text).get("tokens").status_code == 401


def test_those_of_others_are_not_there(browser: Client, bob: User) -> None:
    made, _ = apitokens.issue(user=bob, name="bob's", scopes=["tokens:read"])
    for ask in (browser.get, browser.post):
        assert ask(f"/settings/tokens/{made.pk}/", secure=True).status_code == 404
    assert ApiToken.objects.exists()


def test_an_open_browser_alone_makes_and_revokes_none(browser: Client, alice: User) -> None:
    made, _ = apitokens.issue(user=alice, name="mine", scopes=["tokens:read"])
    session = browser.session
    session["proved"] = 0
    session.save()
    for path in ("new/", f"{made.pk}/"):
        answer = browser.post(f"/settings/tokens/{path}", secure=True)
        assert answer["Location"].startswith("/login/confirm/")
    assert ApiToken.objects.count() == 1
