"""Each form of container: what is inside is found, what is locked or unknown is said."""

import base64
import gzip
import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.scan.attachments.made import (
    EICAR,
    PROGRAM,
    by_tool,
    facts,
    imaged,
    mail,
    names_in,
    of_file,
    raw_mail,
    seven_zipped,
    tarred,
    tnef,
    zipped,
)
from tests.scan.attachments.ole import compound, macro, package

FILES = {"eicar.com": EICAR, "text.txt": b"hello " * 100, "tool.bin": PROGRAM}


def kinds_in(found: list[dict[str, Any]]) -> dict[str, str]:
    """Innermost names and what they are."""
    return {fact["path"][-1]: fact["kind"] for fact in found}


def virus_in(found: list[dict[str, Any]]) -> bool:
    """Whether the test virus was found."""
    return any("eicar" in fact.get("found", ()) for fact in found)


def marked(found: list[dict[str, Any]], mark: str) -> list[str]:
    """The innermost names of what has a mark."""
    return [fact["path"][-1] for fact in found if mark in fact.get("marks", ())]


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


class TestTnef:
    def test_it_opens_it(self) -> None:
        found = of_file(tnef(("a.txt", b"x"), ("eicar.com", EICAR)), "winmail.dat")
        assert virus_in(found)
        assert names_in(found)[1:] == ["a.txt", "eicar.com"]

    def test_it_opens_one_in_another(self) -> None:
        inner = tnef(("eicar.com", EICAR))
        assert virus_in(of_file(tnef(("message", inner)), "winmail.dat"))

    def test_it_keeps_what_came_before_the_damage(self) -> None:
        made = tnef(("eicar.com", EICAR), ("b.txt", b"x" * 100))
        found = of_file(made[:-60], "winmail.dat")
        assert virus_in(found)
        assert found[0]["why_not"] == "it ends too soon"


class TestOffice:
    def test_it_reads_macros(self) -> None:
        text = 'Sub AutoOpen()\r\n  Shell "cmd /c calc"\r\nEnd Sub\r\n' + "' x\r\n" * 900
        made = compound({("VBA", "Module1"): macro(text), ("WordDocument",): b"text"})
        found = of_file(made, "a.doc")
        assert marked(found, "macros") == ["a.doc"]
        assert found[1]["path"] == ["a.doc", "Module1.bas"]
        assert found[1]["found"] == ["macro_runs", "macro_starts"]

    def test_it_reads_macros_of_documents_since_2007(self) -> None:
        project = compound({("VBA", "ThisWorkbook"): macro("Sub Tidy()\r\nEnd Sub\r\n")})
        made = zipped({"[Content_Types].xml": b"<?xml?>", "xl/vbaProject.bin": project})
        found = of_file(made, "a.xlsm")
        assert found[0]["kind"] == "ooxml"
        assert marked(found, "macros") == ["vbaProject.bin"]
        assert not any(fact.get("found") for fact in found)

    def test_it_opens_embedded_files(self) -> None:
        made = compound({("ObjectPool", "\x01Ole10Native"): package("eicar.com", EICAR)})
        found = of_file(made, "a.doc")
        assert virus_in(found)
        assert "eicar.com" in names_in(found)

    def test_it_opens_what_is_attached_to_a_message_of_outlook(self) -> None:
        attached = "__attach_version1.0_#00000000"
        made = compound(
            {
                (attached, "__substg1.0_37010102"): EICAR,
                (attached, "__substg1.0_3707001F"): "eicar.com".encode("utf-16-le"),
            }
        )
        found = of_file(made, "a.msg")
        assert virus_in(found)
        assert "eicar.com" in names_in(found)

    def test_it_knows_installers_and_locked_documents(self) -> None:
        # 000C1084-0000-0000-C000-000000000046 as it is written.
        identity = bytes.fromhex("84100c0000000000c000000000000046")
        assert marked(of_file(compound({("a",): b"x"}, identity), "a.pdf"), "installer")
        locked = compound({("EncryptedPackage",): b"x", ("EncryptionInfo",): b"y"})
        assert marked(of_file(locked, "a.docx"), "locked") == ["a.docx"]

    def test_it_opens_objects_of_rich_text(self) -> None:
        inner = compound({("ObjectPool", "\x01Ole10Native"): package("eicar.com", EICAR)})
        digits = inner.hex().encode()
        scattered = b"\r\n".join(digits[at : at + 70] for at in range(0, len(digits), 70))
        made = b"{\\rtf1{\\object\\objemb{\\*\\objdata " + scattered + b"}}}"
        assert virus_in(of_file(made, "a.rtf"))

    def test_it_opens_objects_of_slides(self) -> None:
        inner = compound({("VBA", "Module1"): macro("Sub Tidy()\r\nEnd Sub\r\n")})
        packed = struct.pack("<I", len(inner)) + zlib.compress(inner)
        atom = b"\x10\x00\x11\x10" + struct.pack("<I", len(packed)) + packed
        made = compound({("PowerPoint Document",): b"slides" + atom})
        assert marked(of_file(made, "a.ppt"), "macros") == [""]

    def test_it_opens_files_in_notes(self) -> None:
        head = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3")
        store = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
        made = head + bytes(100) + store + struct.pack("<Q12x", len(EICAR)) + EICAR + bytes(40)
        assert virus_in(of_file(made, "a.one"))


class TestPdf:
    def test_it_opens_embedded_files(self) -> None:
        packed = zlib.compress(EICAR)
        made = b"%PDF-1.7\n1 0 obj\n<< /Type /EmbeddedFile /Filter /FlateDecode >>\nstream\r\n"
        assert virus_in(of_file(made + packed + b"\nendstream\nendobj\n", "a.pdf"))

    @pytest.mark.parametrize("is_packed", [False, True])
    def test_it_sees_what_happens_at_opening(self, is_packed: bool) -> None:
        object_ = b"<< /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>"
        if is_packed:
            head = b"2 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n"
            object_ = head + zlib.compress(object_) + b"\nendstream"
        found = of_file(b"%PDF-1.7\n" + object_, "a.pdf")
        assert any("pdf_script_at_opening" in fact.get("found", ()) for fact in found)


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


class TestPages:
    def test_it_sees_a_file_that_a_page_makes_of_numbers(self) -> None:
        numbers = ",".join(str(octet) for octet in EICAR).encode()
        made = b"<html><script>new Blob([new Uint8Array([" + numbers + b"])])</script></html>"
        found = of_file(made, "a.html")
        assert virus_in(found)
        assert "page_makes_file" in found[0]["found"]

    def test_it_tells_how_the_page_names_the_file(self) -> None:
        carried = base64.b64encode(zipped({"a.js": b"x"}))
        made = b"<html><a download='bill.zip' href='data:application/zip;base64," + carried + b"'>"
        assert ["a.html", "bill.zip", "a.js"] in [fact["path"] for fact in of_file(made, "a.html")]

    def test_it_leaves_pictures_in_pages_in_peace(self) -> None:
        picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(200))
        made = b"<html><img src='data:image/png;base64," + picture + b"'></html>"
        assert not any(fact.get("found") for fact in of_file(made, "a.html"))


def test_it_opens_mail_in_a_mailbox_file() -> None:
    made = b"From carol Thu Jul 31 13:49:50 2026\n" + mail("eicar.com", EICAR)
    assert virus_in(of_file(made, "old.mbox"))


def test_it_says_of_a_piece_of_a_message_that_it_is_no_whole_one() -> None:
    raw = raw_mail(b"x", declared=b'message/partial; id="1"; number=1; total=2')
    assert "piece of a message" in facts(raw)[0]["why_not"]
