"""The documents of a report in a message: found, unpacked, and bounded whatever they claim.

XML, JSON, gzip and zip, told apart by what they begin with: what a header says of an attachment is
often wrong. An archive in an archive is not opened. Nothing is unpacked beyond what is asked for,
so a bomb costs what its first octets cost.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from apps.mime import decode
from apps.mime.tree import Part, scan_tree

MESSAGE_MAX: Final = 15 << 20
"""Octets of a message that is looked into."""
XML_MAX: Final = 20 << 20
"""Octets of all documents of one message, unpacked."""
JSON_MAX: Final = 2 << 20
RATIO_MAX: Final = 250
"""Octets out of one octet in; reports, full of repetition, reach 120."""
RATIO_FREE: Final = 1 << 20
"""Octets to which RATIO_MAX does not apply: a small one may be all zeros."""
DOCUMENTS_MAX: Final = 5
PARTS_MAX: Final = 50
"""Parts of a message that are looked at."""
MEMBERS_MAX: Final = 20
"""Files of a zip."""
_HEAD: Final = 512
_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*+<")
_UTF16: Final = (b"\xff\xfe<\x00", b"\xfe\xff\x00<")
_JSON: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*+\{")
_ZIP: Final = b"PK\x03\x04"
_GZIP: Final = b"\x1f\x8b"
_CENTRAL: Final = b"PK\x01\x02"  # begins the entry of each file in a zip's directory
_IS_ENCRYPTED: Final = 1
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# What zipfile raises for a broken archive, and what comes through it from below.
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ArithmeticError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
_TEXTS: Final = frozenset({b"plain", b"html", b"calendar", b"rfc822-headers"})


class UnpackError(ValueError):
    """A document cannot be unpacked, or must not be; the text is ours and quotes nothing."""


class Format(StrEnum):
    """What a document is."""

    XML = "xml"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Document:
    """A document that may be a report."""

    format: Format
    octets: bytes


def documents(raw: bytes) -> Iterator[Document]:
    """Yield the documents of a message, in order, at most DOCUMENTS_MAX.

    Raises:
        UnpackError: one is broken, or larger than it may be. Those before it were yielded.
    """
    if len(raw) > MESSAGE_MAX:
        raise UnpackError("the message is too large for a report")
    room, number = XML_MAX, 0
    for part in _leaves(scan_tree(raw)):
        body = decode.body(raw[part.body_start : part.body_end], part.encoding)
        for octets in _contents(body, room):
            room -= len(octets)
            if (document := _document(octets)) is not None:
                yield document
                number += 1
            if number == DOCUMENTS_MAX:
                return


def _leaves(root: Part) -> Iterator[Part]:
    """The parts that may be a document, in order."""
    waiting, seen = [root], 0
    while waiting and seen < PARTS_MAX:
        part = waiting.pop()
        seen += 1
        if part.children:
            if part.type == b"multipart":  # not what somebody forwards as an attachment
                waiting.extend(reversed(part.children[:PARTS_MAX]))
        elif part.type != b"text" or part.subtype not in _TEXTS:
            yield part


def _contents(body: bytes, room: int) -> Iterator[bytes]:
    """What is in a part: itself, or what is packed in it, at most `room` octets in all."""
    if body.startswith(_GZIP):
        yield _gunzip(body, room)
    elif body.startswith(_ZIP):
        yield from _unzip(body, room)
    elif len(body) > room:
        raise UnpackError("it is too large")
    else:
        yield body


def _document(octets: bytes) -> Document | None:
    head = octets[:_HEAD]
    if _XML.match(head) or head.startswith(_UTF16):
        return Document(Format.XML, octets)
    if not _JSON.match(head):
        return None
    if len(octets) > JSON_MAX:
        raise UnpackError("it is too large")
    return Document(Format.JSON, octets.removeprefix(b"\xef\xbb\xbf"))


def _gunzip(packed: bytes, room: int) -> bytes:
    """The first member; a report has one."""
    inflater = zlib.decompressobj(wbits=31)
    limit = _limit(len(packed), room)
    try:
        octets = inflater.decompress(packed, limit + 1)
    except zlib.error:
        raise UnpackError("its gzip is broken") from None
    if len(octets) > limit:
        raise UnpackError("it is too large, or packed too well")
    if not inflater.eof:
        raise UnpackError("its gzip is cut off")
    return octets


def _unzip(packed: bytes, room: int) -> Iterator[bytes]:
    # Python makes an object of each entry before anybody can ask how many there are, and what the
    # end of the directory says of their number need not be true.
    if packed.count(_CENTRAL) > MEMBERS_MAX:
        raise UnpackError("its zip has too many files")
    limit = _limit(len(packed), room)
    try:
        members = _members(packed, limit)
    except UnpackError:
        raise
    except _BROKEN:
        raise UnpackError("its zip is broken") from None
    yield from members


def _members(packed: bytes, limit: int) -> list[bytes]:
    """The files of a zip, at most `limit` octets in all."""
    found: list[bytes] = []
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        for member in archive.infolist()[:MEMBERS_MAX]:
            if member.is_dir():
                continue
            if member.flag_bits & _IS_ENCRYPTED or member.compress_type not in _METHODS:
                raise UnpackError("its zip is encrypted, or packed in a way that is not usual")
            with archive.open(member) as file:  # never extracted: its name leads nowhere
                octets = file.read(limit + 1)
            limit -= len(octets)
            if limit < 0:
                raise UnpackError("it is too large, or packed too well")
            found.append(octets)
    return found


def _limit(packed: int, room: int) -> int:
    """How much may come out of so many octets."""
    return min(room, max(RATIO_FREE, packed * RATIO_MAX))
