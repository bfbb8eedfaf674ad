"""FETCH and UID FETCH (RFC 3501 section 6.4.5), with what extensions add to them.

Pages of `page_rows` messages by UID: read, write, wait until the client has taken it, so that a
slow client costs one page and the loop serves others in between. Bodies go in batches bounded by
octets, long ones piece by piece.

A message that another session has expunged is answered for as long as this client numbers it: the
table of expunges has all of it (RFC 2180 section 4.1.1).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from itertools import compress
from typing import Any, cast

from apps.imap.context import CommandError, Context, Reply, Selected, State, no
from apps.imap.handlers.registry import Use, command
from apps.imap.messages.fetchplan import (
    CHUNK,
    LIVE,
    Bodies,
    Cell,
    Long,
    Page,
    Plan,
    cells,
    filled,
    is_glance,
    make_plan,
    read_few,
    read_page,
)
from apps.imap.proto.fetch import (
    Attribute,
    Fetch,
    FetchItem,
    parse_fetch,
    parse_sequence_fetch,
)
from apps.imap.selected.mirror import Mirror
from apps.imap.telling import (
    enable_condstore,
    flag_text,
    flag_texts,
    modseqs,
    tell_keywords,
    vanished_since,
    wording,
)
from apps.mailstore import queries
from apps.mailstore.models import FLAG_SEEN
from apps.mailstore.queries import FlagsRow
from apps.mailstore.services import flags as flag_service
from apps.mailstore.services import threads
from apps.mailstore.services.flags import FlagChange
from apps.runtime.db import in_db, is_sqlite
from apps.runtime.glance import glance
from apps.wire.errors import MailError, UnknownEncoding

logger = logging.getLogger(__name__)

Row = tuple[Any, ...]
_Read = Callable[[list[int]], Coroutine[object, object, Page]]


@command(
    "FETCH",
    parse=parse_sequence_fetch,
    needs=State.SELECTED,
    sequence_numbers=Use.READS,
    capability="BINARY OBJECTID PREVIEW SAVEDATE",
)
async def fetch(context: Context, cmd: Fetch) -> Reply:
    """By sequence numbers."""
    return await _fetch(context, cmd, uid=False)


@command("UID FETCH", parse=parse_fetch, needs=State.SELECTED)
async def uid_fetch(context: Context, cmd: Fetch) -> Reply:
    """By UIDs."""
    return await _fetch(context, cmd, uid=True)


async def _fetch(context: Context, cmd: Fetch, *, uid: bool) -> Reply:
    items = list(cmd.items)
    since = cmd.modifiers.changed_since
    if cmd.modifiers.vanished and not context.qresync:
        raise CommandError("expected ENABLE QRESYNC before VANISHED")
    if since is not None and Attribute.MODSEQ not in items:
        items.append(Attribute.MODSEQ)
    seqs, uids = context.mailbox.view.pick(cmd.numbers, uid=uid)
    if cmd.modifiers.partial is not None:
        seqs, uids = (list(cmd.modifiers.partial.pick(one)) for one in (seqs, uids))
    if Attribute.MODSEQ in items:  # RFC 7162 section 3.1
        enable_condstore(context)
    if since is not None:
        await context.refresh()
        if cmd.modifiers.vanished:
            context.write(await vanished_since(context, cmd.numbers, since))
        seqs, uids = _changed(context.mailbox, seqs, uids, since)
    fetching = _Fetching(context, items, uid=uid)
    await fetching.all(seqs, uids)
    return fetching.reply()


async def fetch_uids(context: Context, uids: Sequence[int], items: Sequence[FetchItem]) -> None:
    """Answer for some messages of the selected mailbox (UIDs ascending) as a FETCH of these items
    would; those the client does not know of are passed over."""
    view = context.mailbox.view
    known = [(seq, uid) for uid in uids if (seq := view.seq_of(uid)) is not None]
    fetching = _Fetching(context, items, uid=False)
    await fetching.all([seq for seq, _ in known], [uid for _, uid in known])


def _changed(
    selected: Selected, seqs: list[int], uids: list[int], since: int
) -> tuple[list[int], list[int]]:
    """Those with a larger modseq; what is gone already has none."""
    if not uids:
        return seqs, uids
    newer = [modseq > since for modseq in modseqs(selected, uids)]
    return list(compress(seqs, newer)), list(compress(uids, newer))


class _Reading:
    """Reads one page ahead. What was read is of no use once messages have been expunged: whether
    they are still there, and what flags they had, is another question then."""

    def __init__(self, read: _Read, mirror: Mirror) -> None:
        self._read = read
        self._mirror = mirror
        self._ahead: asyncio.Task[Page] | None = None
        self._uids = mirror.uids  # an expunge makes a new array

    def begin(self, uids: list[int]) -> None:
        """Begin to read the page that will be asked for next."""
        self._uids = self._mirror.uids
        self._ahead = asyncio.create_task(self._read(uids))

    async def page(self, uids: list[int]) -> Page:
        """Return the page that was begun, if it is still right; else read it now."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            page = await ahead
            if self._mirror.uids is self._uids:
                return page
        return await self._read(uids)

    def end(self) -> None:
        """Give up what was begun: the FETCH ends early."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.cancel()  # if it has failed already, nobody asks why


class _Fetching:
    """One FETCH under way."""

    def __init__(self, context: Context, items: Sequence[FetchItem], *, uid: bool) -> None:
        self._context = context
        self._selected = context.mailbox
        self._wording = wording(context)
        if context.uidonly:  # UIDFETCH has the UID before its items (RFC 9586)
            uid = False
            items = [one for one in items if one is not Attribute.UID] or [Attribute.UID]
        self._plan: Plan = make_plan(
            tuple(items), uid=uid, head=self._wording.head, rev2=context.rev2
        )
        self._tells_flags = Attribute.FLAGS in self._plan.attributes
        self._is_live = not LIVE.isdisjoint(self._plan.attributes)
        self._gone = self._lost = 0  # expunged meanwhile; of these, not to be had any more
        self._last: dict[int, FlagsRow] = {}  # of what was expunged
        self._failed: MailError | None = None
        self._pieces: list[bytes] = []
        self._octets = 0
        self._line_start: int | None = None  # where in _pieces the line begins; None: partly out

    def reply(self) -> Reply:
        """The tagged answer, when all pages are out."""
        if self._failed is not None:
            text = "Some of the messages could not be read"
            if isinstance(self._failed, UnknownEncoding):
                text = self._failed.reply.text
            return no(text, self._failed.imap_code.encode("ascii"))
        if self._lost:
            return no("Some of the messages no longer exist", b"EXPUNGEISSUED")
        if self._gone:
            return Reply("Fetched, also what no longer exists", b"EXPUNGEISSUED")
        return Reply("Fetched")

    async def all(self, seqs: list[int], uids: list[int]) -> None:
        """Answer for these messages (ascending, side by side), page by page, each read while the
        client is given the one before."""
        size = self._context.limits.page_rows
        reading = _Reading(self._read, self._selected.held.mirror)
        done = 0
        try:
            while done < len(uids):
                page = await reading.page(uids[done : done + size])
                start, done = done, done + page.used
                if self._plan.columns and done < len(uids):
                    reading.begin(uids[done : done + size])
                await self._whole_page(seqs[start:done], uids[start:done], page)
                await self._context.channel.drain()
        finally:
            reading.end()

    async def _whole_page(self, seqs: list[int], uids: list[int], page: Page) -> None:
        """Answer for these messages, expunged ones last."""
        gone = await self._answer(seqs, uids, page.rows, page.bodies)
        if gone:
            self._gone += len(gone)
            if self._is_live:
                mailbox_id = self._selected.mailbox_id
                last = await in_db("read", queries.expunged_flags, mailbox_id, list(gone.values()))
                self._last.update(last)
            self._lost += await self._expunged(list(gone), list(gone.values()))

    async def _expunged(self, seqs: list[int], uids: list[int]) -> int:
        """Answer for what was expunged; return how much of it is not to be had any more."""
        lost = done = 0
        while done < len(uids):
            rows, bodies, used = await self._read_expunged(uids[done:])
            place = slice(done, done + used)
            lost += len(await self._answer(seqs[place], uids[place], rows, bodies))
            done += used
        return lost

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
            page = await self._read_few(uids)
            if page is None:
                page = await in_db("read", read_page, mailbox_id, uids, self._plan, octets)
            if unthreaded := self._unthreaded(page.rows):
                await in_db("work", threads.fill, mailbox_id, unthreaded)
                page = await in_db("read", read_page, mailbox_id, uids, self._plan, octets)
            return page
        mirror = self._selected.held.mirror
        rows = [(uid,) for uid in uids] if mirror.holds(uids) else mirror.rows_of(uids)
        return Page(list(rows), [], len(uids))

    async def _read_few(self, uids: list[int]) -> Page | None:
        """`_read` without a thread, where that is possible: to wake one takes longer than to read a
        message."""
        if not is_sqlite() or not is_glance(self._plan, uids):
            return None
        return await glance(read_few, self._selected.mailbox_id, uids, self._plan)

    async def _read_expunged(self, uids: list[int]) -> Page:
        if self._plan.columns:
            octets = self._context.limits.page_octets
            mailbox_id = self._selected.mailbox_id
            return await in_db(
                "read", read_page, mailbox_id, uids, self._plan, octets, expunged=True
            )
        return Page([(uid,) for uid in uids], [], len(uids))

    def _unthreaded(self, rows: Sequence[Row]) -> list[int]:
        """Those whose conversation is wanted and was not looked for yet: a client may never be told
        another one than it was told first (RFC 8474 section 5.2), nor that there is none."""
        if Attribute.THREADID not in self._plan.attributes:
            return []
        place = self._plan.names.index("thread_id")
        return [row[0] for row in rows if row[place] is None]

    def _live(self, uids: Sequence[int]) -> Mapping[Attribute, Sequence[Any]]:
        """FLAGS and MODSEQ of messages, if they are wanted."""
        found: dict[Attribute, Sequence[Any]] = {}
        if Attribute.MODSEQ in self._plan.attributes:
            found[Attribute.MODSEQ] = self._modseqs(uids)
        if self._tells_flags:
            # Only now: while rows were read another session may have brought a new keyword.
            tell_keywords(self._context, self._selected)
            self._selected.view.forget_changes(uids)
            if last := self._last:
                found[Attribute.FLAGS] = [
                    flag_text(self._selected, uid, last[uid][1:3] if uid in last else None)
                    for uid in uids
                ]
            else:
                found[Attribute.FLAGS] = flag_texts(self._selected, uids)
        return found

    def _modseqs(self, uids: Sequence[int]) -> list[int]:
        """Of what was expunged the one before that: its expunge is still to be told."""
        known = modseqs(self._selected, uids)
        if not self._last:
            return known
        return [
            self._last[uid].modseq - 1 if uid in self._last else modseq
            for uid, modseq in zip(uids, known, strict=True)
        ]

    def _write(self, seqs: list[int], rows: list[Row]) -> None:
        """Lines without bodies: one format for all of a page."""
        uids = [row[0] for row in rows]
        columns = cells(self._plan, rows, self._live(uids))
        numbers = self._wording.numbers(seqs, uids)
        self._context.write(filled(self._plan.template + b")\r\n", numbers, *columns))

    # -- bodies -----------------------------------------------------------------------------------

    async def _write_bodies(self, seqs: list[int], rows: list[Row], bodies: list[Bodies]) -> None:
        seen: set[int] = set()
        if self._plan.sets_seen:
            seen = await self._mark_seen(
                [row[0] for row, one in zip(rows, bodies, strict=True) if isinstance(one, list)]
            )
        uids = [row[0] for row in rows]
        columns = cells(self._plan, rows, self._live(uids))
        if seen:
            self._tell_seen(seen, uids, bodies)
        template = self._plan.template + b" " * bool(self._plan.attributes)
        numbers = self._wording.numbers(seqs, uids)
        heads = map(template.__mod__, zip(numbers, *columns, strict=True))
        for head, found in zip(heads, bodies, strict=True):
            if isinstance(found, MailError):
                self._fail(found)
            elif Long in map(type, found):
                await self._send_by_pieces(head, found)
            else:
                items = b" ".join(cast(list[bytes], found))
                self._pieces += (head, items, b")\r\n")
                self._octets += len(items)
            if self._octets >= CHUNK:
                await self._flush()
        await self._flush()

    def _fail(self, error: MailError) -> None:
        """A message cannot be answered for: the others are, and the tagged line says so."""
        if not isinstance(error, UnknownEncoding):
            logger.error("message not readable", extra={"detail": error.detail})
        self._failed = error

    def _tell_seen(self, seen: set[int], uids: list[int], bodies: list[Bodies]) -> None:
        """Section 6.4.5: a FETCH that sets \\Seen tells so, and who knows CONDSTORE is told UID and
        MODSEQ with it (RFC 7162 section 3.2.4)."""
        tell_keywords(self._context, self._selected)
        told = self._plan.attributes
        marked = [uid for uid in uids if uid in seen]
        changed = dict(zip(marked, self._modseqs(marked), strict=True))
        for uid, found in zip(uids, bodies, strict=True):
            if uid in seen and isinstance(found, list):
                if not self._tells_flags:
                    found.append(b"FLAGS (%b)" % flag_text(self._selected, uid))
                if self._wording.uid and Attribute.UID not in told:
                    found.append(b"UID %d" % uid)
                if self._wording.modseq and Attribute.MODSEQ not in told:
                    found.append(b"MODSEQ (%d)" % changed[uid])
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
        pieces = cell.pieces()
        head = cell.head
        while True:
            try:
                raw = await in_db("read", next, pieces, None)
            except MailError as error:
                self._take_back(error)
                return False
            if raw is None:
                return True
            self._pieces += (head, raw)
            head = b""
            await self._flush()

    def _take_back(self, error: MailError) -> None:
        """Forget the line that was begun; if part of it is out, only the end of the connection
        can tell, for its length is out too."""
        self._fail(error)
        if self._line_start is None:
            raise ConnectionAbortedError from None
        del self._pieces[self._line_start :]

    async def _mark_seen(self, uids: list[int]) -> set[int]:
        """Set \\Seen on those without, before their bodies go out; return them."""
        if self._selected.read_only or not self._selected.place.may("s"):
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
        # One that others have expunged meanwhile has nothing to tell.
        return {uid for uid in unseen if mirror.flags_of(uid) is not None}
