"""The link: it signs in, in a demo, for a day, by its own token, and does nothing else."""

from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core import signing
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.demo import links
from apps.directory.models import User
from apps.provisioning import services as provisioning

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _demo(settings: Settings) -> None:
    settings.DEMO = True


def address(user: User) -> str:
    return f"/demo/{links.make(user)}/"


def is_signed_in(browser: Client) -> bool:
    return browser.get("/mail/inbox/", secure=True).status_code == 200


def test_it_signs_in_as_often_as_one_likes(alice: User, client: Client) -> None:
    link = address(alice)
    for browser in (client, client, Client()):
        response = browser.get(link, secure=True)
        assert (response.status_code, response.headers["Location"]) == (302, "/mail/")
        assert "no-store" in response.headers["Cache-Control"]
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert is_signed_in(browser)


def test_it_changes_the_session_key(alice: User, bob: User, client: Client) -> None:
    client.force_login(alice)
    before = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    client.get(address(bob), secure=True)
    after = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    assert before != after
    assert "bob@example.test" in client.get("/mail/inbox/", secure=True).content.decode()
    client.get(address(bob), secure=True)
    assert client.cookies[django_settings.SESSION_COOKIE_NAME].value != after


def test_it_is_not_there_where_no_demo_is(alice: User, client: Client, settings: Settings) -> None:
    settings.DEMO = False
    response = client.get(address(alice), secure=True)
    assert response.status_code == 404
    assert not is_signed_in(client)


def test_it_takes_no_other_token(alice: User, client: Client) -> None:
    good = links.make(alice)
    foreign = signing.TimestampSigner(salt="mailhost.demo.link", sep=".", key="x" * 50)
    told = {"user": alice.pk, "version": alice.credential_version}
    tokens = [
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good[1:],
        good.replace(".", ":"),
        good + "x" * 400,
        foreign.sign_object(told),
        signing.TimestampSigner(salt="other", sep=".").sign_object(told),
        signing.dumps(told),
        "x",
        "..",
        "é\x00",
    ]
    for token in tokens:
        response = client.get(f"/demo/{token}/", secure=True)
        assert response.status_code == 404, token
    assert not is_signed_in(client)


def test_it_ends_after_a_day_and_says_so(
    alice: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = address(alice)
    later = (timezone.now() + timedelta(seconds=links.LIFETIME + 2)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    response = client.get(link, secure=True)
    assert response.status_code == 410
    assert "This link is a day old" in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    monkeypatch.undo()
    assert not is_signed_in(client)


def test_it_ends_with_the_password(alice: User, client: Client) -> None:
    link = address(alice)
    provisioning.set_password(alice, "another good sentence")
    assert client.get(link, secure=True).status_code == 404
    assert not is_signed_in(client)


def test_it_ends_with_the_account(alice: User, client: Client) -> None:
    link = address(alice)
    provisioning.suspend_user(alice.address)
    assert client.get(link, secure=True).status_code == 404
    provisioning.resume_user(alice.address)
    assert client.get(link, secure=True).status_code == 404  # its version is another one
    provisioning.remove_user(alice.address)
    assert client.get(link, secure=True).status_code == 404


def test_it_does_nothing_for_who_only_looks(alice: User, client: Client) -> None:
    link = address(alice)
    assert client.head(link, secure=True).status_code == 204
    for name, value in (
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Moz", "prefetch"),
    ):
        response = client.get(link, secure=True, headers={name: value})
        assert response.status_code == 204
        assert "no-store" in response.headers["Cache-Control"]
    assert client.post(link, secure=True).status_code == 405
    assert not client.cookies
    assert not is_signed_in(client)
