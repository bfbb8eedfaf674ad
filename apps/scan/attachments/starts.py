"""Where an archive begins that has something before it: a program that unpacks it, or else. Pure.

Programs that open archives look for their marks. A mark alone is found in many a program, so what
follows it has to fit.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Final

SEARCHED: Final = 1024 * 1024  # octets in which a mark is looked for, as others do
_TRIES: Final = 16  # marks that may lead to nothing
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_ENTRY: Final = b"PK\x01\x02"  # of the table of contents
_END_MOST: Final = 66_000  # octets from the end record of a zip archive to its end


def start(data: bytes, kind: str) -> int:
    """Where the first archive of a kind begins (`MARKS` has them all); -1 if there is none.

    One that begins the file may be damaged, unless a sound one follows.
    """
    mark, fits = MARKS[kind], _FITS[kind]
    first = at = data.find(mark, 0, SEARCHED)
    for _ in range(_TRIES):
        if at < 0 or fits(data, at):
            break
        at = data.find(mark, at + 1, SEARCHED)
    else:
        at = -1
    return first if at < 0 and first == 0 else at


def _rar(data: bytes, at: int) -> bool:
    """The first header has the right checksum."""
    if data[at + 6] == 0:
        size = int.from_bytes(data[at + 12 : at + 14], "little")
        head, told = data[at + 9 : at + 7 + size], data[at + 7 : at + 9]
        return size >= 7 and (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little") == told
    size = data[at + 12] if at + 12 < len(data) else 0  # of a short header, as each first one is
    return _sum(data[at + 12 : at + 13 + size]) == data[at + 8 : at + 12]


def _7z(data: bytes, at: int) -> bool:
    return _sum(data[at + 12 : at + 32]) == data[at + 8 : at + 12]


def _cab(data: bytes, at: int) -> bool:
    size = int.from_bytes(data[at + 8 : at + 12], "little")
    return data[at + 24 : at + 26] == b"\x03\x01" and 36 < size <= len(data) - at


def _zip(data: bytes, at: int) -> bool:
    """Its table of contents ends where the record of its end says."""
    end = data.rfind(_ZIP_END, max(at, len(data) - _END_MOST))
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    return end >= 0 and data[end - size : end - size + 4] == _ZIP_ENTRY


def _sum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")


MARKS: Final[Mapping[str, bytes]] = {
    "rar": b"Rar!\x1a\x07",
    "7z": b"7z\xbc\xaf\x27\x1c",
    "cab": b"MSCF\x00\x00\x00\x00",
    "zip": b"PK\x03\x04",
}
_FITS: Final[Mapping[str, Callable[[bytes, int], bool]]] = {
    "rar": _rar,
    "7z": _7z,
    "cab": _cab,
    "zip": _zip,
}
