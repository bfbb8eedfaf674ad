"""STORE and UID STORE (RFC 3501 section 6.4.6)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from apps.imap.context import Context, Reply, Selected, State, no
from apps.imap.fetchplan import filled
from apps.imap.handlers.registry import Use, command
from apps.imap.mirrors import Done
from apps.imap.proto.store import Store, StoreMode, parse_store
from apps.imap.telling import flag_texts, tell_keywords
from apps.mailstore.services import flags as service
from apps.mailstore.services.flags import FlagChange
from apps.mailstore.services.keywords import BITS
from apps.runtime.db import in_db

_Mode = Literal["add", "remove", "replace"]
_AFTER: dict[StoreMode, Callable[[int, int], int]] = {
    StoreMode.ADD: lambda old, bits: old | bits,
    StoreMode.REMOVE: lambda old, bits: old & ~bits,
    StoreMode.REPLACE: lambda old, bits: bits,
}
_MODES: dict[StoreMode, _Mode] = {
    StoreMode.ADD: "add",
    StoreMode.REMOVE: "remove",
    StoreMode.REPLACE: "replace",
}


@command("STORE", parse=parse_store, needs=State.SELECTED, sequence_numbers=Use.READS)
async def store(context: Context, cmd: Store) -> Reply:
    """By sequence numbers."""
    return await _store(context, cmd, uid=False)


@command("UID STORE", parse=parse_store, needs=State.SELECTED)
async def uid_store(context: Context, cmd: Store) -> Reply:
    """By UIDs; the answers carry the UID (section 6.4.8)."""
    return await _store(context, cmd, uid=True)


async def _store(context: Context, cmd: Store, *, uid: bool) -> Reply:
    selected = context.mailbox
    seqs, uids = selected.view.pick(cmd.numbers, uid=uid)
    if selected.read_only:
        return no("The mailbox is read-only", b"READ-ONLY")
    if _are_too_many(selected, cmd):
        return no(f"At most {BITS} keywords in one mailbox", b"LIMIT")
    live = [number for number in uids if not selected.view.is_gone(number)]
    if live:
        before = _Before(selected) if cmd.silent else None
        done = await in_db(
            "work",
            service.store,
            mailbox_id=selected.mailbox_id,
            uids=live,
            change=FlagChange(_MODES[cmd.mode], cmd.flags.system, cmd.flags.keywords),
            unchanged_since=None,
            origin=context.origin,
        )
        alone = await context.advance(
            Done(done.modseqs, done.rows, keyword_names=done.keyword_names)
        )
        # Told below, or known to the client without being told.
        if before is None or (alone and not before.untold):
            selected.view.forget_changes(live)
        else:
            selected.view.forget_changes(_as_expected(selected, cmd, live, before))
    if not cmd.silent:
        await _answer(context, selected, seqs, uids, uid=uid)
    if len(live) < len(uids):
        # RFC 5530 section 3; OK, as all that could be done is done (RFC 2180 section 4.2.1).
        return Reply("Stored, but some of the messages no longer exist", b"EXPUNGEISSUED")
    return Reply("Stored")


def _are_too_many(selected: Selected, cmd: Store) -> bool:
    """Whether the mailbox would need more keywords than it has bits for (RFC 5530, LIMIT)."""
    if cmd.mode is StoreMode.REMOVE:
        return False
    known = {name.upper() for name in selected.held.mirror.keyword_names.values()}
    known.update(name.upper() for name in cmd.flags.keywords)
    return len(known) > BITS


class _Before:
    """Flags as they were: two copies of arrays, cheap even for all of a mailbox."""

    def __init__(self, selected: Selected) -> None:
        mirror = selected.held.mirror
        self.untold = selected.view.untold()
        self._uids, self._count = mirror.uids, len(mirror.uids)
        self._flags, self._keywords = bytes(mirror.flags), mirror.keywords[:]

    def known(self, uid: int) -> tuple[int, int] | None:
        """Return flags and keywords of a message, None if the client did not know them."""
        place = bisect_left(self._uids, uid, 0, self._count)
        if uid in self.untold or place == self._count or self._uids[place] != uid:
            return None
        return self._flags[place], self._keywords[place]


def _as_expected(
    selected: Selected, cmd: Store, uids: Sequence[int], before: _Before
) -> Iterator[int]:
    """The messages that are now as a client must think that stored in silence. The others, which
    somebody else changed too, are told in spite of .SILENT (RFC 3501 section 6.4.6)."""
    mirror = selected.held.mirror
    wanted = {name.upper() for name in cmd.flags.keywords}
    mask = sum(1 << bit for bit, name in mirror.keyword_names.items() if name.upper() in wanted)
    after = _AFTER[cmd.mode]
    for uid in uids:
        if (known := before.known(uid)) is None:
            continue
        if mirror.flags_of(uid) == (after(known[0], cmd.flags.system), after(known[1], mask)):
            yield uid


async def _answer(
    context: Context, selected: Selected, seqs: list[int], uids: list[int], *, uid: bool
) -> None:
    """Tell the flags of every message named, in pages."""
    size = context.limits.page_rows
    for start in range(0, len(seqs), size):
        # Each time: while the client took a page another session may have brought a new keyword.
        tell_keywords(context, selected)
        page = slice(start, start + size)
        shown = [
            (one, number)
            for one, number in zip(seqs[page], uids[page], strict=True)
            if not selected.view.is_gone(number)
        ]
        if shown:
            told, numbers = map(list, zip(*shown, strict=True))
            texts = flag_texts(selected, numbers)
            line = b"* %d FETCH (UID %d FLAGS (%b))\r\n" if uid else b"* %d FETCH (FLAGS (%b))\r\n"
            context.write(filled(line, told, *([numbers] if uid else []), texts))
        await context.channel.drain()
