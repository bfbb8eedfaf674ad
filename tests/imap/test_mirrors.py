"""Mirrors kept with the database: loaded once, brought up to date, forgotten when gone."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from django.db import connection

from apps.directory.models import User
from apps.events.types import EventsMissed, MailboxChanged
from apps.imap import mirrors as module
from apps.imap.mirrors import Mirrors
from apps.imap.view import View
from apps.mailstore import queries
from apps.mailstore.origin import Origin
from apps.mailstore.queries import Changes, MailboxRow
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from apps.mailstore.services.mailboxes import delete
from apps.runtime import db
from apps.wire.errors import NotFound
from tests.imap.conftest import add_numbered

pytestmark = pytest.mark.django_db(transaction=True)


def inbox(user: User, name: str = "INBOX") -> MailboxRow:
    return next(row for row in queries.mailboxes(user.pk) if row.name == name)


@pytest.fixture
async def mirrors() -> AsyncIterator[Mirrors]:
    one = Mirrors()
    yield one
    await one.keep_claims()
    db.shutdown()


async def run(function: object, *args: object, **kwargs: object) -> object:
    """The test's own writes, on a thread as the service makes them."""
    return await db.in_db("work", function, *args, **kwargs)  # type: ignore[arg-type]


async def test_it_loads_and_brings_up_to_date(alice: User, mirrors: Mirrors) -> None:
    await run(add_numbered, alice.pk, 3)
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, row.counters.highestmodseq)
    assert list(held.mirror.uids) == [1, 2, 3]
    origin = Origin("test", alice.pk)
    await run(store, mailbox_id=row.id, uids=[1, 2], change=FlagChange("add", 8), origin=origin)
    await run(expunge, mailbox_id=row.id, uids=[2], origin=origin)
    await run(add_numbered, alice.pk, 1)
    await mirrors.refresh(held)
    assert list(held.mirror.uids) == [1, 3, 4]
    assert list(held.mirror.flags) == [8, 0, 0]
    again = await mirrors.open(row.id, held.mirror.modseq)
    assert again is held
    mirrors.close(again)
    mirrors.close(held)


async def test_it_reads_the_whole_when_expunges_were_forgotten(
    alice: User, mirrors: Mirrors
) -> None:
    await run(add_numbered, alice.pk, 4)
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, 0)
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
    held = await mirrors.open(row.id, 0)
    reads = []
    honest = module._changes

    def counted(mailbox_id: int, modseq: int) -> Changes | None:
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
    held = await mirrors.open(row.id, 0)
    mirrors.hear(MailboxChanged(row.id, held.mirror.modseq))
    assert not held.is_stale  # nothing new in that
    mirrors.hear(MailboxChanged(row.id + 1_000, 99))
    mirrors.hear(EventsMissed())
    assert held.is_stale  # the next command looks
    woken = asyncio.Event()
    held.idlers.add(woken.set)
    await run(add_numbered, alice.pk, 1)
    mirrors.hear(MailboxChanged(row.id, held.mirror.modseq + 1))
    await asyncio.wait_for(woken.wait(), 10)
    assert list(held.mirror.uids) == [1]
    held.idlers.clear()
    mirrors.close(held)


async def test_it_says_when_a_mailbox_is_gone(alice: User, mirrors: Mirrors) -> None:
    row = await run(inbox, alice, "Trash")
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, 0)
    await run(delete, user_id=alice.pk, name="Trash", origin=Origin("test", alice.pk))
    with pytest.raises(NotFound):
        await mirrors.refresh(held)
    mirrors.close(held)
    with pytest.raises(NotFound):
        await mirrors.open(row.id, 0)


async def test_it_keeps_some_mailboxes_warm(
    alice: User, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(add_numbered, alice.pk, 3)
    await run(add_numbered, alice.pk, 3, "Archive")
    first, second = await run(inbox, alice), await run(inbox, alice, "Archive")
    assert isinstance(first, MailboxRow)
    assert isinstance(second, MailboxRow)
    monkeypatch.setattr(module, "WARM_ROWS", 4)
    for row in (first, second):
        mirrors.close(await mirrors.open(row.id, 0))
    assert list(mirrors._held) == [second.id]  # the longest unused went


async def test_it_claims_what_was_told_as_recent(alice: User, mirrors: Mirrors) -> None:
    await run(add_numbered, alice.pk, 2)
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    held = await mirrors.open(row.id, 0)
    held.mirror.recent_floor = 3
    mirrors.close(held)
    await mirrors.keep_claims()
    row = await run(inbox, alice)
    assert isinstance(row, MailboxRow)
    assert row.counters.recent_floor == 3
