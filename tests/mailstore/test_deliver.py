"""Delivery: one copy for all, UIDs in order, counters, journal, events, and nothing half done."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.blobs.models import Blob
from apps.directory.models import User
from apps.events.types import Event, MailboxChanged
from apps.mailstore import queries
from apps.mailstore.models import (
    FLAG_FLAGGED,
    FLAG_SEEN,
    Change,
    DeliveryHead,
    Entry,
    Mailbox,
    MailboxState,
    Message,
    Usage,
)
from apps.mailstore.services import filing as filing_module
from apps.mailstore.services import mailboxes, quota
from apps.mailstore.services.deliver import deliver
from apps.wire.errors import NotFound
from tests.mailstore.making import (
    DATE,
    ORIGIN,
    RAW,
    assert_counters_are_exact,
    delivered,
    filing,
    numbered,
    prepared,
)

pytestmark = pytest.mark.django_db


def test_it_keeps_one_copy_for_all_recipients(inbox: Mailbox, bobs_inbox: Mailbox) -> None:
    message = prepared()
    heads = [b"Delivered-To: alice@example.test\r\n", b"Delivered-To: bob@example.test\r\n"]
    filed = delivered(
        [filing(inbox, message, head=heads[0]), filing(bobs_inbox, message, head=heads[1])]
    )
    assert [one.mailbox_id for one in filed] == [inbox.pk, bobs_inbox.pk]
    assert Message.objects.count() == Blob.objects.count() == 1
    for entry, head in zip(Entry.objects.order_by("mailbox"), heads, strict=True):
        assert queries.shown_bytes(entry.message_id, entry.head_id) == head + RAW
        assert entry.size == len(head) + len(RAW)
    assert_counters_are_exact()


def test_it_gives_rising_uids_in_the_order_of_the_filings(
    inbox: Mailbox, bobs_inbox: Mailbox
) -> None:
    boxes = [inbox, bobs_inbox, inbox, inbox, bobs_inbox]
    first = delivered([filing(box, prepared(numbered(n))) for n, box in enumerate(boxes)])
    assert [one.uid for one in first] == [1, 1, 2, 3, 2]
    assert {one.modseq for one in first} == {2}
    second = delivered([filing(inbox)])
    assert (second[0].uid, second[0].modseq) == (4, 3)
    assert second[0].uidvalidity == inbox.uidvalidity
    subjects = [row[1] for row in queries.fetch_page(inbox.pk, [1, 2, 3], ["subject"])]
    assert subjects == ["Lunch 0", "Lunch 2", "Lunch 3"]


def test_it_counts_unseen_size_and_what_was_reserved(alice: User, inbox: Mailbox) -> None:
    with transaction.atomic():
        assert quota.reserve([(alice.pk, 500), (alice.pk, 70)]) == set()
    delivered([filing(inbox, flags=FLAG_SEEN, reserved=500), filing(inbox, flags=FLAG_FLAGGED)])
    state = MailboxState.objects.get(mailbox=inbox)
    assert (state.messages, state.unseen, state.size) == (2, 1, 2 * len(RAW))
    usage = Usage.objects.get(user=alice)
    assert (usage.size, usage.messages, usage.reserved) == (2 * len(RAW), 2, 70)


def test_it_files_for_a_full_user_what_was_accepted(alice: User, inbox: Mailbox) -> None:
    User.objects.filter(pk=alice.pk).update(quota=1)
    delivered([filing(inbox), filing(inbox)])
    assert MailboxState.objects.get(mailbox=inbox).messages == 2


def test_it_keeps_what_was_derived(inbox: Mailbox) -> None:
    filed = delivered([filing(inbox, internaldate=DATE, internaldate_offset=-90)])
    message = Message.objects.get()
    assert (message.subject, message.sender_name) == ("Lunch", "Bob Baker")
    assert message.sender_address == "bob@example.test"
    assert message.sent_at is not None
    assert message.sent_at.isoformat() == "2026-11-25T17:00:00+00:00"
    assert str(message.sent_date) == "2026-11-25"
    assert bytes(message.header) == RAW[: message.header_size]
    assert RAW[: message.header_size].endswith(b"\r\n\r\n")
    assert bytes(message.envelope).startswith(b"(")
    entry = Entry.objects.get(mailbox=inbox, uid=filed[0].uid)
    assert (entry.internaldate, entry.internaldate_offset) == (DATE, -90)


def test_it_journals_each_mailbox_once(inbox: Mailbox, bobs_inbox: Mailbox) -> None:
    delivered([filing(inbox), filing(inbox), filing(bobs_inbox), filing(inbox)])
    rows = Change.objects.order_by("mailbox_id").values_list(
        "mailbox_id", "what", "uids", "modseq", "door"
    )
    assert list(rows) == [
        (inbox.pk, "deliver", "1:3", 2, "test"),
        (bobs_inbox.pk, "deliver", "1", 2, "test"),
    ]


def test_it_tells_listeners_after_the_commit(
    inbox: Mailbox,
    bobs_inbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    heard: list[Event] = []
    monkeypatch.setattr(filing_module, "publish_on_commit", _remember(heard))
    with django_capture_on_commit_callbacks(execute=True):
        delivered([filing(inbox), filing(bobs_inbox), filing(inbox)])
        assert heard == []
    assert heard == [MailboxChanged(inbox.pk, 2), MailboxChanged(bobs_inbox.pk, 2)]


def _remember(heard: list[Event]) -> Callable[[Event], None]:
    return lambda event: transaction.on_commit(lambda: heard.append(event))


def test_it_files_nothing_when_one_mailbox_is_gone(
    alice: User, inbox: Mailbox, archive: Mailbox
) -> None:
    mailboxes.delete(user_id=alice.pk, name="Archive", origin=ORIGIN)
    with pytest.raises(NotFound):
        delivered([filing(inbox), filing(archive)])
    assert not Message.objects.exists()
    assert not DeliveryHead.objects.exists()
    assert_counters_are_exact()


def test_it_refuses_a_mailbox_of_somebody_else(bob: User, inbox: Mailbox) -> None:
    with pytest.raises(NotFound):
        delivered([replace(filing(inbox), user_id=bob.pk)])
    assert not Entry.objects.exists()


def test_it_never_gives_an_id_twice(inbox: Mailbox) -> None:
    delivered([filing(inbox, head=b"A: b\r\n")])
    first = Message.objects.get().pk, DeliveryHead.objects.get().pk
    Entry.objects.all().delete()
    Message.objects.all().delete()
    DeliveryHead.objects.all().delete()
    delivered([filing(inbox, head=b"A: b\r\n")])
    assert Message.objects.get().pk > first[0]
    assert DeliveryHead.objects.get().pk > first[1]


def test_it_keeps_hostile_text_out_of_the_database(inbox: Mailbox) -> None:
    raw = (
        b"From: =?utf-8?b?AO2ggA==?= <a@b>\r\nSubject: =?utf-16?b?2AA=?= \x00\xff\xfe\r\n"
        b"To: "
        + b"x" * 5_000
        + b"@example.test\r\nMessage-ID: <"
        + b"m" * 3_000
        + b"@x>\r\n\r\n\x00"
    )
    delivered([filing(inbox, prepared(raw))])
    message = Message.objects.get()
    for text in (message.subject, message.sender_name, message.recipients, message.preview):
        assert "\x00" not in text
        assert not any(0xD800 <= ord(letter) < 0xE000 for letter in text)
    entry = Entry.objects.get()
    assert queries.shown_bytes(entry.message_id, None) == raw


def test_it_takes_the_same_number_of_queries_for_any_batch(
    inbox: Mailbox, bobs_inbox: Mailbox
) -> None:
    boxes = [inbox, bobs_inbox]
    one = [filing(inbox, head=b"A: b\r\n", keywords=("x",))]
    many = [
        filing(boxes[n % 2], prepared(numbered(n)), head=b"A: b\r\n", keywords=("x", "y"))
        for n in range(60)
    ]
    counts = []
    for batch in (one, many):
        with transaction.atomic(), CaptureQueriesContext(connection) as captured:
            deliver(batch)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 17
