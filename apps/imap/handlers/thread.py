"""THREAD and UID THREAD (RFC 5256): ORDEREDSUBJECT, REFERENCES, REFS."""

from __future__ import annotations

from apps.imap.context import Context, Reply, State
from apps.imap.handlers.registry import Use, command
from apps.imap.proto.sort import Thread, parse_thread
from apps.imap.search.answering import check
from apps.imap.search.finding import find
from apps.imap.search.threads import threaded


@command(
    "THREAD",
    parse=parse_thread,
    needs=State.SELECTED,
    sequence_numbers=Use.READS,
    capability="THREAD=ORDEREDSUBJECT THREAD=REFERENCES THREAD=REFS",
)
async def thread(context: Context, cmd: Thread) -> Reply:
    """Answers with sequence numbers."""
    return await _thread(context, cmd, uid=False)


@command("UID THREAD", parse=parse_thread, needs=State.SELECTED)
async def uid_thread(context: Context, cmd: Thread) -> Reply:
    """Answers with UIDs."""
    return await _thread(context, cmd, uid=True)


async def _thread(context: Context, cmd: Thread, *, uid: bool) -> Reply:
    check(context, cmd.program)
    found = await find(context, context.mailbox.view, cmd.program)
    context.write(await threaded(context, found, cmd.algorithm, uid=uid))
    return Reply("Threaded")
