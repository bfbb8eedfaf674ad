"""Each form of archive: what is inside is found, what is locked or unknown is said."""

import gzip
import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from tests.scan.attachments.made import (
    EICAR,
    PROGRAM,
    by_tool,
    imaged,
    kinds_in,
    marked,
    names_in,
    of_file,
    seven_zipped,
    tarred,
    virus_in,
    zipped,
)

FILES = {"eicar.com": EICAR, "text.txt": b"hello " * 100, "tool.bin": PROGRAM}


class TestZip:
    @pytest.mark.parametrize(
        "method",
        [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
    )
    def test_it_opens_all_usual_ways_of_packing(self, method: int) -> None:
        found = of_file(zipped(FILES, method), "a.zip")
        assert virus_in(found)
        assert kinds_in(found) == {
            "a.zip": "zip",
            "eicar.com": "text",
            "text.txt": "text",
            "tool.bin": "program",
        }

    @pytest.mark.parametrize("options", [("-mem=AES256",), ("-mem=ZipCrypto",)])
    def test_it_names_what_a_password_locks(self, options: tuple[str], tmp_path: Path) -> None:
        command = ("7zz", "a", "-tzip", "-psecret", *options, "x.zip", "eicar.com")
        found = of_file(by_tool(tmp_path, FILES, *command, made="x.zip"), "a.zip")
        assert marked(found, "locked") == ["eicar.com"]

    def test_it_names_what_is_packed_in_an_unknown_way(self, tmp_path: Path) -> None:
        files = {"a.exe": bytes(range(256)) * 200}
        command = ("7zz", "a", "-tzip", "-mm=Deflate64", "x.zip", "a.exe")
        found = of_file(by_tool(tmp_path, files, *command, made="x.zip"), "a.zip")
        assert marked(found, "unread") == ["a.exe"]

    def test_it_opens_what_others_open_despite_a_wrong_checksum(self) -> None:
        made = bytearray(zipped({"eicar.com": EICAR}, zipfile.ZIP_STORED))
        made[14:18] = b"\0\0\0\0"
        made[made.index(b"PK\x01\x02") + 16 :][:4] = b"\0\0\0\0"
        assert virus_in(of_file(bytes(made), "a.zip"))

    def test_it_opens_what_has_another_name_in_its_local_header(self) -> None:
        made = zipped({"eicar.com": EICAR}).replace(b"eicar.com", b"eicar.txt", 1)
        found = of_file(made, "a.zip")
        assert virus_in(found)
        assert "eicar.com" in names_in(found)

    def test_it_knows_all_names_of_one_file(self) -> None:
        made = zipped({"notes.txt": b"x"}).replace(b"notes.txt", b"notes.exe", 1)
        assert of_file(made, "a.zip")[1]["group"] == "program"
        entry = zipfile.ZipInfo("notes.txt")
        entry.extra = b"up\x0e\x00\x01\0\0\0\0notes.exe"
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(entry, b"x")
        assert of_file(buffer.getvalue(), "a.zip")[1]["group"] == "program"

    def test_it_opens_both_of_two_archives_in_one_file(self) -> None:
        for made in (
            zipped({"a.txt": b"x"}) + zipped({"eicar.com": EICAR}),
            zipped({"eicar.com": EICAR}) + zipped({"a.txt": b"x"}),
        ):
            assert virus_in(of_file(made, "a.zip"))

    def test_it_opens_an_archive_behind_anything_else(self) -> None:
        assert virus_in(of_file(b"\x01\x02 no archive yet " * 9 + zipped(FILES), "a.bin"))

    def test_it_knows_documents_and_programs_that_are_zip_archives(self) -> None:
        document = zipped({"[Content_Types].xml": b"<?xml?>", "word/document.xml": b"<w/>"})
        assert kinds_in(of_file(document, "a.docx"))["a.docx"] == "ooxml"
        program = zipped({"META-INF/MANIFEST.MF": b"Main-Class: a\n", "a.bin": b"x"})
        found = of_file(program, "a.pdf")
        assert found[0]["kind"] == "jar"
        assert found[0]["group"] == "program"


class TestTar:
    @pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
    def test_it_opens_it_packed_or_not(self, mode: str) -> None:
        found = of_file(tarred(FILES, mode), "a.tar.x")
        assert virus_in(found)
        assert {"eicar.com", "text.txt", "tool.bin"} <= set(names_in(found))

    @pytest.mark.parametrize("form", ["v7", "ustar", "gnu", "pax"])
    def test_it_opens_what_tar_makes(self, form: str, tmp_path: Path) -> None:
        command = ("tar", f"--format={form}", "-cf", "x.tar", *FILES)
        assert virus_in(of_file(by_tool(tmp_path, FILES, *command, made="x.tar"), "a.tar"))

    def test_it_opens_entries_of_an_unknown_type_as_tar_does(self) -> None:
        made = bytearray(tarred({"eicar.com": EICAR}))
        made[156] = ord("Z")
        made[148:156] = b"        "
        made[148:156] = b"%06o\0 " % sum(made[:512])
        assert virus_in(of_file(bytes(made), "a.tar"))

    def test_it_says_when_it_is_cut_off(self) -> None:
        found = of_file(gzip.compress(tarred({"a.txt": b"x" * 90_000})[:50_000]), "a.tgz")
        assert found[0]["why_not"] == "it ends too soon or is damaged"


class TestStreams:
    def test_it_reads_members_that_follow_each_other(self) -> None:
        made = gzip.compress(b"x" * 16) + gzip.compress(b"y")
        assert of_file(made, "a.gz")[1]["size"] == 17

    def test_it_names_what_is_inside_like_the_stream(self) -> None:
        assert names_in(of_file(gzip.compress(EICAR), "notes.js.gz"))[1] == "notes.js"

    def test_it_knows_the_name_that_the_stream_keeps(self) -> None:
        buffer = io.BytesIO()
        with gzip.GzipFile("setup.exe", "wb", fileobj=buffer) as file:
            file.write(b"x")
        assert of_file(buffer.getvalue(), "notes.gz")[1]["group"] == "program"

    def test_it_keeps_what_came_before_the_damage(self) -> None:
        found = of_file(gzip.compress(EICAR)[:-6], "a.gz")
        assert virus_in(found)
        assert found[1]["why_not"] == "its compressed content ends too soon"

    def test_it_opens_zstd(self, tmp_path: Path) -> None:
        import zstandard

        assert virus_in(of_file(zstandard.ZstdCompressor().compress(EICAR), "a.zst"))


class Test7z:
    @pytest.mark.parametrize(
        "options",
        [
            (),
            ("-m0=LZMA",),
            ("-m0=BZip2",),
            ("-m0=Deflate",),
            ("-m0=Copy",),
            ("-m0=BCJ", "-m1=LZMA2"),
            ("-m0=Delta:4", "-m1=LZMA"),
            ("-ms=off",),
            ("-mhc=off",),
        ],
    )
    def test_it_opens_it(self, options: tuple[str, ...], tmp_path: Path) -> None:
        found = of_file(seven_zipped(tmp_path, {**FILES, "empty": b""}, *options), "a.7z")
        assert virus_in(found)
        assert kinds_in(found)["tool.bin"] == "program"

    def test_it_names_what_a_password_locks(self, tmp_path: Path) -> None:
        found = of_file(seven_zipped(tmp_path, FILES, "-psecret"), "a.7z")
        assert set(marked(found, "locked")) == set(FILES)

    def test_it_says_when_even_names_are_locked(self, tmp_path: Path) -> None:
        found = of_file(seven_zipped(tmp_path, FILES, "-psecret", "-mhe=on"), "a.7z")
        assert marked(found, "locked") == ["a.7z"]

    def test_it_names_what_is_packed_in_an_unknown_way(self, tmp_path: Path) -> None:
        found = of_file(seven_zipped(tmp_path, FILES, "-m0=PPMd"), "a.7z")
        assert set(marked(found, "unread")) == set(FILES)

    def test_it_never_fails_over_what_is_damaged(self, tmp_path: Path) -> None:
        made = seven_zipped(tmp_path, FILES, "-mhc=off")
        for at in range(32, len(made), 3):
            damaged = made[:at] + bytes((made[at] ^ 0x5A,)) + made[at + 1 :]
            assert of_file(damaged, "a.7z")[0]["kind"] == "7z"


class TestDisks:
    @pytest.mark.parametrize("options", [(), ("-R",), ("-J",), ("-J", "-R")])
    def test_it_opens_it(self, options: tuple[str, ...], tmp_path: Path) -> None:
        found = of_file(imaged(tmp_path, FILES, *options), "a.img")
        assert found[0]["kind"] == "iso"
        assert virus_in(found)
        assert {name.lower() for name in names_in(found)} >= {"eicar.com", "text.txt"}


class TestRar:
    def stored(self, name: bytes, content: bytes, method: int = 0, extra: bytes = b"") -> bytes:
        """An archive of version 5 with one file."""
        size = len(content)
        body = bytes((2, 2 | bool(extra))) + (bytes((len(extra),)) if extra else b"")
        body += bytes((size,)) + b"\0" + bytes((size,)) + b"\0"
        body += ((method << 7) | 0x80).to_bytes(2, "little") if method else b"\0"
        body += b"\0" + bytes((len(name),)) + name + extra
        head = bytes(4) + bytes((len(body),)) + body
        return b"Rar!\x1a\x07\x01\x00" + head + content + bytes(4) + b"\x03\x05\0\0"

    def test_it_reads_what_is_stored(self) -> None:
        found = of_file(self.stored(b"eicar.com", EICAR), "a.rar")
        assert virus_in(found)

    def test_it_names_what_is_packed(self) -> None:
        found = of_file(self.stored(b"setup.exe", b"?" * 50, method=3), "a.rar")
        assert marked(found, "unread") == ["setup.exe"]
        assert found[1]["group"] == "program"

    def test_it_names_what_is_locked(self) -> None:
        extra = b"\x02\x01\x00"
        found = of_file(self.stored(b"a.txt", b"?" * 50, extra=extra), "a.rar")
        assert marked(found, "locked") == ["a.txt"]

    def test_it_says_when_it_is_cut_off(self) -> None:
        found = of_file(self.stored(b"a.txt", b"?" * 50)[:-30], "a.rar")
        assert found[0]["why_not"] == "it ends too soon"

    def test_it_reads_version_4(self) -> None:
        name = b"setup.exe"
        size = 32 + len(name)
        made = b"Rar!\x1a\x07\x00"
        made += struct.pack("<HBHH6x", 0, 0x73, 0, 13)
        made += struct.pack("<HBHHII", 0, 0x74, 0x8000, size, 5, 9)
        made += struct.pack("<BIIBBHI", 2, 0, 0, 29, 0x33, len(name), 0) + name + b"?????"
        found = of_file(made + b"\xc4\x3d\x7b\x00\x40\x07\x00", "a.rar")
        assert marked(found, "unread") == ["setup.exe"]


class TestCab:
    def cabinet(self, name: bytes, content: bytes) -> bytes:
        """A cabinet of one file, packed in two blocks, the second one by the help of the first."""
        half = len(content) // 2
        blocks = b""
        before = b""
        for piece in (content[:half], content[half:]):
            packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=before)
            packed = b"CK" + packer.compress(piece) + packer.flush()
            blocks += struct.pack("<IHH", 0, len(packed), len(piece)) + packed
            before = piece
        file = struct.pack("<IIHHHH", len(content), 0, 0, 0, 0, 0) + name + b"\0"
        data_at = 36 + 8 + len(file)
        folder = struct.pack("<IHH", data_at, 2, 1)
        sizes = (0, data_at + len(blocks), 0, 44, 0, 3, 1, 1, 1, 0, 0, 0)
        head = struct.pack("<4sIIIIIBBHHHHH", b"MSCF", *sizes)
        return head + folder + file + blocks

    def test_it_opens_it(self) -> None:
        found = of_file(self.cabinet(b"eicar.com", EICAR), "a.cab")
        assert virus_in(found)
        assert found[1]["path"] == ["a.cab", "eicar.com"]

    def test_it_says_when_it_is_cut_off(self) -> None:
        found = of_file(self.cabinet(b"eicar.com", EICAR)[:-10], "a.cab")
        assert found[1]["why_not"] == "it ends too soon"
