"""APPEND (RFC 3501 section 6.3.11), of many messages (RFC 3502), of octets (RFC 3516), of UTF-8
(RFC 6855) and of pieces (RFC 4469), with APPENDUID (RFC 4315) and APPENDLIMIT (RFC 7889).

A message over the limit is refused by the command buffer, before its octets are sent. Bare LF is
stored as CRLF, so that sizes and offsets are those of mail; Dovecot shows it so, Cyrus refuses it.
What was sent as octets is not changed: it is kept if it is text with CRLF, else UNKNOWN-CTE.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from apps.imap.context import Context, Reply, no
from apps.imap.handlers.registry import command, together
from apps.imap.limits import one_users_literals
from apps.imap.messages.catenate import BadUrlError, Catenator, Source, urls_of
from apps.imap.names.naming import Place, mailbox_named, target_named
from apps.imap.proto.append import Append, NewMessage, parse_append
from apps.imap.proto.flags import Flags
from apps.imap.proto.responses import list_line, old_name
from apps.imap.proto.scanner import Scanner
from apps.imap.proto.sets import format_set
from apps.imap.proto.urls import UrlError, parse_url, tellable
from apps.imap.proto.utf7 import encode_name
from apps.imap.selected.mirrors import Done
from apps.mailstore import queries
from apps.mailstore.models import FLAG_DELETED, FLAG_SEEN
from apps.mailstore.origin import Origin
from apps.mailstore.services import append as service
from apps.mailstore.services.append import Appending, AppendResult
from apps.mailstore.services.prepare import PreparedMessage, prepare
from apps.mime.lineends import with_crlf
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.runtime.ulid import new_ulid
from apps.wire.errors import MailError, MessageTooLarge, NotFound

# Section 6.3.11: not NONEXISTENT; the client may create the mailbox and try again.
TRYCREATE = no("No such mailbox", b"TRYCREATE")
_NOT_LINES = re.compile(rb"\0|(?<!\r)\n|\r(?!\n)")


class RefusedError(Exception):
    """A message that cannot be saved: answer `reply`."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Rules:
    """What a message of this session may be: octets, and whether it may be sent as UTF8."""

    size: int
    together: int
    utf8: bool


def _words(context: Context) -> Sequence[str]:
    limit = f"APPENDLIMIT={context.limits.message_size}"
    return (limit, "MULTIAPPEND", "CATENATE", "UTF8=ACCEPT")


async def foresee_target(context: Context, scanner: Scanner) -> Reply | None:
    """What will be answered for the mailbox that is named, if it can be no target."""
    scanner.space()
    try:
        await target_named(context, scanner.astring("a mailbox name"))
    except NotFound:
        return TRYCREATE
    return None


def _are_alike(one: Append, other: Append) -> bool:
    """Into the same mailbox, and without a URL: it may name what the one before saves."""
    return one.name == other.name and not urls_of((*one.messages, *other.messages))


@together("APPEND", _are_alike)
async def append_several(context: Context, cmds: Sequence[Append]) -> Sequence[Reply | None]:
    """APPENDs that were sent in a row, in one transaction; each by itself if not all can be."""
    by_themselves: list[Reply | None] = [None] * len(cmds)
    try:
        place = await target_named(context, cmds[0].name)
    except MailError:
        return by_themselves
    messages = [permitted(place, message) for cmd in cmds for message in cmd.messages]
    rules, origin = rules_of(context), context.origin
    saved = await in_db("work", _append_or_not, messages, rules, place, origin)
    if saved is None:
        return by_themselves
    await _note(context, place, messages, saved)
    replies: list[Reply | None] = []
    first = 0
    for cmd in cmds:
        tell_name(context, place, cmd.name)
        last = first + len(cmd.messages)
        replies.append(_saved(place, saved[first:last]))
        first = last
    return replies


def _append_or_not(
    messages: Sequence[NewMessage], rules: Rules, place: Place, origin: Origin
) -> list[AppendResult] | None:
    """`_append`; None if one of them was refused, and so nothing was saved."""
    try:
        return _append(messages, {}, rules, place, origin)
    except (RefusedError, MailError):
        return None


@command(
    "APPEND",
    parse=parse_append,
    capability=_words,
    enables="UTF8=ACCEPT",
    foresee=foresee_target,
)
async def append(context: Context, cmd: Append) -> Reply:
    """Save messages, all of them or none."""
    try:
        place = await target_named(context, cmd.name)
    except NotFound:
        return TRYCREATE
    try:
        messages = [permitted(place, message) for message in cmd.messages]
        sources = await sources_of(context, messages)
        saved = await in_db(
            "work", _append, messages, sources, rules_of(context), place, context.origin
        )
    except RefusedError as refused:
        return refused.reply
    tell_name(context, place, cmd.name)
    await _note(context, place, messages, saved)
    return _saved(place, saved)


async def _note(
    context: Context, place: Place, messages: Sequence[NewMessage], saved: Sequence[AppendResult]
) -> None:
    context.did(place.id, [saved[0].modseq])
    if context.selected is not None and context.selected.mailbox_id == place.id:
        await context.advance(_done(messages, saved))


def _saved(place: Place, saved: Sequence[AppendResult]) -> Reply:
    # RFC 4315 section 3: whoever may not read there is not told what is there.
    return Reply("Saved", appenduid(saved) if place.may("r") else b"")


def tell_name(context: Context, place: Place, supplied: bytes) -> None:
    """Say how a mailbox is called that the client named otherwise (RFC 9051 section 6.3.12)."""
    if context.rev2 and (item := old_name(supplied, place.name)):
        context.write(list_line(b"LIST", (), place.name, utf8=True, extended=item))


def _done(messages: Sequence[NewMessage], saved: Sequence[AppendResult]) -> Done:
    rows = [
        (one.uid, message.flags.system, 0, one.modseq)
        for one, message in zip(saved, messages, strict=True)
    ]
    # Which bits its keywords have the service does not tell: then they are read.
    modseqs = () if any(one.flags.keywords for one in messages) else (saved[0].modseq,)
    return Done(modseqs, rows, uidnext=saved[-1].uid + 1)


def appenduid(saved: Sequence[AppendResult]) -> bytes:
    """Return the APPENDUID code; UIDs of one transaction rise."""
    return b"APPENDUID %d %b" % (saved[0].uidvalidity, format_set([one.uid for one in saved]))


def permitted(place: Place, message: NewMessage) -> NewMessage:
    """Return the message with the flags that this user may set there (RFC 4314 section 4)."""
    flags = message.flags
    system = flags.system & kept_flags(place)
    keywords = flags.keywords if place.may("w") else ()
    if (system, keywords) == (flags.system, flags.keywords):
        return message
    return NewMessage(Flags(system, keywords), message.date, message.pieces, message.is_binary)


def kept_flags(place: Place) -> int:
    """The system flags that this user may set in a mailbox: s, t, and w for the others."""
    others = 0xFF & ~(FLAG_SEEN | FLAG_DELETED) if place.may("w") else 0
    seen = FLAG_SEEN if place.may("s") else 0
    return others | seen | (FLAG_DELETED if place.may("t") else 0)


def rules_of(context: Context) -> Rules:
    """Return what the messages of a command may be."""
    limits = context.limits
    return Rules(limits.message_size, one_users_literals(limits), context.utf8)


async def sources_of(context: Context, messages: Sequence[NewMessage]) -> dict[bytes, Source]:
    """Look up the mailboxes that the URLs of a command name; of one that does not lead to a mailbox
    which this user may read there is no source."""
    sources: dict[bytes, Source] = {}
    selected = context.selected.place if context.selected is not None else None
    for raw in urls_of(messages):
        try:
            url = parse_url(raw, selected.name if selected is not None else None)
            place = selected
            if url.mailbox is not None or place is None:
                name = url.mailbox or ""
                written = name.encode("utf-8") if context.utf8 else encode_name(name)
                place = await mailbox_named(context, written, "r")
        except (UrlError, MailError):
            continue
        sources[raw] = Source(place.id, url)
    return sources


def _append(
    messages: Sequence[NewMessage],
    sources: dict[bytes, Source],
    rules: Rules,
    place: Place,
    origin: Origin,
) -> list[AppendResult]:
    """Prepare and file; runs on a database thread."""
    appendings = prepared(messages, sources, rules)
    try:
        return service.append(
            mailbox_id=place.id, user_id=place.owner_id, messages=appendings, origin=origin
        )
    except MailError:
        # Certain: refused before the commit. After any other failure the message may be there (its
        # commit came through, the answer did not); the collector of orphans decides.
        service.discard([one.message for one in appendings])
        raise


def prepared(
    messages: Sequence[NewMessage], sources: dict[bytes, Source], rules: Rules
) -> list[Appending]:
    """Make messages ready for filing; runs on a database thread.

    Raises:
        RefusedError: one of them cannot be saved; of none anything is left.
    """
    catenator = Catenator(_valid(sources), each=rules.size, together=rules.together)
    ready: list[PreparedMessage] = []
    appendings: list[Appending] = []
    try:
        for message in messages:
            raw = _text(message, _whole(catenator, message), rules)
            ready.append(prepare(raw, trace_id=new_ulid()))
            appendings.append(_appending(message, ready[-1]))
    except BaseException:
        service.discard(ready)
        raise
    return appendings


def _valid(sources: dict[bytes, Source]) -> dict[bytes, Source]:
    """Those that are not stale: made before their mailbox got new UIDs (RFC 5092 section 5.1)."""
    asked = {one.mailbox_id for one in sources.values() if one.url.uidvalidity is not None}
    if not asked:
        return sources
    known = {box: counters.uidvalidity for box, counters in queries.status(sorted(asked)).items()}
    return {
        raw: one
        for raw, one in sources.items()
        if one.url.uidvalidity in {None, known.get(one.mailbox_id)}
    }


def _whole(catenator: Catenator, message: NewMessage) -> bytes:
    try:
        return catenator.whole(message)
    except BadUrlError as error:
        code = b"BADURL " + tellable(error.raw)
        raise RefusedError(no("A URL that leads to no message here", code)) from None


def _text(message: NewMessage, raw: bytes, rules: Rules) -> bytes:
    """Return a message as it is stored."""
    if not raw:  # RFC 3502: so a client cancels the whole command
        raise RefusedError(no("A message has at least one octet", b"CANNOT"))
    # A literal without ~ has no NUL; one in UTF8 (~{n}) may.
    if b"\0" in raw or (message.is_binary and _NOT_LINES.search(raw) is not None):
        raise RefusedError(no("Only text with CRLF is kept here", b"UNKNOWN-CTE"))
    # RFC 6855 section 4 would refuse UTF-8 in the header of any message too. But such mail exists
    # without it, and who moves a mailbox here with mbsync or imapsync must not lose it.
    if message.is_utf8 and not rules.utf8:
        raise RefusedError(no("ENABLE UTF8=ACCEPT before UTF8 messages", b"CANNOT"))
    text = with_crlf(raw)
    if len(text) > rules.size:
        raise MessageTooLarge
    return text


def _appending(message: NewMessage, ready: PreparedMessage) -> Appending:
    seconds, offset = message.date or (now(), 0)
    return Appending(
        message=ready,
        internaldate=seconds,
        internaldate_offset=offset,
        flags=message.flags.system,
        keywords=message.flags.keywords,
    )
