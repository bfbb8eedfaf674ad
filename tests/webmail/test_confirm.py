"""Proving again who one is, before what an open browser alone must not do."""

from datetime import timedelta

import pytest
import time_machine

from apps.accounts.models import WebSession
from apps.directory.history import of_user
from apps.directory.models import Outcome, User
from tests.conftest import PASSWORD
from tests.webmail.browsing import Browser

pytestmark = pytest.mark.django_db

PAGE = "/settings/security/authenticator/"
ASKS = "/login/confirm/?next=%2Fsettings%2Fsecurity%2Fauthenticator%2F"


@pytest.fixture
def desk(alice: User) -> Browser:
    """Alice's browser, which she has just signed in with."""
    browser = Browser()
    browser.sign_in("alice@example.test")
    return browser


def test_who_has_just_signed_in_is_not_asked(desk: Browser) -> None:
    assert desk.get(PAGE).status_code == 200


def test_a_quarter_of_an_hour_later_one_is_asked(desk: Browser) -> None:
    with time_machine.travel(timedelta(minutes=16), tick=True):
        assert desk.get(PAGE).headers["Location"] == ASKS
        assert desk.get("/mail/inbox/").status_code == 200
        page = desk.read(ASKS)
        assert "alice@example.test" in page
        assert 'autocomplete="current-password"' in page
        response = desk.send("/login/confirm/", password=PASSWORD, next=PAGE)
        assert response.headers["Location"] == PAGE
        assert desk.get(PAGE).status_code == 200
    # It is this session's, not the user's.
    with time_machine.travel(timedelta(minutes=40), tick=True):
        assert desk.get(PAGE).status_code == 302


def test_a_wrong_password_opens_nothing_and_is_told(desk: Browser, alice: User) -> None:
    with time_machine.travel(timedelta(minutes=16), tick=True):
        for password in ("wrong", "", "\x00", "x" * 5_000):
            response = desk.send("/login/confirm/", password=password, next=PAGE)
            assert response.status_code == 422
        assert desk.get(PAGE).status_code == 302
        assert desk.is_in
    assert [row for row in of_user(alice.pk).rows if row.outcome == Outcome.WRONG]


def test_guessing_there_is_slowed_down(desk: Browser) -> None:
    answers = [
        desk.send("/login/confirm/", password=f"guess {number}").content.decode()
        for number in range(30)
    ]
    assert any("Too many" in answer or "attempts" in answer for answer in answers)


def test_another_users_password_is_no_proof(desk: Browser, bob: User) -> None:
    response = desk.send("/login/confirm/", password="another's password", address=bob.address)
    assert response.status_code == 422


def test_a_form_that_asks_is_not_sent_twice(desk: Browser) -> None:
    """Its page comes first again: what was typed is gone, and nothing was done."""
    with time_machine.travel(timedelta(minutes=16), tick=True):
        response = desk.send(PAGE, seen="/mail/inbox/", code="123456")
        assert response.headers["Location"] == "/login/confirm/?next="
        response = desk.send("/login/confirm/", password=PASSWORD)
        assert response.headers["Location"] == "/mail/"


def test_a_script_is_told_where_to_go(desk: Browser) -> None:
    with time_machine.travel(timedelta(minutes=16), tick=True):
        response = desk.get(PAGE, Accept="application/json")
        assert response.status_code == 403
        assert response.json()["confirm"] == "/login/confirm/"


def test_nobody_signs_in_there(alice: User) -> None:
    browser = Browser()
    assert browser.get(ASKS).headers["Location"].startswith("/login/?next=")
    browser.send("/login/confirm/", seen="/login/", password=PASSWORD)
    assert not browser.is_in
    assert not WebSession.objects.exists()


@pytest.mark.parametrize("wanted", ["//evil.invalid", "https://evil.invalid/", "/\\evil.invalid"])
def test_it_leads_nowhere_else(desk: Browser, wanted: str) -> None:
    response = desk.send("/login/confirm/", password=PASSWORD, next=wanted)
    assert response.headers["Location"] == "/mail/"
