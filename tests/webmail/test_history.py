"""What happened to a message, for the one whose it is."""

import html

import pytest
from django.test import Client
from django.utils import translation

from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailstore.models import FLAG_SEEN, Entry
from apps.mailstore.origin import Origin
from apps.mailstore.services import copy, flags
from apps.mailstore.services.append import Appending
from apps.mailstore.services.flags import FlagChange
from apps.runtime.ulid import new_ulid
from apps.trace import services as trace
from apps.trace.services import Event, SentMessage
from apps.webmail.history import history
from tests.console.hostile import WILD
from tests.mailstore.making import appended, box, prepared
from tests.support.mail import RAW, drain, local, submission

pytestmark = pytest.mark.django_db


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return html.unescape(answer.content.decode())


def phone(user: User) -> Origin:
    return Origin("imap", user.pk, "K-9 Mail", "192.0.2.9")


def received(*users: User) -> int:
    mail = submission(local(*users))
    accept([mail])
    drain()
    return Entry.objects.get(mailbox=box(users[0]), message__trace_id=mail.trace_id).uid


def test_it_tells_how_a_message_came_and_what_was_done_with_it(reader: Client, alice: User) -> None:
    uid = received(alice)
    flags.store(
        mailbox_id=box(alice).pk,
        uids=[uid],
        change=FlagChange("add", FLAG_SEEN),
        origin=phone(alice),
    )
    page = text(reader, f"/mail/inbox/{uid}/history/")
    assert "Received from outside.invalid" in page
    assert "Filed in Inbox" in page
    assert "Marked as read" in page
    assert "A phone's mail app (K-9 Mail) · 192.0.2.9" in page


def test_it_stands_in_the_menu_of_the_message(reader: Client, alice: User) -> None:
    uid = received(alice)
    assert f"/mail/inbox/{uid}/history/" in text(reader, f"/mail/inbox/{uid}/")


def test_of_other_recipients_nothing_is_told(reader: Client, alice: User, bob: User) -> None:
    uid = received(alice, bob)
    flags.store(
        mailbox_id=box(bob).pk,
        uids=[1],
        change=FlagChange("add", FLAG_SEEN),
        origin=phone(bob),
    )
    page = text(reader, f"/mail/inbox/{uid}/history/")
    assert "bob@" not in page
    assert "Marked as read" not in page


def test_a_message_that_was_moved_is_followed(reader: Client, alice: User) -> None:
    uid = received(alice)
    moved = copy.move(
        mailbox_id=box(alice).pk,
        uids=[uid],
        target_id=box(alice, "Archive").pk,
        origin=phone(alice),
    )
    page = text(reader, f"/mail/archive/{moved.uids[0][1]}/history/")
    assert "Moved to Archive" in page


def test_of_mail_that_a_program_put_here_the_way_is_not_known(reader: Client, alice: User) -> None:
    appended_ = appended(box(alice), [_appending()])
    page = text(reader, f"/mail/inbox/{appended_[0].uid}/history/")
    assert "It is not known how this message came here" in page


def _appending() -> Appending:
    return Appending(prepared(), 1_795_600_000)


def test_of_a_sent_message_each_recipient_is_told(reader: Client, alice: User) -> None:
    trace_id = new_ulid()
    (kept,) = appended(box(alice, "Sent"), [_appending()])
    trace.remember([SentMessage(trace_id, alice.pk, "<1@example.test>", "", 1)])
    trace.record(
        [
            Event(
                trace_id,
                "webmail.received",
                {"from": alice.address, "to": ["dave@else.test"], "queue_id": "Q"},
            ),
            Event(
                trace_id,
                "outbound.deferred",
                {"to": "dave@else.test", "host": "mx.else.test", "reply": "451 later"},
            ),
            Event(
                trace_id,
                "outbound.delivered",
                {"to": "dave@else.test", "host": "mx.else.test", "reply": "250 ok"},
            ),
        ]
    )
    page = text(reader, f"/mail/sent/{kept.uid}/history/")
    assert "To dave@else.test" in page
    assert "Not taken yet by mx.else.test: it is tried again" in page
    assert "Accepted by mx.else.test" in page


def test_a_message_of_somebody_else_is_not_there(reader: Client, bob: User) -> None:
    received(bob)
    assert reader.get("/mail/inbox/77/history/").status_code == 404


def test_what_strangers_wrote_comes_out_as_text(reader: Client, alice: User) -> None:
    mail = submission(local(alice))
    accept([mail])
    drain()
    trace.record(
        [
            Event(
                mail.trace_id,
                "outbound.failed",
                {"to": alice.address, "host": WILD, "reply": f"<b>{WILD}{'x' * 100_000}"},
            )
        ]
    )
    answer = reader.get("/mail/inbox/1/history/").content.decode()
    assert "<script>wild" not in answer
    assert "\x1b" not in answer
    assert "\u202e" not in answer
    assert len(answer) < 300_000


@pytest.mark.parametrize(
    ("language", "words"), [("de", "Abgelegt in Posteingang"), ("uk", "Покладено в Вхідні")]
)
def test_it_speaks_the_readers_language(alice: User, language: str, words: str) -> None:
    mail = submission(local(alice))
    accept([mail])
    drain()
    with translation.override(language):
        told = history(alice.pk, mail.trace_id)
    assert words in [one.title for one in told.lines]


def test_bodies_are_nowhere(reader: Client, alice: User) -> None:
    raw = RAW.replace(b"The figures are attached.", b"The secret is hunter2-hunter2.")
    accept([submission(local(alice), raw)])
    drain()
    assert "hunter2" not in text(reader, "/mail/inbox/1/history/")
