"""Mirrors kept with the database: loaded once, brought up to date, forgotten when gone."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from django.db import OperationalError, connection

from apps.directory.models import User
from apps.events.types import EventsMissed, MailboxChanged
from apps.imap.selected import mirrors as module
from apps.imap.selected.mirrors import Mirrors
from apps.imap.selected.view import View
from apps.mailstore import queries
from apps.mailstore.origin import Origin
from apps.mailstore.queries import Changes, Counters, MailboxRow
from apps.mailstore.services import recent
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from apps.mailstore.services.mailboxes import delete
from apps.runtime import db
from apps.wire.errors import NotFound
from tests.imap.conftest import add_numbered

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = Origin("test", None)


def inbox(user: User, name: str = "INBOX") -> MailboxRow:
    return next(row for row in queries.mailboxes(user.pk) if row.name == name)


@pytest.fixture
async def mirrors() -> AsyncIterator[Mirrors]:
    one = Mirrors()
    yield one
    await one.settle()
    db.shutdown()


async def run(function: object, *args: object, **kwargs: object) -> object:
    """The test's own writes, on a thread as the service makes them."""
    return await db.in_db("work", function, *args, **kwargs)  # type: ignore[arg-type]


async def test_it_loads_and_brings_up_to_date(alice: User, mirrors: Mirrors) -> None:
    await run(add_numbered, alice.pk, 3)
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, row.counters)
    assert list(held.mirror.uids) == [1, 2, 3]
    origin = Origin("test", alice.pk)
    await run(store, mailbox_id=row.id, uids=[1, 2], change=FlagChange("add", 8), origin=origin)
    await run(expunge, mailbox_id=row.id, uids=[2], origin=origin)
    await run(add_numbered, alice.pk, 1)
    await mirrors.refresh(held)
    assert list(held.mirror.uids) == [1, 3, 4]
    assert list(held.mirror.flags) == [8, 0, 0]
    again = await mirrors.open(row.id, row.counters)
    assert again is held
    mirrors.close(again)
    mirrors.close(held)


async def test_it_reads_the_whole_when_expunges_were_forgotten(
    alice: User, mirrors: Mirrors
) -> None:
    await run(add_numbered, alice.pk, 4)
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, row.counters)
    view = View(held.mirror)
    origin = Origin("test", alice.pk)
    await run(store, mailbox_id=row.id, uids=[2, 3], change=FlagChange("add", 8), origin=origin)
    await run(expunge, mailbox_id=row.id, origin=origin)

    def forget() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM mailstore_expunged")
            cursor.execute("UPDATE mailstore_mailboxstate SET expunged_floor = highestmodseq")

    await run(forget)
    await mirrors.refresh(held)
    assert list(held.mirror.uids) == [1, 4]
    assert view.take(expunges=True).expunged == (3, 2)
    mirrors.close(held)


async def test_it_answers_many_who_ask_at_once_with_few_reads(
    alice: User, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, row.counters)
    reads = []
    honest = module._changes

    def counted(mailbox_id: int, modseq: int) -> tuple[Counters, Changes | None]:
        reads.append(mailbox_id)
        return honest(mailbox_id, modseq)

    monkeypatch.setattr(module, "_changes", counted)
    await run(add_numbered, alice.pk, 1)
    await asyncio.gather(*(mirrors.refresh(held) for _ in range(20)))
    assert list(held.mirror.uids) == [1]
    assert len(reads) <= 2  # the first one's, and one for all who asked while it ran
    mirrors.close(held)


async def test_it_is_woken_by_events(alice: User, mirrors: Mirrors) -> None:
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, row.counters)
    mirrors.hear(MailboxChanged(row.id, held.mirror.modseq))
    assert not held.is_stale  # nothing new in that
    mirrors.hear(MailboxChanged(row.id + 1_000, 99))
    mirrors.hear(EventsMissed())
    assert held.is_stale  # the next command looks
    woken = asyncio.Event()
    held.idlers.add(woken.set)
    await run(add_numbered, alice.pk, 1)
    mirrors.hear(MailboxChanged(row.id, held.mirror.modseq + 1))
    await asyncio.wait_for(woken.wait(), 30)
    assert list(held.mirror.uids) == [1]
    held.idlers.clear()
    mirrors.close(held)


async def test_it_says_when_a_mailbox_is_gone(alice: User, mirrors: Mirrors) -> None:
    row = await run(inbox, alice, "Trash")
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, row.counters)
    woken = asyncio.Event()
    held.idlers.add(woken.set)
    await run(delete, user_id=alice.pk, name="Trash", origin=Origin("test", alice.pk))
    with pytest.raises(NotFound):
        await mirrors.refresh(held)
    assert held.is_gone
    assert woken.is_set()
    assert not mirrors._held
    held.idlers.clear()
    mirrors.close(held)
    with pytest.raises(NotFound):
        await mirrors.open(row.id, row.counters)


async def test_it_keeps_some_mailboxes_warm(
    alice: User, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(add_numbered, alice.pk, 3)
    await run(add_numbered, alice.pk, 3, "Archive")
    first, second = await run(inbox, alice), await run(inbox, alice, "Archive")
    assert isinstance(first, MailboxRow)
    assert isinstance(second, MailboxRow)
    monkeypatch.setattr(module, "WARM_ROWS", module.EMPTY_ROWS + 4)
    for row in (first, second):
        mirrors.close(await mirrors.open(row.id, row.counters))
    assert list(mirrors._held) == [second.id]  # the longest unused went
    held = await mirrors.open(second.id, second.counters)
    mirrors.close(await mirrors.open(first.id, first.counters))
    assert list(mirrors._held) == [second.id, first.id]  # one in use is none of the warm ones
    mirrors.close(held)
    assert list(mirrors._held) == [second.id]
    assert mirrors._warm_rows == module.EMPTY_ROWS + 3


async def test_it_keeps_few_of_many_empty_mailboxes_warm(
    alice: User, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WARM_ROWS", 2 * module.EMPTY_ROWS)
    for name in ("INBOX", "Drafts", "Sent", "Junk"):
        row = await run(inbox, alice, name)
        assert isinstance(row, MailboxRow)
        mirrors.close(await mirrors.open(row.id, row.counters))
    assert len(mirrors._held) == 2


async def test_it_looks_at_once_and_then_not_at_each_event_of_a_flood(
    alice: User, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, row.counters)
    reads: list[int] = []
    honest = module._changes

    def counted(mailbox_id: int, modseq: int) -> tuple[Counters, Changes | None]:
        reads.append(mailbox_id)
        return honest(mailbox_id, modseq)

    monkeypatch.setattr(module, "_changes", counted)
    woken = asyncio.Event()
    held.idlers.add(woken.set)
    loop = asyncio.get_running_loop()
    started = loop.time()
    for _ in range(30):
        await run(add_numbered, alice.pk, 1)
        mirrors.hear(MailboxChanged(row.id, held.mirror.modseq + 1))
    took = loop.time() - started
    async with asyncio.timeout(10):
        while len(held.mirror) < 30:
            woken.clear()
            await woken.wait()
    assert len(reads) <= took / module.PAUSE + 2
    held.idlers.clear()
    mirrors.close(held)


async def test_it_gives_what_is_recent_to_one_caller(alice: User) -> None:
    """Two `Mirrors`, as two processes have, ask for the same messages at the same time."""
    here, there = Mirrors(), Mirrors()
    await run(add_numbered, alice.pk, 2)
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    holds = [(one, await one.open(row.id, row.counters)) for one in (here, there, here, there)]
    floors = await asyncio.gather(*(one.claim_recent(held, 3) for one, held in holds))
    assert sorted(floors) == [1, 3, 3, 3]
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    assert row.counters.recent_floor == 3
    for one, held in holds:
        one.close(held)
        await one.settle()
    db.shutdown()


async def test_it_takes_nothing_that_it_could_not_write_down(
    alice: User, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(add_numbered, alice.pk, 2)
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, row.counters)

    def gone(_: object) -> dict[int, int]:
        raise OperationalError("the disk is away")

    with monkeypatch.context() as patched:
        patched.setattr(recent, "claim", gone)
        assert await mirrors.claim_recent(held, 3) == 3
    assert await mirrors.claim_recent(held, 3) == 1
    mirrors.close(held)


async def test_it_knows_that_messages_came_and_went(alice: User, mirrors: Mirrors) -> None:
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, row.counters)
    await run(add_numbered, alice.pk, 2)
    await run(expunge, mailbox_id=row.id, uids=[1, 2], origin=ORIGIN, marked=False)
    await mirrors.refresh(held)
    assert (len(held.mirror), held.mirror.uidnext) == (0, 3)
    mirrors.close(held)


async def test_it_looks_at_all_that_may_have_changed(alice: User, mirrors: Mirrors) -> None:
    """Events were lost: who idles is told what is new, of whichever mailbox."""
    holds = []
    for name in ("INBOX", "Archive", "Sent"):
        row = await run(inbox, alice, name)
        assert isinstance(row, MailboxRow)
        held = await mirrors.open(row.id, row.counters)
        holds.append((name, held))
        await run(add_numbered, alice.pk, 2, name)
    woken = asyncio.Semaphore(0)
    for _, held in holds:
        held.idlers.add(woken.release)
    mirrors.hear(EventsMissed())
    async with asyncio.timeout(10):
        for _ in holds:
            await woken.acquire()
    for _, held in holds:
        assert list(held.mirror.uids) == [1, 2]
        held.idlers.clear()
        mirrors.close(held)


async def test_it_heals_a_lost_event_by_itself(
    alice: User, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event comes here at all: the rows are looked at all the same, all in one statement."""
    assert module.HEAL <= 30
    monkeypatch.setattr(module, "HEAL", 0.05)
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, row.counters)
    woken = asyncio.Semaphore(0)
    held.idlers.add(woken.release)
    async with asyncio.timeout(10):
        for count in (1, 2):
            await run(add_numbered, alice.pk, 1)
            while len(held.mirror) < count:
                await woken.acquire()
    held.idlers.clear()
    mirrors.close(held)


async def test_it_tells_who_idles_of_a_deletion_whose_event_was_lost(
    alice: User, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEAL", 0.05)
    row = await run(inbox, alice, "Archive")
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, row.counters)
    woken = asyncio.Semaphore(0)
    held.idlers.add(woken.release)
    await run(delete, user_id=alice.pk, name="Archive", origin=ORIGIN)
    async with asyncio.timeout(10):
        while not held.is_gone:
            await woken.acquire()
    held.idlers.clear()
    mirrors.close(held)
