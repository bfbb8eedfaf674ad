"""The parts of a message: what each is said to be, and its octets on demand. Pure.

A part is a leaf: text, a file, or a whole message attached. Files that stand uuencoded within text
are parts of their own (`encoding` is then `x-uuencode`), since old mail programs show them so.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from apps.mime import decode, parameters, tree
from apps.mime.headers import HeaderBlock, clean, decode_text, scan

NAME_MAX: Final = 1_000  # characters of a file name
NAMES_MAX: Final = 20  # spellings of the name of one part
UUENCODED_MAX: Final = 50  # files in the text of one message
_UU: Final = b"x-uuencode"
_UU_NAMES: Final = frozenset({_UU, b"uuencode", b"x-uue", b"uue"})
_BEGIN: Final = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255}+)\r?\n", re.MULTILINE)
_END: Final = re.compile(rb"^(?:end|====)[ \t]*+\r?$", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """One leaf of the tree.

    Args:
        path: where it stands, numbered as IMAP does: `1`, `2.1`; `2.1/1` for the first file that
            is uuencoded in it.
        type: as declared, lower case: `application/zip`.
        encoding: the Content-Transfer-Encoding in lower case.
        disposition: in lower case, "" if none is given.
        names: every file name that some mail program may find in it, each once, the usual reading
            first; decoded, without controls, otherwise as written.
    """

    raw: bytes
    path: str
    type: str
    charset: str
    encoding: str
    disposition: str
    content_id: str
    names: tuple[str, ...]
    header_start: int
    body_start: int
    body_end: int

    @property
    def name(self) -> str:
        """The file name, "" if it has none."""
        return self.names[0] if self.names else ""

    @property
    def size(self) -> int:
        """Octets as they stand in the message, encoded."""
        return self.body_end - self.body_start

    @property
    def encoded(self) -> bytes:
        """The octets as they stand in the message."""
        return self.raw[self.body_start : self.body_end]

    @cached_property
    def header(self) -> HeaderBlock:
        """Its own header fields, for those who must see how they are written."""
        return scan(self.raw, start=self.header_start, end=self.body_start)

    @property
    def is_text(self) -> bool:
        """Whether mail programs show it as part of the message, rather than as a file."""
        return self.disposition != "attachment" and self.type in _SHOWN

    def content(self, limit: int) -> bytes:
        """The octets without the transfer encoding: the first `limit` of them at most.

        What is not decoded is not looked at, so the cost is bounded by `limit`.
        """
        end = min(self.body_end, self.body_start + 4 * limit + 1_024)
        octets = self.raw[self.body_start : end]
        if self.encoding.encode("latin-1") in _UU_NAMES:
            return _uudecode(octets, limit)
        return decode.body(octets, self.encoding.encode("latin-1"))[:limit]


_SHOWN: Final = frozenset({"text/plain", "text/html", "text/enriched", "text/richtext"})


def leaves(root: tree.Part, raw: bytes) -> Iterator[Part]:
    """The leaves below `root` in the order of the message, uuencoded files behind their text."""
    uuencoded = 0
    for path, part in _numbered(root):
        leaf = _leaf(path, part, raw)
        yield leaf
        if not leaf.is_text or uuencoded >= UUENCODED_MAX:
            continue
        for inner in _uuencoded(leaf, UUENCODED_MAX - uuencoded):
            uuencoded += 1
            yield inner


def _numbered(root: tree.Part) -> Iterator[tuple[str, tree.Part]]:
    todo = [("", root)]
    while todo:
        path, part = todo.pop()
        if not part.is_multipart or not part.children:
            yield path or "1", part
            continue
        numbered = [
            (f"{path}.{number}" if path else str(number), child)
            for number, child in enumerate(part.children, 1)
        ]
        todo.extend(reversed(numbered))


def _leaf(path: str, part: tree.Part, raw: bytes) -> Part:
    # A multipart without parts is shown as text by mail programs.
    kind = "text/plain" if part.is_unparted else part.mime_type
    return Part(
        raw=raw,
        path=path,
        type=kind,
        charset=part.charset,
        encoding=part.encoding.decode("latin-1"),
        disposition=(part.disposition or b"").decode("latin-1"),
        content_id=clean((part.id or b"").decode("latin-1")).strip("<> "),
        names=tuple(_names(part)),
        header_start=part.header_start,
        body_start=part.body_start,
        body_end=part.body_end,
    )


def _names(part: tree.Part) -> dict[str, None]:
    """Mail programs disagree on which of several names counts: all of them are named."""
    found: dict[str, None] = {}
    for params, key in ((part.disposition_params, b"filename"), (part.params, b"name")):
        texts = [parameters.text(params, key)]
        for name, value in params[:NAMES_MAX]:
            if name.lower().startswith((b"filename", b"name")):
                texts.append(decode_text(value))
        for text in texts:
            if text and len(found) < NAMES_MAX:
                found.setdefault(text[:NAME_MAX])
    return found


def _uuencoded(text: Part, room: int) -> Iterator[Part]:
    """The files uuencoded in a text part: as many as `room`, found in one pass."""
    if text.encoding not in ("7bit", "8bit", "binary", ""):
        return  # within another encoding nothing shows them
    at = text.body_start
    for number in range(1, room + 1):
        begin = _BEGIN.search(text.raw, at, text.body_end)
        if begin is None:
            return
        end = _END.search(text.raw, begin.end(), text.body_end)
        at = end.start() if end is not None else text.body_end
        yield Part(
            raw=text.raw,
            path=f"{text.path}/{number}",
            type="application/octet-stream",
            charset="",
            encoding="base64" if begin[0].startswith(b"begin-base64") else _UU.decode(),
            disposition="attachment",
            content_id="",
            names=(decode_text(begin[1])[:NAME_MAX],),
            header_start=begin.start(),
            body_start=begin.end(),
            body_end=at,
        )


def _uudecode(octets: bytes, limit: int) -> bytes:
    """Decode uuencoded lines up to `limit` octets; lines that are none are skipped."""
    begin = _BEGIN.search(octets)
    pieces: list[bytes] = []
    size = 0
    for line in octets[begin.end() if begin is not None else 0 :].split(b"\n"):
        piece = _uuline(line.rstrip(b"\r"))
        pieces.append(piece)
        size += len(piece)
        if size >= limit:
            break
    return b"".join(pieces)[:limit]


def _uuline(line: bytes) -> bytes:
    if not line or not 0x20 < line[0] <= 0x60:
        return b""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        pass
    # Some encoders pad wrongly: what the line says it holds is what counts.
    wanted = (((line[0] - 32) & 63) * 4 + 5) // 3
    try:
        return binascii.a2b_uu(line[:wanted])
    except binascii.Error:
        return b""
