"""STORE and UID STORE (RFC 3501 section 6.4.6), conditional too (RFC 7162 section 3.1.3)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final, Literal

from apps.imap.context import Context, Reply, Selected, State, no
from apps.imap.handlers.registry import Use, command
from apps.imap.names.naming import settable
from apps.imap.proto.sets import format_set
from apps.imap.proto.store import Store, StoreMode, parse_store
from apps.imap.selected.mirrors import Done
from apps.imap.selected.places import Places
from apps.imap.telling import changed_lines, enable_condstore, tell_keywords
from apps.mailstore.services import flags as service
from apps.mailstore.services.flags import FlagChange
from apps.mailstore.services.keywords import BITS
from apps.runtime.db import in_db
from apps.wire.errors import NotPermitted

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
PAGE: Final = 2_000
"""Messages changed at a time: so many hold the event loop for some ten milliseconds."""


@command("STORE", parse=parse_store, needs=State.SELECTED, sequence_numbers=Use.READS)
async def store(context: Context, cmd: Store) -> Reply:
    """By sequence numbers."""
    return await _store(context, cmd, uid=False)


@command("UID STORE", parse=parse_store, needs=State.SELECTED)
async def uid_store(context: Context, cmd: Store) -> Reply:
    """By UIDs; the answers carry the UID (section 6.4.8)."""
    return await _store(context, cmd, uid=True)


@dataclass(slots=True)
class _Named:
    """The messages that the client named; `seqs` and `uids` side by side."""

    seqs: list[int]
    uids: list[int]
    by_uid: bool

    def only(self, uids: Sequence[int]) -> _Named:
        """Those of them that are among others."""
        few = frozenset(uids)
        marks = [uid in few for uid in self.uids]
        return _Named(
            list(compress(self.seqs, marks)), list(compress(self.uids, marks)), self.by_uid
        )

    def page(self, start: int, size: int) -> _Named:
        """Some of them."""
        some = slice(start, start + size)
        return _Named(self.seqs[some], self.uids[some], self.by_uid)


async def _store(context: Context, cmd: Store, *, uid: bool) -> Reply:
    selected = context.mailbox
    named = _Named(*selected.view.pick(cmd.numbers, uid=uid), uid)
    if selected.read_only:
        return no("The mailbox is read-only", b"READ-ONLY")
    if cmd.unchanged_since is not None:
        enable_condstore(context)
    change = _permitted(selected, cmd)
    if _are_too_many(selected, change):
        return no(f"At most {BITS} keywords in one mailbox", b"LIMIT")
    live = [number for number in named.uids if not selected.view.is_gone(number)]
    failed = await _change(context, selected, cmd, change, live)
    if not cmd.silent:
        await _answer(context, selected, named, flags=True)
    elif context.condstore:
        # RFC 7162 section 3.1.3: the new modseqs, in spite of .SILENT; and why some failed.
        if failed:
            await _answer(context, selected, named.only(failed), flags=True)
        changed = frozenset(live).difference(failed)
        await _answer(context, selected, named.only(list(changed)), flags=False)
    if failed:
        some = named.only(failed)
        code = b"MODIFIED %b" % format_set(some.uids if uid else some.seqs)
        return Reply("Stored, but not where others were first", code)
    if len(live) < len(named.uids):
        # RFC 5530 section 3; OK, as all that could be done is done (RFC 2180 section 4.2.1).
        return Reply("Stored, but some of the messages no longer exist", b"EXPUNGEISSUED")
    return Reply("Stored")


async def _change(
    context: Context, selected: Selected, cmd: Store, change: FlagChange, live: list[int]
) -> list[int]:
    """Have it done page by page, so that nobody else waits for the whole; return the UIDs that
    others had changed before."""
    failed: list[int] = []
    start = 0
    try:
        for start in range(0, len(live), PAGE):
            page = live[start : start + PAGE]
            failed += await _change_page(context, selected, cmd, change, page)
    except Exception:
        # Answered NO: the client expects that nothing has changed, and is told what has.
        selected.view.note_changed(Places(live[:start]))
        raise
    return failed


async def _change_page(
    context: Context, selected: Selected, cmd: Store, change: FlagChange, live: list[int]
) -> list[int]:
    before = _Before(selected) if cmd.silent else None
    done = await in_db(
        "work",
        service.store,
        mailbox_id=selected.mailbox_id,
        uids=live,
        change=change,
        unchanged_since=cmd.unchanged_since,
        origin=context.origin,
    )
    alone = await context.advance(Done(done.modseqs, done.rows, keyword_names=done.keyword_names))
    # Told below, or known to the client without being told.
    if before is None or (alone and not before.untold):
        selected.view.forget_changes(live)
    else:
        selected.view.forget_changes(_as_expected(selected, change, cmd.mode, live, before))
        selected.view.forget_changes(done.failed)
    return done.failed


def _permitted(selected: Selected, cmd: Store) -> FlagChange:
    """What of it this user may do (RFC 4314 section 4).

    Raises:
        NotPermitted: nothing.
    """
    rights = selected.place.rights
    change = FlagChange(
        _MODES[cmd.mode],
        cmd.flags.system,
        cmd.flags.keywords,
        reach=settable(rights),
        reach_keywords="w" in rights,
    )
    may = change.reach if cmd.mode is StoreMode.REPLACE else 0
    something = cmd.flags.system or cmd.flags.keywords or cmd.mode is StoreMode.REPLACE
    if something and not (may or change.within.flags or change.within.keywords):
        raise NotPermitted(text="You may not change these flags here")
    return change.within


def _are_too_many(selected: Selected, change: FlagChange) -> bool:
    """Whether the mailbox would need more keywords than it has bits for (RFC 5530, LIMIT)."""
    if change.mode == "remove":
        return False
    known = {name.upper() for name in selected.held.mirror.keyword_names.values()}
    known.update(name.upper() for name in change.keywords)
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
    selected: Selected, change: FlagChange, mode: StoreMode, uids: Sequence[int], before: _Before
) -> Iterator[int]:
    """The messages that are now as a client must think that stored in silence. The others, which
    somebody else changed too, are told in spite of .SILENT (RFC 3501 section 6.4.6)."""
    mirror = selected.held.mirror
    wanted = {name.upper() for name in change.keywords}
    mask = sum(1 << bit for bit, name in mirror.keyword_names.items() if name.upper() in wanted)
    after = _AFTER[mode]
    for uid in uids:
        if (known := before.known(uid)) is None:
            continue
        if mirror.flags_of(uid) == (after(known[0], change.flags), after(known[1], mask)):
            yield uid


async def _answer(context: Context, selected: Selected, named: _Named, *, flags: bool) -> None:
    """Tell the flags of these messages, or their modseqs alone, in pages."""
    size = context.limits.page_rows
    for start in range(0, len(named.seqs), size):
        # Each time: while the client took a page another session may have brought a new keyword.
        tell_keywords(context, selected)
        page = named.page(start, size)
        shown = page.only([number for number in page.uids if not selected.view.is_gone(number)])
        if shown.uids:
            context.write(
                changed_lines(
                    context, selected, shown.seqs, shown.uids, uid=named.by_uid, flags=flags
                )
            )
        await context.channel.drain()
