"""Archives of forms that Debian has no packer for, written bit by bit.

They pack nothing well: each octet of a file becomes one code of eight bits. Or they pack too well:
a bomb is one octet and the code for "the same again", which takes one bit.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Final

LITERALS: Final = dict.fromkeys(range(256), 8)
"""Lengths of codes: all octets, nothing else."""

_PRECODE: Final = {**dict.fromkeys(range(12), 4), **dict.fromkeys(range(12, 20), 5)}
"""Of the codes in which rar writes lengths of codes: all of them."""


class Bits:
    """Bits, the highest of an octet first."""

    def __init__(self) -> None:
        self._text: list[str] = []

    def add(self, value: int, width: int) -> None:
        """Add a number."""
        self._text.append(f"{value:0{width}b}" if width else "")

    def code(self, codes: Mapping[int, tuple[int, int]], *symbols: int) -> None:
        """Add symbols, each as its code."""
        for symbol in symbols:
            self.add(*codes[symbol])

    @property
    def octets(self) -> bytes:
        """All of them, filled up with zeros."""
        text = "".join(self._text)
        size = (len(text) + 7) // 8
        return int(text.ljust(size * 8, "0"), 2).to_bytes(size, "big")


def codes(lengths: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """The usual codes of these lengths: value and width, shorter ones first."""
    found, value, width = {}, 0, 0
    for symbol, length in sorted(lengths.items(), key=lambda one: (one[1], one[0])):
        value <<= length - width
        found[symbol], width = (value, length), length
        value += 1
    return found


def _tables(bits: Bits, lengths: Mapping[int, int], count: int) -> None:
    """Write `count` lengths of codes as rar does, without any abbreviation."""
    for symbol in range(20):
        bits.add(_PRECODE[symbol], 4)
    for symbol in range(count):
        bits.code(codes(_PRECODE), lengths.get(symbol, 0))


_LITERAL_CODES: Final = codes(LITERALS)


# --- rar 4: 299 codes for octets, lengths and "again", then 60 for distances.
def packed_4(content: bytes) -> bytes:
    """What rar 3 and 4 unpack to `content`."""
    bits = Bits()
    bits.add(0, 2)  # no PPMd, new tables
    lengths = {**LITERALS, 255: 9, 256: 9}
    _tables(bits, lengths, 404)
    bits.code(codes(lengths), *content, 256)
    bits.add(0b01, 2)  # the end of the file; the next one has tables of its own
    return bits.octets + bytes(8)


def bomb_4(octets: int) -> bytes:
    """What unpacks to so many octets: 258 of them for each further bit, which is a zero."""
    main = {0: 2, 258: 1, 298: 2}
    bits = Bits()
    bits.add(0, 2)
    _tables(bits, {**main, 299: 1, 300: 1}, 404)
    bits.code(codes(main), 0, 298)
    bits.add(31, 5)  # the longest
    bits.add(0, 1)  # of the octet before
    return bits.octets + bytes(octets // 258 // 8 + 8)


def rar_4(
    files: Mapping[str, bytes],
    *,
    flags: int = 0,
    archive_flags: int = 0,
    packed: bytes | None = None,
    version: int = 29,
    names: Mapping[str, bytes] | None = None,
) -> bytes:
    """A rar archive of version 4, packed (as `packed`, or each file by `packed_4`)."""
    made = b"Rar!\x1a\x07\x00" + _head_4(0x73, archive_flags, bytes(6))
    for name, content in files.items():
        data = packed if packed is not None else packed_4(content)
        size = 0xFFFFFFFF if packed is not None else len(content)
        told = (names or {}).get(name, name.encode())
        fields = struct.pack("<IIBII", len(data), size, 2, zlib.crc32(content), 0)
        fields += struct.pack("<BBHI", version, 0x33, len(told), 0x20) + told
        made += _head_4(0x74, 0x8000 | flags, fields) + data
    return made + _head_4(0x7B, 0x4000, b"")


def _head_4(kind: int, flags: int, fields: bytes) -> bytes:
    head = struct.pack("<BHH", kind, flags, len(fields) + 7) + fields
    return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head


# --- rar 5: 306 codes for octets, lengths and "again", then 64 for distances, 16 and 44 others.
def packed_5(content: bytes) -> bytes:
    """What rar 5 unpacks to `content`, of less than 64 KB."""
    bits = Bits()
    _tables(bits, LITERALS, 430)
    bits.code(_LITERAL_CODES, *content)
    # Tables take 430 codes and 80 bits; the last octet says how many of its bits count.
    return _block_5(bits.octets, used=_used(430, content), is_last=True, has_tables=True)


def bomb_5(octets: int) -> bytes:
    """What unpacks to so many octets: 4,097 of them for each further bit, which is a zero."""
    main = {0: 2, 257: 1, 305: 2}
    bits = Bits()
    _tables(bits, {**main, 306: 1, 307: 1}, 430)
    bits.code(codes(main), 0, 305)
    bits.add(511, 9)  # the longest
    bits.add(0, 1)  # of the octet before
    made = _block_5(bits.octets + bytes(1_000), used=8, is_last=False, has_tables=True)
    left = octets // 4_097 // 8
    while left > 0:
        size = min(left, 60_000)
        left -= size
        made += _block_5(bytes(size), used=8, is_last=left <= 0, has_tables=False)
    return made


def _used(count: int, content: bytes) -> int:
    zeros = count - 256
    bits = 80 + 4 * zeros + 4 * 256 + 8 * len(content)
    return bits % 8 or 8


def _block_5(data: bytes, *, used: int, is_last: bool, has_tables: bool) -> bytes:
    flags = (used - 1) | 1 << 3 | is_last << 6 | has_tables << 7
    size = struct.pack("<H", len(data))
    return bytes((flags, 0x5A ^ flags ^ size[0] ^ size[1])) + size + data


def rar_5(
    files: Mapping[str, bytes],
    *,
    split: int = 0,
    packed: bytes | None = None,
    locked: Sequence[str] = (),
    solid: bool = False,
) -> bytes:
    """A rar archive of version 5, packed (as `packed`, or each file by `packed_5`)."""
    made = b"Rar!\x1a\x07\x01\x00" + _head_5(1, 0, _vint(4 * solid))
    for number, (name, content) in enumerate(files.items()):
        data = packed if packed is not None else packed_5(content)
        size = 1 << 40 if packed is not None else len(content)
        flags, check = (0, b"") if packed is not None else (4, _crc(content))
        extra = _vint(34) + b"\x01\x00\x00\x0f" + bytes(32) if name in locked else b""
        info = 1 << 7 | 3 << 10 | (solid and number > 0) << 6  # method 1, 1 MB of memory
        fields = _vint(flags) + _vint(size) + _vint(0x20) + check + _vint(info) + _vint(1)
        fields += _vint(len(name.encode())) + name.encode()
        sizes = (_vint(len(extra)) if extra else b"") + _vint(len(data))
        made += _head_5(2, 2 | bool(extra) | split, sizes + fields + extra) + data
    return made + _head_5(5, 0, _vint(0))


def _head_5(kind: int, flags: int, fields: bytes) -> bytes:
    head = _vint(kind) + _vint(flags) + fields
    head = _vint(len(head)) + head
    return _crc(head) + head


def locked_rar_5() -> bytes:
    """A rar archive of version 5 with its names encrypted."""
    return b"Rar!\x1a\x07\x01\x00" + _head_5(4, 0, _vint(0) + _vint(0) + b"\x0f" + bytes(16)) + b"?"


def _crc(data: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(data))


def _vint(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))


# --- lzh: blocks, each with lengths of codes for lengths of codes, octets, and distances.
def packed_lzh(content: bytes) -> bytes:
    """What lzh (lh5) unpacks to `content`, of less than 64 KB."""
    bits = Bits()
    bits.add(len(content), 16)
    bits.add(11, 5)  # lengths of codes for lengths: of 0 to 2, of 3 to 5 in short, of 6 to 10
    for length, width in ((0, 9), (3, 2), (0, 9), (1, 3), (1, 3)):
        bits.add(length, width)
    bits.add(256, 9)
    bits.add((1 << 256) - 1, 256)  # all codes for octets have eight bits, which is called 10
    _single(bits, 4, 0)
    for octet in content:
        bits.add(octet, 8)
    return bits.octets


def bomb_lzh(octets: int) -> bytes:
    """What unpacks to so many octets: 16 MB of them for 52 bits."""
    bits = Bits()
    bits.add(1, 16)
    _single(bits, 5, 0)
    _single(bits, 9, 0)  # one zero octet
    _single(bits, 4, 0)
    for _ in range(octets // (65_535 * 256) + 1):
        bits.add(65_535, 16)
        _single(bits, 5, 0)
        _single(bits, 9, 256 + 253)  # 256 octets like the one before, and no bit for it
        _single(bits, 4, 0)
    return bits.octets + bytes(2)


def _single(bits: Bits, width: int, symbol: int) -> None:
    """A table with a single code, of no bits at all."""
    bits.add(0, width)
    bits.add(symbol, width)


def lzh(files: Mapping[str, bytes], method: bytes = b"-lh5-", packed: bytes | None = None) -> bytes:
    """An lzh archive (headers of level 0)."""
    made = b""
    for name, content in files.items():
        stored = method in {b"-lh0-", b"-lz4-"}
        data = packed if packed is not None else content if stored else packed_lzh(content)
        size = 0xFFFFFFF0 if packed is not None else len(content)
        told = name.encode()
        fields = method + struct.pack("<IIIBBB", len(data), size, 0, 0x20, 0, len(told)) + told
        fields += struct.pack("<H", _crc_16(content))
        made += bytes((len(fields), sum(fields) & 0xFF)) + fields + data
    return made + b"\x00"


def _crc_16(data: bytes) -> int:
    found = 0
    for octet in data:
        found ^= octet
        for _ in range(8):
            found = found >> 1 ^ (0xA001 if found & 1 else 0)
    return found


# --- cab with LZX, which only Windows packs: as blocks that are not packed.
def cab_lzx(name: str, content: bytes) -> bytes:
    """A cabinet of one small file, packed by LZX."""
    bits = 3 << 24 | len(content)  # no call is rewritten (1 bit), a block that is stored (3)
    words = struct.pack("<HH", bits << 4 >> 16 & 0xFFFF, bits << 4 & 0xFFFF)
    packed = words + struct.pack("<III", 1, 1, 1) + content + bytes(len(content) % 2)
    told = name.encode() + b"\x00"
    entry = struct.pack("<IIHHHH", len(content), 0, 0, 0, 0, 0x20) + told
    at = 36 + 8 + len(entry)
    folder = struct.pack("<IHH", at, 1, 3 | 15 << 8)
    data = struct.pack("<IHH", 0, len(packed), len(content)) + packed
    head = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", 0, at + len(data), 0, 36 + 8, 0, 3, 1, 1, 1,
                       0, 0, 0)  # fmt: skip
    return head + folder + entry + data


def ace(files: Mapping[str, bytes], *, method: int = 0, flags: int = 0) -> bytes:
    """An ace archive; with a method, `files` are packed already."""
    made = _head_ace(0, 0, b"**ACE**\x14\x14\x02\x00" + bytes(16))
    for name, content in files.items():
        told = name.encode()
        fields = struct.pack("<IIIIIBBHHH", len(content), len(content), 0, 0x20, 0, method, 3, 0, 0,
                             len(told)) + told  # fmt: skip
        made += _head_ace(1, 1 | flags, fields) + content
    return made


def _head_ace(kind: int, flags: int, fields: bytes) -> bytes:
    head = struct.pack("<BH", kind, flags) + fields
    return struct.pack("<HH", zlib.crc32(head) & 0xFFFF ^ 0xFFFF, len(head)) + head


# --- Small ones.
def lz4(content: bytes) -> bytes:
    """An lz4 stream of one block that is not packed."""
    head = b"\x04\x22\x4d\x18\x60\x40\x82"  # no checksums; the last octet is one, of 60 40
    return head + struct.pack("<I", len(content) | 1 << 31) + content + bytes(4)


def compressed(content: bytes) -> bytes:
    """What `compress` may make of less than 250 octets: codes of nine bits, the lowest first."""
    bits = sum(octet << 9 * place for place, octet in enumerate(content))
    return b"\x1f\x9d\x90" + bits.to_bytes((9 * len(content) + 7) // 8, "little")


def cpio(files: Mapping[str, bytes]) -> bytes:
    """A cpio archive ("newc")."""
    made = b""
    for name, content in (*files.items(), ("TRAILER!!!", b"")):
        told = name.encode() + b"\x00"
        numbers = (1, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(told), 0)
        head = b"070701" + b"".join(b"%08X" % number for number in numbers) + told
        made += head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
    return made
