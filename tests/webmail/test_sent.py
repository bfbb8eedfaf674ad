"""What became of sent mail, on the page of the copy in Sent: the sender's, in words, escaped."""

from uuid import UUID

import pytest
from django.test import Client

from apps.directory.models import User
from apps.mailstore.models import Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services.append import Appending, append
from apps.mailstore.services.prepare import prepare
from apps.runtime.ulid import new_ulid
from apps.trace import services as trace
from apps.trace.services import Event, SentMessage
from apps.webmail import sent
from tests.support.mail import RAW

pytestmark = pytest.mark.django_db

DELIVERED = {
    "to": "bob@example.org",
    "host": "mx.example.org",
    "tls": "TLSv1.3 X",
    "reply": "250 ok",
}
FAILED = {"to": "carol@example.org", "host": "mx.example.org", "status": "5.1.1", "reply": "<b>no"}


def sent_by(user: User, *to: str) -> UUID:
    """A message with the Message-ID of RAW that a user sent; its trace."""
    found = new_ulid()
    first = {"to": list(to), "queue_id": "x", "from": user.address}
    trace.record([Event(found, "submission.received", first)])
    trace.remember([SentMessage(found, user.pk, "<q3@outside.invalid>", "", 1)])
    return found


def page(user: User, client: Client, use: str = "sent") -> str:
    """The page of a copy of RAW in a mailbox of the user."""
    mailbox = Mailbox.objects.get(user=user, special_use=use)
    message = prepare(RAW, trace_id=new_ulid())
    append(
        mailbox_id=mailbox.pk,
        user_id=user.pk,
        messages=[Appending(message, 1_795_000_000)],
        origin=Origin("imap", user.pk),
    )
    client.force_login(user)
    return client.get(f"/mail/{use}/1/").content.decode()


def test_it_tells_what_became_of_each_recipient(alice: User, client: Client) -> None:
    found = sent_by(alice, "bob@example.org", "carol@example.org")
    trace.record(
        [Event(found, "outbound.delivered", DELIVERED), Event(found, "outbound.failed", FAILED)]
    )
    shown = page(alice, client)
    assert "Delivered to 1 of 2 recipients." in shown
    assert "Accepted by mx.example.org over TLSv1.3." in shown
    assert "Not delivered. There is no mailbox of this name there." in shown
    assert "&lt;b&gt;no" in shown
    assert "<b>no" not in shown


def test_it_says_it_in_one_line_for_one_recipient(alice: User, client: Client) -> None:
    trace.record([Event(sent_by(alice, "bob@example.org"), "outbound.delivered", DELIVERED)])
    assert "bob@example.org: Accepted by mx.example.org over TLSv1.3." in page(alice, client)


def test_it_shows_nothing_for_mail_of_others(alice: User, bob: User, client: Client) -> None:
    sent_by(bob, "alice@example.test")
    assert "What became of this message" not in page(alice, client, "inbox")


def test_it_shows_the_worst_of_many(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent, "SHOWN", 2)
    found = sent_by(alice, "x@a.invalid", "y@a.invalid", "bob@example.org", "carol@example.org")
    trace.record(
        [Event(found, "outbound.delivered", DELIVERED), Event(found, "outbound.failed", FAILED)]
    )
    shown = sent.sent(alice.pk, RAW)
    assert shown is not None
    assert [line.word for line in shown.lines] == ["Failed", "Waiting"]
    assert (shown.word, shown.more) == ("Failed", 2)
