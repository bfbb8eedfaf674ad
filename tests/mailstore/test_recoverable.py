"""Lists of what can be brought back."""

import pytest
import time_machine

from apps.directory.models import User
from apps.mailstore import recoverable
from apps.mailstore.models import Change, Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services import mailboxes, undelete
from apps.mailstore.services.copy import move
from apps.runtime.clock import now
from tests.mailstore.making import DATE, ORIGIN, filled
from tests.mailstore.test_undelete import emptied

pytestmark = pytest.mark.django_db
DAY = 86_400


def test_it_lists_what_was_expunged_last_first(
    alice: User, inbox: Mailbox, archive: Mailbox, bobs_inbox: Mailbox
) -> None:
    filled(inbox, 3)
    filled(archive, 1)
    filled(bobs_inbox, 1)
    emptied(bobs_inbox)
    with time_machine.travel(now() - DAY, tick=False):
        emptied(inbox, [2])
        at = now()
    emptied(archive)
    emptied(inbox, [1, 3])
    rows = recoverable.messages(alice.pk)
    assert [(one.mailbox, one.uid) for one in rows[-1:]] == [("INBOX", 2)]
    assert {(one.mailbox, one.uid) for one in rows} == {
        ("INBOX", 1),
        ("INBOX", 2),
        ("INBOX", 3),
        ("Archive", 1),
    }
    assert [one.key for one in rows] == sorted((one.key for one in rows), reverse=True)
    last = rows[-1]
    assert (last.at, last.subject, last.sender_address, last.internaldate) == (
        at,
        "Lunch 1",
        "bob@example.test",
        DATE + 1,
    )
    assert recoverable.totals(alice.pk) == (4, sum(one.size for one in rows))


def test_it_lists_page_by_page(alice: User, inbox: Mailbox, archive: Mailbox) -> None:
    filled(inbox, 5)
    filled(archive, 4)
    emptied(inbox)
    emptied(archive)
    found: list[recoverable.Message] = []
    while page := recoverable.messages(alice.pk, before=found[-1].key if found else None, limit=2):
        assert len(page) == 2 or len(found) == 8
        found += page
    assert found == recoverable.messages(alice.pk, limit=100)
    assert len(found) == 9


def test_it_lists_one_mailbox_and_since_a_time(
    alice: User, inbox: Mailbox, archive: Mailbox
) -> None:
    filled(inbox, 2)
    filled(archive, 1)
    with time_machine.travel(now() - DAY):
        emptied(inbox, [1])
    emptied(inbox, [2])
    emptied(archive)
    uids = [one.uid for one in recoverable.messages(alice.pk, mailbox_id=inbox.pk)]
    assert uids == [2, 1]
    since = now() - 60
    assert len(recoverable.messages(alice.pk, since=since)) == 2
    assert recoverable.totals(alice.pk, mailbox_id=inbox.pk, since=since).messages == 1
    assert recoverable.uids(inbox.pk, since=since) == [2]


def test_it_lists_neither_what_was_moved_nor_what_is_back(
    alice: User, inbox: Mailbox, archive: Mailbox
) -> None:
    filled(inbox, 3)
    move(mailbox_id=inbox.pk, uids=[1], target_id=archive.pk, origin=ORIGIN)
    emptied(inbox, [2, 3])
    undelete.messages(mailbox_id=inbox.pk, uids=[2], origin=ORIGIN)
    assert [one.uid for one in recoverable.messages(alice.pk)] == [3]
    assert recoverable.size_of(inbox.pk, [1, 2]) == 0


def test_it_lists_deleted_mailboxes_with_who_deleted_them(alice: User, bob: User) -> None:
    first = mailboxes.create(user_id=alice.pk, name="First")
    second = mailboxes.create(user_id=alice.pk, name="Second")
    filled(second, 2)
    with time_machine.travel(now() - DAY):
        mailboxes.delete(user_id=alice.pk, name="First", origin=ORIGIN)
    origin = Origin("imap", alice.pk, client="Mail/1", address="192.0.2.1")
    mailboxes.delete(user_id=alice.pk, name="Second", origin=origin)
    found = recoverable.mailboxes(alice.pk)
    assert [one.id for one in found] == [second.pk, first.pk]
    assert (found[0].messages, found[0].door, found[0].client, found[0].address) == (
        2,
        "imap",
        "Mail/1",
        "192.0.2.1",
    )
    assert [one.id for one in recoverable.mailboxes(alice.pk, since=now() - 60)] == [second.pk]
    Change.objects.all().delete()
    assert recoverable.mailboxes(alice.pk)[0].door == ""
    assert recoverable.mailboxes(bob.pk) == []
