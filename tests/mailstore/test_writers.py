"""Many writers at once: no deadlock, no lost flag, no UID twice, exact counters."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.directory.models import User
from apps.mailstore import queries, shares
from apps.mailstore.models import FLAG_DELETED, Change, Entry, Expunged, Mailbox
from apps.mailstore.services import sharing, undelete
from apps.mailstore.services.copy import copy, move
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from apps.mailstore.services.mailboxes import create
from tests.mailstore.making import (
    ORIGIN,
    assert_counters_are_exact,
    delivered,
    filing,
    filled,
    prepared,
)

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 20


def together(job: Callable[[int], None], count: int = THREADS) -> None:
    """Run a job on many threads, each with a connection of its own; the first failure is raised."""

    def one(number: int) -> None:
        try:
            job(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        list(threads.map(one, range(count)))


def test_it_loses_no_flag(inbox: Mailbox) -> None:
    uids = filled(inbox, 20)

    def job(number: int) -> None:
        change = FlagChange("add", 0, (f"k{number}",))
        for uid in uids:
            store(mailbox_id=inbox.pk, uids=[uid], change=change, origin=ORIGIN)

    together(job)
    names = queries.keyword_names(inbox.pk)
    assert sorted(names) == sorted(f"k{number}" for number in range(THREADS))
    for mask in Entry.objects.filter(mailbox=inbox).values_list("keywords", flat=True):
        assert mask == 2**THREADS - 1


def test_it_loses_no_right(inbox: Mailbox, bob: User) -> None:
    def job(number: int) -> None:
        letter = shares.RIGHTS[number]
        sharing.extend(mailbox_id=inbox.pk, to=bob.address, rights=letter, origin=ORIGIN)

    together(job, len(shares.RIGHTS))
    assert shares.grants(inbox.pk) == [(bob.key, shares.RIGHTS)]
    assert Change.objects.filter(what="rights").count() == len(shares.RIGHTS)


def test_it_never_deadlocks(inbox: Mailbox, archive: Mailbox, bobs_inbox: Mailbox) -> None:
    boxes = [inbox, archive, bobs_inbox]
    for box in boxes:
        filled(box, 10)

    def job(number: int) -> None:
        dice = random.Random(number)
        for turn in range(6):
            some = dice.sample(boxes, 3)
            uids = [dice.randint(1, 40) for _ in range(8)]
            kind = (number + turn) % 6
            if kind == 0:
                message = prepared()
                delivered([filing(box, message, head=b"A: b\r\n") for box in some])
            elif kind == 1:
                change = FlagChange(dice.choice(["add", "remove"]), FLAG_DELETED, ("x",))
                store(mailbox_id=some[0].pk, uids=uids, change=change, origin=ORIGIN)
            elif kind == 2:
                expunge(mailbox_id=some[0].pk, origin=ORIGIN)
            elif kind == 3:
                copy(mailbox_id=some[0].pk, uids=uids, target_id=some[1].pk, origin=ORIGIN)
            elif kind == 4:
                undelete.messages(mailbox_id=some[0].pk, uids=uids, origin=ORIGIN)
            else:
                move(mailbox_id=some[0].pk, uids=uids, target_id=some[1].pk, origin=ORIGIN)

    together(job)
    assert_counters_are_exact()
    for box in boxes:
        live = Entry.objects.filter(mailbox=box).values_list("uid", flat=True)
        gone = Expunged.objects.filter(mailbox=box).values_list("uid", flat=True)
        every = sorted([*live, *gone])
        assert every == list(range(1, len(every) + 1))
        changes = queries.changes_since(box.pk, 0)
        modseqs = [row.modseq for row in changes.changed]
        assert modseqs == sorted(modseqs)
        assert changes.highestmodseq == max(
            [*modseqs, *Expunged.objects.filter(mailbox=box).values_list("modseq", flat=True)]
        )


def test_it_makes_mailboxes_below_one_that_is_missing(alice: User) -> None:
    def job(number: int) -> None:
        create(user_id=alice.pk, name=f"a/b/{number}")

    together(job, 10)
    names = [row.name for row in queries.mailboxes(alice.pk) if row.name.startswith("a")]
    assert sorted(names) == sorted(["a", "a/b", *(f"a/b/{number}" for number in range(10))])
    validities = [row.counters.uidvalidity for row in queries.mailboxes(alice.pk)]
    assert len(set(validities)) == len(validities)


def test_it_takes_snapshots_of_one_moment(inbox: Mailbox) -> None:
    """Counters, arrays and changes agree with each other while others write."""

    def job(number: int) -> None:
        if number:
            for _ in range(8):
                delivered([filing(inbox), filing(inbox)])
                change = FlagChange("add", FLAG_DELETED)
                store(mailbox_id=inbox.pk, uids=[number, number + 9], change=change, origin=ORIGIN)
                expunge(mailbox_id=inbox.pk, origin=ORIGIN)
            return
        for _ in range(40):
            shot = queries.snapshot(inbox.pk)
            assert len(shot.uids) == shot.counters.messages
            assert sum(not flags & 1 for flags in shot.flags) == shot.counters.unseen
            assert max(shot.modseqs, default=0) <= shot.counters.highestmodseq
            assert max(shot.uids, default=0) < shot.counters.uidnext
            changes = queries.changes_since(inbox.pk, 0)
            every = [row.uid for row in changes.changed] + changes.expunged
            assert sorted(every) == list(range(1, len(every) + 1))

    together(job, 5)
    assert_counters_are_exact()
