"""STATUS (RFC 3501 section 6.3.10), with the items of its extensions."""

from __future__ import annotations

from apps.imap.context import Context, Reply
from apps.imap.handlers.registry import command
from apps.imap.names.naming import mailbox_named
from apps.imap.names.statuses import COUNTED, count, values_of
from apps.imap.proto.names import Status, parse_status
from apps.imap.proto.responses import status_line
from apps.imap.telling import enable_condstore
from apps.mailstore.tallies import NOTHING, Tally
from apps.runtime.db import in_db


@command("STATUS", parse=parse_status, capability="STATUS=SIZE")
async def status(context: Context, cmd: Status) -> Reply:
    """Counters of a mailbox that is not opened for it."""
    place = await mailbox_named(context, cmd.name, "r")
    if b"HIGHESTMODSEQ" in cmd.items:  # RFC 7162 section 3.1.2.1
        enable_condstore(context)
    counted: dict[int, Tally] = {}
    if not COUNTED.isdisjoint(cmd.items):
        counted = await in_db("read", count, [place.row], cmd.items)
    values = values_of(
        place.row,
        cmd.items,
        counted.get(place.id, NOTHING),
        append_limit=context.limits.message_size,
    )
    context.write(status_line(place.name, values, utf8=context.utf8))
    return Reply("Status given")
