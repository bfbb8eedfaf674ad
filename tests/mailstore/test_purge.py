"""After some days expunged and deleted mail goes, with its messages, heads and blobs."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.db import connection, transaction

from apps.blobs import services as blobs
from apps.blobs.models import Blob
from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import (
    FLAG_DELETED,
    Change,
    DeliveryHead,
    Entry,
    Expunged,
    Keyword,
    Mailbox,
    MailboxState,
    Message,
)
from apps.mailstore.services import journal, mailboxes
from apps.mailstore.services import purge as purge_module
from apps.mailstore.services.copy import copy
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from apps.mailstore.services.purge import purge
from apps.runtime.clock import now
from tests.mailstore.making import ORIGIN, assert_counters_are_exact, delivered, filing, filled

pytestmark = pytest.mark.django_db
DAY = 86_400


def expunged(mailbox: Mailbox, uids: list[int]) -> None:
    change = FlagChange("add", FLAG_DELETED)
    store(mailbox_id=mailbox.pk, uids=uids, change=change, origin=ORIGIN)
    expunge(mailbox_id=mailbox.pk, uids=uids, origin=ORIGIN)


def test_it_forgets_old_expunges_and_raises_the_floor(inbox: Mailbox) -> None:
    with time_machine.travel("2026-11-01", tick=False) as clock:
        filled(inbox, 3)
        expunged(inbox, [1])
        clock.shift(10 * DAY)
        expunged(inbox, [2])
        assert purge(14) == 0
        clock.shift(5 * DAY)
        assert purge(14) == 1
    assert list(Expunged.objects.values_list("uid", flat=True)) == [2]
    state = MailboxState.objects.get(mailbox=inbox)
    assert state.expunged_floor == 4
    assert not queries.changes_since(inbox.pk, 3).complete
    changes = queries.changes_since(inbox.pk, 4)
    assert (changes.complete, changes.expunged) == (True, [2])
    assert Message.objects.count() == 2
    assert_counters_are_exact()


def test_it_keeps_messages_that_something_still_shows(inbox: Mailbox, archive: Mailbox) -> None:
    delivered([filing(inbox, head=b"A: b\r\n"), filing(inbox, head=b"C: d\r\n")])
    copy(mailbox_id=inbox.pk, uids=[1], target_id=archive.pk, origin=ORIGIN)
    expunged(inbox, [1, 2])
    with time_machine.travel(_later(20)):
        assert purge(14) == 2
    entry = Entry.objects.get()
    assert queries.shown_bytes(entry.message_id, entry.head_id).startswith(b"A: b\r\n")
    assert [bytes(raw) for raw in DeliveryHead.objects.values_list("raw", flat=True)] == [
        b"A: b\r\n"
    ]
    assert Message.objects.count() == 1


def test_it_keeps_one_head_of_a_shared_message(inbox: Mailbox) -> None:
    one = filing(inbox, head=b"A: b\r\n")
    delivered([one, filing(inbox, one.message, head=b"C: d\r\n")])
    expunged(inbox, [1])
    with time_machine.travel(_later(20)):
        purge(14)
    assert DeliveryHead.objects.count() == Message.objects.count() == 1


def test_it_forgets_deleted_mailboxes(alice: User, archive: Mailbox, inbox: Mailbox) -> None:
    filled(archive, 3, keywords=("a",))
    expunged(archive, [1])
    filled(inbox, 1)
    mailboxes.delete(user_id=alice.pk, name="Archive", origin=ORIGIN)
    with time_machine.travel(_later(13)):
        assert purge(14) == 0
    with time_machine.travel(_later(15)):
        assert purge(14) == 3
    assert not Mailbox.objects.filter(pk=archive.pk).exists()
    assert not Keyword.objects.exists()
    assert Message.objects.count() == 1
    assert_counters_are_exact()


def test_it_lets_the_blobs_be_collected(alice: User, archive: Mailbox, inbox: Mailbox) -> None:
    filled(archive, 2)
    filled(inbox, 1)
    mailboxes.delete(user_id=alice.pk, name="Archive", origin=ORIGIN)
    with time_machine.travel(_later(15)):
        assert blobs.collect() == 0
        purge(14)
        assert blobs.collect() == 2
    assert Blob.objects.count() == 1
    entry = Entry.objects.get()
    assert b"Lunch" in queries.shown_bytes(entry.message_id, None)


def test_it_prunes_the_journal(inbox: Mailbox) -> None:
    filled(inbox, 1)
    filled(inbox, 1)
    assert journal.prune(90) == 0
    Change.objects.filter(modseq=2).update(at=0)
    assert journal.prune(90) == 1
    assert Change.objects.count() == 1


def _later(days: int) -> float:
    return now() + days * DAY


@pytest.mark.django_db(transaction=True)
def test_it_leaves_no_message_when_two_purge_its_last_rows(
    inbox: Mailbox, bobs_inbox: Mailbox
) -> None:
    """Neither of two sees what the other deletes: the second must wait for the first."""
    filled(inbox, 3)
    copy(mailbox_id=inbox.pk, uids=[1, 2, 3], target_id=bobs_inbox.pk, origin=ORIGIN)
    Mailbox.objects.filter(pk__in=[inbox.pk, bobs_inbox.pk]).update(deleted_at=1)
    done = threading.Event()

    def second() -> None:
        try:
            purge_module._purge_mailbox(bobs_inbox.pk, bobs_inbox.user_id)
            done.set()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            purge_module._purge_mailbox(inbox.pk, inbox.user_id)
            other = threads.submit(second)
            assert not done.wait(0.5)
        other.result(20)
    assert not Message.objects.exists()
    assert not Entry.objects.exists()
