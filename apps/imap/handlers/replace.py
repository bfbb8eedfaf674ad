"""REPLACE and UID REPLACE (RFC 8508): one message goes and another comes, in one step."""

from __future__ import annotations

from apps.imap.context import Context, Reply, Selected, State, no
from apps.imap.handlers.append import (
    TRYCREATE,
    RefusedError,
    Rules,
    appenduid,
    foresee_target,
    permitted,
    prepared,
    rules_of,
    sources_of,
    tell_name,
)
from apps.imap.handlers.registry import Use, command
from apps.imap.messages.catenate import Source
from apps.imap.names.naming import Place, target_named
from apps.imap.proto.append import NewMessage, Replace, parse_replace
from apps.imap.proto.responses import untagged
from apps.imap.proto.scanner import Scanner
from apps.imap.selected.mirrors import Done
from apps.mailstore.origin import Origin
from apps.mailstore.services import append as append_service
from apps.mailstore.services import replace as service
from apps.mailstore.services.replace import Replaced
from apps.runtime.db import in_db
from apps.wire.errors import MailError, NotFound


async def _foresee(context: Context, scanner: Scanner) -> Reply | None:
    scanner.space()
    scanner.sequence_set()
    return await foresee_target(context, scanner)


@command(
    "REPLACE",
    parse=parse_replace,
    needs=State.SELECTED,
    capability="REPLACE",
    sequence_numbers=Use.READS | Use.BREAKS,
    foresee=_foresee,
)
async def replace(context: Context, cmd: Replace) -> Reply:
    """By sequence number."""
    return await _replace(context, cmd, uid=False)


@command(
    "UID REPLACE",
    parse=parse_replace,
    needs=State.SELECTED,
    sequence_numbers=Use.BREAKS,
    foresee=_foresee,
)
async def uid_replace(context: Context, cmd: Replace) -> Reply:
    """By UID."""
    return await _replace(context, cmd, uid=True)


async def _replace(context: Context, cmd: Replace, *, uid: bool) -> Reply:
    """Nothing happens unless all does (section 3.4)."""
    selected = context.mailbox
    _, uids = selected.view.pick(cmd.numbers, uid=uid)
    if selected.read_only:
        return no("The mailbox is read-only", b"READ-ONLY")
    selected.place.require("te")  # section 4.1: as STORE of \Deleted and EXPUNGE
    try:
        target = await target_named(context, cmd.name)
    except NotFound:
        return TRYCREATE
    if not uids:
        return no("There is no message with this UID", b"NONEXISTENT")
    message = permitted(target, cmd.message)
    try:
        sources = await sources_of(context, [message])
        done = await in_db(
            "work",
            _carry_out,
            selected.mailbox_id,
            uids[0],
            target,
            message,
            sources,
            rules_of(context),
            context.origin,
        )
    except RefusedError as refused:
        return refused.reply
    if done is None:
        return no("The message no longer exists", b"EXPUNGEISSUED")
    tell_name(context, target, cmd.name)
    context.did(target.id, [done.saved.modseq])
    await context.advance(_done(selected, target, uids[0], message, done))
    if target.may("r"):
        # Section 4.3: before the EXPUNGE line, so in an untagged OK.
        context.write(untagged(b"OK", "Replacement saved", appenduid([done.saved])))
    # RFC 7162 section 3.2.9: as UID EXPUNGE.
    told = b"HIGHESTMODSEQ %d" % selected.held.mirror.modseq if context.condstore else b""
    return Reply("Replaced", told)


def _done(selected: Selected, target: Place, uid: int, message: NewMessage, done: Replaced) -> Done:
    if target.id != selected.mailbox_id:
        return Done((done.expunged,), expunged=(uid,))
    saved = done.saved
    # Which bits its keywords have the service does not tell: then they are read.
    modseqs = () if message.flags.keywords else (done.expunged, saved.modseq)
    row = (saved.uid, message.flags.system, 0, saved.modseq)
    return Done(modseqs, [row], expunged=(uid,), uidnext=saved.uid + 1)


def _carry_out(
    mailbox_id: int,
    uid: int,
    target: Place,
    message: NewMessage,
    sources: dict[bytes, Source],
    rules: Rules,
    origin: Origin,
) -> Replaced | None:
    """Prepare and exchange; runs on a database thread."""
    (appending,) = prepared([message], sources, rules)
    try:
        done = service.replace(
            mailbox_id=mailbox_id,
            uid=uid,
            target_id=target.id,
            target_user_id=target.owner_id,
            message=appending,
            origin=origin,
        )
    except MailError:
        append_service.discard([appending.message])  # as in APPEND
        raise
    if done is None:
        append_service.discard([appending.message])
    return done
