"""How the webmail looks, in which language and in whose time, is each person's own."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.webmail import preferences
from apps.webmail.models import Preferences
from apps.webmail.services import preferences as door
from apps.wire.errors import InvalidName

pytestmark = pytest.mark.django_db

PAGE = "/settings/general/"


@pytest.fixture
def browser(alice: User) -> Client:
    client = Client(headers={"host": "localhost", "accept": "text/html"})
    client.force_login(alice)
    return client


def read(browser: Client, path: str = PAGE, **headers: str) -> str:
    return str(browser.get(path, secure=True, headers=headers).content.decode())


def test_who_chose_nothing_has_the_defaults_and_no_row(browser: Client, alice: User) -> None:
    page = read(browser)

    assert 'data-layout="beside" data-density="comfortable" data-shortcuts="on"' in page
    assert '<html lang="en">' in page
    assert not Preferences.objects.exists()


def test_the_form_is_saved_whole(browser: Client, alice: User) -> None:
    fields = {
        "theme": "dark",
        "layout": "below",
        "density": "compact",
        "language": "de",
        "time_zone": "Europe/Kyiv",
        "switches": ["has_conversations", "has_shortcuts", "marks_read"],
        "marks_read": "on",
    }

    answer = browser.post(PAGE, fields, secure=True)

    assert answer.status_code == 302
    assert answer["Location"] == PAGE
    page = read(browser)
    assert '<html lang="de" data-theme="dark">' in page
    assert 'data-layout="below" data-density="compact" data-shortcuts="off"' in page
    kept = preferences.of(alice.pk)
    assert (kept.has_conversations, kept.has_shortcuts, kept.marks_read) == (False, False, True)
    assert kept.time_zone == "Europe/Kyiv"


def test_one_control_changes_nothing_else(browser: Client, alice: User) -> None:
    door.change(user_id=alice.pk, theme="dark", has_shortcuts=False)

    answer = browser.post(
        PAGE, {"density": "compact"}, secure=True, headers={"accept": "application/json"}
    )

    assert answer.json() == {"text": "Saved"}
    kept = preferences.of(alice.pk)
    assert (kept.theme, kept.density, kept.has_shortcuts) == ("dark", "compact", False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layout", "sideways"),
        ("undo_seconds", "5"),
        ("undo_seconds", "-10"),
        ("undo_seconds", "9" * 400),
        ("undo_seconds", "\u0661\u0660"),
        ("undo_seconds", ""),
        ("density", ""),
        ("theme", "dark;}"),
        ("language", "../../etc"),
        ("language", "tlh"),
        ("time_zone", "Europe/Atlantis"),
        ("time_zone", "../../../etc/passwd"),
        ("time_zone", "localtime"),
    ],
)
def test_what_there_is_not_is_refused_in_words(
    browser: Client, alice: User, name: str, value: str
) -> None:
    page = browser.post(PAGE, {name: value}, secure=True)
    script = browser.post(PAGE, {name: value}, secure=True, headers={"accept": "application/json"})

    assert page.status_code == script.status_code == 422
    assert "There is no such setting" in page.content.decode()
    assert script.json() == {"error": "There is no such setting"}
    assert not Preferences.objects.exists()


def test_no_field_is_set_that_is_no_setting(alice: User, bob: User) -> None:
    with pytest.raises(InvalidName):
        door.change(user_id=alice.pk, user=str(bob.pk))
    with pytest.raises(InvalidName):
        door.change(user_id=alice.pk, has_shortcuts="yes")


def test_it_leads_back_to_where_the_menu_was_used_and_nowhere_else(browser: Client) -> None:
    def after(path: str) -> str:
        answer = browser.post(PAGE, {"layout": "full", "next": path}, secure=True)
        return str(answer["Location"])

    assert after("/mail/inbox/?only=unread") == "/mail/inbox/?only=unread"
    for path in ("https://evil.invalid/", "//evil.invalid/", "/\\evil.invalid", "/logout/"):
        assert after(path) == PAGE


def test_the_preferences_are_asked_once(browser: Client) -> None:
    with CaptureQueriesContext(connection) as asked:
        read(browser)

    assert sum("webmail_preferences" in one["sql"] for one in asked) == 1


@pytest.mark.parametrize(
    ("asks", "speaks"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("uk-UA", "uk"),
        ("fr, uk;q=0.3", "uk"),
        ("fr", "en"),
        ("", "en"),
        ("de;q=nonsense", "en"),
        ("x" * 5000, "en"),
    ],
)
def test_sign_in_speaks_as_the_browser_asks(client: Client, asks: str, speaks: str) -> None:
    answer = client.get("/login/", secure=True, headers={"accept-language": asks})

    assert f'<html lang="{speaks}"' in answer.content.decode()
    assert answer["Content-Language"] == speaks
    assert "Accept-Language" in answer["Vary"]


def test_who_chose_a_language_gets_it_whatever_the_browser_asks(
    browser: Client, alice: User
) -> None:
    door.change(user_id=alice.pk, language="uk")

    assert '<html lang="uk"' in read(browser, **{"accept-language": "de"})
    assert '<html lang="en"' in Client().get("/login/", secure=True).content.decode()


def test_a_zone_that_the_machine_forgot_is_the_server_s(browser: Client, alice: User) -> None:
    Preferences.objects.create(user=alice, time_zone="Mars/Olympus", language="tlh")

    assert '<html lang="en"' in read(browser)


def test_every_page_works_in_every_language(browser: Client, alice: User) -> None:
    for language in ("en", "de", "uk"):
        door.change(user_id=alice.pk, language=language)
        for path in (PAGE, "/mail/inbox/", "/settings/security/", "/settings/activity/"):
            page = read(browser, path)
            assert f'<html lang="{language}"' in page, path
            assert len(re.findall(r"<h1[ >]", page)) == 1, path


def test_how_long_sending_waits_and_how_writing_begins(browser: Client, alice: User) -> None:
    assert preferences.of(alice.pk).undo_seconds == 10
    page = read(browser)
    assert '<option value="10" selected>10 seconds</option>' in page
    assert '<option value="0">Send at once</option>' in page

    browser.post(PAGE, {"undo_seconds": "30"}, secure=True)
    browser.post(PAGE, {"switches": "writes_plain", "writes_plain": "on"}, secure=True)

    kept = preferences.of(alice.pk)
    assert (kept.undo_seconds, kept.writes_plain, kept.marks_read) == (30, True, True)
    with pytest.raises(InvalidName):
        door.change(user_id=alice.pk, undo_seconds=True)
