"""What a user has expunged is kept while it is less than the quota once more; then the oldest goes.

The disk is what this is about: whoever appends and expunges in a loop must not fill it.
"""

from collections.abc import Iterator

import pytest
import time_machine
from django.conf import settings

from apps.blobs import services as blobs
from apps.blobs.models import Blob
from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import Entry, Expunged, Mailbox, Message, Usage
from apps.mailstore.services import mailboxes
from apps.mailstore.services.append import Appending
from apps.mailstore.services.copy import MOVED_COST, copy, move
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.purge import TRIM_AGE, purge, trim
from apps.wire.errors import QuotaExceeded
from tests.mailstore.making import (
    DATE,
    ORIGIN,
    appended,
    assert_counters_are_exact,
    delivered,
    filing,
    numbered,
    prepared,
)

pytestmark = pytest.mark.django_db(transaction=True)
SIZE = 10_000
QUOTA = 10 * SIZE


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-11-01", tick=False) as one:
        yield one


@pytest.fixture(autouse=True)
def _quota(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(quota=QUOTA)


def put(mailbox: Mailbox, count: int = 1) -> list[int]:
    """Append messages of a little more than SIZE; their UIDs."""
    return [
        appended(mailbox, [Appending(prepared(numbered(n, SIZE)), DATE)])[0].uid
        for n in range(count)
    ]


def drop(mailbox: Mailbox, uids: list[int] | None = None) -> None:
    expunge(mailbox_id=mailbox.pk, uids=uids, origin=ORIGIN, marked=uids is None)


def expunged(mailbox: Mailbox) -> list[int]:
    found = Expunged.objects.filter(mailbox=mailbox)
    return sorted(found.values_list("uid", flat=True))


def test_it_forgets_the_oldest_when_more_than_a_quota_was_expunged(
    alice: User, inbox: Mailbox, clock: time_machine.Traveller
) -> None:
    for _ in range(25):
        drop(inbox, put(inbox))
        clock.shift(TRIM_AGE + 1)
        assert Usage.objects.get(user=alice).expunged < QUOTA + 2 * SIZE
    assert expunged(inbox) == list(range(17, 26))
    assert Message.objects.count() == Blob.objects.count() == 9
    assert not queries.changes_since(inbox.pk, 5).complete
    assert_counters_are_exact()


def test_it_removes_the_objects_of_large_ones_at_once(
    alice: User, inbox: Mailbox, clock: time_machine.Traveller
) -> None:
    User.objects.filter(pk=alice.pk).update(quota=1_000_000)
    folder = settings.MAILHOST_DATA / "blobs"
    for number in range(8):
        raw = numbered(number) + bytes(range(256)) * 1_200
        drop(inbox, [appended(inbox, [Appending(prepared(raw), DATE)])[0].uid])
        clock.shift(TRIM_AGE + 1)
    assert len(expunged(inbox)) == 3
    assert sum(one.is_file() for one in folder.rglob("*")) == 3


def test_it_removes_no_blob_that_a_copy_still_shows_or_a_backup_holds(
    inbox: Mailbox, bobs_inbox: Mailbox, clock: time_machine.Traveller
) -> None:
    put(inbox, 2)
    copy(mailbox_id=inbox.pk, uids=[1], target_id=bobs_inbox.pk, origin=ORIGIN)
    drop(inbox, [1, 2])
    clock.shift(TRIM_AGE + 1)
    User.objects.filter(pk=inbox.user_id).update(quota=1)
    with blobs.hold("backup"):
        assert trim(inbox.user_id) == 2
        assert (Message.objects.count(), Blob.objects.count()) == (1, 2)
    entry = Entry.objects.get()
    assert b"Lunch 0" in queries.shown_bytes(entry.message_id, entry.head_id)


def test_it_keeps_everything_for_an_hour_and_refuses_more_meanwhile(
    alice: User, inbox: Mailbox, archive: Mailbox, clock: time_machine.Traveller
) -> None:
    """A loop of APPEND and EXPUNGE ends after two quotas, until the hour is over."""
    for _ in range(10):
        drop(inbox, put(inbox))
    with pytest.raises(QuotaExceeded):
        put(inbox)
    delivered([filing(inbox)])  # mail that was accepted comes in
    with pytest.raises(QuotaExceeded):
        copy(mailbox_id=inbox.pk, uids=[11], target_id=archive.pk, origin=ORIGIN)
    move(mailbox_id=inbox.pk, uids=[11], target_id=archive.pk, origin=ORIGIN)
    assert len(expunged(inbox)) == 11
    clock.shift(TRIM_AGE + 1)
    put(inbox)
    assert Usage.objects.get(user=alice).expunged <= QUOTA
    assert_counters_are_exact()


def test_it_counts_little_for_what_was_moved(alice: User, inbox: Mailbox, archive: Mailbox) -> None:
    uids = put(inbox, 9)
    boxes = [inbox, archive]
    for _ in range(4):
        source, target = boxes
        moved = move(mailbox_id=source.pk, uids=uids, target_id=target.pk, origin=ORIGIN)
        uids = [new for _, new in moved.uids]
        boxes.reverse()
    assert Usage.objects.get(user=alice).expunged == 4 * 9 * MOVED_COST
    assert min(Expunged.objects.values_list("size", flat=True)) > SIZE
    put(inbox)
    assert_counters_are_exact()


def test_it_forgets_deleted_mailboxes_in_their_turn(
    alice: User, inbox: Mailbox, archive: Mailbox, clock: time_machine.Traveller
) -> None:
    put(archive, 6)
    drop(archive, [1])
    clock.shift(10)
    mailboxes.delete(user_id=alice.pk, name="Archive", origin=ORIGIN)
    clock.shift(10)
    put(inbox, 6)
    drop(inbox, [1, 2, 3, 4, 5, 6])
    assert Usage.objects.get(user=alice).expunged > QUOTA
    assert_counters_are_exact()
    clock.shift(TRIM_AGE + 1)
    drop(inbox, put(inbox))
    # 13 messages were too much by four: the expunged one of Archive, then Archive's own.
    assert (expunged(archive), Entry.objects.filter(mailbox=archive).count()) == ([], 2)
    assert expunged(inbox) == list(range(1, 8))
    assert_counters_are_exact()
    for _ in range(2):
        drop(inbox, put(inbox))
    assert not Entry.objects.exists()
    assert Mailbox.objects.filter(pk=archive.pk).exists()
    clock.shift(TRIM_AGE + 1)
    drop(inbox, put(inbox))
    assert not Mailbox.objects.filter(pk=archive.pk).exists()
    assert expunged(inbox) == list(range(2, 11))
    assert_counters_are_exact()


def test_it_trims_whose_quota_was_lowered_with_the_hourly_purge(
    alice: User, bob: User, inbox: Mailbox, bobs_inbox: Mailbox, clock: time_machine.Traveller
) -> None:
    put(inbox, 4)
    drop(inbox, [1, 2, 3, 4])
    put(bobs_inbox, 4)
    drop(bobs_inbox, [1, 2, 3, 4])
    clock.shift(TRIM_AGE + 1)
    assert purge() == 0
    User.objects.filter(pk=alice.pk).update(quota=3 * SIZE)
    User.objects.filter(pk=bob.pk).update(quota=0)  # no limit, no ceiling
    assert purge() == 2
    assert (expunged(inbox), expunged(bobs_inbox)) == ([3, 4], [1, 2, 3, 4])
    assert_counters_are_exact()
