"""The files: what others read them with finds nothing wrong."""

import io
import re
import struct
import wave
import zipfile
import zlib
from datetime import UTC, datetime
from random import Random

import pytest

from apps.demo import attachments


@pytest.mark.parametrize("seed", range(8))
def test_it_draws_pictures_that_are_whole(seed: int) -> None:
    for made in (attachments.photo(Random(seed)), attachments.plan(Random(seed)),
                 attachments.logo("#4b6b3c")):  # fmt: skip
        kinds, pixels, size = [], b"", (0, 0)
        at = 8
        assert made[:8] == b"\x89PNG\r\n\x1a\n"
        while at < len(made):
            (length,) = struct.unpack(">I", made[at : at + 4])
            kind, data = made[at + 4 : at + 8], made[at + 8 : at + 8 + length]
            assert made[at + 8 + length : at + 12 + length] == struct.pack(
                ">I", zlib.crc32(kind + data)
            )
            kinds.append(kind)
            if kind == b"IHDR":
                size = struct.unpack(">II", data[:8])
            elif kind == b"IDAT":
                pixels = zlib.decompress(data)
            elif kind == b"PLTE":
                colours = length // 3
            at += 12 + length
        assert kinds == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
        width, height = size
        assert len(pixels) == height * (width + 1)
        assert max(pixels) < colours


def test_it_writes_a_pdf_whose_table_is_right() -> None:
    made = attachments.pdf("Tender (draft)", ["£1,240 for the stair", "\\ and 見"])
    start = int(re.findall(rb"startxref\n(\d+)\n%%EOF", made)[0])
    assert made[start : start + 4] == b"xref"
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", made), 1):
        assert made[int(place) :].startswith(b"%d 0 obj" % number)
    found = re.search(rb"/Length (\d+) >>\nstream\n", made)
    assert found is not None
    assert made[found.end() + int(found[1]) :].startswith(b"\nendstream")
    assert rb"(Tender \(draft\)) Tj" in made


def test_it_packs_a_zip_that_unpacks() -> None:
    made = attachments.archive((("a.txt", b"a" * 999), ("b.png", b"\x89")))
    with zipfile.ZipFile(io.BytesIO(made)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == ["a.txt", "b.png"]
    assert made == attachments.archive((("a.txt", b"a" * 999), ("b.png", b"\x89")))


def test_it_plays_a_chord() -> None:
    with wave.open(io.BytesIO(attachments.wav(Random(1), 2))) as opened:
        assert (opened.getframerate(), opened.getnchannels()) == (8000, 1)
        assert opened.getnframes() == 16_000
        assert len(set(opened.readframes(800))) > 20


def test_it_folds_and_escapes_a_calendar() -> None:
    at = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
    made = attachments.calendar(
        uid="1@x.example", at=at, minutes=90, summary="Ofenabnahme, 2; 見学会" * 6, place="Hof",
        organizer="a@x.example", guests=["b@x.example"], stamp=at,
    )  # fmt: skip
    lines = made.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    whole = made.replace(b"\r\n ", b"").decode()
    assert "SUMMARY:Ofenabnahme\\, 2\\; 見学会" in whole
    assert "DTSTART:20261125T093000Z" in whole
    assert "DTEND:20261125T110000Z" in whole
