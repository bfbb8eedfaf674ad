"""The memory of what was refused, for those it was meant for: gathered in memory, written in
batches.

A flood costs next to nothing: of what is refused for one user, and for all together, only so much
in a minute is looked at and kept; the rest is counted. Of a message its header is kept, and of that
a bounded piece with what people look for first. What a dying process takes along, or a database
that is away does not take, is lost to this memory alone: log and trace are written elsewhere.
"""

import logging
from collections import Counter
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings

from apps.mailauth.types import Client
from apps.mime.headers import Field, HeaderBlock, clean, scan
from apps.reception.services import refusals
from apps.reception.services.refusals import HEADER_LENGTH, Refusal
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.runtime.later import Later
from apps.runtime.seldom import Seldom
from apps.wire.errors import MailError
from apps.wire.replies import Reply

logger = logging.getLogger(__name__)

WRITE_SECONDS: Final = 2.0
OF_A_USER: Final = 10  # messages a minute
OF_ALL: Final = 600  # the same of all users together
MOST_USERS: Final = 10_000  # counted in a minute
LOOK: Final = 64 << 10  # octets of a header that are looked at
FIELD_LENGTH: Final = 500  # octets kept of one field

# What people look for; it is kept even if a thousand other fields stand before it.
_FIRST: Final = frozenset(
    (
        *(b"from", b"sender", b"reply-to", b"to", b"cc", b"subject", b"date", b"message-id"),
        *(b"list-id", b"list-unsubscribe", b"auto-submitted"),
    )
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that was refused, or an attempt at one.

    Args:
        trace_id: of the message.
        reason: a short stable word: dmarc, list, …
        words: the reason as a sentence.
        reply: what the client was told.
        recipients: (user, address as the client wrote it) of those it was refused for.
        raw: the message; b"" if it did not come to that.
    """

    trace_id: UUID
    reason: str
    words: str
    reply: Reply
    client: Client
    recipients: tuple[tuple[int, str], ...]
    raw: bytes = b""


class Rejects:
    """The memory of one event loop."""

    def __init__(self) -> None:
        self._pending: list[Refusal] = []
        self._others: Counter[int] = Counter()
        self._minute = 0
        self._of_user: Counter[int] = Counter()
        self._of_all = 0
        self._writing = Later(self._flush, WRITE_SECONDS)
        self._log = Seldom(logger)

    def add(self, rejected: Rejected) -> None:
        """Remember a message for the users among its recipients. Never raises, never waits.

        What was only asked to come back is not refused yet, and is no news.
        """
        if not settings.REJECTS_DAYS or not rejected.reply.is_permanent:
            return
        at = now()
        kept = self._within_limits(dict(rejected.recipients), at // 60)
        if kept:
            self._pending.append(_refusal(rejected, tuple(kept.items()), at))
        if kept or self._others:
            self._writing.ask()

    async def close(self) -> None:
        """Write what was gathered."""
        await self._writing.close()

    def _within_limits(self, recipients: dict[int, str], minute: int) -> dict[int, str]:
        """Those of the users for whom it is kept; the others are counted."""
        if minute != self._minute:
            self._minute, self._of_all = minute, 0
            self._of_user.clear()
        is_free = self._of_all < OF_ALL
        kept: dict[int, str] = {}
        for user_id, address in recipients.items():
            if is_free and self._has_room(user_id):
                kept[user_id] = address
                self._of_user[user_id] += 1
            elif user_id in self._others or len(self._others) < MOST_USERS:
                self._others[user_id] += 1
        self._of_all += bool(kept)
        return kept

    def _has_room(self, user_id: int) -> bool:
        if user_id not in self._of_user and len(self._of_user) >= MOST_USERS:
            return False
        return self._of_user[user_id] < OF_A_USER

    async def _flush(self) -> None:
        batch, self._pending = self._pending, []
        others, self._others = self._others, Counter()
        if not batch and not others:
            return
        try:
            await in_db("write", refusals.remember, batch, others)
        except MailError as error:
            extra = {"messages": len(batch), "detail": error.detail}
            self._log.info("the memory of refused mail lost some", "store", extra)


def _refusal(rejected: Rejected, kept: tuple[tuple[int, str], ...], at: int) -> Refusal:
    block = scan(rejected.raw[:LOOK])
    client = rejected.client
    return Refusal(
        trace_id=rejected.trace_id,
        at=at,
        reason=rejected.reason,
        words=clean(rejected.words),
        reply="\n".join(line.decode("ascii", "replace") for line in rejected.reply.lines()),
        client=client.address,
        helo=clean(client.helo),
        sender=clean(client.sender),
        author=block.text(b"from"),
        subject=block.text(b"subject"),
        header=_header(block),
        size=len(rejected.raw),
        recipients=kept,
    )


def _header(block: HeaderBlock) -> str:
    """The beginning of a header, without what is long in it and not looked for."""
    chosen: list[Field] = []
    room = HEADER_LENGTH
    for field in sorted(block.fields, key=lambda one: (one.name not in _FIRST, one.start)):
        room -= min(field.end - field.start, FIELD_LENGTH) + 4
        if room < 0:
            break
        chosen.append(field)
    chosen.sort(key=lambda one: one.start)
    return "\n".join(_shown(block.raw[one.start : one.end]) for one in chosen)


def _shown(field: bytes) -> str:
    """A field as it stands, on one line."""
    text = " ".join(field[:FIELD_LENGTH].decode("utf-8", "replace").split())
    return clean(text) + (" …" if len(field) > FIELD_LENGTH else "")
