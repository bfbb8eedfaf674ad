"""Reports on their whole way: from the door through the queue to the sender's mailbox, and back."""

import email
import email.policy
from email.message import EmailMessage

import pytest

from apps.delivery import process, states
from apps.delivery.accept import accept
from apps.delivery.states import State
from apps.directory.models import User
from apps.mailqueue.models import MessageState, QueuedMessage
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.mailstore import queries as mailstore
from apps.mailstore.models import Entry, Mailbox
from apps.mime import dsn
from apps.trace import queries as traces
from apps.trace import services as trace
from apps.trace.services import Event
from tests.mime.test_dsn_reading import POSTFIX
from tests.support.mail import RAW, local, submission

pytestmark = pytest.mark.django_db


def inbox(user: User) -> list[EmailMessage]:
    mailbox = Mailbox.objects.get(user=user, special_use="inbox")
    found = []
    for entry in Entry.objects.filter(mailbox=mailbox).order_by("uid"):
        raw = mailstore.shown_bytes(entry.message_id, entry.head_id)
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    return found


def drain() -> None:
    while process.run_once():
        pass


def sent(user: User, *recipients: EnvelopeRecipient) -> Submission:
    """A message that a user submitted, as its door hands it over."""
    item = submission(recipients, sender=user.address, door="submission")
    fields = {name: getattr(item, name) for name in Submission.__dataclass_fields__}
    return Submission(**{**fields, "user_id": user.pk, "message_id": "<q3@outside.invalid>"})


def to(user: User, notify: str, original: str = "") -> EnvelopeRecipient:
    return EnvelopeRecipient(user.address, original or user.address, user.pk, "", notify)


def test_it_reports_success_to_who_asks_for_it(alice: User, bob: User) -> None:
    item = sent(alice, to(bob, "SUCCESS"))
    accept([item])
    drain()
    (report,) = inbox(alice)
    assert report["subject"] == "Delivered: Quarterly figures"
    assert report["return-path"] == "<>"
    assert "was put into the mailbox of bob@example.test" in report.as_string().replace("\n", " ")
    kinds = [event.kind for event in traces.events_of(item.trace_id)]
    assert kinds[-2:] == ["local.delivered", "bounce.sent"]


@pytest.mark.parametrize("notify", ["", "NEVER", "FAILURE,DELAY"])
def test_it_says_nothing_of_success_to_others(alice: User, bob: User, notify: str) -> None:
    accept([sent(alice, to(bob, notify))])
    drain()
    assert inbox(alice) == []
    assert len(inbox(bob)) == 1


def test_it_reports_once_that_an_alias_was_expanded(alice: User, bob: User, eve: User) -> None:
    notify = dsn.for_members("SUCCESS")
    members = [to(user, notify, "team@example.test") for user in (bob, eve)]
    accept([sent(alice, *members)])
    drain()
    (report,) = inbox(alice)
    assert report["subject"] == "Passed on: Quarterly figures"
    assert "Final-Recipient: rfc822; team@example.test" in report.as_string()
    assert "bob@" not in report.as_string()


def test_it_makes_no_report_of_a_report(alice: User) -> None:
    """A report to a mailbox that fails in whatever way stays the last word."""
    accept([submission([to(alice, "SUCCESS,FAILURE")], sender="")])
    drain()
    assert QueuedMessage.objects.count() == 1
    assert QueuedMessage.objects.get().state == MessageState.DONE


def test_it_ties_a_report_that_arrives_to_the_copy_in_sent(alice: User) -> None:
    bob = "bob@example.org"
    item = sent(alice, EnvelopeRecipient(bob, bob, None))
    accept([item])
    told = {"to": bob, "host": "mx.example.org", "reply": "250 ok", "tls": "TLSv1.3 X"}
    trace.record([Event(item.trace_id, "outbound.delivered", told)])
    report = POSTFIX.replace(b"<lunch@example.test>", b"<q3@outside.invalid>")
    accept([submission(local(alice), report, sender="")])
    drain()
    assert len(inbox(alice)) == 1  # Its reader gets it like any mail.
    (state,) = states.of_message(alice.pk, "<q3@outside.invalid>")
    assert (state.state, state.host, state.status) == (State.RETURNED, "imap.example.org", "5.1.1")


def test_it_gives_every_mailbox_its_mail_whatever_stands_in_it(alice: User) -> None:
    """A thing that looks like a report and is none must not stop the mail behind it."""
    odd = b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/"
    shapes = [
        odd + tail for tail in (b"", b"delivery-status\r\n\r\n\xff\0"[:-1], b"global\r\n\r\n")
    ]
    accept([submission(local(alice), raw, sender="") for raw in (*shapes, RAW)])
    drain()
    assert len(inbox(alice)) == len(shapes) + 1
