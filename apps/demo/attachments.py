"""Small real files, drawn and written by code: PNG, PDF, CSV, ICS, ZIP, WAV. Pure.

Nothing is compressed by a library whose next version might do it differently, and no file names a
moment: the same arguments give the same octets everywhere.
"""

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

_STORED = 65_535  # octets of one stored block, RFC 1951 section 3.2.4
_ZIP_TIME = (2024, 1, 1, 0, 0, 0)
_SKIES = (
    ((214, 228, 240), (250, 236, 214)),
    ((252, 214, 180), (120, 130, 170)),
    ((180, 200, 210), (230, 232, 230)),
    ((150, 190, 226), (226, 240, 250)),
)
_EARTHS = ((86, 110, 78), (120, 96, 76), (70, 92, 96), (140, 120, 90))
_LEVELS = 48  # colours of the sky


def png(rows: Sequence[bytes], palette: Sequence[tuple[int, int, int]]) -> bytes:
    """A picture of palette numbers, one octet a point."""
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", b"".join(bytes(colour) for colour in palette)),
        (b"IDAT", _zlib_stored(b"".join(b"\0" + row for row in rows))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def photo(rng: Random, width: int = 240, height: int = 160) -> bytes:
    """Hills under a sky, and a house with a lit window."""
    (top, bottom), earth = rng.choice(_SKIES), rng.choice(_EARTHS)
    palette = [_mixed(top, bottom, step / (_LEVELS - 1)) for step in range(_LEVELS)]
    near = _mixed(earth, (20, 24, 28), 0.35)
    palette += [_mixed(earth, bottom, 0.45), earth, near, (246, 222, 150)]
    rows = [bytearray([y * _LEVELS // height]) * width for y in range(height)]
    for layer in range(3):
        base, swing = height * (0.5 + 0.16 * layer), rng.uniform(6, 16)
        phase, length = rng.uniform(0, 6), rng.uniform(30, 70)
        for x in range(width):
            start = int(base + swing * math.sin(x / length + phase))
            for y in range(max(0, start), height):
                rows[y][x] = _LEVELS + layer
    _draw_house(rows, rng.randrange(30, width - 70), int(height * 0.62))
    return png([bytes(row) for row in rows], palette)


def _draw_house(rows: list[bytearray], left: int, floor: int) -> None:
    wall, light = _LEVELS + 2, _LEVELS + 3
    for y in range(26):
        for x in range(40):
            if y > abs(x - 20) * 0.6:
                rows[floor - 26 + y][left + x] = wall
    for y in range(8):
        rows[floor - 12 + y][left + 16 : left + 23] = bytes([light]) * 7


def plan(rng: Random, width: int = 280, height: int = 190) -> bytes:
    """A floor plan: walls, rooms, doors."""
    rows = [bytearray(width) for _ in range(height)]

    def wall(x: int, y: int, across: int, down: int) -> None:
        for row in rows[y : y + down]:
            row[x : x + across] = b"\1" * len(row[x : x + across])

    for x, y, across, down in (
        (12, 12, width - 24, 4),
        (12, height - 16, width - 24, 4),
        (12, 12, 4, height - 24),
        (width - 16, 12, 4, height - 24),
    ):
        wall(x, y, across, down)
    middle, side = rng.randrange(80, 180), rng.randrange(60, 130)
    wall(middle, 12, 3, height - 24)
    wall(12, side, width - 24, 3)
    for x, y in ((middle, 30), (middle, side + 18)):
        for row in rows[y : y + 18]:
            row[x : x + 3] = b"\0\0\0"
    rows[side][40:58] = rows[side + 1][40:58] = rows[side + 2][40:58] = bytes(18)
    for step in range(8):
        wall(middle + 12 + step * 6, side + 12, 1, 24)
    return png([bytes(row) for row in rows], ((252, 251, 247), (44, 52, 64)))


def logo(colour: str) -> bytes:
    """A round mark in one colour, given as `#rrggbb`."""
    shown = struct.unpack("BBB", bytes.fromhex(colour.removeprefix("#")))
    size, middle = 40, 19.5
    rows = [
        bytes(
            int(math.hypot(x - middle, y - middle) < 18) + int(math.hypot(x - middle, y - 26) < 8)
            for x in range(size)
        )
        for y in range(size)
    ]
    return png(rows, ((255, 255, 255), shown, (255, 244, 220)))


def pdf(title: str, lines: Sequence[str]) -> bytes:
    """One page A4 with a title and lines of text; what Latin-1 cannot write is left out."""
    shown = ["BT /F1 18 Tf 60 770 Td", f"({_pdf_text(title)}) Tj", "/F1 11 Tf 0 -34 Td 16 TL"]
    shown += [f"({_pdf_text(line)}) Tj T*" for line in lines[:40]]
    content = "\n".join([*shown, "ET", "60 755 m 535 755 l S"]).encode("latin-1")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    out, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table, len(objects) + 1, len(out))
    )


def csv(rows: Sequence[Sequence[str]]) -> bytes:
    """With CRLF, as RFC 4180 has it; in UTF-8 with the mark that spreadsheets look for."""
    lines = (",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows)
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def archive(files: Sequence[tuple[str, bytes]]) -> bytes:
    """A ZIP of stored files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as made:
        for name, octets in files:
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.create_system = 3  # else it is the machine's
            made.writestr(entry, octets)
    return target.getvalue()


def wav(rng: Random, seconds: int = 8) -> bytes:
    """A chord that fades, 8,000 octets a second."""
    rate = 8_000
    tones = [220 * 2 ** (step / 12) for step in rng.choice(((0, 4, 7), (0, 3, 7), (0, 5, 9)))]
    total = rate * seconds
    samples = bytes(
        int(128 + 38 * (1 - at / total) * sum(math.sin(math.tau * t * at / rate) for t in tones))
        for at in range(total)
    )
    head = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate, 1, 8)
    body = b"WAVEfmt " + head + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def calendar(
    *,
    uid: str,
    at: datetime,
    minutes: int,
    summary: str,
    place: str,
    organizer: str,
    guests: Sequence[str],
    stamp: datetime,
) -> bytes:
    """An iTIP request (RFC 5546): who invites whom to what, when and where."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Larkmail//Calendar 7//EN",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{_utc(stamp)}",
        f"DTSTART:{_utc(at)}",
        f"DTEND:{_utc(at + timedelta(minutes=minutes))}",
        f"SUMMARY:{_ical(summary)}",
        f"LOCATION:{_ical(place)}",
        f"ORGANIZER:mailto:{organizer}",
        *(f"ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:{guest}" for guest in guests),
        "SEQUENCE:0",
        "STATUS:CONFIRMED",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(_ical_folded(line) for line in lines).encode()


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _ical(value: str) -> str:
    for sign in "\\;,":
        value = value.replace(sign, "\\" + sign)
    return value


def _ical_folded(line: str) -> str:
    """Below the 75 octets of RFC 5545 section 3.1, where a letter has three at most."""
    size = 60 if line.isascii() else 20
    pieces = [line[at : at + size] for at in range(0, len(line), size)]
    return "\r\n ".join(pieces) + "\r\n"


def _mixed(
    one: tuple[int, int, int], other: tuple[int, int, int], share: float
) -> tuple[int, int, int]:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _zlib_stored(octets: bytes) -> bytes:
    """RFC 1950 around stored blocks: no compressor, so no version of one."""
    blocks = [octets[at : at + _STORED] for at in range(0, len(octets), _STORED)]
    framed = b"".join(
        struct.pack("<BHH", number == len(blocks), len(block), len(block) ^ 0xFFFF) + block
        for number, block in enumerate(blocks, 1)
    )
    return b"\x78\x01" + framed + struct.pack(">I", zlib.adler32(octets))


def _pdf_text(value: str) -> str:
    known = value.encode("latin-1", "ignore").decode("latin-1")
    for sign in "\\()":
        known = known.replace(sign, "\\" + sign)
    return known
