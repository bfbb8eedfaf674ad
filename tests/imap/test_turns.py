"""Work on all messages of a large mailbox: others have their turns on the event loop meanwhile, and
what is told is what it would be of a few. Turns are counted, no time is taken."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from apps.directory.models import User
from apps.imap.context import Context, Selected, State
from apps.imap.handlers import transfer
from apps.imap.names.naming import Place
from apps.imap.proto.returns import parse_returns
from apps.imap.proto.scanner import Scanner
from apps.imap.proto.search import SearchProgram, parse_program
from apps.imap.proto.sets import SequenceSet, format_set
from apps.imap.search.answering import Question, answer
from apps.imap.search.updating import PAGE, searches
from apps.imap.selected.mirror import Mirror
from apps.imap.selected.mirrors import Held, Mirrors
from apps.imap.selected.view import View
from apps.imap.telling import PAGE as EXPUNGES
from apps.imap.telling import tell
from apps.mailstore.queries import Counters, MailboxRow
from apps.wire.lines import RawCommand
from tests.imap.conftest import add_numbered
from tests.imap.talk import Talk
from tests.support.imap_server import RunningServer

COUNT = 25_000
SEEN = 1
SAVED = SequenceSet((), is_saved=True)


@dataclass
class Channel:
    """A client that reads at once; how often it was waited for."""

    written: list[bytes] = field(default_factory=list)
    waits: int = 0

    def write(self, data: bytes) -> None:
        self.written.append(data)

    async def drain(self) -> None:
        self.waits += 1


@pytest.fixture
def context() -> Context:
    """A mailbox of COUNT messages with even UIDs, all unseen, selected by a client."""
    mirror = Mirror(1)
    mirror.apply([(2 * n, 0, 0, n) for n in range(1, COUNT + 1)], (), COUNT)
    one = Context(Channel(), Mirrors(), state=State.SELECTED)  # type: ignore[arg-type]
    place = Place(MailboxRow(1, "INBOX", "inbox", Counters(1, 1, 1, 1, 1, 1, 1, 1)), "INBOX", 1)
    held = Held(mirror)
    held.is_loaded = True
    one.selected = Selected(place, False, held, View(mirror))
    one.selected.told_keywords = 0
    one.tag = b"a"
    return one


def written(context: Context) -> bytes:
    """What was written since it was last asked."""
    channel = context.channel
    assert isinstance(channel, Channel)
    data = b"".join(channel.written)
    channel.written.clear()
    return data


def program(text: bytes) -> SearchProgram:
    return parse_program(Scanner(RawCommand((text,))))


def question(keys: bytes, returns: bytes | None = None) -> Question:
    wanted = None
    if returns is not None:
        wanted = parse_returns(Scanner(RawCommand((b"RETURN (" + returns + b") ",))))
    return Question(program(keys), True, wanted)


async def turns(work: Coroutine[Any, Any, object]) -> int:
    """Do it; return how many turns another task had meanwhile."""
    count = 0
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.sleep(0)
        count += 1
    await task
    return count


async def test_it_tells_many_changes_of_a_result_in_pages(context: Context) -> None:
    await answer(context, question(b"UNSEEN", b"UPDATE COUNT"))
    written(context)
    mirror, (updating,) = context.mailbox.held.mirror, searches(context)
    mirror.apply([(2 * n, SEEN, 0, COUNT + n) for n in range(1, COUNT + 1)], (), 2 * COUNT)
    pages = -(-COUNT // PAGE)
    assert await turns(updating.tell(context)) >= pages
    removed = re.findall(rb"REMOVEFROM \(0 ([0-9:,]+)\)", written(context))
    assert len(removed) == pages
    assert b",".join(removed) == b",".join([b"%d" % (2 * n) for n in range(1, COUNT + 1)])


async def test_it_tells_many_that_left_a_result_in_pages(context: Context) -> None:
    await answer(context, question(b"UNSEEN", b"UPDATE COUNT"))
    written(context)
    mirror, (updating,) = context.mailbox.held.mirror, searches(context)
    mirror.apply([], range(2, 2 * COUNT + 1, 2), 2 * COUNT)
    assert await turns(updating.tell(context)) >= -(-COUNT // PAGE)
    removed = re.findall(rb"REMOVEFROM \(0 ([0-9:,]+)\)", written(context))
    assert b",".join(removed) == b",".join([b"%d" % (2 * n) for n in range(1, COUNT + 1)])
    assert context.mailbox.view.take(expunges=True).expunged == tuple(range(COUNT, 0, -1))


async def test_it_makes_a_long_answer_on_a_thread(context: Context) -> None:
    mailbox = context.mailbox.held.mirror.uids
    assert await turns(answer(context, question(b"ALL", b"ALL SAVE"))) > 1
    numbers = b",".join([b"%d" % (2 * n) for n in range(1, COUNT + 1)])
    assert written(context) == b'* ESEARCH (TAG "a") UID ALL ' + numbers + b"\r\n"
    assert context.mailbox.view.saved == mailbox
    assert await turns(answer(context, question(b"ALL"))) > 1
    assert written(context) == b"* SEARCH " + numbers.replace(b",", b" ") + b"\r\n"


async def test_it_finds_all_of_a_large_saved_result(context: Context) -> None:
    view = context.mailbox.view
    view.saved = view.uids[::2]
    context.mailbox.held.mirror.apply([], [2, 6, 8], 2 * COUNT)
    assert await turns(answer(context, question(b"$", b"COUNT"))) >= 1
    assert written(context) == b'* ESEARCH (TAG "a") UID COUNT %d\r\n' % (COUNT // 2 - 2)
    assert view.pick(SAVED, uid=True) == (
        list(range(1, COUNT + 1, 2)),
        list(range(2, 2 * COUNT + 1, 4)),
    )
    view.take(expunges=True)
    seqs, uids = view.pick(SAVED, uid=False)
    assert (seqs[:2], uids[:2]) == ([2, 4], [10, 14])
    assert len(seqs) == len(uids) == COUNT // 2 - 2


async def test_it_compares_many_modseqs_in_turns(context: Context) -> None:
    """Each key asks every message."""
    keys = b" ".join([b"OR MODSEQ %d KEYWORD k%d" % (n, n) for n in range(1, 101)]) + b" UNSEEN"
    assert await turns(answer(context, question(keys, b"COUNT"))) >= 2 * 100 * COUNT // 125_000
    assert b"COUNT %d" % (COUNT - 99) in written(context)


async def test_it_tells_many_expunges_in_pages(context: Context) -> None:
    context.mailbox.held.mirror.apply([], range(2, 2 * COUNT + 1, 2), 2 * COUNT)
    pages = -(-COUNT // EXPUNGES)
    assert await turns(tell(context, expunges=True)) >= pages
    channel = context.channel
    assert isinstance(channel, Channel)
    assert channel.waits >= pages - 1
    lines = b"".join([b"* %d EXPUNGE\r\n" % seq for seq in range(COUNT, 0, -1)])
    assert written(context) == lines


@pytest.mark.django_db(transaction=True)
def test_it_writes_copyuid_on_the_thread_that_copies(
    server: RunningServer, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def noting(numbers: Sequence[int]) -> bytes:
        threads.append(threading.current_thread().name)
        return format_set(numbers)

    monkeypatch.setattr(transfer, "format_set", noting)
    add_numbered(alice.pk, 2)
    talk = Talk(server.port, alice.address)
    talk.say("SELECT INBOX")
    assert re.match(r"OK \[COPYUID \d+ 1:2 1:2\]", talk.say("COPY 1:2 Trash")[1])
    assert re.match(r"\* OK \[COPYUID \d+ 1:2 3:4\]", talk.say("MOVE 1:2 Trash")[0][0])
    talk.close()
    assert len(threads) == 4
    assert all(name.startswith("db-work") for name in threads)
