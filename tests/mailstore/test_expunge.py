"""EXPUNGE: only \\Deleted ones, kept for undelete, counted out, journaled."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.mailstore.models import (
    FLAG_DELETED,
    FLAG_SEEN,
    Change,
    Entry,
    Expunged,
    Mailbox,
    MailboxState,
    Usage,
)
from apps.mailstore.origin import Origin
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from tests.mailstore.making import ORIGIN, RAW, assert_counters_are_exact, delivered, filing, filled

pytestmark = pytest.mark.django_db


def mark(mailbox: Mailbox, uids: list[int]) -> None:
    store(mailbox_id=mailbox.pk, uids=uids, change=FlagChange("add", FLAG_DELETED), origin=ORIGIN)


def uids_of(mailbox: Mailbox) -> list[int]:
    return list(Entry.objects.filter(mailbox=mailbox).order_by("uid").values_list("uid", flat=True))


def test_it_takes_out_what_is_marked(inbox: Mailbox) -> None:
    filled(inbox, 4)
    mark(inbox, [1, 3])
    assert expunge(mailbox_id=inbox.pk, origin=ORIGIN) == [(1, 4), (3, 4)]
    assert uids_of(inbox) == [2, 4]
    assert_counters_are_exact()
    assert expunge(mailbox_id=inbox.pk, origin=ORIGIN) == []


def test_it_takes_out_only_the_uids_asked_for(inbox: Mailbox) -> None:
    filled(inbox, 4)
    mark(inbox, [1, 2, 3])
    gone = expunge(mailbox_id=inbox.pk, uids=[4, 3, 1, 77], origin=ORIGIN)
    assert [uid for uid, _ in gone] == [1, 3]
    assert uids_of(inbox) == [2, 4]


def test_it_never_gives_a_uid_again(inbox: Mailbox) -> None:
    uids = filled(inbox, 3)
    mark(inbox, uids)
    expunge(mailbox_id=inbox.pk, origin=ORIGIN)
    assert filled(inbox, 1) == [4]


def test_it_keeps_what_undelete_needs(inbox: Mailbox) -> None:
    delivered([filing(inbox, flags=FLAG_SEEN, keywords=("a",), head=b"A: b\r\n")])
    entry = Entry.objects.get()
    mark(inbox, [1])
    expunge(mailbox_id=inbox.pk, origin=Origin("imap", 42))
    row = Expunged.objects.get()
    kept = (row.message_id, row.head_id, row.keywords, row.internaldate, row.size)
    assert kept == (
        entry.message_id,
        entry.head_id,
        entry.keywords,
        entry.internaldate,
        entry.size,
    )
    assert (row.flags, row.user_id, row.modseq) == (FLAG_SEEN | FLAG_DELETED, 42, 4)


def test_it_frees_the_space_at_once(inbox: Mailbox) -> None:
    delivered([filing(inbox), filing(inbox)])
    mark(inbox, [1])
    expunge(mailbox_id=inbox.pk, origin=ORIGIN)
    usage = Usage.objects.get(user=inbox.user_id)
    assert (usage.size, usage.messages) == (len(RAW), 1)


def test_it_commits_a_thousand_at_a_time(inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.mailstore.services.expunge.CHUNK", 3)
    uids = filled(inbox, 7)
    mark(inbox, uids)
    gone = expunge(mailbox_id=inbox.pk, origin=ORIGIN)
    assert [modseq for _, modseq in gone] == [4, 4, 4, 5, 5, 5, 6]
    journal = Change.objects.filter(what="expunge").order_by("modseq")
    assert [row.uids for row in journal] == ["1:3", "4:6", "7"]
    assert MailboxState.objects.get(mailbox=inbox).highestmodseq == 6
    assert_counters_are_exact()


def test_it_takes_the_same_number_of_queries_for_any_chunk(inbox: Mailbox) -> None:
    filled(inbox, 200)
    counts = []
    for some in ([1], list(range(2, 150))):
        mark(inbox, some)
        with CaptureQueriesContext(connection) as captured:
            expunge(mailbox_id=inbox.pk, origin=ORIGIN)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 14
