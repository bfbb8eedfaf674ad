"""PDF: packed streams that may hold objects, scripts or files, unpacked.

No PDF is understood here: of all streams the beginning is unpacked, and the rest of those that are
objects, text or files, so that the rules of `signatures` see what a reader would do. Of pictures
and fonts no more than the beginning is: they are most of what a PDF weighs.
"""

import base64
import re
from collections.abc import Iterator
from itertools import repeat
from typing import Final

from apps.scan.attachments import packing
from apps.scan.attachments.budget import Budget, Damaged, TooMuch
from apps.scan.attachments.kinds import kind_of
from apps.scan.attachments.member import OBJECT, Member

_STREAMS_MOST: Final = 20_000
_OBJECT_MOST: Final = 2 * 1024 * 1024
_HEAD: Final = 1_024
_DICTIONARY_MOST: Final = 1_024
_HEX = re.compile(rb"#([0-9A-Fa-f]{2})")
_DULL = re.compile(
    rb"/(?:Image|Font|XRef|Metadata|ICCBased|CIDFontType0C|Type1C|OpenType|Form|Pattern)\b|"
    rb"/Length1\b"
)
_DULL_KINDS: Final = frozenset({"data", "text", "empty", "xml"})
_FILTER = re.compile(rb"/(FlateDecode|Fl|ASCIIHexDecode|AHx|ASCII85Decode|A85)\b")
_ENDS: Final = b"endstream"


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """Objects and files inside; a page's own drawing is among them and costs little."""
    for looked, (dictionary, packed) in enumerate(_streams(data)):
        if looked >= _STREAMS_MOST:
            raise TooMuch(f"more than {_STREAMS_MOST} streams in one PDF")
        budget.watch()
        is_file = b"/EmbeddedFile" in dictionary
        if not is_file and _DULL.search(dictionary) and _is_dull(dictionary, packed, budget):
            continue
        content = _content(dictionary, packed, budget.limits.member if is_file else 0, budget)
        if content:
            yield Member("", content, marks=() if is_file else (OBJECT,))


def plain_names(data: bytes) -> bytes:
    """`/J#61vaScript` is `/JavaScript` (ISO 32000 section 7.3.5)."""
    pieces = _HEX.split(data)  # every second one is two digits
    pieces[1::2] = map(bytes.fromhex, map(str, pieces[1::2], repeat("ascii")))
    return b"".join(pieces)


def _streams(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Dictionaries, and what follows them."""
    at = 0
    while (start := data.find(b"stream", at)) >= 0:
        at = start + 6
        if data[start - 3 : start] == b"end":
            continue
        begin = at + (2 if data[at : at + 2] == b"\r\n" else 1)
        end = data.find(_ENDS, begin)
        at = end if end >= 0 else len(data)
        yield _dictionary(data, start), memoryview(data)[begin:at]


def _dictionary(data: bytes, end: int) -> bytes:
    start = data.rfind(b" obj", max(end - _DICTIONARY_MOST, 0), end)
    return plain_names(data[max(start, end - _DICTIONARY_MOST, 0) : end])


def _is_dull(dictionary: bytes, packed: memoryview, budget: Budget) -> bool:
    """Whether it is what it says: a file may call itself a picture."""
    return kind_of(_content(dictionary, packed, _HEAD, budget)) in _DULL_KINDS


def _content(dictionary: bytes, packed: memoryview, most: int, budget: Budget) -> bytes:
    """At most `most` octets of a stream (0: what an object may have), its filters undone in order.

    Readers show what they could unpack, so what is damaged ends the content and no more.
    """
    content: bytes | memoryview = packed
    most = most or _OBJECT_MOST
    for name in _FILTER.findall(dictionary)[:4]:
        try:
            content = _undone(name, content, most, budget)
        except (Damaged, ValueError):
            break
    content = bytes(content[:most])
    return plain_names(content) if b"/ObjStm" in dictionary else content


def _undone(name: bytes, data: bytes | memoryview, most: int, budget: Budget) -> bytes:
    if name in {b"ASCIIHexDecode", b"AHx"}:
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", bytes(data).partition(b">")[0])
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
    if name in {b"ASCII85Decode", b"A85"}:
        return base64.a85decode(bytes(data).strip().removeprefix(b"<~").partition(b"~>")[0])
    kept = bytearray()
    try:
        for piece in packing.deflated(data, budget, form=15):
            kept += piece
            if len(kept) >= most:
                break
    except Damaged:
        pass
    return bytes(kept[:most])
