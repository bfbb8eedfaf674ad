"""APPEND: visible at once or not at all, and only while there is room."""

import pytest
from django.db import DatabaseError

from apps.blobs.models import Blob
from apps.directory.models import User
from apps.mailstore.models import FLAG_DRAFT, FLAG_SEEN, Change, Entry, Mailbox, Message, Usage
from apps.mailstore.services import filing as filing_module
from apps.mailstore.services.append import Appending, append
from apps.wire.errors import NotFound, QuotaExceeded
from tests.mailstore.making import (
    DATE,
    ORIGIN,
    RAW,
    appended,
    assert_counters_are_exact,
    numbered,
    prepared,
)

pytestmark = pytest.mark.django_db


def test_it_appends_several_at_once(inbox: Mailbox) -> None:
    first = Appending(prepared(numbered(1)), DATE, FLAG_SEEN | FLAG_DRAFT, ("a",), 120)
    results = appended(inbox, [first, Appending(prepared(numbered(2)), DATE + 1)])
    assert [(one.uidvalidity, one.uid, one.modseq) for one in results] == [
        (inbox.uidvalidity, 1, 2),
        (inbox.uidvalidity, 2, 2),
    ]
    entry = Entry.objects.get(uid=1)
    assert (entry.flags, entry.keywords) == (FLAG_SEEN | FLAG_DRAFT, 1)
    assert (entry.internaldate, entry.internaldate_offset, entry.head_id) == (DATE, 120, None)
    assert list(Change.objects.values_list("what", "uids")) == [("append", "1:2")]
    assert_counters_are_exact()


def test_it_appends_nothing_without_messages(inbox: Mailbox) -> None:
    assert appended(inbox, []) == []


def test_it_takes_the_message_that_makes_the_user_full(alice: User, inbox: Mailbox) -> None:
    User.objects.filter(pk=alice.pk).update(quota=len(RAW) + 1)
    appended(inbox, [Appending(prepared(), DATE)])
    appended(inbox, [Appending(prepared(), DATE)])
    with pytest.raises(QuotaExceeded):
        appended(inbox, [Appending(prepared(), DATE)])
    assert Usage.objects.get(user=alice).size == 2 * len(RAW)


def test_it_counts_the_messages_before_the_last_one(alice: User, inbox: Mailbox) -> None:
    User.objects.filter(pk=alice.pk).update(quota=len(RAW))
    with pytest.raises(QuotaExceeded):
        appended(inbox, [Appending(prepared(), DATE), Appending(prepared(), DATE)])
    assert not Entry.objects.exists()
    assert not Blob.objects.exists()
    assert_counters_are_exact()


def test_it_shows_nothing_of_an_append_that_failed(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(changes: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(filing_module, "record", fail)
    with pytest.raises(DatabaseError):
        appended(inbox, [Appending(prepared(), DATE), Appending(prepared(), DATE)])
    assert not Message.objects.exists()
    assert not Blob.objects.exists()
    assert_counters_are_exact()


def test_it_needs_a_mailbox_of_that_user(bob: User, inbox: Mailbox) -> None:
    with pytest.raises(NotFound):
        append(
            mailbox_id=inbox.pk,
            user_id=bob.pk,
            messages=[Appending(prepared(), DATE)],
            origin=ORIGIN,
        )
