"""What became of sent mail, on the page of the copy in Sent: the sender's, in words, escaped."""

from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.delivery import states
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mailqueue.services import EnvelopeRecipient
from apps.mailstore.models import Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services.append import Appending, append
from apps.mailstore.services.prepare import prepare
from apps.runtime.ulid import new_ulid
from apps.trace import services as trace
from apps.trace.services import Event, SentMessage
from apps.webmail import sent
from tests.support.mail import RAW, drain, submission

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


def in_sent(user: User, key: str, subject: str) -> None:
    """A copy in Sent of a message with this Message-ID."""
    raw = RAW.replace(b"<q3@outside.invalid>", key.encode())
    raw = raw.replace(b"Quarterly figures", subject.encode())
    append(
        mailbox_id=Mailbox.objects.get(user=user, special_use="sent").pk,
        user_id=user.pk,
        messages=[Appending(prepare(raw, trace_id=new_ulid()), 1_795_000_000)],
        origin=Origin("imap", user.pk),
    )


def many(user: User, count: int) -> None:
    """Messages in Sent, the first of which was returned by one of two."""
    for number in range(count):
        key = f"<{number}@example.test>"
        in_sent(user, key, f"Letter {number}")
        found = new_ulid()
        to = ["bob@example.org", "carol@example.org"]
        trace.record([Event(found, "webmail.received", {"to": to, "queue_id": "x", "from": "a"})])
        trace.remember([SentMessage(found, user.pk, key, "", 1)])
        trace.record([Event(found, "outbound.delivered", DELIVERED)])
        kind, data = ("failed", FAILED) if not number else ("delivered", DELIVERED)
        trace.record([Event(found, f"outbound.{kind}", {**data, "to": "carol@example.org"})])


def test_rows_of_sent_say_it_too_in_as_many_statements_for_many(
    alice: User, client: Client
) -> None:
    client.force_login(alice)

    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get("/mail/sent/")
        return len(asked)

    many(alice, 1)
    cost()
    one = cost()
    many(alice, 5)
    assert cost() == one
    page = client.get("/mail/sent/").content.decode()
    assert "Failed: 1 of 2" in page
    assert "Delivered: 2 of 2" in page


def test_a_row_says_nothing_of_what_has_too_much_to_tell(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(alice, 2)
    keys = ["<0@example.test>", "<1@example.test>", "", "\0", "<none@example.test>"]
    assert set(sent.marks(alice.pk, keys)) == {"<0@example.test>", "<1@example.test>"}
    monkeypatch.setattr(states, "EVENTS_LISTED", 2)
    assert sent.marks(alice.pk, keys) == {}


def test_nobody_is_told_of_what_others_sent(alice: User, bob: User) -> None:
    many(bob, 1)
    assert sent.marks(alice.pk, ["<0@example.test>"]) == {}


def test_it_offers_to_write_again_to_who_did_not_get_it(alice: User, client: Client) -> None:
    found = sent_by(alice, "bob@example.org", "carol@example.org")
    trace.record(
        [Event(found, "outbound.delivered", DELIVERED), Event(found, "outbound.failed", FAILED)]
    )
    assert sent.failed(alice.pk, RAW) == ("carol@example.org",)
    shown = page(alice, client)
    mailbox = Mailbox.objects.get(user=alice, special_use="sent")
    assert f'href="/mail/compose/?kind=again&amp;source={mailbox.pk}.1"' in shown
    assert "/hasten/" not in shown


def test_what_is_delayed_can_be_tried_again_now(alice: User, client: Client) -> None:
    item = submission([EnvelopeRecipient("bob@away.invalid", "bob@away.invalid", None)])
    accept([item])
    QueuedMessage.objects.update(user=alice)
    drain()
    QueuedRecipient.objects.update(next_attempt_at=2**60, attempts=1)
    trace.remember([SentMessage(item.trace_id, alice.pk, "<q3@outside.invalid>", "", 1)])
    late = {"to": "bob@away.invalid", "reply": "450 4.2.0 Later", "status": "4.2.0"}
    trace.record([Event(item.trace_id, "outbound.deferred", late)])
    assert 'action="/mail/sent/1/hasten/"' in page(alice, client)
    answer = client.post("/mail/sent/1/hasten/", headers={"accept": "application/json"})
    assert answer.json() == {"text": "It is tried again now.", "count": 1}
    assert QueuedRecipient.objects.get().next_attempt_at == 1
    again = client.post("/mail/sent/1/hasten/", follow=True)
    assert "There is nothing that waits any more." in again.content.decode()


def test_nobody_has_mail_of_others_tried_again(alice: User, bob: User, client: Client) -> None:
    page(alice, client)
    client.force_login(bob)
    assert client.post("/mail/sent/1/hasten/").status_code == 404
