"""Where one is signed in: new ids, cookies, limits, and ending sessions from elsewhere."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import WebSession
from apps.directory.history import of_user
from apps.directory.models import SignIn, User
from apps.provisioning import services as provisioning
from tests.conftest import PASSWORD
from tests.webmail.browsing import TELEPHONE, Browser

pytestmark = pytest.mark.django_db

SECURITY = "/settings/security/"
END = "/settings/security/sessions/end/"


@pytest.fixture
def desk(alice: User) -> Browser:
    """Alice at her desk, signed in."""
    browser = Browser("192.0.2.1")
    browser.sign_in("alice@example.test")
    return browser


@pytest.fixture
def telephone(alice: User) -> Browser:
    """Her telephone, which stays signed in."""
    browser = Browser("198.51.100.7", TELEPHONE)
    browser.sign_in("alice@example.test", kept="on")
    return browser


def test_a_planted_cookie_is_worth_nothing(alice: User) -> None:
    thief, victim = Browser(), Browser()
    thief.sign_in("alice@example.test", "wrong")
    for planted in ("x" * 32, thief.cookie or "y" * 32):
        victim.plant(planted)
        victim.sign_in("alice@example.test")
        assert victim.cookie != planted
        thief.plant(planted)
        assert not thief.is_in
    assert victim.is_in


def test_a_planted_session_does_not_become_the_victims(alice: User, eve: User) -> None:
    """Eve gives Alice her own living session; Alice signs in over it."""
    thief, victim = Browser(), Browser()
    thief.sign_in("eve@other.test")
    planted = thief.cookie
    victim.plant(planted)
    victim.sign_in("alice@example.test")
    thief.plant(planted)
    assert "alice@example.test" not in thief.read("/mail/inbox/")
    assert "alice@example.test" in victim.read("/mail/inbox/")


def test_signing_in_again_changes_the_id_and_ends_the_old_one(desk: Browser) -> None:
    old = desk.cookie
    desk.send(
        "/login/", seen="/settings/password/", address="alice@example.test", password=PASSWORD
    )
    assert desk.cookie != old
    assert WebSession.objects.count() == 1


@pytest.mark.parametrize("kept", [False, True])
def test_the_cookie_is_closed_to_scripts_and_to_others(alice: User, kept: bool) -> None:
    fields = {"kept": "on"} if kept else {}
    cookie = Browser().sign_in("alice@example.test", **fields).cookies["__Host-session"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    if kept:
        assert 30 * 86_400 - 60 < int(cookie["max-age"]) <= 30 * 86_400
    else:
        assert not cookie["max-age"]
        assert not cookie["expires"]


def test_without_tls_it_has_another_name_and_can_be_used(alice: User, settings: Settings) -> None:
    settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE = "session", False
    cookie = Browser().sign_in("alice@example.test").cookies["session"]
    assert not cookie["secure"]
    assert cookie["httponly"]


@pytest.mark.parametrize("path", ["/", "/login/", "/mail/inbox/", "/healthz", "/nowhere/"])
def test_who_is_nobody_writes_nothing(alice: User, path: str) -> None:
    browser = Browser()
    browser.plant("x" * 32)
    with CaptureQueriesContext(connection) as asked:
        browser.get(path)
    assert not [one["sql"] for one in asked if not one["sql"].startswith("SELECT")]
    assert not WebSession.objects.exists()


def test_reading_mail_notes_the_session_every_five_minutes(desk: Browser) -> None:
    before = WebSession.objects.get().seen_at
    desk.get("/mail/inbox/")
    assert WebSession.objects.get().seen_at == before
    with time_machine.travel(timedelta(minutes=6), tick=True):
        desk.get("/mail/inbox/")
        noted = WebSession.objects.get().seen_at
        desk.get("/mail/inbox/")
        assert before < noted == WebSession.objects.get().seen_at


def test_it_says_that_a_session_has_ended_and_goes_on_where_one_was(desk: Browser) -> None:
    with time_machine.travel(timedelta(hours=13), tick=True):
        response = desk.get("/mail/sent/?x=1")
        assert response.headers["Location"] == "/login/?next=/mail/sent/%3Fx%3D1"
        assert "its session has ended" in desk.read(response.headers["Location"])
        response = desk.send(
            response.headers["Location"],
            address="alice@example.test",
            password=PASSWORD,
            next="/mail/sent/?x=1",
        )
        assert response.headers["Location"] == "/mail/sent/?x=1"
    assert "its session has ended" not in Browser().read("/login/")


def test_who_signs_out_is_not_told_that_a_session_has_ended(desk: Browser) -> None:
    response = desk.send("/logout/", seen="/mail/inbox/")
    assert response.cookies["__Host-session"].value == ""
    assert "its session has ended" not in desk.read("/login/")
    assert not WebSession.objects.exists()


def test_one_signs_out_by_post_alone(desk: Browser) -> None:
    assert desk.get("/logout/").status_code == 405
    assert desk.client.head("/logout/", secure=True).status_code == 405
    assert desk.client.post("/logout/", secure=True).status_code == 403
    assert desk.is_in


def test_the_list_tells_browser_place_and_time(desk: Browser, telephone: Browser) -> None:
    page = desk.read(SECURITY)
    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    assert "192.0.2.1" in page
    assert "198.51.100.7" in page
    assert page.count("This session") == 1
    assert "stays signed in" in page
    assert page.index("Firefox on Linux") < page.index("Safari on iPhone")


def test_the_list_marks_a_place_that_is_new(desk: Browser, telephone: Browser) -> None:
    SignIn.objects.filter(address="198.51.100.7").update(is_new_place=True)
    page = desk.read(SECURITY)
    assert page.count("New place") == 1
    assert "This wasn&#x27;t me" in page or "This wasn't me" in page


def test_what_a_browser_calls_itself_is_no_markup(alice: User, desk: Browser) -> None:
    Browser(agent="<script>alert(1)</script>\x00" + "x" * 9_000).sign_in("alice@example.test")
    page = desk.read(SECURITY)
    assert "<script>alert" not in page
    assert all(len(row.client) <= 200 for row in WebSession.objects.all())


def test_the_list_costs_the_same_for_many(alice: User, desk: Browser) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            desk.get(SECURITY)
        return len(asked)

    statements()
    few = statements()
    for _ in range(5):
        Browser().sign_in("alice@example.test")
    assert statements() == few


def test_it_ends_a_session_elsewhere(desk: Browser, telephone: Browser) -> None:
    row = WebSession.objects.get(is_kept=True)
    response = desk.send(END, seen=SECURITY, session=row.pk)
    assert response.headers["Location"] == SECURITY
    assert telephone.get("/mail/inbox/").status_code == 302
    assert "its session has ended" in telephone.read("/mail/inbox/")
    assert desk.is_in


def test_it_ends_all_the_others(desk: Browser, telephone: Browser, alice: User) -> None:
    third = Browser()
    third.sign_in("alice@example.test")
    desk.send(END, seen=SECURITY, others="1")
    assert not telephone.is_in
    assert not third.is_in
    assert desk.is_in


def test_it_ends_nobody_elses(desk: Browser, bob: User) -> None:
    his = Browser()
    his.sign_in("bob@example.test")
    row = WebSession.objects.get(user=bob)
    for wanted in (row.pk, "", "x", "\x00", "a" * 64, "a" * 10_000, "%"):
        desk.send(END, seen=SECURITY, session=wanted)
    desk.send(END, seen=SECURITY, others="1")
    assert his.is_in
    assert desk.is_in


def test_it_ends_by_post_alone(desk: Browser, telephone: Browser) -> None:
    row = WebSession.objects.get(is_kept=True)
    assert desk.get(f"{END}?session={row.pk}&others=1").status_code == 405
    assert telephone.is_in


def set_password(user: User) -> None:
    provisioning.set_password(User.objects.get(pk=user.pk), "another good sentence")


def suspend_user(user: User) -> None:
    provisioning.suspend_user(user.address)


def suspend_domain(user: User) -> None:
    provisioning.suspend_domain("example.test")


def remove(user: User) -> None:
    provisioning.remove_user(user.address)


@pytest.mark.parametrize("what", [set_password, suspend_user, suspend_domain, remove])
def test_all_end_when_the_account_changes(
    alice: User, desk: Browser, telephone: Browser, what: Callable[[User], None]
) -> None:
    what(alice)
    assert not desk.is_in
    assert not telephone.is_in
    assert not WebSession.objects.exists()


def test_a_stolen_cookie_works_and_is_shown(alice: User, desk: Browser) -> None:
    thief = Browser("203.0.113.9", TELEPHONE)
    thief.plant(desk.cookie)
    assert thief.is_in
    page = desk.read(SECURITY)
    assert "203.0.113.9" in page
    told = [row for row in of_user(alice.pk).rows if row.address == "203.0.113.9"]
    assert told
    # Once an hour, however often both are used.
    with CaptureQueriesContext(connection) as asked:
        desk.get("/mail/inbox/")
        thief.get("/mail/inbox/")
        desk.get("/mail/inbox/")
        thief.get("/mail/inbox/")
    written = [one["sql"] for one in asked if one["sql"].startswith("UPDATE")]
    assert len(written) <= 1


@pytest.mark.parametrize(
    "headers",
    [{"HX-Request": "true"}, {"Accept": "application/json"}, {"X-Requested-With": "fetch"}],
)
def test_a_script_is_told_by_a_status(alice: User, headers: dict[str, str]) -> None:
    response = Browser().get("/mail/inbox/", **headers)
    assert response.status_code == 401
    assert "Sign in" in response.content.decode()
    assert response.headers["Cache-Control"] == "no-store"


def test_a_form_that_was_sent_too_late_leads_to_a_page(desk: Browser) -> None:
    """Not to the address of the form, which shows nothing."""
    token = desk.client.cookies["__Host-csrf"].value
    with time_machine.travel(timedelta(hours=13), tick=True):
        response = desk.client.post(
            "/mail/inbox/1/delete/",
            {"csrfmiddlewaretoken": token},
            secure=True,
            headers={"origin": "https://localhost", "referer": "https://localhost/mail/inbox/"},
        )
    assert response.headers["Location"] == "/login/?next=/mail/inbox/"


def test_the_clients_of_tests_and_tools_have_proper_sessions(alice: User, client: Any) -> None:
    client.force_login(alice)
    assert client.get("/mail/inbox/").status_code == 200
    row = WebSession.objects.get()
    assert row.user_id == alice.pk
    assert row.expire_date > timezone.now() + timedelta(
        hours=django_settings.SESSION_IDLE_HOURS - 1
    )


@pytest.mark.django_db(transaction=True)
def test_two_end_each_other_at_the_same_time(alice: User) -> None:
    one, other = Browser(), Browser()
    one.sign_in("alice@example.test")
    other.sign_in("alice@example.test")
    ids = {row.pk for row in WebSession.objects.all()}
    start = Barrier(2)
    answers: list[int] = []

    def end(browser: Browser) -> None:
        start.wait()
        answers.append(browser.send(END, seen=SECURITY, others="1").status_code)
        connections.close_all()

    threads = [Thread(target=end, args=(browser,)) for browser in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Whoever came second was signed out already, or both were at once: never a page of a defect.
    assert set(answers) <= {302, 403}
    assert len({row.pk for row in WebSession.objects.all()} & ids) <= 1
