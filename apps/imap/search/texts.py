"""Scans messages for texts: what SEARCH does without an index, and for mail it does not hold yet.

What stands in a message, and how it is compared, is said in `apps.mime.searchtext`. A leaf under
FUZZY (RFC 6203) is true of a text that has more than half of its words; how far it is from having
all of them, as they stand, is the score of the message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from apps.imap.proto.search import HeaderHas, TextHas
from apps.imap.search.plain import plain_column
from apps.mailstore import queries
from apps.mime import headers
from apps.mime.searchtext import (
    DIVIDER,
    body_text,
    field_text,
    filename_text,
    folded,
    header_text,
)
from apps.mime.sections import load_parts
from apps.search import damage
from apps.wire.errors import Damaged, NotFound

ROWS_MAX: Final = 4 * 1024 * 1024
"""Octets of headers in one read."""

EXACT: Final = 100
"""The score of a message that has what was looked for (RFC 6203 section 4)."""
_IN_BODY: Final = 0.85
_IN_PARTS: Final = 90
_COLUMNS: Final = ("head", "header", "message_id", "head_id")
_ODD = re.compile(rb"=\?|[^\t\r\n -~]")
_BETWEEN = re.compile(rb"[ :]+")

TextLeaf = HeaderHas | TextHas


def scan(
    mailbox_id: int, uids: Sequence[int], leaves: Sequence[TextLeaf]
) -> dict[int, list[int | None]]:
    """Return, by UID, how well each of `leaves` matches, from 0 (not) to EXACT; None if that cannot
    be read. Messages gone meanwhile are left out.

    Runs on a database thread.

    Raises:
        StorageUnavailable: the store does not answer.
    """
    # Bodies come with the rows: one query for each message would be dearer than the bodies.
    blobs = any(isinstance(leaf, TextHas) for leaf in leaves)
    columns = (*_COLUMNS, "parts") if blobs else _COLUMNS
    pairs = [(leaf, Needle(leaf)) for leaf in leaves]
    found: dict[int, list[int | None]] = {}
    done = 0
    while done < len(uids):
        rows, used = queries.fetch_some(
            mailbox_id, uids[done:], columns, enough=_scales(), blobs=blobs
        )
        for row in rows:
            message = _Message(row, row[-1] if blobs else None)
            found[row[0]] = [message.readable_score(leaf, needle) for leaf, needle in pairs]
        done += used
    return found


def _scales() -> Callable[[Sequence[tuple[Any, ...]]], bool]:
    """Return what tells when the rows of a read hold enough octets; of a body that lies beside the
    rows only its header counts."""
    weight = 0

    def enough(rows: Sequence[tuple[Any, ...]]) -> bool:
        nonlocal weight
        weight += sum([len(row[2]) for row in rows])
        return weight > ROWS_MAX

    return enough


class Needle:
    """What a leaf looks for, folded, as text and as the octets that a plain header has. `words` are
    those of a text whose words will do."""

    __slots__ = ("octets", "text", "words")

    def __init__(self, leaf: TextLeaf) -> None:
        self.text = folded(leaf.text)
        self.words: tuple[str, ...] = ()
        if leaf.fuzzy:
            self.words = tuple(dict.fromkeys(self.text.split()))
        self.octets = self.text.encode("ascii") if self.text.isascii() else None

    def score(self, text: str) -> int:
        """How well one value has it."""
        if self.text in text:
            return EXACT
        found = sum([word in text for word in self.words])
        return _IN_PARTS * found // len(self.words) if 2 * found > len(self.words) else 0

    def best(self, column: str) -> int:
        """How well a column has it, whichever value does best."""
        if self.text in column:
            return EXACT
        return max(map(self.score, column.split(DIVIDER))) if self.words else 0


class _Message:
    """One message under test, each text made once. `row` is a UID and `_COLUMNS`, then the parts if
    a body may have to be looked at."""

    __slots__ = ("_block", "_body", "_fields", "_header", "_plain", "_raw", "_row", "_shown")

    def __init__(self, row: Sequence[Any], shown: queries.Shown | None = None) -> None:
        self._row = row
        self._shown = shown
        self._raw: bytes | None = None
        self._plain = b""
        self._block: headers.HeaderBlock | None = None
        self._fields: dict[bytes, str] = {}
        self._header: str | None = None
        self._body: tuple[str, str] | None = None

    def readable_score(self, leaf: TextLeaf, needle: Needle) -> int | None:
        """`score`, or None if what it depends on cannot be read, of which the log is told."""
        try:
            return self.score(leaf, needle)
        except Damaged as error:
            damage.tell(self._row[3], error)
            return None
        except NotFound:  # purged since its row was read
            return None

    def score(self, leaf: TextLeaf, needle: Needle) -> int:
        """How well a leaf matches, from 0 to EXACT. Raises Damaged."""
        if isinstance(leaf, HeaderHas):
            return self._field_score(leaf.name, needle)
        if not needle.text:
            return EXACT
        if not leaf.header:
            return needle.best(self._body_texts()[0])
        in_header = self._header_score(needle)
        if in_header == EXACT:
            return EXACT
        in_body = max(map(needle.best, self._body_texts()))
        return max(in_header, int(_IN_BODY * in_body) if needle.words else in_body)

    def _field_score(self, name: bytes, needle: Needle) -> int:
        column = plain_column(self._upper(), name)
        if not needle.text:
            there = self._scanned().count(name.lower()) if column is None else column
            return EXACT if there else 0
        if column is None:
            text = self._fields.get(name)
            if text is None:
                text = self._fields[name] = field_text(self._scanned(), name.lower())
            return needle.best(text)
        if needle.words:
            return needle.best(column.decode("ascii"))
        return EXACT if needle.octets is not None and needle.octets in column else 0

    def _header_score(self, needle: Needle) -> int:
        if self._header is None:
            if not needle.words and not self._may_hold(needle):
                return 0
            self._header = header_text(self._scanned())
        return needle.best(self._header)

    def _may_hold(self, needle: Needle) -> bool:
        """Whether a header can have this at all: plain ones are ruled out undecoded, word by word,
        for white space and colons may have been written otherwise."""
        if needle.octets is None:
            return _ODD.search(self._upper()) is not None
        if all(word in self._upper() for word in _BETWEEN.split(needle.octets)):
            return True
        return _ODD.search(self._upper()) is not None

    def _scanned(self) -> headers.HeaderBlock:
        if self._block is None:
            self._block = headers.scan(self._octets())
        return self._block

    def _octets(self) -> bytes:
        """The header as it stands."""
        if self._raw is None:
            head, kept = self._row[1], self._row[2]  # no header if it is too long for the row
            self._raw = bytes(head or b"") + bytes(kept) if kept else self._read().header()
        return self._raw

    def _upper(self) -> bytes:
        """The header in upper case."""
        if not self._plain:
            self._plain = self._octets().upper()
        return self._plain

    def _read(self) -> queries.Shown:
        if self._shown is None:
            self._shown = queries.shown(self._row[3], self._row[4])
        return self._shown

    def _body_texts(self) -> tuple[str, str]:
        """What stands in the body, and the names of files."""
        if self._body is None:
            shown = self._read()
            root, base = load_parts(bytes(self._row[5])), len(shown.head)
            text = body_text(root, lambda start, end: shown.part(base + start, base + end))
            self._body = text, filename_text(root)
        return self._body
