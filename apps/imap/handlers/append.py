"""APPEND (RFC 3501 section 6.3.11), with APPENDUID (RFC 4315) and APPENDLIMIT (RFC 7889).

A message over the limit is refused by the command buffer, before its octets are sent. Bare LF is
stored as CRLF, so that sizes and offsets are those of mail; Dovecot shows it so, Cyrus refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.imap.context import Context, Reply, no
from apps.imap.handlers.registry import command
from apps.imap.mirrors import Done
from apps.imap.naming import target_named
from apps.imap.proto.append import Append, parse_append
from apps.mailstore.origin import Origin
from apps.mailstore.services import append as service
from apps.mailstore.services.append import Appending, AppendResult
from apps.mailstore.services.prepare import prepare
from apps.mime.lineends import with_crlf
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.runtime.ulid import new_ulid
from apps.wire.errors import MailError, NotFound


def _limit(context: Context) -> Sequence[str]:
    return (f"APPENDLIMIT={context.limits.message_size}",)


@command("APPEND", parse=parse_append, capability=_limit)
async def append(context: Context, cmd: Append) -> Reply:
    """Save one message."""
    if not cmd.message:
        return no("A message has at least one octet", b"CANNOT")
    try:
        place = await target_named(context, cmd.name)
    except NotFound:
        # Section 6.3.11: not NONEXISTENT; the client may create the mailbox and try again.
        return no("No such mailbox", b"TRYCREATE")
    result = await in_db("work", _append, cmd, place.id, place.owner_id, context.origin)
    if context.selected is not None and context.selected.mailbox_id == place.id:
        saved = (result.uid, cmd.flags.system, 0, result.modseq)
        # Which bits its keywords have the service does not tell: then they are read.
        modseqs = () if cmd.flags.keywords else (result.modseq,)
        await context.advance(Done(modseqs, [saved], uidnext=result.uid + 1))
    return Reply("Saved", b"APPENDUID %d %d" % (result.uidvalidity, result.uid))


def _append(cmd: Append, mailbox_id: int, user_id: int, origin: Origin) -> AppendResult:
    """Prepare and file; runs on a database thread."""
    seconds, offset = cmd.date or (now(), 0)
    message = prepare(with_crlf(cmd.message), trace_id=new_ulid())
    appending = Appending(
        message=message,
        internaldate=seconds,
        internaldate_offset=offset,
        flags=cmd.flags.system,
        keywords=cmd.flags.keywords,
    )
    try:
        return service.append(
            mailbox_id=mailbox_id, user_id=user_id, messages=[appending], origin=origin
        )[0]
    except MailError:
        # Certain: refused before the commit. After any other failure the message may be there (its
        # commit came through, the answer did not); the collector of orphans decides.
        service.discard([message])
        raise
