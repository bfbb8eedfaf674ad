"""What comes to a user, and what leaves no trace, is noted for the search index; nothing else is.

Where every step leads is what `tests/search/test_same_as_scan.py` looks at.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore.models import Entry, Mailbox, Unindexed
from apps.mailstore.services import mailboxes, undelete, unindexed
from apps.mailstore.services import purge as purge_module
from apps.mailstore.services.append import Appending
from apps.mailstore.services.copy import copy, move
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from apps.mailstore.services.purge import purge
from apps.mailstore.services.replace import replace
from tests.mailstore.making import DATE, ORIGIN, delivered, filing, filled, numbered, prepared

pytestmark = pytest.mark.django_db
DAY = 86_400


def noted() -> list[tuple[int, int]]:
    """Take what is noted, as the index does, in the order it was."""
    rows = list(Unindexed.objects.order_by("pk").values_list("pk", "user_id", "message_id"))
    Unindexed.objects.filter(pk__in=[row[0] for row in rows]).delete()
    return [(user_id, message_id) for _, user_id, message_id in rows]


def message(mailbox: Mailbox, uid: int) -> int:
    return int(Entry.objects.get(mailbox=mailbox, uid=uid).message_id)


def gone(mailbox: Mailbox, uids: list[int]) -> None:
    expunge(mailbox_id=mailbox.pk, uids=uids, origin=ORIGIN, marked=False)


def test_it_notes_whom_a_message_was_delivered_to(inbox: Mailbox, bobs_inbox: Mailbox) -> None:
    shared = prepared()
    delivered([filing(inbox, shared), filing(bobs_inbox, shared), filing(inbox, prepared())])
    first, second = message(inbox, 1), message(inbox, 2)
    alice, bob = inbox.user_id, bobs_inbox.user_id
    assert sorted(noted()) == sorted([(alice, first), (bob, first), (alice, second)])


def test_it_notes_one_message_in_two_mailboxes_once(inbox: Mailbox, archive: Mailbox) -> None:
    shared = prepared()
    delivered([filing(inbox, shared, head=b"A: 1\r\n"), filing(archive, shared, head=b"A: 2\r\n")])
    assert noted() == [(inbox.user_id, message(archive, 1))]


def test_it_notes_what_was_appended_and_what_replaced(inbox: Mailbox) -> None:
    filled(inbox, 2)
    assert noted() == [(inbox.user_id, message(inbox, uid)) for uid in (1, 2)]
    place = {"mailbox_id": inbox.pk, "target_id": inbox.pk, "target_user_id": inbox.user_id}
    new = Appending(prepared(numbered(9)), DATE)
    assert replace(uid=1, message=new, origin=ORIGIN, **place) is not None
    assert noted() == [(inbox.user_id, message(inbox, 3))]


@pytest.mark.parametrize("job", [copy, move])
def test_it_notes_what_comes_from_another_owner(
    inbox: Mailbox, bobs_inbox: Mailbox, job: Callable[..., object]
) -> None:
    filled(inbox, 3)
    ids = [message(inbox, uid) for uid in (1, 3)]
    noted()
    job(mailbox_id=inbox.pk, uids=[1, 3, 99], target_id=bobs_inbox.pk, origin=ORIGIN)
    assert noted() == [(bobs_inbox.user_id, message_id) for message_id in ids]


def test_it_notes_what_was_expunged_when_another_copied_it(
    inbox: Mailbox, bobs_inbox: Mailbox
) -> None:
    filled(inbox, 2)
    ids = [message(inbox, uid) for uid in (1, 2)]
    gone(inbox, [2])
    noted()
    target = bobs_inbox.pk
    copy(mailbox_id=inbox.pk, uids=[1, 2], target_id=target, origin=ORIGIN, all_or_nothing=True)
    assert sorted(noted()) == [(bobs_inbox.user_id, message_id) for message_id in sorted(ids)]


def test_it_notes_nothing_of_what_stays_with_its_owner(inbox: Mailbox, archive: Mailbox) -> None:
    filled(inbox, 4)
    noted()
    copy(mailbox_id=inbox.pk, uids=[1, 2], target_id=archive.pk, origin=ORIGIN)
    move(mailbox_id=inbox.pk, uids=[3], target_id=archive.pk, origin=ORIGIN)
    store(mailbox_id=inbox.pk, uids=[1], change=FlagChange("add", 0, ("k",)), origin=ORIGIN)
    gone(inbox, [1, 2, 4])
    mailboxes.delete(user_id=archive.user_id, name="Archive", origin=ORIGIN)
    assert noted() == []


def test_it_notes_the_last_trace_that_goes(inbox: Mailbox, archive: Mailbox) -> None:
    with time_machine.travel("2026-11-01", tick=False) as clock:
        filled(inbox, 3)
        ids = [message(inbox, uid) for uid in (1, 2, 3)]
        copy(mailbox_id=inbox.pk, uids=[2], target_id=archive.pk, origin=ORIGIN)
        gone(inbox, [1, 2])
        noted()
        clock.shift(15 * DAY)
        gone(inbox, [3])
        assert purge(14) == 2
        assert noted() == [(inbox.user_id, ids[0])]  # 2 is in the archive, 3 can be brought back
        gone(archive, [1])
        clock.shift(15 * DAY)
        assert purge(14) == 2
        assert sorted(noted()) == [(inbox.user_id, ids[1]), (inbox.user_id, ids[2])]


def test_it_tells_the_last_trace_of_each_owner(inbox: Mailbox, bobs_inbox: Mailbox) -> None:
    with time_machine.travel("2026-11-01", tick=False) as clock:
        shared = prepared()
        delivered([filing(inbox, shared), filing(bobs_inbox, shared)])
        gone(bobs_inbox, [1])
        noted()
        clock.shift(15 * DAY)
        assert purge(14) == 1
    assert noted() == [(bobs_inbox.user_id, message(inbox, 1))]


def test_it_notes_what_is_brought_back(inbox: Mailbox) -> None:
    """It may have been expunged before there was an index."""
    filled(inbox, 2)
    message_id = message(inbox, 2)
    gone(inbox, [2])
    noted()
    undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN)
    assert noted() == [(inbox.user_id, message_id)]


def test_it_notes_what_goes_with_a_mailbox(alice: User, inbox: Mailbox) -> None:
    mailbox = mailboxes.create(user_id=alice.pk, name="Old")
    with time_machine.travel("2026-11-01", tick=False) as clock:
        filled(mailbox, 3)
        ids = [message(mailbox, uid) for uid in (1, 2, 3)]
        copy(mailbox_id=mailbox.pk, uids=[3], target_id=inbox.pk, origin=ORIGIN)
        gone(mailbox, [1])
        mailboxes.delete(user_id=alice.pk, name="Old", origin=ORIGIN)
        noted()
        clock.shift(15 * DAY)
        purge(14)
    assert not Mailbox.objects.filter(pk=mailbox.pk).exists()
    assert sorted(noted()) == [(alice.pk, ids[0]), (alice.pk, ids[1])]


def test_it_notes_nothing_when_the_change_fails(inbox: Mailbox) -> None:
    def fail() -> None:
        with transaction.atomic():
            delivered([filing(inbox)])
            raise DatabaseError

    with pytest.raises(DatabaseError):
        fail()
    assert noted() == []


def test_it_takes_one_statement_for_any_number(inbox: Mailbox, bobs_inbox: Mailbox) -> None:
    def statements(count: int) -> int:
        filings = [filing(inbox, prepared(numbered(number))) for number in range(count)]
        with CaptureQueriesContext(connection) as all_of_them:
            first = delivered(filings)[0].uid
        uids = list(range(first, first + count))
        with CaptureQueriesContext(connection) as of_copy:
            copy(mailbox_id=inbox.pk, uids=uids, target_id=bobs_inbox.pk, origin=ORIGIN)
        with CaptureQueriesContext(connection) as of_leaving:
            unindexed.left(inbox.user_id, list(range(1_000_000, 1_000_000 + count)))
        ours = [
            query["sql"]
            for query in (*all_of_them, *of_copy, *of_leaving)
            if "mailstore_unindexed" in query["sql"]
        ]
        return len(ours)

    assert statements(1) == statements(50) == 3


@pytest.mark.django_db(transaction=True)
def test_it_sees_the_last_trace_though_two_purges_meet(inbox: Mailbox, archive: Mailbox) -> None:
    """Each takes one of two traces; the second must not believe in the first one's."""
    with time_machine.travel("2026-11-01", tick=False) as clock:
        filled(inbox, 1)
        message_id = message(inbox, 1)
        copy(mailbox_id=inbox.pk, uids=[1], target_id=archive.pk, origin=ORIGIN)
        gone(inbox, [1])
        gone(archive, [1])
        noted()
        clock.shift(15 * DAY)
    meeting = threading.Barrier(2)

    def one(mailbox: Mailbox) -> None:
        try:
            meeting.wait(10)
            purge_module._purge_uids(mailbox.pk, mailbox.user_id, [1])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(one, [inbox, archive]))
    assert noted() == [(inbox.user_id, message_id)]
