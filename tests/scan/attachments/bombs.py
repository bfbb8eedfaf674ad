"""Files that are made to hurt who opens them. Small to send, or they would not be."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.scan.attachments import packers
from tests.scan.attachments.made import EICAR, by_tool, imaged, mail, seven_zipped, zipped

MB = 1024 * 1024


def zeros(size: int) -> bytes:
    """A zip archive of one file of zeros."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        file = archive.open("zeros.bin", "w")
        for _ in range(size // MB):
            file.write(bytes(MB))
        file.close()
    return made.getvalue()


def tree(wide: int, levels: int) -> bytes:
    """Archives of archives: `wide` in each, `levels` of them, a large file in each last one."""
    content = zeros(10 * MB)
    for _ in range(levels):
        content = zipped({f"{number}.zip": content for number in range(wide)})
    return content


def chain(levels: int) -> bytes:
    """One archive in another, as in those that contain themselves: there is always one more."""
    content = zipped({"end.txt": b"end"})
    for _ in range(levels):
        content = zipped({"x.zip": content})
    return content


def overlapping(entries: int, size: int) -> bytes:
    """A table of contents that names one file over and over."""
    packed = zlib.compress(bytes(size), 9)[2:-4]
    local = (20, 0, 8, 0, 0, 0, len(packed), size, 1, 0)
    made = struct.pack("<4s5H3I2H", b"PK\3\4", *local) + b"a" + packed
    entry = (20, 20, 0, 8, 0, 0, 0, len(packed), size, 1, 0, 0, 0, 0, 0, 0)
    table = (struct.pack("<4s6H3I5H2I", b"PK\1\2", *entry) + b"a") * entries
    end = (0, 0, entries, entries, len(table), len(made), 0)
    return made + table + struct.pack("<4s4H2IH", b"PK\5\6", *end)


def sparse(size: int) -> bytes:
    """A tar archive with a file that is one large hole."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("hole")
        entry.pax_headers = {
            "GNU.sparse.major": "0",
            "GNU.sparse.minor": "1",
            "GNU.sparse.name": "hole",
            "GNU.sparse.map": f"{size},0",
            "GNU.sparse.size": str(size),
            "GNU.sparse.numblocks": "1",
        }
        archive.addfile(entry)
    return made.getvalue()


def wide_window() -> bytes:
    """An xz stream that asks its reader for a gigabyte and a half of memory."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 4_096}]
    made = bytearray(lzma.compress(b"small", filters=filters))
    # Block header (xz file format 3.1): its last filter's property is the window.
    at = made.index(b"\x21\x01", 12) + 2
    made[at] = 40
    end = 12 + (made[12] + 1) * 4
    made[end - 4 : end] = zlib.crc32(made[12 : end - 4]).to_bytes(4, "little")
    return bytes(made)


def folded_7z() -> bytes:
    """A 7z table of contents that claims a billion files."""
    header = b"\x01\x05" + b"\xf0\x00\xca\x9a\x3b" + bytes(16)
    start = len(header).to_bytes(8, "little") + zlib.crc32(header).to_bytes(4, "little")
    head = bytes(8) + start
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + zlib.crc32(head).to_bytes(4, "little") + head + header


def looping_disk(folder: Path) -> bytes:
    """A disk image whose folder is its own subfolder."""
    image = bytearray(imaged(folder, {"in/eicar.txt": b"x"}, "-graft-points", "in=in"))
    # The record of the folder IN in its parent gets the place and size of the root's.
    at = image.index(b"\x02IN", 16 * 2_048)
    record = at - 32
    root = 16 * 2_048 + 156
    image[record + 2 : record + 18] = image[root + 2 : root + 18]
    return bytes(image)


def looping_ole() -> bytes:
    """A compound file whose table of sectors leads in a circle."""
    header = bytearray(512)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    header[24:32] = struct.pack("<HHHH", 0x3E, 3, 0xFFFE, 9)
    header[32:34] = struct.pack("<H", 6)
    header[44:48] = struct.pack("<I", 1)
    header[48:52] = struct.pack("<I", 1)
    header[56:60] = struct.pack("<I", 4_096)
    header[60:76] = struct.pack("<IIII", 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header[76:512] = struct.pack("<I", 0) + b"\xff" * 432
    sectors = struct.pack("<128I", 0xFFFFFFFD, 1, *([0xFFFFFFFF] * 126))
    return bytes(header) + sectors + bytes(512)


def packed_pdf() -> bytes:
    """A PDF with streams that unpack to very much."""
    packed = zlib.compress(bytes(20 * MB), 1)
    one = b"1 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n" + packed + b"\nendstream\n"
    return b"%PDF-1.7\n" + one * 40


def deep_mail(levels: int) -> bytes:
    """A message in a message, again and again, each in base64."""
    raw = mail("eicar.com", EICAR)
    for _ in range(levels):
        raw = mail("x.eml", raw, "application/octet-stream")
    return raw


ZEROS = {"zeros": b""}
ZEROS_30 = {"zeros": bytes(30 * MB)}


def folded_cab(size: int) -> bytes:
    """A cabinet of one file of zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"CK" + packer.compress(bytes(32_768)) + packer.flush()
    count = size // 32_768
    block = struct.pack("<IHH", 0, len(packed), 32_768) + packed
    file = struct.pack("<IIHHHH", size, 0, 0, 0, 0, 0) + b"zeros\0"
    folder = struct.pack("<IHH", 44 + len(file), count, 1)
    sizes = (0, 44 + len(file) + count * len(block), 0, 44, 0, 3, 1, 1, 1, 0, 0, 0)
    head = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", *sizes)
    return head + folder + file + block * count


def packed_64(folder: Path) -> bytes:
    """A zip archive of zeros, packed by Deflate64."""
    command = ("7zz", "a", "-bd", "-tzip", "-mm=Deflate64", "-mx=1", "x.zip", "zeros")
    return by_tool(folder, ZEROS_30, *command, made="x.zip")


def crowded_rar() -> bytes:
    """A rar archive of very many files, none of which holds anything."""
    whole = packers.rar_4({"a": b""}, packed=b"")
    at = whole.index(b"Rar!") + 7 + 13
    return whole[:at] + whole[at:-7] * 25_000 + whole[-7:]


BOMBS: dict[str, Callable[[Path], bytes]] = {
    "zip of 200 MB of zeros": lambda _: mail("a.zip", zeros(200 * MB)),
    "10 x 10 x 10 archives": lambda _: mail("a.zip", tree(10, 3)),
    "gzip of 100 MB of zeros": lambda _: mail("a.gz", gzip.compress(bytes(100 * MB), 1)),
    "bzip2 of 300 MB of zeros": lambda _: mail("a.bz2", bz2.compress(bytes(10 * MB)) * 30),
    "xz of 100 MB of zeros": lambda _: mail("a.xz", lzma.compress(bytes(20 * MB), preset=0) * 5),
    "archives without end": lambda _: mail("a.zip", chain(60)),
    "one file named a thousand times": lambda _: mail("a.zip", overlapping(1_000, 2 * MB)),
    "very many empty files": lambda _: mail("a.zip", overlapping(60_000, 1)),
    "a hole of a terabyte": lambda _: mail("a.tar", sparse(1 << 40)),
    "a window of 1.5 GB": lambda _: mail("a.xz", wide_window()),
    "a billion files in 7z": lambda _: mail("a.7z", folded_7z()),
    "a folder inside itself": lambda folder: mail("a.iso", looping_disk(folder)),
    "a circle of sectors": lambda _: mail("a.doc", looping_ole()),
    "a PDF of 800 MB": lambda _: mail("a.pdf", packed_pdf()),
    "mail in mail without end": lambda _: deep_mail(15),
    "rar 4 of 2 GB": lambda _: mail("a.rar", packers.rar_4(ZEROS, packed=packers.bomb_4(2 << 30))),
    "rar 5 of 10 GB": lambda _: mail(
        "a.rar", packers.rar_5(ZEROS, packed=packers.bomb_5(10 << 30))
    ),
    "lzh of 10 GB": lambda _: mail("a.lzh", packers.lzh(ZEROS, packed=packers.bomb_lzh(10 << 30))),
    "cab of 60 MB": lambda _: mail("a.cab", folded_cab(60 * MB)),
    "7z by PPMd of 30 MB": lambda folder: mail("a.7z", seven_zipped(folder, ZEROS_30, "-m0=PPMd")),
    "zip by Deflate64 of 30 MB": lambda folder: mail("a.zip", packed_64(folder)),
    "very many files in rar": lambda _: mail("a.rar", crowded_rar()),
    "a page full of files": lambda _: mail("a.html", b"<html>" + (b"A" * 90 + b", ") * 50_000),
}

HARMLESS = frozenset({"a PDF of 800 MB", "a circle of sectors"})
"""Of these what looks at them takes no more than it may, and so does who opens them."""
