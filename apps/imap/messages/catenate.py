"""Messages made of pieces that are here already (CATENATE, RFC 4469). Runs on a database thread.

A piece is the octets that a FETCH of its section would answer, unchanged. What one command makes of
pieces is bounded, each message and all of them together: a short line may name a long message many
times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.imap.messages.fetchplan import picker
from apps.imap.proto.append import NewMessage, Url
from apps.imap.proto.fetch import Part, Section
from apps.imap.proto.urls import MessageUrl
from apps.mailstore import queries
from apps.mime.sections import load_parts, section_range
from apps.wire.errors import Damaged, MailError, MessageTooLarge

_COLUMNS = ("message_id", "head_id", "parts")
_FIELDS = frozenset({Part.FIELDS, Part.FIELDS_NOT})


class BadUrlError(Exception):
    """A URL that names nothing here: BADURL with `raw` (RFC 4469 section 4.1)."""

    def __init__(self, raw: bytes) -> None:
        super().__init__()
        self.raw = raw


@dataclass(frozen=True, slots=True)
class Source:
    """Where a URL leads: a mailbox that may be read, and what of it."""

    mailbox_id: int
    url: MessageUrl


class Catenator:
    """The messages of one command, put together one after another.

    Args:
        sources: of each URL of the command, by its octets; there is none of a bad one.
        each: octets that one message may have.
        together: octets of all.
    """

    def __init__(self, sources: Mapping[bytes, Source], *, each: int, together: int) -> None:
        self._sources = sources
        self._each = each
        self._left = together

    def whole(self, message: NewMessage) -> bytes:
        """Return the octets of a message.

        Raises:
            BadUrlError: a URL names no message, or no part of it.
            MessageTooLarge: it is too large, or all are together.
        """
        if len(message.pieces) == 1 and isinstance(message.pieces[0], bytes):
            self._spend(len(message.pieces[0]))
            return message.pieces[0]
        pieces: list[bytes] = []
        room = self._each
        for piece in message.pieces:
            found = self._octets(piece, room) if isinstance(piece, Url) else piece
            room -= len(found)
            if room < 0:
                raise MessageTooLarge
            self._spend(len(found))
            pieces.append(found)
        return b"".join(pieces)

    def _spend(self, octets: int) -> None:
        self._left -= octets
        if self._left < 0:
            raise MessageTooLarge(text="The messages of this command are too big together")

    def _octets(self, piece: Url, most: int) -> bytes:
        source = self._sources.get(piece.raw)
        if source is None:
            raise BadUrlError(piece.raw)
        try:
            found = octets_of(source, min(most, self._left))
        except MessageTooLarge:
            raise
        except MailError as error:
            raise BadUrlError(piece.raw) from error
        if found is None:
            raise BadUrlError(piece.raw)
        return found


def octets_of(source: Source, most: int) -> bytes | None:
    """Return what a URL names; None if there is no such message or part.

    Raises:
        MessageTooLarge: it has more octets than `most`.
        Damaged: it cannot be read.
    """
    url = source.url
    rows = queries.fetch_page(source.mailbox_id, [url.uid], _COLUMNS)
    if not rows:
        return None
    _, message_id, head_id, parts = rows[0]
    shown = queries.shown(message_id, head_id)
    section = url.section
    is_filtered = section.part in _FIELDS
    found = _range(shown, parts, Section(section.path, Part.HEADER) if is_filtered else section)
    if found is None:
        return None
    if is_filtered:
        fields = picker(section)(_read(shown, found[0], found[1], most))
        start, end = _cut((0, len(fields)), url.partial)
        return fields[start:end]
    return _read(shown, *_cut(found, url.partial), most)


def _range(shown: queries.Shown, parts: Any, section: Section) -> tuple[int, int] | None:
    if not section.path:
        start = shown.header_size if section.part is Part.TEXT else 0
        return start, shown.header_size if section.part is Part.HEADER else shown.size
    what: Any = section.part.name if section.part is not Part.ALL else ""
    found = section_range(load_parts(bytes(parts)), section.path, what)
    head = len(shown.head)  # offsets count from behind it
    return None if found is None else (found[0] + head, found[1] + head)


def _cut(found: tuple[int, int], partial: tuple[int, int | None] | None) -> tuple[int, int]:
    start, end = found
    if partial is None:
        return found
    first, count = partial
    start = min(start + first, end)
    return start, end if count is None else min(start + count, end)


def _read(shown: queries.Shown, start: int, end: int, most: int) -> bytes:
    if end - start > most:
        raise MessageTooLarge
    raw = shown.part(start, end)
    if len(raw) != end - start:
        raise Damaged(f"{end - start - len(raw)} octets are missing")
    return raw


def urls_of(messages: Iterable[NewMessage]) -> list[bytes]:
    """Return the URLs of a command in its order, each once."""
    found = (piece for message in messages for piece in message.pieces if isinstance(piece, Url))
    return list(dict.fromkeys(piece.raw for piece in found))
