"""All attachments of a message as one ZIP file, written while it is sent.

Files are stored, not packed: most are packed already, and the memory that it takes is that of one
piece. Names are cleaned of what a careless program would follow out of its folder, and no two are
the same, upper and lower case alike (APPNOTE.TXT section 4.4.17: no drive, no leading slash).
"""

import io
import re
import time
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from apps.mime import decode
from apps.mime.reading import File
from apps.mime.tree import Part, scan_tree

_PIECE: Final = 64 * 1024  # octets, as encoded
_LONGEST: Final = 180  # octets of a name
_ODD = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]')
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)
_OLDEST, _NEWEST = 315_532_800, 4_354_819_198  # ZIP knows the years from 1980 to 2107


class _Outgoing(io.RawIOBase):
    """Takes what is written until somebody fetches it; it cannot be wound back."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]  # typeshed's buffer
        self._kept += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        kept = bytes(self._kept)
        self._kept.clear()
        return kept


class _Member(NamedTuple):
    name: str
    part: Part


def stream(raw: bytes, files: Iterable[File], at: int) -> Iterator[bytes]:
    """The archive in pieces.

    Args:
        raw: the message.
        at: when it came, Unix seconds: the time of all files in it.
    """
    outgoing = _Outgoing()
    with zipfile.ZipFile(outgoing, "w", zipfile.ZIP_STORED) as archive:
        for member in _members(raw, files):
            entry = zipfile.ZipInfo(member.name, time.gmtime(min(max(at, _OLDEST), _NEWEST))[:6])
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w") as target:
                for piece in decode.stepwise(_encoded(raw, member.part), member.part.encoding):
                    target.write(piece)
                    yield outgoing.taken()
    yield outgoing.taken()


def _members(raw: bytes, files: Iterable[File]) -> Iterator[_Member]:
    parts = scan_tree(raw).walk()
    listed = list(files)
    for name, file in zip(safe_names([file.name for file in listed]), listed, strict=True):
        yield _Member(name, parts[file.number])


def _encoded(raw: bytes, part: Part) -> Iterator[bytes]:
    for start in range(part.body_start, part.body_end, _PIECE):
        yield raw[start : min(start + _PIECE, part.body_end)]


def safe_names(names: Iterable[str]) -> list[str]:
    """Names for files of one folder: one for each, all different."""
    taken: set[str] = set()
    made = []
    for name in names:
        stem, ending = _split(_safe(name))
        candidate, number = stem + ending, 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{stem} ({number}){ending}"
        taken.add(candidate.casefold())
        made.append(candidate)
    return made


def _safe(name: str) -> str:
    plain = _ODD.sub("_", unicodedata.normalize("NFC", name)).strip(" .")
    plain = plain.encode("utf-8", "replace").decode()  # no lone surrogate
    return f"_{plain}" if _DEVICES.match(plain) else plain or "file"


def _split(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    if not (dot and stem) or len(ending) > 20:
        stem, ending = name, ""
    room = _LONGEST - len(ending.encode())
    return stem.encode()[:room].decode("utf-8", "ignore"), f".{ending}" if ending else ""
