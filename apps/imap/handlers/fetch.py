"""FETCH and UID FETCH (RFC 3501 section 6.4.5).

Pages of `page_rows` messages by UID: read, write, wait until the client has taken it, so that a
slow client costs one page and the loop serves others in between. Bodies go in batches bounded by
octets, long ones piece by piece.

A message that another session has expunged is answered for as long as this client numbers it: the
table of expunges has all of it (RFC 2180 section 4.1.1).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from apps.imap.context import Context, Reply, Selected, State, no
from apps.imap.fetchplan import (
    CHUNK,
    Bodies,
    Cell,
    Long,
    Page,
    Plan,
    cells,
    filled,
    make_plan,
    read_page,
    sendable,
)
from apps.imap.handlers.registry import Use, command
from apps.imap.proto.fetch import Attribute, Fetch, parse_fetch
from apps.imap.telling import flag_text, flag_texts, tell_keywords
from apps.mailstore import queries
from apps.mailstore.models import FLAG_SEEN
from apps.mailstore.services import flags as flag_service
from apps.mailstore.services.flags import FlagChange
from apps.runtime.db import in_db
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

Row = tuple[Any, ...]
_Read = Callable[[list[int]], Awaitable[Page]]


@command("FETCH", parse=parse_fetch, needs=State.SELECTED, sequence_numbers=Use.READS)
async def fetch(context: Context, cmd: Fetch) -> Reply:
    """By sequence numbers."""
    return await _fetch(context, cmd, uid=False)


@command("UID FETCH", parse=parse_fetch, needs=State.SELECTED)
async def uid_fetch(context: Context, cmd: Fetch) -> Reply:
    """By UIDs."""
    return await _fetch(context, cmd, uid=True)


async def _fetch(context: Context, cmd: Fetch, *, uid: bool) -> Reply:
    selected = context.mailbox
    seqs, uids = selected.view.pick(cmd.numbers, uid=uid)
    fetching = _Fetching(context, selected, make_plan(cmd.items, uid=uid))
    size = context.limits.page_rows
    for start in range(0, len(uids), size):
        await fetching.page(seqs[start : start + size], uids[start : start + size])
        await context.channel.drain()
    return fetching.reply()


class _Fetching:
    """One FETCH under way."""

    def __init__(self, context: Context, selected: Selected, plan: Plan) -> None:
        self._context = context
        self._selected = selected
        self._plan = plan
        self._tells_flags = Attribute.FLAGS in plan.attributes
        self._gone = self._lost = 0  # expunged meanwhile; of these, not to be had any more
        self._last_flags: dict[int, tuple[int, int]] = {}  # of what was expunged
        self._failed: MailError | None = None
        self._pieces: list[bytes] = []
        self._octets = 0
        self._line_start: int | None = None  # where in _pieces the line begins; None: partly out

    def reply(self) -> Reply:
        """The tagged answer, when all pages are out."""
        if self._failed is not None:
            text = "Some of the messages could not be read"
            return no(text, self._failed.imap_code.encode("ascii"))
        if self._lost:
            return no("Some of the messages no longer exist", b"EXPUNGEISSUED")
        if self._gone:
            return Reply("Fetched, also what no longer exists", b"EXPUNGEISSUED")
        return Reply("Fetched")

    async def page(self, seqs: list[int], uids: list[int]) -> None:
        """Answer for these messages, expunged ones last."""
        gone = await self._page(seqs, uids, self._read)
        if gone:
            self._gone += len(gone)
            if self._tells_flags:
                mailbox_id = self._selected.mailbox_id
                flags = await in_db("read", queries.expunged_flags, mailbox_id, list(gone.values()))
                self._last_flags.update(flags)
            lost = await self._page(list(gone), list(gone.values()), self._read_expunged)
            self._lost += len(lost)

    async def _page(self, seqs: list[int], uids: list[int], read: _Read) -> dict[int, int]:
        """Answer for what `read` finds; return what it does not (sequence number -> UID)."""
        missing: dict[int, int] = {}
        done = 0
        while done < len(uids):
            rows, bodies, used = await read(uids[done:] if done else uids)
            place = slice(done, done + used)
            missing |= await self._answer(seqs[place], uids[place], rows, bodies)
            done += used
        return missing

    async def _answer(
        self, seqs: list[int], uids: list[int], rows: list[Row], bodies: list[Bodies]
    ) -> dict[int, int]:
        missing: dict[int, int] = {}
        if len(rows) < len(uids):
            found = {row[0] for row in rows}
            missing = {seq: uid for seq, uid in zip(seqs, uids, strict=True) if uid not in found}
            seqs = [seq for seq in seqs if seq not in missing]
        if rows and self._plan.bodies:
            await self._write_bodies(seqs, rows, bodies)
        elif rows:
            self._write(seqs, rows)
        return missing

    async def _read(self, uids: list[int]) -> Page:
        """Return what answers for the first of these; reads nothing if the mirror has all."""
        if self._plan.columns:
            octets = self._context.limits.page_octets
            mailbox_id = self._selected.mailbox_id
            return await in_db("read", read_page, mailbox_id, uids, self._plan, octets)
        mirror = self._selected.held.mirror
        rows = [(uid,) for uid in uids] if mirror.holds(uids) else mirror.rows_of(uids)
        return Page(list(rows), [], len(uids))

    async def _read_expunged(self, uids: list[int]) -> Page:
        if self._plan.columns:
            octets = self._context.limits.page_octets
            mailbox_id = self._selected.mailbox_id
            return await in_db(
                "read", read_page, mailbox_id, uids, self._plan, octets, expunged=True
            )
        return Page([(uid,) for uid in uids], [], len(uids))

    def _flag_texts(self, rows: Sequence[Row]) -> list[bytes]:
        if not self._tells_flags:
            return []
        uids = [row[0] for row in rows]
        # Only now: while rows were read another session may have brought a new keyword.
        tell_keywords(self._context, self._selected)
        self._selected.view.forget_changes(uids)
        if last := self._last_flags:
            return [flag_text(self._selected, uid, last.get(uid)) for uid in uids]
        return flag_texts(self._selected, uids)

    def _write(self, seqs: list[int], rows: list[Row]) -> None:
        """Lines without bodies: one format for all of a page."""
        columns = cells(self._plan, rows, self._flag_texts(rows))
        self._context.write(filled(self._plan.template + b")\r\n", seqs, *columns))

    # -- bodies -----------------------------------------------------------------------------------

    async def _write_bodies(self, seqs: list[int], rows: list[Row], bodies: list[Bodies]) -> None:
        seen: set[int] = set()
        if self._plan.sets_seen:
            seen = await self._mark_seen(
                [row[0] for row, one in zip(rows, bodies, strict=True) if isinstance(one, list)]
            )
        columns = cells(self._plan, rows, self._flag_texts(rows))
        if seen and not self._tells_flags:
            self._tell_seen(seen, rows, bodies)
        template = self._plan.template + b" " * bool(self._plan.attributes)
        heads = map(template.__mod__, zip(seqs, *columns, strict=True))
        for head, found in zip(heads, bodies, strict=True):
            if isinstance(found, MailError):
                logger.error("message not readable", extra={"detail": found.detail})
                self._failed = found
            elif Long in map(type, found):
                await self._send_by_pieces(head, found)
            else:
                items = b" ".join(cast(list[bytes], found))
                self._pieces += (head, items, b")\r\n")
                self._octets += len(items)
            if self._octets >= CHUNK:
                await self._flush()
        await self._flush()

    def _tell_seen(self, seen: set[int], rows: list[Row], bodies: list[Bodies]) -> None:
        """Section 6.4.5: a FETCH that sets \\Seen tells so."""
        tell_keywords(self._context, self._selected)
        for row, found in zip(rows, bodies, strict=True):
            if row[0] in seen and isinstance(found, list):
                found.append(b"FLAGS (%b)" % flag_text(self._selected, row[0]))
        self._selected.view.forget_changes(seen)

    async def _send_by_pieces(self, head: bytes, found: list[Cell]) -> None:
        """Write the line of a message with a long item, one piece of it at a time."""
        self._line_start = len(self._pieces)
        self._pieces.append(head)
        for number, cell in enumerate(found):
            if number:
                self._pieces.append(b" ")
            if not isinstance(cell, Long):
                self._pieces.append(cell)
                self._octets += len(cell)
            elif not await self._send_long(cell):
                return
        self._pieces.append(b")\r\n")

    async def _flush(self) -> None:
        """Write what has gathered: many small messages are one write, and few TLS records."""
        self._context.write(b"".join(self._pieces))
        self._pieces, self._octets, self._line_start = [], 0, None
        await self._context.channel.drain()

    async def _send_long(self, cell: Long) -> bool:
        """Send an item by pieces; False if it cannot be read and the line was taken back."""
        for start in range(cell.start, cell.end, CHUNK):
            end = min(start + CHUNK, cell.end)
            try:
                raw = await in_db("read", cell.shown.part, start, end)
            except MailError as error:
                self._take_back(error)
                return False
            if start == cell.start:
                self._pieces.append(b"%b {%d}\r\n" % (cell.label, cell.end - cell.start))
            self._pieces.append(sendable(raw))
            await self._flush()
        return True

    def _take_back(self, error: MailError) -> None:
        """Forget the line that was begun; if part of it is out, only the end of the connection
        can tell, for its length is out too."""
        logger.error("message not readable", extra={"detail": error.detail})
        if self._line_start is None:
            raise ConnectionAbortedError from None
        del self._pieces[self._line_start :]
        self._failed = error

    async def _mark_seen(self, uids: list[int]) -> set[int]:
        """Set \\Seen on those without, before their bodies go out; return them."""
        if not self._plan.sets_seen or self._selected.read_only:
            return set()
        mirror = self._selected.held.mirror
        unseen = [
            uid
            for uid in uids
            if (known := mirror.flags_of(uid)) is not None and not known[0] & FLAG_SEEN
        ]
        if unseen:
            await in_db(
                "work",
                flag_service.store,
                mailbox_id=self._selected.mailbox_id,
                uids=unseen,
                change=FlagChange("add", FLAG_SEEN),
                origin=self._context.origin,
            )
            await self._context.refresh()
        return set(unseen)
