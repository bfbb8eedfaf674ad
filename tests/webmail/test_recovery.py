"""Forgotten passwords on the web: what the pages say, to whom, and what stands in no log."""

import logging
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.blobs import services as blobs
from apps.directory.models import OneTimeLink, User
from apps.directory.services import users
from apps.mailqueue.models import QueuedMessage
from apps.provisioning import recovery, recoveryaddresses
from apps.provisioning import services as provisioning
from mailhost.env import Endpoint
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

OUT = "alice@elsewhere.test"
NEW = "a quite new sentence"


@pytest.fixture(autouse=True)
def _web(settings: Settings) -> None:
    settings.WEB_LISTEN = Endpoint("0.0.0.0", 443)
    settings.WEB_TLS = True
    settings.TRUSTED_PROXIES = ()


@pytest.fixture
def browser() -> Client:
    """A browser on HTTPS that must bring CSRF tokens as real ones do."""
    return Client(
        enforce_csrf_checks=True, headers={"host": "localhost"}, SERVER_PORT="443", HTTPS="on"
    )


@pytest.fixture
def alice_recovers(alice: User) -> User:
    User.objects.filter(pk=alice.pk).update(
        recovery_address=OUT, recovery_confirmed_at=timezone.now()
    )
    alice.refresh_from_db()
    return alice


def get(browser: Client, address: str) -> Any:
    return browser.get(address, secure=True)


def post(browser: Client, address: str, data: dict[str, str]) -> Any:
    form = get(browser, address).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    fields = {**data, "csrfmiddlewaretoken": token[1] if token else ""}
    return browser.post(address, fields, secure=True, headers={"origin": "https://localhost"})


def sign_in(browser: Client, user: User, password: str = PASSWORD) -> Any:
    return post(browser, "/login/", {"address": user.address, "password": password})


def path(link: str) -> str:
    """The part of a link behind the host."""
    return "/" + link.split("/", 3)[3]


def link_in_letter() -> str:
    row = QueuedMessage.objects.filter(door="report").order_by("-id").first()
    assert row is not None
    text = blobs.read(row.blob_id).decode().replace("=\r\n", "").replace("=3D", "=")
    found = re.search(r"https://\S+/(?:reset|recovery)/\S+/", text)
    assert found is not None
    return path(found[0])


def test_it_says_the_same_to_everybody(alice_recovers: User, bob: User, browser: Client) -> None:
    answers = [
        post(browser, "/login/forgot/", {"address": typed})
        for typed in (
            alice_recovers.address,
            bob.address,
            "nobody@example.test",
            "<script>alert(1)</script>",
            "a@b.test\r\nBcc: c@d.test",
        )
    ]
    assert {one.status_code for one in answers} == {200}
    assert len({one.content for one in answers}) == 1
    assert OUT.encode() not in answers[0].content
    assert {one.headers.get("Location") for one in answers} == {None}


def test_it_asks_for_something(browser: Client) -> None:
    for typed in ("", " ", "x" * 10_000):
        response = post(browser, "/login/forgot/", {"address": typed})
        assert response.status_code == 422
    assert not OneTimeLink.objects.exists()


def test_a_network_asks_a_number_of_times(alice: User, browser: Client) -> None:
    answers = [post(browser, "/login/forgot/", {"address": f"{n}@example.test"}) for n in range(12)]
    assert [one.status_code for one in answers] == [200] * 10 + [422] * 2
    assert b"Too many attempts" in answers[-1].content
    # Whoever is asked for: the answer does not depend on it.
    again = post(browser, "/login/forgot/", {"address": alice.address})
    assert again.status_code == 422
    browser.defaults["REMOTE_ADDR"] = "203.0.113.9"
    assert post(browser, "/login/forgot/", {"address": alice.address}).status_code == 200


def test_the_whole_way(alice_recovers: User, browser: Client) -> None:
    post(browser, "/login/forgot/", {"address": alice_recovers.address})
    recovery.answer_wishes()
    link = link_in_letter()
    shown = get(browser, link)
    assert shown.status_code == 200
    assert "alice@example.test" in shown.content.decode()
    # The link is as good as a password: it must not leave in a Referer, nor stay in a cache.
    assert shown.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert "no-store" in shown.headers["Cache-Control"]
    response = post(browser, link, {"new": NEW, "again": NEW})
    assert (response.status_code, response.headers["Location"]) == (302, "/login/")
    # Nobody is signed in by it.
    assert get(browser, "/mail/inbox/").status_code == 302
    assert sign_in(browser, alice_recovers).status_code == 422
    assert sign_in(browser, alice_recovers, NEW).status_code == 302
    assert get(browser, link).status_code == 410


def test_it_leads_round_no_second_step(alice: User, browser: Client) -> None:
    users.set_has_factor(user_id=alice.pk, value=True)
    link = path(recovery.make_reset_link(User.objects.get(pk=alice.pk)))
    assert post(browser, link, {"new": NEW, "again": NEW}).status_code == 302
    response = sign_in(browser, alice, NEW)
    assert response.headers["Location"].startswith("/login/verify/")
    assert get(browser, "/mail/inbox/").status_code == 302


@pytest.mark.parametrize(
    ("new", "again", "words"),
    [
        (NEW, "another one here", "differ"),
        ("short", "short", "short"),
        ("password123", "password123", "common"),
        ("x" * 10_000, "x" * 10_000, "at most"),
        ("", "", "required"),
    ],
)
def test_it_takes_no_bad_password_and_keeps_the_link(
    alice: User, browser: Client, new: str, again: str, words: str
) -> None:
    link = path(recovery.make_reset_link(alice))
    response = post(browser, link, {"new": new, "again": again})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert get(browser, link).status_code == 200
    assert post(browser, link, {"new": NEW, "again": NEW}).status_code == 302


def test_no_log_has_a_link(alice: User, browser: Client, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("django.request", "django.security.csrf"):
        caplog.set_level(logging.WARNING, name)
    link = path(recovery.make_reset_link(alice))
    browser.post(link, {"new": NEW}, secure=True)  # without a CSRF token
    assert post(browser, link, {"new": NEW, "again": "x"}).status_code == 422
    provisioning.suspend_user(alice.address)
    assert get(browser, link).status_code == 410
    assert "/login/reset/" in caplog.text
    assert link.split("/")[3] not in caplog.text


@pytest.mark.parametrize("wrong", ["x", "1.x", "0.", "1." + "y" * 43, "9" * 300, "%00", "..%2f.."])
def test_it_knows_no_other_links(alice: User, browser: Client, wrong: str) -> None:
    pages = [get(browser, f"/{where}/{wrong}/") for where in ("login/reset", "recovery")]
    assert {one.status_code for one in pages} <= {404, 410}
    assert b"alice" not in b"".join(one.content for one in pages)


def test_all_that_does_not_work_looks_the_same(alice: User, browser: Client) -> None:
    used = path(recovery.make_reset_link(alice))
    post(browser, used, {"new": NEW, "again": NEW})
    old = path(recovery.make_reset_link(User.objects.get(pk=alice.pk)))
    OneTimeLink.objects.update(expires_at=timezone.now())
    bodies = {
        get(browser, one).content for one in (used, old, f"/login/reset/{alice.pk}.{'z' * 43}/")
    }
    bodies = {re.sub(rb'(?s)<div class="toasts".*?</div></div>', b"", one) for one in bodies}
    assert len(bodies) == 1


# --- the recovery address


def test_an_address_is_set_by_its_letter(alice: User, browser: Client) -> None:
    sign_in(browser, alice)
    assert "You have no recovery address" in get(browser, "/settings/recovery/").content.decode()
    response = post(browser, "/settings/recovery/", {"do": "ask", "address": OUT})
    assert response.status_code == 302
    shown = get(browser, "/settings/recovery/").content.decode()
    assert "A letter went to" in shown
    link = link_in_letter()
    other = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    for _ in range(2):  # a mail scanner looks, and nothing happens
        assert "shall a link" in get(other, link).content.decode()
    assert get(other, f"{link}?answer=yes").status_code == 200
    assert User.objects.get(pk=alice.pk).recovery_address == ""
    assert "is the recovery address now" in post(other, link, {"answer": "yes"}).content.decode()
    assert OUT in get(browser, "/settings/recovery/").content.decode()
    assert get(other, link).status_code == 410
    assert post(browser, "/settings/recovery/", {"do": "remove"}).status_code == 302
    assert User.objects.get(pk=alice.pk).recovery_address == ""


def test_a_question_is_taken_back(alice: User, browser: Client) -> None:
    sign_in(browser, alice)
    post(browser, "/settings/recovery/", {"do": "ask", "address": OUT})
    link = link_in_letter()
    assert post(browser, "/settings/recovery/", {"do": "withdraw"}).status_code == 302
    assert get(browser, link).status_code == 410
    assert "A letter went to" not in get(browser, "/settings/recovery/").content.decode()


def test_no_is_an_answer(alice: User, browser: Client) -> None:
    recoveryaddresses.ask(alice, OUT)
    link = link_in_letter()
    assert "Nothing was changed" in post(browser, link, {"answer": "no"}).content.decode()
    assert get(browser, link).status_code == 410
    assert User.objects.get(pk=alice.pk).recovery_address == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"do": "ask", "address": ""}, "required"),
        ({"do": "ask", "address": "nonsense"}, "Not a usable address"),
        ({"do": "ask", "address": "alice+x@example.test"}, "your own mailbox"),
        ({"do": "ask", "address": "x" * 10_000}, "at most"),
        ({"do": "ask", "address": "<script>alert(1)</script>"}, "Not a usable address"),
        ({"do": "remove"}, "no recovery address"),
    ],
)
def test_it_says_what_cannot_be(
    alice: User, browser: Client, data: dict[str, str], words: str
) -> None:
    sign_in(browser, alice)
    response = post(browser, "/settings/recovery/", data)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert "<script>alert" not in response.content.decode()
    assert not QueuedMessage.objects.exists()


def test_an_open_browser_alone_changes_nothing(alice_recovers: User) -> None:
    browser = Client()
    browser.force_login(alice_recovers)
    for data in ({"do": "remove"}, {"do": "ask", "address": "evil@elsewhere.test"}):
        response = browser.post("/settings/recovery/", data)
        assert response.headers["Location"].startswith("/login/confirm/")
    assert User.objects.get(pk=alice_recovers.pk).recovery_address == OUT
    assert Client().get("/settings/recovery/").status_code == 302
