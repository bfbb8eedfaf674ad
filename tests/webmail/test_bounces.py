"""Reports: in words on their own page, with a link to the message that they are about, and on that
message what is known."""

import pytest
from django.test import Client

from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailstore.models import Mailbox
from apps.trace import services as trace
from apps.trace.services import Event
from apps.webmail.bounces import report
from tests.support.cost import cost
from tests.support.mail import RAW, drain, local, submission
from tests.webmail.test_sent import DELIVERED, sent_by
from tests.webmail.test_thread import keep, pane

pytestmark = pytest.mark.django_db

REPORT = (
    b"From: MAILER-DAEMON@mx.outside.invalid\r\nTo: alice@example.test\r\nSubject: Undelivered\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;"
    b' boundary="B"'
    b"\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
    b"--B\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; mx.outside.invalid\r\n"
    b"\r\nFinal-Recipient: rfc822; bob@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    b"Diagnostic-Code: smtp; 550 5.1.1 <b>no such user\r\n\r\n"
    b"--B\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <q3@outside.invalid>\r\n--B--\r\n"
)


def arrive(user: User, raw: bytes) -> None:
    accept([submission(local(user), raw, sender="")])
    drain()


def test_it_says_what_happened_and_leads_to_the_message(alice: User, client: Client) -> None:
    client.force_login(alice)
    keep(alice, "sent", RAW)
    arrive(alice, REPORT)
    page = pane(client.get("/mail/inbox/1/"))
    assert "Your message was not delivered" in page
    assert "There is no mailbox of this name there." in page
    assert "&lt;b&gt;no such user" in page
    assert 'href="/mail/sent/1/"' in page
    ref = f"{Mailbox.objects.get(user=alice, special_use='sent').pk}.1"
    assert f'href="/mail/compose/?kind=again&amp;source={ref}"' in page
    assert client.get(f"/mail/compose/?kind=again&source={ref}").status_code == 200


def test_it_is_told_on_the_message_that_it_is_about(alice: User, client: Client) -> None:
    client.force_login(alice)
    found = sent_by(alice, "bob@example.org")
    trace.record([Event(found, "outbound.delivered", DELIVERED)])
    keep(alice, "sent", RAW)
    arrive(alice, REPORT)
    page = pane(client.get("/mail/sent/1/"))
    assert "Returned" in page
    assert "There is no mailbox of this name there." in page
    assert "no such user" in page


def test_another_users_message_is_not_told(alice: User, bob: User, client: Client) -> None:
    client.force_login(alice)
    keep(bob, "sent", RAW)
    arrive(alice, REPORT)
    page = pane(client.get("/mail/inbox/1/"))
    assert "Your message was not delivered" in page
    assert "To the message that it is about" not in page
    assert "kind=again" not in page


def test_ordinary_mail_is_no_report() -> None:
    assert report(RAW) is None
    assert report(RAW + b"\r\n> Message-ID: <q3@outside.invalid>\r\n") is None


@pytest.mark.parametrize(
    "tail",
    [
        b"",
        b"--B\r\n" * 20_000,
        b"--B\r\nContent-Type: message/delivery-status\r\n\r\n" + b"\r\n" * 200_000,
    ],
)
def test_no_report_is_a_bomb(tail: bytes) -> None:
    raw = REPORT.partition(b"--B")[0] + tail
    bare = b"Return-Path: <>\r\n\r\n" + tail
    assert cost(lambda: (report(raw), report(bare)), enough=2) < 2
