"""STATUS (RFC 3501 section 6.3.10)."""

from __future__ import annotations

from apps.imap.context import Context, Reply
from apps.imap.handlers.registry import command
from apps.imap.naming import Place, mailbox_named
from apps.imap.proto.names import Status, parse_status
from apps.imap.proto.responses import status_line


@command("STATUS", parse=parse_status)
async def status(context: Context, cmd: Status) -> Reply:
    """Counters of a mailbox that is not opened for it."""
    place = await mailbox_named(context, cmd.name)
    numbers = await _numbers(context, place, recent=b"RECENT" in cmd.items)
    context.write(status_line(place.name, [(item, numbers[item]) for item in cmd.items]))
    return Reply("Status given")


async def _numbers(context: Context, place: Place, *, recent: bool) -> dict[bytes, int]:
    counters = place.row.counters
    numbers = {
        b"MESSAGES": counters.messages,
        b"UIDNEXT": counters.uidnext,
        b"UIDVALIDITY": counters.uidvalidity,
        b"UNSEEN": counters.unseen,
        b"RECENT": 0,
        b"APPENDLIMIT": context.limits.message_size,
    }
    if recent and counters.uidnext > counters.recent_floor:
        # UIDs at and above the floor, less those expunged since: the mirror knows them all.
        held = await context.mirrors.open(place.id, counters)
        numbers[b"RECENT"] = held.mirror.count_from(counters.recent_floor)
        context.mirrors.close(held)
    return numbers
