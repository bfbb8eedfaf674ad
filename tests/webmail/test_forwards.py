"""People have their mail sent on: asked for, agreed to by the target, ended, with a copy or not."""

import re
import time

import pytest
from django.test import Client

from apps.audit.models import AuditRecord
from apps.blobs import services as blobs
from apps.directory.models import Forward, User
from apps.mailqueue.models import QueuedMessage

pytestmark = pytest.mark.django_db

PAGE = "/settings/forwarding/"
TARGET = "ann@elsewhere.test"


@pytest.fixture
def browser(reader: Client) -> Client:
    """Alice, who has just shown her password."""
    session = reader.session
    session["proved"] = int(time.time())
    session.save()
    return reader


def post(browser: Client, **fields: str) -> tuple[int, str]:
    answer = browser.post(PAGE, fields, secure=True)
    return answer.status_code, answer.content.decode()


def read(browser: Client) -> str:
    return str(browser.get(PAGE, secure=True).content.decode())


def agree(browser: Client) -> None:
    """What the target does with the letter."""
    text = blobs.read(QueuedMessage.objects.latest("pk").blob_id).decode()
    found = re.search(r"/forward/([\w.=\r\n-]+?)/\s", text.replace("=\r\n", ""))
    assert found
    answer = Client().post(f"/forward/{found[1]}/", {"answer": "yes"}, secure=True)
    assert answer.status_code == 200


def mode(user: User) -> str:
    user.refresh_from_db()
    return user.forwarding


def test_it_asks_for_the_password_first(reader: Client) -> None:
    answer = reader.get(PAGE, secure=True)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/confirm/")

    assert reader.post(PAGE, {"do": "ask", "address": TARGET}, secure=True).status_code == 302
    assert not Forward.objects.exists()


def test_the_target_agrees_then_mail_is_sent_on_until_it_is_ended(
    browser: Client, alice: User
) -> None:
    assert "Your mail stays here" in read(browser)

    assert post(browser, do="ask", address=TARGET, keeps_copy="on")[0] == 302
    page = read(browser)
    assert TARGET in page
    assert "Waits for an answer" in page
    assert mode(alice) == ""

    agree(browser)
    assert mode(alice) == "copy"
    page = read(browser)
    assert "Active" in page
    assert "is not kept here" not in page

    assert post(browser, do="copy")[0] == 302
    assert mode(alice) == "away"
    assert "is not kept here" in read(browser)
    assert post(browser, do="copy", keeps_copy="on")[0] == 302
    assert mode(alice) == "copy"

    assert post(browser, do="remove", address=TARGET)[0] == 302
    assert mode(alice) == ""
    assert "Your mail stays here" in read(browser)
    assert set(AuditRecord.objects.values_list("action", flat=True)) >= {
        *("forward.ask", "forward.agree", "forward.copy", "forward.remove"),
    }


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "alice@example.test",
        "alice+tag@example.test",
        "a@[192.0.2.1]",
        "a@elsewhere.test\r\nBcc: victim@example.test",
        "a@elsewhere.test, b@elsewhere.test",
        "nobody@example.test",
        "x" * 500 + "@elsewhere.test",
    ],
)
def test_what_cannot_be_is_said_beside_the_field(
    browser: Client, alice: User, address: str
) -> None:
    status, page = post(browser, do="ask", address=address)

    assert status == 422
    assert 'id="target-help" role="alert"' in page
    assert not Forward.objects.exists()
    assert not QueuedMessage.objects.exists()


def test_nobody_is_asked_twice_a_day(browser: Client, alice: User) -> None:
    post(browser, do="ask", address=TARGET)
    status, page = post(browser, do="ask", address=TARGET.upper())

    assert status == 422
    assert "less than a day ago" in page
    assert QueuedMessage.objects.count() == 1


def test_those_of_others_are_out_of_reach(browser: Client, alice: User, bob: User) -> None:
    Forward.objects.create(user=bob, address=TARGET, digest=b"x" * 32)

    assert TARGET not in read(browser)
    assert post(browser, do="remove", address=TARGET)[0] == 422
    assert post(browser, do="copy")[0] == 422
    assert Forward.objects.get().keeps_copy
