"""Sign-ins as their owner reads them."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from apps.directory.models import Means, Outcome, SignIn, User
from apps.webmail.activity import act_of

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
XSS = "<script>alert(1)</script>"
_digests = count()


@pytest.fixture
def browser(alice: User) -> Client:
    browser = Client()
    browser.force_login(alice)
    browser.get("/settings/activity/")
    SignIn.objects.all().delete()  # the browser was seen at an address that its session had not
    return browser


def note(user: User, minutes: int = 0, **fields: Any) -> SignIn:
    """A row of the history, some minutes old."""
    at = timezone.now() - timedelta(minutes=minutes)
    known = {
        "outcome": Outcome.OK,
        "door": "web",
        "means": Means.PASSWORD,
        "address": "192.0.2.7",
        "client": FIREFOX,
        "first_at": at,
        "last_at": at,
        "digest": next(_digests).to_bytes(16, "big"),
    }
    return SignIn.objects.create(user=user, **{**known, **fields})


def page(browser: Client, query: str = "") -> str:
    response = browser.get(f"/settings/activity/{query}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(
    ("fields", "who", "how"),
    [
        ({"means": Means.TOTP}, "Firefox on Linux", "web, password and code"),
        ({"means": Means.PASSKEY, "client": ""}, "A browser", "web, passkey"),
        (
            {"door": "imap", "means": Means.APP_PASSWORD, "via": "Phone", "client": ""},
            "Phone",
            "IMAP, app password",
        ),
        ({"door": "submission", "client": "laptop"}, "laptop", "sending (SMTP), password"),
        ({"via": "the same session"}, "Firefox on Linux", "web, password, the same session"),
        ({"outcome": Outcome.WRONG}, "Wrong password", "web, Firefox on Linux"),
        ({"outcome": Outcome.WRONG, "means": Means.TOTP}, "Wrong code", "web, Firefox on Linux"),
        (
            {"outcome": Outcome.REFUSED, "door": "imap", "client": ""},
            "Right password",
            "IMAP, password",
        ),
        (
            {
                "outcome": Outcome.REFUSED,
                "door": "pop3",
                "means": Means.APP_PASSWORD,
                "via": "Phone",
                "client": "",
            },
            "Phone",
            "POP3, app password",
        ),
        ({"means": Means.ACTING, "via": "olga@x.test"}, "olga@x.test opened your mail", "web"),
    ],
)
def test_it_says_it_in_words(alice: User, fields: dict[str, Any], who: str, how: str) -> None:
    act = act_of(note(alice, **fields))
    assert act.who == who
    assert act.how.startswith(how)
    assert bool(act.advice) is (fields.get("outcome", Outcome.OK) != Outcome.OK)


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("means", list(Means))
@pytest.mark.parametrize("door", ["web", "imap", "pop3", "submission", "lmtp9"])
def test_it_has_words_for_whatever_there_is(
    alice: User, outcome: Outcome, means: Means, door: str
) -> None:
    act = act_of(note(alice, outcome=outcome, means=means, door=door, address="*"))
    assert act.who
    assert act.where == "several networks"
    if outcome != Outcome.OK:
        assert act.advice


def test_nothing_yet(browser: Client) -> None:
    assert "Nothing yet" in page(browser)
    assert "Nobody was turned away" in page(browser, "?show=refused")


def test_the_newest_stands_first_and_older_ones_follow(
    alice: User, browser: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    note(alice, 0, address="192.0.2.0")
    with django_assert_max_num_queries(20) as few:
        page(browser)
    for number in range(1, 70):
        note(alice, number, address=f"192.0.2.{number}")
    with django_assert_max_num_queries(len(few)):
        first = page(browser)
    assert first.index("192.0.2.0<") < first.index("192.0.2.49<")
    assert "192.0.2.50<" not in first
    link = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = page(browser, link)
    assert "192.0.2.49<" not in second
    assert "192.0.2.50<" in second
    assert "192.0.2.69<" in second
    assert 'rel="next"' not in second


def test_it_shows_a_part(alice: User, browser: Client) -> None:
    note(alice, address="192.0.2.1")
    note(alice, address="192.0.2.2", door="imap", client="")
    note(alice, address="192.0.2.3", outcome=Outcome.WRONG)
    shown = {
        only: [n for n in "123" if f"192.0.2.{n}<" in page(browser, f"?show={only}")]
        for only in ("", "refused", "web", "programs", "nonsense")
    }
    assert shown == {
        "": ["1", "2", "3"],
        "refused": ["3"],
        "web": ["1", "3"],
        "programs": ["2"],
        "nonsense": ["1", "2", "3"],
    }


def test_new_places_and_administrators_stand_out(alice: User, browser: Client) -> None:
    note(alice, is_new_place=True)
    note(alice, means=Means.ACTING, via="olga@example.test")
    note(alice, is_new_place=True, outcome=Outcome.WRONG)
    shown = page(browser)
    assert shown.count("New place") == 1
    assert shown.count("act--acting") == 1
    assert "olga@example.test opened your mail" in shown


def test_what_strangers_wrote_is_shown_and_does_nothing(alice: User, browser: Client) -> None:
    note(alice, client=XSS, door="imap")
    note(alice, client=f"{XSS} Firefox/1 Linux")
    note(alice, via=XSS, means=Means.APP_PASSWORD, door="imap")
    shown = page(browser)
    assert XSS not in shown
    assert "&lt;script&gt;" in shown


def test_everybody_sees_their_own(alice: User, eve: User, browser: Client) -> None:
    note(eve, address="198.51.100.99")
    assert "198.51.100.99" not in page(browser)
    assert Client().get("/settings/activity/").status_code == 302


@pytest.mark.parametrize(
    "before", ["x", "_", "2026-01-01_1", "2026-01-01T00:00:00+00:00_" + "9" * 40, "%00", "x" * 5000]
)
def test_no_such_page(browser: Client, before: str) -> None:
    assert browser.get("/settings/activity/", {"before": before}).status_code == 404
