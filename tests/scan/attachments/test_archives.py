"""Each form of archive: what is inside is found, what is locked or unknown is said."""

import gzip
import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.scan.attachments import library
from apps.scan.attachments.budget import Budget
from apps.scan.attachments.caged import look_at
from apps.scan.attachments.findings import findings
from apps.scan.attachments.openers import arjs, rars, sevenzip
from tests.scan.attachments import packers
from tests.scan.attachments.made import (
    EICAR,
    PROGRAM,
    by_tool,
    imaged,
    kinds_in,
    mail,
    marked,
    names_in,
    of_file,
    seven_zipped,
    tarred,
    virus_in,
    zipped,
)

FILES = {"eicar.com": EICAR, "text.txt": b"hello " * 100, "tool.bin": PROGRAM}
SPLIT = ("-m0=BCJ2", "-m1=LZMA", "-m2=LZMA", "-m3=LZMA", "-mb0:1", "-mb0s1:2", "-mb0s2:3")
"""How 7-Zip is told to pack programs in four streams."""


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

    @pytest.mark.parametrize("method", ["Deflate64", "PPMd", "xz"])
    def test_it_opens_rarer_ways_of_packing(self, method: str, tmp_path: Path) -> None:
        files = {**FILES, "a.bin": PROGRAM * 900}
        command = ("7zz", "a", "-tzip", f"-mm={method}", "x.zip", *files)
        found = of_file(by_tool(tmp_path, files, *command, made="x.zip"), "a.zip")
        assert virus_in(found)
        assert kinds_in(found)["a.bin"] == "program"

    def test_it_names_what_is_packed_in_an_unknown_way(self) -> None:
        made = bytearray(zipped({"a.exe": b"x" * 99}, zipfile.ZIP_STORED))
        made[8] = made[made.index(b"PK\x01\x02") + 10] = 6  # imploded, as in 1990
        found = of_file(bytes(made), "a.zip")
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
            ("-m0=PPMd",),
            ("-m0=PPMd", "-ms=off"),
            ("-m0=Deflate64",),
            ("-m0=ARM", "-m1=LZMA2"),
            ("-m0=BCJ", "-m1=Deflate64"),
            ("-m0=BCJ", "-m1=PPMd"),
            ("-m0=Delta:2", "-m1=BZip2"),
            SPLIT,
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
        made = seven_zipped(tmp_path, FILES, "-m0=PPMd", "-mhc=off")
        unknown = bytearray(made.replace(b"\x03\x04\x01", b"\x03\x04\x7f"))  # the name of PPMd
        at = 32 + int.from_bytes(unknown[12:20], "little")
        unknown[28:32] = zlib.crc32(unknown[at:]).to_bytes(4, "little")
        unknown[8:12] = zlib.crc32(unknown[12:32]).to_bytes(4, "little")
        assert set(marked(of_file(bytes(unknown), "a.7z"), "unread")) == set(FILES)

    def test_it_opens_what_it_can_beside_what_it_cannot(self, tmp_path: Path) -> None:
        folder = tmp_path / "one"
        folder.mkdir()
        by_tool(folder, {"eicar.com": EICAR}, "7zz", "a", "x.7z", "eicar.com", made="x.7z")
        command = ("7zz", "a", "-m0=PPMd", "x.7z", "text.txt")
        made = by_tool(folder, {"text.txt": b"hello " * 99}, *command, made="x.7z")
        found = of_file(made, "a.7z")
        assert virus_in(found)
        assert kinds_in(found)["text.txt"] == "text"

    def test_it_undoes_filters_as_7_zip_does(self, tmp_path: Path) -> None:
        """Programs come out as they went in, also in many pieces, whichever reader had them."""
        program = Path(sys.executable).resolve().read_bytes()[: 3 * 1024 * 1024]
        for number, options in enumerate(
            (("-m0=BCJ", "-m1=Deflate64"), ("-m0=ARM", "-m1=PPMd"), SPLIT)
        ):
            folder = tmp_path / str(number)
            folder.mkdir()
            made = seven_zipped(folder, {"a.exe": program}, *options)
            (member,) = sevenzip.members(made, Budget(len(made)))
            assert member.content == program

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

    def test_it_names_what_it_cannot_unpack(self) -> None:
        found = of_file(self.stored(b"setup.exe", b"?" * 50, method=3), "a.rar")
        assert found[1]["why_not"] == "its compressed content is damaged"
        assert found[1]["group"] == "program"

    def test_it_names_what_rar_packed_in_the_last_century(self) -> None:
        found = of_file(packers.rar_4({"setup.exe": b"?"}, version=20), "a.rar")
        assert marked(found, "unread") == ["setup.exe"]

    def test_it_names_what_is_locked(self) -> None:
        extra = b"\x02\x01\x00"
        found = of_file(self.stored(b"a.txt", b"?" * 50, extra=extra), "a.rar")
        assert marked(found, "locked") == ["a.txt"]

    def test_it_says_when_it_is_cut_off(self) -> None:
        found = of_file(self.stored(b"a.txt", b"?" * 50)[:-30], "a.rar")
        assert found[0]["why_not"] == "it ends too soon"

    @pytest.mark.parametrize("pack", [packers.rar_4, packers.rar_5])
    def test_it_unpacks_what_is_packed(self, pack: Callable[..., bytes]) -> None:
        found = of_file(pack(FILES), "a.rar")
        assert virus_in(found)
        assert kinds_in(found)["tool.bin"] == "program"

    def test_it_unpacks_a_solid_archive(self) -> None:
        assert virus_in(of_file(packers.rar_5(FILES, solid=True), "a.rar"))

    def test_it_unpacks_what_stands_beside_what_is_locked(self) -> None:
        """Although libarchive would stop at the first of these."""
        files = {"a.txt": b"?", **FILES, "z.txt": b"?"}
        found = of_file(packers.rar_5(files, locked=("a.txt", "text.txt")), "a.rar")
        assert virus_in(found)
        assert marked(found, "locked") == ["a.txt", "text.txt"]
        assert kinds_in(found)["z.txt"] == "text"

    def test_it_names_what_a_password_locks_in_version_4(self) -> None:
        found = of_file(packers.rar_4(FILES, flags=0x0004), "a.rar")
        assert marked(found, "locked") == [*FILES]

    def test_it_says_when_even_names_are_locked(self) -> None:
        for made in (packers.locked_rar_5(), packers.rar_4(FILES, archive_flags=0x0080)):
            assert marked(of_file(made, "a.rar"), "locked") == ["a.rar"]

    @pytest.mark.parametrize(
        "made",
        [
            packers.rar_4(FILES, flags=0x0002),
            packers.rar_4(FILES, flags=0x0001),
            packers.rar_5(FILES, split=0x10),
            packers.rar_5(FILES, split=0x08),
        ],
    )
    def test_it_says_what_is_in_several_parts(self, made: bytes) -> None:
        found = of_file(made, "a.part1.rar")
        assert [one["why_not"] for one in found[1:]] == [
            "its other half is in another part of the archive"
        ] * len(FILES)
        assert found[1]["group"] == "program"

    def test_it_looks_at_the_half_that_is_here(self) -> None:
        assert virus_in(of_file(packers.rar_5(FILES, split=0x10), "a.part1.rar"))

    def test_it_reads_the_name_that_is_shown(self) -> None:
        """The second spelling: here all octets of the first, but the last three replaced."""
        coded = b"notes.txt\0" + b"\x00" + b"\xc0\x04" + b"exe"
        found = of_file(packers.rar_4({"a": b"x"}, flags=0x0200, names={"a": coded}), "a.rar")
        assert names_in(found)[1] == "notes.exe"
        assert found[1]["group"] == "program"

    @pytest.mark.parametrize(
        ("coded", "name"),
        [
            (b"\x04" + b"\x40" + b"\x3f", "\u043f"),
            (b"\x00" + b"\x80" + b"\x6f\x5c", "\u5c6f"),
            (b"\x04" + b"\xc0" + b"\x80\x02", "\u0463\u0464"),
            (b"\x04" + b"\x40", ""),
            (b"\x04", ""),
        ],
    )
    def test_it_reads_names_of_all_scripts(self, coded: bytes, name: str) -> None:
        assert rars._unicode_name(b"abc", coded) == name

    def test_it_finds_it_behind_something_else(self) -> None:
        found = of_file(b"Rar!\x1a\x07, this is none. " * 3 + packers.rar_4(FILES), "a.rar")
        assert found[0]["kind"] == "rar"
        assert virus_in(found)


class TestProgram:
    """Programs that unpack themselves."""

    @pytest.mark.parametrize("pack", [packers.rar_4, packers.rar_5, zipped])
    def test_it_opens_the_archive_in_it(self, pack: Callable[..., bytes]) -> None:
        found = of_file(PROGRAM * 5 + pack(FILES) + b"signature", "setup.exe")
        assert found[0]["group"] == "program"
        assert virus_in(found)

    def test_it_takes_no_mark_for_an_archive(self) -> None:
        marks = (
            b"Rar!\x1a\x07\x00, 7z\xbc\xaf\x27\x1c, MSCF\0\0\0\0 PK\x03\x04 PK\x01\x02 PK\x05\x06. "
        )
        found = of_file(PROGRAM + marks * 40, "unpack.exe")
        assert len(found) == 1
        assert "why_not" not in found[0]


class TestOthers:
    def test_it_opens_lzh(self) -> None:
        for method in (b"-lh5-", b"-lh0-"):
            found = of_file(packers.lzh(FILES, method), "a.lzh")
            assert virus_in(found)
            assert set(FILES) < set(names_in(found))

    def test_it_names_what_lzh_packed_in_the_last_century(self) -> None:
        found = of_file(packers.lzh(FILES, b"-lh1-"), "a.lzh")
        assert marked(found, "unread") == [*FILES]

    def test_it_opens_arj(self, tmp_path: Path) -> None:
        files = {**FILES, "long.txt": b"hello, hello. " * 4_000, "tiny.txt": b"."}
        made = by_tool(tmp_path, files, "arj", "a", "-y", "x.arj", *files, made="x.arj")
        assert virus_in(of_file(made, "a.arj"))
        found = {member.name: member.content for member in arjs.members(made, Budget(len(made)))}
        assert found == files

    def test_it_names_what_arj_locks_or_packs_otherwise(self, tmp_path: Path) -> None:
        files = {"a.txt": b"hello " * 99}
        for option, mark in (("-gsecret", "locked"), ("-m4", "unread")):
            made = f"x{mark}.arj"
            packed = by_tool(tmp_path, files, "arj", "a", "-y", option, made, *files, made=made)
            assert marked(of_file(packed, "a.arj"), mark) == ["a.txt"]

    def test_it_takes_no_two_octets_for_arj(self) -> None:
        assert kinds_in(of_file(b"\x60\xea\x20\x00" + bytes(90), "a.bin")) == {"a.bin": "data"}

    def test_it_reads_ace(self) -> None:
        assert virus_in(of_file(packers.ace(FILES), "a.ace"))
        assert marked(of_file(packers.ace(FILES, method=2), "a.ace"), "unread") == [*FILES]
        assert marked(of_file(packers.ace(FILES, flags=0x4000), "a.ace"), "locked") == [*FILES]
        found = of_file(packers.ace({"a.txt": b"x" * 99})[:-5], "a.ace")
        assert found[0]["why_not"] == "it ends too soon"

    def test_it_opens_lz4_and_compress(self) -> None:
        for made, ending in ((packers.lz4(EICAR), "lz4"), (packers.compressed(EICAR), "Z")):
            found = of_file(made, f"eicar.com.{ending}")
            assert virus_in(found)
            assert names_in(found)[1] == "eicar.com"

    def test_it_opens_nothing_again_and_again(self) -> None:
        """What only begins like a stream comes out of libarchive as it went in."""
        found = of_file(b"\x1f\x9d\xff" + bytes(90), "a.Z")
        assert len(found) == 2
        assert found[1]["why_not"] == "its compressed content is damaged"

    def test_it_opens_cpio(self) -> None:
        found = of_file(packers.cpio(FILES), "a.cpio")
        assert virus_in(found)
        assert set(FILES) < set(names_in(found))


class TestWithoutLibrary:
    """Where libarchive is not installed, names are known as far as our own readers go."""

    @pytest.fixture(autouse=True)
    def missing(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setattr(library, "_NAME", "libarchive.so.none")
        library.loaded.cache_clear()
        yield
        library.loaded.cache_clear()

    @pytest.mark.parametrize("pack", [packers.rar_4, packers.rar_5])
    def test_it_names_what_is_packed(self, pack: Callable[..., bytes]) -> None:
        found = of_file(pack(FILES), "a.rar")
        assert marked(found, "missing") == marked(found, "unread") == [*FILES]
        assert found[1]["group"] == "program"

    @pytest.mark.parametrize(
        "made", [packers.lzh(FILES), packers.cpio(FILES), packers.lz4(EICAR), b"\x1f\x9d\x90x"]
    )
    def test_it_says_what_is_not_opened(self, made: bytes) -> None:
        found = of_file(made, "a.bin")
        assert marked(found, "missing") == marked(found, "unread") == ["a.bin"]

    def test_it_says_so_of_single_files(self, tmp_path: Path) -> None:
        for made in (
            seven_zipped(tmp_path, FILES, "-m0=PPMd"),
            by_tool(tmp_path, FILES, "arj", "a", "-y", "x.arj", *FILES, made="x.arj"),
        ):
            assert set(marked(of_file(made), "missing")) >= {"text.txt"}

    def test_it_says_why_in_words(self) -> None:
        words = [one.words for one in findings(look_at(mail("a.rar", packers.rar_5(FILES))))]
        assert any(
            one.startswith("what is in “eicar.com” in “a.rar” cannot be unpacked here: libarchive")
            for one in words
        )


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

    def test_it_opens_what_is_packed_by_lzx(self) -> None:
        found = of_file(packers.cab_lzx("eicar.com", EICAR), "a.cab")
        assert virus_in(found)

    def test_it_says_when_it_is_cut_off(self) -> None:
        found = of_file(self.cabinet(b"eicar.com", EICAR)[:-10], "a.cab")
        assert found[1]["why_not"] == "it ends too soon"
