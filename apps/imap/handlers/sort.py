"""SORT and UID SORT (RFC 5256), with RETURN (RFC 5267 section 3)."""

from __future__ import annotations

from functools import partial

from apps.imap.context import Context, Reply, State
from apps.imap.handlers.registry import Use, command
from apps.imap.proto.sort import Key, Sort, parse_sort
from apps.imap.search.answering import Question, answer
from apps.imap.search.sorting import ordered


@command(
    "SORT",
    parse=parse_sort,
    needs=State.SELECTED,
    sequence_numbers=Use.READS,
    capability="SORT SORT=DISPLAY ESORT",
)
async def sort(context: Context, cmd: Sort) -> Reply:
    """Answers with sequence numbers."""
    return await answer(context, _question(context, cmd, uid=False))


@command("UID SORT", parse=parse_sort, needs=State.SELECTED)
async def uid_sort(context: Context, cmd: Sort) -> Reply:
    """Answers with UIDs."""
    return await answer(context, _question(context, cmd, uid=True))


def _question(context: Context, cmd: Sort, *, uid: bool) -> Question:
    return Question(
        cmd.program,
        uid,
        cmd.returns,
        cmd.refusal,
        order=partial(ordered, context, criteria=cmd.criteria),
        with_scores=any(one.key is Key.RELEVANCY for one in cmd.criteria),
    )
