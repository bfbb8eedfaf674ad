"""SEARCH and UID SEARCH (RFC 3501 section 6.4.4)."""

from __future__ import annotations

from itertools import compress

from apps.imap import searching
from apps.imap.context import Context, Reply, State
from apps.imap.handlers.registry import Use, command
from apps.imap.proto.responses import numbers_line
from apps.imap.proto.search import Search, SearchProgram, parse_search
from apps.imap.searching import Bounds, Subject
from apps.runtime.db import in_db

CHEAP_PAGE = 500
"""Messages in one read; between two reads others are served."""


@command("SEARCH", parse=parse_search, needs=State.SELECTED, sequence_numbers=Use.READS)
async def search(context: Context, cmd: Search) -> Reply:
    """Answers with sequence numbers."""
    subject = Subject(context.mailbox.view)
    marks = await _matching(context, subject, cmd.program)
    context.write(numbers_line(b"SEARCH", list(compress(subject.seqs, marks))))
    return Reply("Searched")


@command("UID SEARCH", parse=parse_search, needs=State.SELECTED)
async def uid_search(context: Context, cmd: Search) -> Reply:
    """Answers with UIDs."""
    subject = Subject(context.mailbox.view)
    marks = await _matching(context, subject, cmd.program)
    context.write(numbers_line(b"SEARCH", list(compress(subject.uids, marks))))
    return Reply("Searched")


async def _matching(context: Context, subject: Subject, program: SearchProgram) -> bytes:
    """Return one octet per message, 1 where it matches."""
    leaves = [subject.bounds(leaf) for leaf in program.leaves]
    result = searching.run(program, leaves, subject.everything)
    undecided = result.possibly & ~result.surely
    if undecided:
        await _decide(context, program, subject, leaves, undecided)
        result = searching.run(program, leaves, subject.everything)
    return result.surely.to_bytes(len(subject.uids), "little")


async def _decide(
    context: Context, program: SearchProgram, subject: Subject, leaves: list[Bounds], undecided: int
) -> None:
    """Read what the undecided messages need; make their unknown leaves known."""
    count = len(subject.uids)
    unknown = [n for n, bounds in enumerate(leaves) if bounds.surely != bounds.possibly]
    asked = [program.leaves[number] for number in unknown]
    places = list(compress(range(count), undecided.to_bytes(count, "little")))
    marks = [bytearray(count) for _ in unknown]
    for start in range(0, len(places), CHEAP_PAGE):
        page = places[start : start + CHEAP_PAGE]
        uids = [subject.uids[place] for place in page]
        found = await in_db(
            "read", searching.undecided_values, context.mailbox.mailbox_id, uids, asked
        )
        for place, uid in zip(page, uids, strict=True):
            for mark, value in zip(marks, found.get(uid, ()), strict=False):
                mark[place] = value
    for number, mark in zip(unknown, marks, strict=True):
        mask = searching.to_mask(bytes(mark))
        leaves[number] = Bounds(mask, mask)
