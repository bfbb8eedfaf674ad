"""What a file's octets spell. Spreadsheets write UTF-8 with a mark, UTF-16 and Windows-1252."""

import codecs
from dataclasses import dataclass
from typing import Final

from apps.wire.errors import InvalidName

LARGEST: Final = 5 * 1024 * 1024
"""Octets of a file."""
_LOOKED_AT: Final = 4_096
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# How files begin that are taken for CSV by their name: archives (a workbook is one), old
# workbooks, PDF, gzip.
_OTHERS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b")
_NO_TEXT: Final = "This is not a CSV file. A spreadsheet makes one by “Save as”, “CSV UTF-8”"


@dataclass(frozen=True, slots=True)
class Text:
    """Characters, and a sentence of how they were found; "" if there is nothing to say."""

    characters: str
    note: str = ""


def decoded(octets: bytes) -> Text:
    """Read a file.

    Raises:
        InvalidName: too large, empty, or no text.
    """
    if len(octets) > LARGEST:
        raise InvalidName("large file", text=f"A file has up to {LARGEST >> 20} MB")
    if not octets.strip():
        raise InvalidName("empty file", text="There is nothing in it")
    if octets.startswith(_OTHERS):
        raise InvalidName("no text", text=_NO_TEXT)
    found = _decoded(octets)
    # A NUL has no place in a text, and no database takes it.
    if "\0" in found.characters:
        raise InvalidName("NUL", text=_NO_TEXT)
    return found


def _decoded(octets: bytes) -> Text:
    for mark, name in _BOMS:
        if octets.startswith(mark):
            return Text(_strict(octets[len(mark) :], name))
    guess = _utf_16(octets[:_LOOKED_AT])
    if guess:
        return Text(_strict(octets, guess), "It was read as UTF-16.")
    try:
        return Text(octets.decode())
    except UnicodeDecodeError:
        note = "It is not in UTF-8, and was read as Windows-1252: look at the letters in the names."
        return Text(_strict(octets, "cp1252"), note)


def _strict(octets: bytes, name: str) -> str:
    try:
        return octets.decode(name)
    except UnicodeDecodeError:
        raise InvalidName(f"not {name}", text=_NO_TEXT) from None


def _utf_16(head: bytes) -> str:
    """Without a mark: of plain letters every second octet is 0, and no other one."""
    even, odd = head[::2], head[1::2]
    if odd.count(0) * 2 > len(odd) and 0 not in even:
        return "utf-16-le"
    if even.count(0) * 2 > len(even) and 0 not in odd:
        return "utf-16-be"
    return ""
