"""FETCH of a mailbox of 100,000 messages: what stands in memory goes out page by page, without a
question to the database, and nothing is held for a client that has not read yet."""

import tracemalloc

import pytest

from apps.imap.context import Context, Reply, Selected, State
from apps.imap.handlers.fetch import fetch, fetch_uids, uid_fetch
from apps.imap.names.naming import Place
from apps.imap.proto.fetch import Attribute, Fetch, Modifiers
from apps.imap.proto.partial import PartialRange
from apps.imap.proto.sets import STAR, SequenceSet
from apps.imap.selected.mirror import Mirror
from apps.imap.selected.mirrors import Held, Mirrors
from apps.imap.selected.view import View
from apps.mailstore.queries import Counters, MailboxRow

COUNT = 100_000
ALL = SequenceSet(((1, STAR),))
FLAGS = (Attribute.FLAGS,)


class Reader:
    """A client that reads whenever it is waited for; how much was written before that."""

    def __init__(self) -> None:
        self.waiting = self.most = self.lines = 0
        self.last = b""

    def write(self, data: bytes) -> None:
        self.waiting += len(data)
        self.lines += data.count(b"\r\n")
        self.last = data or self.last

    async def drain(self) -> None:
        self.most, self.waiting = max(self.most, self.waiting), 0


@pytest.fixture(scope="module")
def mirror() -> Mirror:
    one = Mirror(1)
    one.apply([(2 * n, n % 32, 0, n) for n in range(1, COUNT + 1)], (), COUNT)
    return one


@pytest.fixture
def context(mirror: Mirror) -> Context:
    channel = Reader()
    one = Context(channel, Mirrors(), state=State.SELECTED)  # type: ignore[arg-type]
    place = Place(MailboxRow(1, "INBOX", "inbox", Counters(1, 1, 1, 1, 1, 1, 1, 1)), "INBOX", 1)
    held = Held(mirror)
    held.is_loaded = True
    one.selected = Selected(place, False, held, View(mirror))
    one.selected.told_keywords = 0
    return one


def reader(context: Context) -> Reader:
    channel = context.channel
    assert isinstance(channel, Reader)
    return channel


async def test_it_streams_all_flags_in_flat_memory(context: Context) -> None:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    reply = await fetch(context, Fetch(ALL, FLAGS))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reply == Reply("Fetched")
    client = reader(context)
    assert client.lines == COUNT
    assert client.last.endswith(b"* 100000 FETCH (FLAGS ())\r\n")
    assert client.most < 64 * 1024
    assert peak - before < 12 * 1024 * 1024  # two numbers for each message, and a page


async def test_it_tells_modseqs_from_memory(context: Context) -> None:
    await uid_fetch(context, Fetch(SequenceSet(((199_998, 200_000),)), (Attribute.MODSEQ,)))
    assert reader(context).last == (
        b"* 99999 FETCH (UID 199998 MODSEQ (99999))\r\n"
        b"* 100000 FETCH (UID 200000 MODSEQ (100000))\r\n"
    )


async def test_it_takes_a_window_of_many_for_little(context: Context) -> None:
    modifiers = Modifiers(partial=PartialRange(1, 3, from_end=True))
    await uid_fetch(context, Fetch(ALL, FLAGS, modifiers))
    assert reader(context).lines == 3
    assert reader(context).last.startswith(b"* 99998 FETCH (UID 199996 FLAGS ")


async def test_it_answers_for_others_with_exactly_what_they_ask(context: Context) -> None:
    await fetch_uids(context, [1, 2, 199_998, 200_000, 200_002], FLAGS)
    assert reader(context).lines == 3
    assert reader(context).last.startswith(b"* 1 FETCH (FLAGS (")
    await fetch_uids(context, [], FLAGS)
    assert reader(context).lines == 3
    context.enabled.add("UIDONLY")
    await fetch_uids(context, [4], (Attribute.UID, Attribute.FLAGS))
    assert reader(context).last == b"* 4 UIDFETCH (FLAGS (\\Answered))\r\n"
