"""App passwords as their owner makes, sees and revokes them."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from apps.accounts.models import WebSession
from apps.audit.models import AuditRecord
from apps.directory import signedin
from apps.directory.authentication import authenticate
from apps.directory.models import AppPassword, Demand, Domain, User
from apps.directory.services import apppasswords
from apps.directory.services.credentials import MOST
from apps.mailqueue.models import QueuedMessage
from apps.wire.errors import AuthenticationFailed
from mailhost.env import Endpoint
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

XSS = '"><script>alert(1)</script><b onclick=x>'


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice's browser, which has shown her password a moment ago."""
    return signed_in(alice)


def signed_in(user: User) -> Client:
    browser = Client(headers={"host": "localhost"}, SERVER_PORT="443", HTTPS="on")
    browser.post("/login/", {"address": user.address, "password": PASSWORD}, secure=True)
    return browser


def page(browser: Client, address: str = "/settings/apps/") -> str:
    response = browser.get(address, secure=True)
    assert response.status_code == 200
    return response.content.decode()


def make(browser: Client, *, number: str | None = None, **fields: Any) -> Any:
    """Fill in the form and send it."""
    if number is None:
        found = re.search(r'name="number" value="(\w+)"', page(browser, "/settings/apps/new/"))
        assert found is not None
        number = found[1]
    data = {"name": "Phone", "protocols": ["imap", "smtp"], "number": number, **fields}
    return browser.post("/settings/apps/new/", data, secure=True)


def password_in(response: Any) -> str:
    assert response.status_code == 200
    found = re.search(r"<code[^>]*>([a-z0-9-]{23})<", response.content.decode())
    assert found is not None
    return found[1]


def opens(user: User, password: str, door: str, address: str = "192.0.2.1") -> bool:
    try:
        authenticate(username=user.key, password=password, address=address, door=door)
    except AuthenticationFailed:
        return False
    return True


def test_it_is_made_shown_once_and_works_where_it_may(alice: User, browser: Client) -> None:
    assert "No app passwords yet" in page(browser)
    response = make(browser, protocols=["imap"])
    text = password_in(response)
    assert "no-store" in response.headers["Cache-Control"]
    assert opens(alice, text, "imap")
    assert not opens(alice, text, "pop3")
    assert not opens(alice, text, "submission")
    assert not opens(alice, text, "web")
    listed = page(browser)
    assert "Phone" in listed
    assert text not in listed
    # Nowhere else: no session, no message, no record, no letter.
    assert text not in str(list(get_messages(response.wsgi_request)))
    for session in WebSession.objects.all():
        assert text not in str(session.session_data)
        assert text not in str(browser.session.items())
    assert text not in str(list(AuditRecord.objects.values()))
    assert QueuedMessage.objects.filter(door="report").count() == 1  # she is told


def test_a_page_that_is_loaded_again_makes_no_second_one(alice: User, browser: Client) -> None:
    number = "0123456789abcdef"
    first = password_in(make(browser, number=number))
    again = make(browser, number=number)
    assert again.status_code == 422
    assert "sent before" in again.content.decode()
    # Nor after it was revoked.
    apppasswords.revoke(user=alice, name="Phone")
    assert make(browser, number=number).status_code == 422
    assert make(browser, number="").status_code == 422
    assert not AppPassword.objects.exists()
    assert password_in(make(browser)) != first


def test_a_form_that_was_refused_may_be_sent_again(alice: User, browser: Client) -> None:
    response = make(browser, number="a1", networks="garbage")
    assert response.status_code == 422
    assert "Not a network" in response.content.decode()
    assert password_in(make(browser, number="a1", networks="192.0.2.0/24"))


def test_it_keeps_to_networks_and_days(alice: User, browser: Client) -> None:
    tomorrow = (timezone.now() + timedelta(days=1)).date()
    response = make(browser, networks="192.0.2.0/24,\r\n2001:db8::/48", expires=str(tomorrow))
    text = password_in(response)
    assert "192.0.2.0/24, 2001:db8::/48" in response.content.decode()
    assert opens(alice, text, "imap", "192.0.2.9")
    assert opens(alice, text, "imap", "2001:db8::1")
    assert not opens(alice, text, "imap", "198.51.100.1")
    row = AppPassword.objects.get()
    assert row.expires_at is not None
    assert (row.expires_at - timedelta(seconds=1)).date() == tomorrow
    AppPassword.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not opens(alice, text, "imap", "192.0.2.9")
    assert "Expired" in page(browser)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "required"),
        ({"name": "   "}, "required"),
        ({"name": "x" * 10_000}, "at most 100"),
        ({"name": "a\u202eb"}, "printable"),
        ({"protocols": []}, "at least one"),
        ({"protocols": ["imap", "web"]}, "web is not one of"),
        ({"networks": "::/0 0.0.0.0/99"}, "Not a network"),
        ({"networks": "192.0.2.1/24"}, "Not a network"),
        ({"networks": " ".join(f"192.0.2.{n}" for n in range(60))}, "up to 50 networks"),
        ({"networks": "9" * 10_000}, "at most 5000"),
        ({"networks": XSS}, "Not a network"),
        ({"expires": "2001-01-01"}, "is over"),
        ({"expires": "9999-12-31"}, "ten years"),
        ({"expires": "tomorrow"}, "year-month-day"),
    ],
)
def test_it_says_what_cannot_be(
    alice: User, browser: Client, fields: dict[str, Any], words: str
) -> None:
    response = make(browser, **fields)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert "<script>alert" not in response.content.decode()
    assert not AppPassword.objects.exists()


def test_names_are_names(alice: User, browser: Client) -> None:
    response = make(browser, name=XSS)
    for shown in (
        response.content.decode(),
        page(browser),
        page(browser, f"/settings/apps/{AppPassword.objects.get().pk}/"),
    ):
        assert "<script>alert" not in shown
        assert "&lt;script&gt;" in shown
    assert make(browser, name=XSS).status_code == 422  # there is one of that name


def test_it_is_revoked_after_a_question(alice: User, browser: Client) -> None:
    text = password_in(make(browser))
    principal = authenticate(username=alice.key, password=text, address="192.0.2.1", door="imap")
    address = f"/settings/apps/{AppPassword.objects.get().pk}/"
    assert "signed out within half a minute" in page(browser, address)
    assert opens(alice, text, "imap")
    response = browser.post(address, secure=True)
    assert response.headers["Location"] == "/settings/apps/"
    assert "is revoked" in page(browser)
    assert not opens(alice, text, "imap")
    assert not signedin.still_in([principal])  # what a session that runs asks
    assert browser.post(address, secure=True).status_code == 404


def test_others_see_and_touch_nothing(alice: User, eve: User, browser: Client) -> None:
    make(browser)
    number = AppPassword.objects.get().pk
    hers = signed_in(eve)
    assert "Phone" not in page(hers)
    for address in (f"/settings/apps/{number}/", "/settings/apps/4000000000/"):
        answers = [hers.get(address, secure=True), hers.post(address, secure=True)]
        assert [one.status_code for one in answers] == [404, 404]
        assert b"Phone" not in answers[0].content + answers[1].content
    for wrong in ("x", "-1", "9" * 30, "1.5", "%00"):
        assert hers.get(f"/settings/apps/{wrong}/", secure=True).status_code == 404
    assert AppPassword.objects.count() == 1


def test_an_open_browser_alone_makes_none(alice: User) -> None:
    browser = Client()
    browser.force_login(alice)
    apppasswords.create(user=alice, name="Phone")
    number = AppPassword.objects.get().pk
    for address in ("/settings/apps/new/", f"/settings/apps/{number}/"):
        for response in (browser.get(address), browser.post(address, {"name": "x"})):
            assert response.status_code == 302
            assert response.headers["Location"].startswith("/login/confirm/")
    assert AppPassword.objects.count() == 1
    assert Client().get("/settings/apps/").status_code == 302


def test_fifty_are_enough(alice: User, browser: Client) -> None:
    for number in range(MOST):
        apppasswords.create(user=alice, name=f"App {number}")
    assert f"You have {MOST} app passwords" in page(browser)
    response = make(browser)
    assert response.status_code == 422
    assert f"up to {MOST} app passwords" in response.content.decode()


def test_the_list_is_one_query(
    alice: User, browser: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def count() -> int:
        with django_assert_max_num_queries(20) as seen:
            page(browser)
        return len(seen)

    apppasswords.create(user=alice, name="One")
    one = count()
    for number in range(20):
        apppasswords.create(user=alice, name=f"App {number}")
    assert count() == one


def test_it_names_the_doors_that_are_open(alice: User, browser: Client, settings: Settings) -> None:
    settings.MAIL_HOSTNAME = "mail.example.test"
    settings.IMAPS_LISTEN = Endpoint("0.0.0.0", 993)
    settings.SUBMISSIONS_LISTEN = Endpoint("0.0.0.0", 465)
    settings.SUBMISSION_LISTEN = Endpoint("0.0.0.0", 587)
    settings.IMAP_LISTEN = settings.POP3_LISTEN = settings.POP3S_LISTEN = None
    shown = page(browser)
    for words in ("mail.example.test:993", "mail.example.test:465", "mail.example.test:587"):
        assert words in shown
    assert "POP3)" not in shown
    assert "alice@example.test" in shown


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda user: None, "opens mail programs too"),
        (
            lambda user: Domain.objects.update(
                factor_demand=Demand.EVERYBODY, factor_due_at=timezone.now() + timedelta(days=9)
            ),
            "on a second step is asked for here",
        ),
    ],
)
def test_it_says_what_opens_mail_programs(
    alice: User, browser: Client, prepare: Callable[[User], None], words: str
) -> None:
    prepare(alice)
    assert words in page(browser)
