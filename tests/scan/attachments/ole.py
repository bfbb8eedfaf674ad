"""Writes small compound files (MS-CFB) for tests: streams in one storage each, or in the root."""

import struct
from collections.abc import Mapping

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_SECTOR = 512
_LEAST = 4_096  # octets of a stream that stands in sectors of its own: shorter ones are padded


def compound(streams: Mapping[tuple[str, ...], bytes], identity: bytes = bytes(16)) -> bytes:
    """A compound file; `identity` is the class of its root."""
    names = sorted({path[0] for path in streams if len(path) == 2})
    entries: list[tuple[str, int, bytes]] = [("Root Entry", 5, b"")]
    entries += [(name, 1, b"") for name in names]
    entries += [(path[-1], 2, content.ljust(_LEAST, b"\0")) for path, content in streams.items()]
    parents = [0] * (1 + len(names))
    parents += [1 + names.index(path[0]) if len(path) == 2 else 0 for path in streams]
    return _written(entries, parents, identity)


def _written(entries: list[tuple[str, int, bytes]], parents: list[int], identity: bytes) -> bytes:
    folder_sectors = -(-len(entries) // 4)
    table = [_FAT, *range(2, folder_sectors + 1), _END]
    content, starts = b"", []
    for _, _, octets in entries:
        sectors = -(-len(octets) // _SECTOR)
        starts.append(len(table) if sectors else _END)
        table += [*range(len(table) + 1, len(table) + sectors), _END] if sectors else []
        content += octets.ljust(sectors * _SECTOR, b"\0")
    folder = b"".join(
        _entry(number, entries, parents, starts[number], identity if number == 0 else bytes(16))
        for number in range(len(entries))
    )
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, _LEAST, _END, 0, _END, 0)
    header += struct.pack("<I", 0) + b"\xff" * 432
    fat = struct.pack(f"<{len(table)}I", *table).ljust(_SECTOR, b"\xff")
    return header + fat + folder.ljust(folder_sectors * _SECTOR, b"\0") + content


def _entry(
    number: int,
    entries: list[tuple[str, int, bytes]],
    parents: list[int],
    start: int,
    identity: bytes,
) -> bytes:
    """Siblings stand in a row, each to the right of the one before: a tree, if an odd one."""
    name, kind, octets = entries[number]
    children = [n for n in range(1, len(entries)) if parents[n] == number]
    following = [n for n in range(number + 1, len(entries)) if parents[n] == parents[number]]
    right = following[0] if number and following else _FREE
    child = children[0] if children else _FREE
    coded = name.encode("utf-16-le")
    head = coded.ljust(64, b"\0") + struct.pack("<HBB", len(coded) + 2, kind, 1)
    links = struct.pack("<III", _FREE, right, child)
    return head + links + identity + bytes(20) + struct.pack("<IQ", start, len(octets))


def macro(text: str) -> bytes:
    """A module as Visual Basic keeps it (MS-OVBA 2.4.1), without any packing in its chunks."""
    source = b'Attribute VB_Name = "Module1"\r\n' + text.encode()
    made = b"\x01"
    for at in range(0, len(source), 3_600):
        piece = source[at : at + 3_600]
        chunk = b"".join(b"\0" + piece[n : n + 8] for n in range(0, len(piece), 8))
        made += struct.pack("<H", 0xB000 | len(chunk) - 1) + chunk
    return b"compiled before" + made


def package(name: str, content: bytes) -> bytes:
    """An embedded file."""
    path = f"C:\\x\\{name}".encode() + b"\0"
    body = b"\x02\0" + name.encode() + b"\0" + path + b"\0\0\x03\0"
    body += struct.pack("<I", len(path)) + path + struct.pack("<I", len(content)) + content
    return struct.pack("<I", len(body)) + body
