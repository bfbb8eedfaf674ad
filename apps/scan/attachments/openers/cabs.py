"""cab, the cabinet files that Windows opens like folders (MS-CAB).

What is stored or packed by MSZIP is unpacked here, LZX by libarchive, Quantum not at all.
"""

import zlib
from collections.abc import Iterator
from typing import Final

from apps.scan.attachments import library, packing
from apps.scan.attachments.budget import Budget, Damaged
from apps.scan.attachments.library import Form
from apps.scan.attachments.member import Member

_BLOCK: Final = 32_768
_STORED, _MSZIP = 0, 1


def members(data: bytes, budget: Budget) -> Iterator[Member]:
    """What is inside a cabinet."""
    files_at = _number(data, 16, 4)
    folders, files, flags = _number(data, 26, 2), _number(data, 28, 2), _number(data, 30, 2)
    at, folder_rest, block_rest = 36, 0, 0
    if flags & 4:
        folder_rest, block_rest = data[38], data[39]
        at = 40 + _number(data, 36, 2)
    for flag in (1, 2):  # names of the cabinet before and the one after, and of their disks
        if flags & flag:
            at = _past_text(data, _past_text(data, at))
    budget.count(folders + files)
    table = [at + number * (8 + folder_rest) for number in range(folders)]
    named = _named(data, files_at, files)
    unknown: list[str] = []
    for number, at in enumerate(table):
        inside = sorted((start, size, name) for start, size, of, name in named if of == number)
        if _number(data, at + 6, 2) & 0x0F in {_STORED, _MSZIP}:
            yield from _folder(data, at, block_rest, inside, budget)
        else:
            unknown += (name for _, _, name in inside)
    if unknown:
        yield from library.named(data, Form.CAB, unknown, budget)


def _named(data: bytes, at: int, count: int) -> list[tuple[int, int, int, str]]:
    found = []
    for _ in range(count):
        end = data.find(b"\x00", at + 16, at + 16 + 512)
        if end < 0:
            raise Damaged("its table of contents is damaged")
        coding = "utf-8" if _number(data, at + 14, 2) & 0x80 else "cp1252"
        name = data[at + 16 : end].decode(coding, "replace")
        found.append(
            (_number(data, at + 4, 4), _number(data, at, 4), _number(data, at + 8, 2), name)
        )
        at = end + 1
    return found


def _folder(
    data: bytes, at: int, block_rest: int, files: list[tuple[int, int, str]], budget: Budget
) -> Iterator[Member]:
    """The files of one folder follow each other in what its blocks unpack to."""
    method = _number(data, at + 6, 2) & 0x0F
    blocks = _blocks(data, _number(data, at, 4), _number(data, at + 4, 2), block_rest)
    reader = packing.Reader(_unpacked(blocks, method, budget))
    here = 0
    for start, size, name in files:
        while here < start and (passed := reader.read(min(start - here, packing.PIECE))):
            here += len(passed)
        content = reader.read(min(size, budget.limits.member))
        here += len(content)
        yield Member(name, content, is_cut=size > len(content), why_not=reader.why_not)


def _blocks(data: bytes, at: int, count: int, rest: int) -> Iterator[bytes]:
    for _ in range(count):
        size = _number(data, at + 4, 2)
        start = at + 8 + rest
        if start + size > len(data):
            raise Damaged("it ends too soon")
        yield data[start : start + size]
        at = start + size


def _unpacked(blocks: Iterator[bytes], method: int, budget: Budget) -> packing.Pieces:
    """MSZIP is deflate in blocks, each of which goes on from what the one before unpacked to."""
    before = b""
    for block in blocks:
        if method == _STORED:
            piece = block
        else:
            decoder = zlib.decompressobj(-zlib.MAX_WBITS, zdict=before)
            try:
                piece = decoder.decompress(block[2:], _BLOCK)
            except zlib.error as error:
                raise Damaged("its compressed content is damaged") from error
            before = piece
        budget.spend(len(piece))
        yield piece


def _past_text(data: bytes, at: int) -> int:
    end = data.find(b"\x00", at, at + 512)
    if end < 0:
        raise Damaged("its table of contents is damaged")
    return end + 1


def _number(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(data[at : at + width], "little")
