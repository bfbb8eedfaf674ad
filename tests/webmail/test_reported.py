"""Reports on mail that our trace does not know, on the copy in Sent: what they say of those whom it
was written to, and nothing of anybody else."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore.models import Entry
from tests.support.mail import RAW
from tests.webmail.test_bounces import REPORT, arrive
from tests.webmail.test_sent import sent_by
from tests.webmail.test_thread import keep, pane

pytestmark = pytest.mark.django_db

SENT = RAW.replace(
    b"From: Carol <carol@outside.invalid>\r\nTo: alice@example.test",
    b"From: alice@example.test\r\nTo: Bob <Bob@example.org>, dora@example.org",
)
SAYS = "There is no mailbox of this name there."


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    client.force_login(alice)
    keep(alice, "sent", SENT)
    return client


def shown(reader: Client) -> str:
    return pane(reader.get("/mail/sent/1/"))


def test_it_is_shown_in_words_on_the_message(alice: User, reader: Client) -> None:
    assert SAYS not in shown(reader)
    arrive(alice, REPORT)
    page = shown(reader)
    assert "A report came back on Bob@example.org." in page
    assert "Not delivered." in page
    assert SAYS in page
    assert "&lt;b&gt;no such user" in page
    assert "dora@example.org" not in page.partition("What became of this message")[2]


def test_a_delay_and_words_without_fields_are_understood(alice: User, reader: Client) -> None:
    arrive(
        alice,
        REPORT.replace(b"Action: failed\r\nStatus: 5.1.1", b"Action: delayed\r\nStatus: 4.4.1"),
    )
    assert "Delayed" in shown(reader)
    arrive(
        alice,
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@old.invalid\r\nSubject: failure notice\r\n\r\n"
        b"Hi. This is qmail.\r\n\r\n<dora@example.org>:\r\n550 5.1.1 no such user\r\n\r\n"
        b"--- Below\r\n\r\nMessage-ID: <q3@outside.invalid>\r\nTo: erin@example.org\r\n",
    )
    assert "Reports came back on 2 recipients." in shown(reader)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"rfc822; bob@example.org", b"rfc822; erin@example.org"),  # it never went to Erin
        (b"Message-ID: <q3@outside.invalid>", b"Message-ID: <q4@outside.invalid>"),
        (b"Action: failed", b"Action: delivered"),
        (b"multipart/report", b"multipart/mixed"),
        (b"MAILER-DAEMON@", b"somebody@"),
    ],
)
def test_what_is_no_report_on_it_says_nothing(
    alice: User, reader: Client, before: bytes, after: bytes
) -> None:
    assert before in REPORT
    raw = REPORT.replace(before, after)
    if after == b"multipart/mixed":
        keep(alice, "inbox", raw)  # without the null path, which only our doors write
    else:
        arrive(alice, raw)
    assert SAYS not in shown(reader)
    assert "came back" not in shown(reader)


def test_a_message_that_somebody_else_wrote_is_not_marked(alice: User, client: Client) -> None:
    client.force_login(alice)
    keep(alice, "sent", SENT.replace(b"From: alice@example.test", b"From: bob@example.test"))
    arrive(alice, REPORT)
    assert "came back" not in shown(client)


def test_a_report_to_one_says_nothing_to_another(alice: User, bob: User, reader: Client) -> None:
    arrive(bob, REPORT)
    assert "came back" not in shown(reader)


def test_a_report_from_before_the_message_counts_for_nothing(alice: User, reader: Client) -> None:
    arrive(alice, REPORT)
    report = Entry.objects.get(mailbox__user=alice, mailbox__special_use="inbox")
    assert "came back" in shown(reader)
    Entry.objects.filter(mailbox=report.mailbox, uid=report.uid).update(
        internaldate=report.internaldate - 3_600
    )
    assert "came back" not in shown(reader)


def test_what_the_trace_knows_is_not_overruled(alice: User, reader: Client) -> None:
    sent_by(alice, "bob@example.org")
    arrive(alice, REPORT)
    assert "came back" not in shown(reader)
    assert "Waits to be sent." in shown(reader)


def test_it_costs_as_much_in_a_full_inbox_and_reads_few(alice: User, reader: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            reader.get("/mail/sent/1/")
        return len(captured)

    for _ in range(6):
        arrive(alice, REPORT)
    few = asked()
    for _ in range(6):
        arrive(alice, REPORT)
    assert asked() == few
