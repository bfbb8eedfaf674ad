"""STORE and UID STORE (RFC 3501 section 6.4.6)."""

from __future__ import annotations

from typing import Literal

from apps.imap.context import Context, Reply, Selected, State, no
from apps.imap.handlers.registry import Use, command
from apps.imap.proto.commands import Store, StoreMode, parse_store
from apps.imap.telling import flag_text, tell_keywords
from apps.mailstore.services import flags as service
from apps.mailstore.services.flags import FlagChange
from apps.runtime.db import in_db

_Mode = Literal["add", "remove", "replace"]
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
    live = [number for number in uids if not selected.view.is_gone(number)]
    if live:
        result = await in_db(
            "work",
            service.store,
            mailbox_id=selected.mailbox_id,
            uids=live,
            change=FlagChange(_MODES[cmd.mode], cmd.flags.system, cmd.flags.keywords),
            unchanged_since=None,
            origin=context.origin,
        )
        await context.refresh()
        mirror = selected.held.mirror
        # Told below, or known to the client by itself; not if somebody changed it after us.
        selected.view.forget_changes(
            row[0] for row in result.rows if not cmd.silent or mirror.modseq_of(row[0]) == row[3]
        )
    if not cmd.silent:
        tell_keywords(context, selected)
        await _answer(context, selected, seqs, uids, uid=uid)
    if len(live) < len(uids):
        return no("Some of the messages no longer exist", b"EXPUNGEISSUED")
    return Reply("Stored")


async def _answer(
    context: Context, selected: Selected, seqs: list[int], uids: list[int], *, uid: bool
) -> None:
    """Tell the flags of every message named, in pages."""
    size = context.limits.page_rows
    for start in range(0, len(seqs), size):
        lines = [
            b"* %d FETCH (%bFLAGS (%b))\r\n"
            % (seq, b"UID %d " % number if uid else b"", flag_text(selected, number))
            for seq, number in zip(
                seqs[start : start + size], uids[start : start + size], strict=True
            )
            if not selected.view.is_gone(number)
        ]
        context.write(b"".join(lines))
        await context.channel.drain()
