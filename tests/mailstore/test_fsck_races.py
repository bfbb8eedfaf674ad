"""fsck while mail comes and goes: what is well is never told to be wrong."""

import random
import threading
from collections.abc import Callable

import pytest
from django.db import connection

from apps.directory.models import User
from apps.mailstore.fsck import mailboxes as checks
from apps.mailstore.fsck.finding import Scope
from apps.mailstore.models import Entry, Expunged, Mailbox
from apps.mailstore.services import copy, expunge, flags, mailboxes, purge, undelete
from apps.ops import fsck
from apps.search.indexing import Indexer
from apps.wire.errors import MailError
from tests.mailstore.making import ORIGIN, box, delivered, filing, filled, numbered, prepared

STEPS = 40  # of each writer
WRITERS = 2


def _uids(mailbox: Mailbox, rng: random.Random) -> list[int]:
    known = list(Entry.objects.filter(mailbox=mailbox).values_list("uid", flat=True))
    return sorted(rng.sample(known, min(len(known), 4)))


def _deliver(inbox: Mailbox, _: Mailbox, rng: random.Random) -> None:
    raw = numbered(rng.randrange(1_000), rng.choice((0, 100, 300_000)))
    delivered([filing(inbox, prepared(raw), keywords=(rng.choice(("A", "B", "C")),))])


def _store(inbox: Mailbox, _: Mailbox, rng: random.Random) -> None:
    change = flags.FlagChange("add", 1, (f"K{rng.randrange(9)}",))
    flags.store(mailbox_id=inbox.pk, uids=_uids(inbox, rng), change=change, origin=ORIGIN)


def _copy(inbox: Mailbox, archive: Mailbox, rng: random.Random) -> None:
    do = rng.choice((copy.copy, copy.move))
    do(mailbox_id=inbox.pk, uids=_uids(inbox, rng), target_id=archive.pk, origin=ORIGIN)


def _expunge(inbox: Mailbox, _: Mailbox, rng: random.Random) -> None:
    uids = _uids(inbox, rng)
    expunge.expunge(mailbox_id=inbox.pk, uids=uids, marked=False, origin=ORIGIN)


def _undelete(inbox: Mailbox, _: Mailbox, rng: random.Random) -> None:
    gone = list(Expunged.objects.filter(mailbox=inbox).values_list("uid", flat=True))
    undelete.messages(mailbox_id=inbox.pk, uids=gone[:3], origin=ORIGIN)


def _purge(_: Mailbox, __: Mailbox, rng: random.Random) -> None:
    purge.purge(keep_days=-1)


def _folders(inbox: Mailbox, _: Mailbox, rng: random.Random) -> None:
    name = f"Folder {rng.randrange(1 << 30)}"
    mailboxes.create(user_id=inbox.user_id, name=name)
    uids = _uids(inbox, rng)
    target = box(inbox.user, name)
    copy.copy(mailbox_id=inbox.pk, uids=uids, target_id=target.pk, origin=ORIGIN)
    mailboxes.delete(user_id=inbox.user_id, name=name, origin=ORIGIN)


def _index(_: Mailbox, __: Mailbox, rng: random.Random) -> None:
    Indexer().run(0.1)


MOVES: tuple[Callable[[Mailbox, Mailbox, random.Random], None], ...] = (
    *(_deliver, _deliver, _store, _copy, _expunge, _undelete, _purge, _folders, _index),
)


@pytest.mark.django_db(transaction=True)
def test_it_finds_nothing_wrong_while_mail_comes_and_goes(alice: User, bob: User) -> None:
    filled(box(alice), 20)
    Indexer().run(60)
    failures: list[BaseException] = []

    def write(user: User, seed: int) -> None:
        rng = random.Random(seed)
        try:
            inbox, archive = box(user), box(user, "Archive")
            for _ in range(STEPS):
                try:
                    rng.choice(MOVES)(inbox, archive, rng)
                except MailError:
                    continue  # another writer was first
        except BaseException as error:  # noqa: BLE001 - told in the thread of the test
            failures.append(error)
        finally:
            connection.close()

    writers = [
        threading.Thread(target=write, args=(user, seed))
        for seed, user in enumerate([alice, bob] * (WRITERS // 2))
    ]
    for writer in writers:
        writer.start()
    runs = 0
    found: list[fsck.Told] = []
    while any(writer.is_alive() for writer in writers) or not runs:
        found += list(fsck.run(Scope(), repair=runs % 2 == 1, every_text=True))
        runs += 1
    for writer in writers:
        writer.join(60)
    found += list(fsck.run(Scope(), repair=False, every_text=True))
    assert failures == []
    assert [(one.finding.kind, one.finding.where, one.finding.detail) for one in found] == []
    assert Entry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_it_finds_nothing_wrong_with_a_mailbox_that_was_deleted_since_it_was_listed(
    alice: User,
) -> None:
    folder = mailboxes.create(user_id=alice.pk, name="Folder")
    filled(folder, 2)
    listed = checks._Box(folder.pk, "Folder", is_deleted=False, is_uncounted=False)
    mailboxes.delete(user_id=alice.pk, name="Folder", origin=ORIGIN)
    purge._purge_mailbox(folder.pk, alice.pk)
    assert not Entry.objects.filter(mailbox=folder).exists()
    assert list(checks._counters(listed)) == []
