"""PDF: packed streams that may hold objects, scripts or files, unpacked.

No PDF is understood here: of all streams those are unpacked that are objects, text or files, so
that the rules of `signatures` see what a reader would do. Pictures and fonts are passed over.
"""

import re
from collections.abc import Iterator
from typing import Final

from apps.scan.attachments import packing
from apps.scan.attachments.budget import Budget, Damaged
from apps.scan.attachments.member import OBJECT, Member

_STREAMS_MOST: Final = 2_000
_OBJECT_MOST: Final = 2 * 1024 * 1024
_DICTIONARY_MOST: Final = 1_024
_HEX = re.compile(rb"#([0-9A-Fa-f]{2})")
_DULL = re.compile(
    rb"/(?:Image|Font|XRef|Metadata|ICCBased|CIDFontType0C|Type1C|OpenType|Form|Pattern)\b|"
    rb"/Length1\b"
)
_ENDS: Final = b"endstream"


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """Objects and files inside; a page's own drawing is among them and costs little."""
    at = looked = 0
    while (start := data.find(b"stream", at)) >= 0 and looked < _STREAMS_MOST:
        at = start + 6
        if data[start - 3 : start] == b"end":
            continue
        looked += 1
        budget.watch()
        dictionary = _dictionary(data, start)
        if _DULL.search(dictionary):
            continue
        begin = at + (2 if data[at : at + 2] == b"\r\n" else 1)
        end = data.find(_ENDS, begin)
        at = end if end >= 0 else len(data)
        content = _content(dictionary, memoryview(data)[begin:at], budget)
        if content:
            is_file = b"/EmbeddedFile" in dictionary
            yield Member("", content, marks=() if is_file else (OBJECT,))


def _dictionary(data: bytes, end: int) -> bytes:
    start = data.rfind(b" obj", max(end - _DICTIONARY_MOST, 0), end)
    return plain_names(data[max(start, end - _DICTIONARY_MOST, 0) : end])


def plain_names(data: bytes) -> bytes:
    """`/J#61vaScript` is `/JavaScript` (ISO 32000 section 7.3.5)."""
    return _HEX.sub(lambda found: bytes((int(found[1], 16),)), data)


def _content(dictionary: bytes, packed: memoryview, budget: Budget) -> bytes:
    if b"/FlateDecode" not in dictionary and b"/Fl" not in dictionary:
        return bytes(packed[:_OBJECT_MOST])
    most = budget.limits.member if b"/EmbeddedFile" in dictionary else _OBJECT_MOST
    kept = bytearray()
    try:
        for piece in packing.deflated(packed, budget, form=15):
            kept += piece
            if len(kept) >= most:
                break
    except Damaged:
        pass  # readers show what they could unpack
    return plain_names(bytes(kept[:most])) if b"/ObjStm" in dictionary else bytes(kept[:most])
