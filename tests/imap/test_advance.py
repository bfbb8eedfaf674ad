"""A change of our own is taken into the mirror without a read, unless others changed something."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from apps.directory.models import User
from apps.events.types import Event, EventsMissed, MailboxChanged
from apps.imap.selected import mirrors as module
from apps.imap.selected.mirrors import Done, Held, Mirrors
from apps.imap.selected.view import View
from apps.mailstore import queries
from apps.mailstore.models import FLAG_FLAGGED
from apps.mailstore.origin import Origin
from apps.mailstore.queries import Changes, Counters
from apps.mailstore.services import flags
from apps.mailstore.services.expunge import expunge
from apps.mailstore.services.flags import FlagChange, store
from apps.runtime import db
from apps.runtime.db import in_db
from apps.runtime.glance import forget
from tests.imap.conftest import MESSAGE, add_message, add_numbered

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = Origin("test", None)


@pytest.fixture
async def mirrors() -> AsyncIterator[Mirrors]:
    one = Mirrors()
    yield one
    await one.settle()
    db.shutdown()
    forget()


@pytest.fixture
async def held(alice: User, mirrors: Mirrors) -> Held:
    await in_db("work", add_numbered, alice.pk, 6)
    row = await in_db("work", lambda: queries.mailboxes(alice.pk)[0])
    return await mirrors.open(row.id, row.counters)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The reads of what is new, by the modseq they began from."""
    seen: list[int] = []
    changes = module._changes

    def counted(mailbox_id: int, modseq: int) -> tuple[Counters, Changes | None]:
        seen.append(modseq)
        return changes(mailbox_id, modseq)

    monkeypatch.setattr(module, "_changes", counted)
    return seen


async def flagged(held: Held, uids: list[int], change: FlagChange) -> Done:
    mailbox_id = held.mirror.mailbox_id
    done = await in_db(
        "work", store, mailbox_id=mailbox_id, uids=uids, change=change, origin=ORIGIN
    )
    return Done(done.modseqs, done.rows, keyword_names=done.keyword_names)


async def expunged(held: Held, uids: list[int]) -> Done:
    mailbox_id = held.mirror.mailbox_id
    gone = await in_db(
        "work", expunge, mailbox_id=mailbox_id, uids=uids, marked=False, origin=ORIGIN
    )
    return Done(sorted({modseq for _, modseq in gone}), expunged=[uid for uid, _ in gone])


async def is_true(held: Held) -> bool:
    """Whether the mirror holds what the database holds."""
    mirror = held.mirror
    shot = await in_db("read", queries.snapshot, mirror.mailbox_id)
    names = {bit: name for bit, name in enumerate(shot.keyword_names) if name}
    return (
        list(mirror.uids) == list(shot.uids)
        and list(mirror.flags) == list(shot.flags)
        and list(mirror.keywords) == list(shot.keywords)
        and list(mirror.modseqs) == list(shot.modseqs)
        and mirror.modseq == shot.counters.highestmodseq
        and mirror.uidnext == shot.counters.uidnext
        and mirror.keyword_names == names
    )


async def test_it_takes_flags_expunges_and_new_messages_without_a_read(
    alice: User, mirrors: Mirrors, held: Held, reads: list[int]
) -> None:
    view, other = View(held.mirror), View(held.mirror)
    woken: list[bool] = []
    held.idlers.add(lambda: woken.append(True))
    await mirrors.advance(held, await flagged(held, [1, 2, 3], FlagChange("add", 4, ("$Work",))))
    await mirrors.advance(held, await expunged(held, [2]))
    saved = await in_db("work", add_message, alice.pk, MESSAGE.format(7).encode())
    row = (saved.uid, 0, 0, saved.modseq)
    await mirrors.advance(held, Done([saved.modseq], [row], uidnext=saved.uid + 1))
    assert reads == []
    assert await is_true(held)
    assert len(woken) == 3
    for one in (view, other):
        pending = one.take(expunges=True)
        assert (pending.expunged, pending.exists) == ((2,), 6)
        assert [uid for _, uid in pending.changed] == [1, 3]


async def test_it_reads_when_somebody_else_changed_something_in_between(
    mirrors: Mirrors, held: Held, reads: list[int]
) -> None:
    await flagged(held, [5, 6], FlagChange("add", 2))
    await mirrors.advance(held, await flagged(held, [5], FlagChange("add", 2)))
    assert len(reads) == 1
    assert await is_true(held)
    await flagged(held, [1], FlagChange("add", 16))
    await mirrors.advance(held, await flagged(held, [2], FlagChange("add", 16)))
    assert len(reads) == 2
    assert await is_true(held)


async def test_it_takes_a_change_in_several_transactions_only_whole(
    mirrors: Mirrors, held: Held, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flags, "CHUNK", 2)
    done = await flagged(held, [1, 2, 3, 4, 5], FlagChange("add", 1))
    assert len(done.modseqs) == 3
    await mirrors.advance(held, done)
    assert reads == []
    assert await is_true(held)
    done = await flagged(held, [1, 2, 3, 4, 5], FlagChange("remove", 1))
    torn = Done([done.modseqs[0], done.modseqs[2]], done.rows)
    await mirrors.advance(held, torn)
    assert len(reads) == 1
    assert await is_true(held)


async def test_it_does_not_overtake_a_read_that_is_under_way(
    mirrors: Mirrors, held: Held, reads: list[int]
) -> None:
    async with held.lock:
        done = await flagged(held, [1], FlagChange("add", 1))
        task = asyncio.create_task(mirrors.advance(held, done))
        await asyncio.sleep(0)
        assert held.mirror.modseq < done.modseqs[0]
    await task
    assert len(reads) == 1
    assert await is_true(held)


async def test_it_has_nothing_to_take_from_a_change_that_changed_nothing(
    mirrors: Mirrors, held: Held
) -> None:
    done = await flagged(held, [1], FlagChange("remove", 1))
    assert done.modseqs == []
    await mirrors.advance(held, done)
    assert await is_true(held)


async def test_it_does_not_look_again_for_what_it_did_itself(held: Held, mirrors: Mirrors) -> None:
    """The event of a change often comes before the answer of the service."""
    done = await flagged(held, [2], FlagChange("add", FLAG_FLAGGED))
    mirrors.hear(MailboxChanged(held.mirror.mailbox_id, done.modseqs[-1]))
    assert held.is_stale
    assert await mirrors.advance(held, done)
    assert not held.is_stale
    assert await is_true(held)


@pytest.mark.parametrize("other", ["a later change", "events were missed", "before", "a command"])
async def test_it_looks_again_for_whatever_else_it_heard(
    held: Held, mirrors: Mirrors, other: str
) -> None:
    done = await flagged(held, [2], FlagChange("add", FLAG_FLAGGED))
    ours = MailboxChanged(held.mirror.mailbox_id, done.modseqs[-1])
    events: dict[str, list[Event]] = {
        "a later change": [ours, MailboxChanged(ours.mailbox_id, ours.modseq + 1), ours],
        "events were missed": [ours, EventsMissed()],
        "before": [EventsMissed(), ours],
        "a command": [ours],
    }
    for event in events[other]:
        mirrors.hear(event)
    if other == "a command":
        held.doubt()
    assert await mirrors.advance(held, done)
    assert held.is_stale
    await mirrors.refresh(held)
    assert not held.is_stale
    mirrors.hear(MailboxChanged(ours.mailbox_id, ours.modseq))
    assert not held.is_stale
