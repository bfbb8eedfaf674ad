"""REPLACE: one goes and one comes, or neither does."""

import pytest

from apps.directory.models import User
from apps.mailstore.models import Change, Entry, Expunged, Mailbox, MailboxState, Usage
from apps.mailstore.services import replace as module
from apps.mailstore.services.append import Appending
from apps.mailstore.services.replace import Replaced, replace
from apps.wire.errors import NotFound, QuotaExceeded
from tests.mailstore.making import (
    DATE,
    ORIGIN,
    assert_counters_are_exact,
    filled,
    numbered,
    prepared,
)

pytestmark = pytest.mark.django_db


def replaced(source: Mailbox, uid: int, target: Mailbox, size: int = 0) -> Replaced | None:
    return replace(
        mailbox_id=source.pk,
        uid=uid,
        target_id=target.pk,
        target_user_id=target.user_id,
        message=Appending(prepared(numbered(99, size)), DATE, 16, ("$x",), 60),
        origin=ORIGIN,
    )


def test_it_puts_one_in_the_place_of_another(inbox: Mailbox) -> None:
    filled(inbox, 3)
    before = MailboxState.objects.get(mailbox=inbox).highestmodseq
    done = replaced(inbox, 2, inbox)
    assert done is not None
    assert (done.saved.uid, done.saved.uidvalidity) == (4, inbox.uidvalidity)
    # Modseqs follow each other: a mirror need not read what nobody else has changed.
    assert (done.expunged, done.saved.modseq) == (before + 1, before + 2)
    assert list(Entry.objects.order_by("uid").values_list("uid", flat=True)) == [1, 3, 4]
    gone = Expunged.objects.get()
    assert (gone.uid, gone.modseq) == (2, before + 1)
    entry = Entry.objects.get(uid=4)
    assert (entry.flags, entry.keywords, entry.internaldate_offset) == (16, 1, 60)
    assert entry.message_id != gone.message_id  # RFC 8508 section 4.6
    whats = Change.objects.order_by("id").values_list("what", "uids")
    assert list(whats)[1:] == [("expunge", "2"), ("append", "4")]
    assert_counters_are_exact()


def test_it_may_come_to_another_mailbox(inbox: Mailbox, archive: Mailbox) -> None:
    filled(inbox, 1)
    done = replaced(inbox, 1, archive)
    assert done is not None
    assert done.saved.uidvalidity == archive.uidvalidity
    assert Entry.objects.get().mailbox_id == archive.pk
    assert_counters_are_exact()


def test_it_changes_nothing_where_there_is_nothing_to_replace(inbox: Mailbox) -> None:
    filled(inbox, 1)
    before = MailboxState.objects.get(mailbox=inbox)
    assert replaced(inbox, 7, inbox) is None
    after = MailboxState.objects.get(mailbox=inbox)
    assert (after.highestmodseq, after.uidnext) == (before.highestmodseq, before.uidnext)
    assert_counters_are_exact()


def test_it_asks_the_quota_without_the_old_one(alice: User, inbox: Mailbox) -> None:
    filled(inbox, 1)
    used = Usage.objects.get(user=alice).size
    User.objects.filter(pk=alice.pk).update(quota=used)
    assert replaced(inbox, 1, inbox) is not None
    assert_counters_are_exact()


def test_it_leaves_the_old_one_to_a_user_who_is_full_without_it(
    alice: User, inbox: Mailbox
) -> None:
    filled(inbox, 3)
    User.objects.filter(pk=alice.pk).update(quota=10)
    with pytest.raises(QuotaExceeded):
        replaced(inbox, 1, inbox)
    assert Entry.objects.count() == 3
    assert not Expunged.objects.exists()
    assert_counters_are_exact()


def test_it_leaves_the_old_one_when_the_new_one_cannot_be_filed(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(inbox, 1)

    def fail(*_: object, **__: object) -> None:
        raise NotFound("it went away")

    monkeypatch.setattr(module, "deliver", fail)
    with pytest.raises(NotFound):
        replaced(inbox, 1, inbox)
    assert Entry.objects.get().uid == 1
    assert_counters_are_exact()


def test_it_knows_whose_mailbox_it_fills(inbox: Mailbox, bob: User) -> None:
    filled(inbox, 1)
    with pytest.raises(NotFound):
        replace(
            mailbox_id=inbox.pk,
            uid=1,
            target_id=inbox.pk,
            target_user_id=bob.pk,
            message=Appending(prepared(numbered(1)), DATE),
            origin=ORIGIN,
        )
    assert Entry.objects.get().uid == 1
