"""Documents, pages and mail that hold files: what is inside is found."""

import base64
import struct
import zlib
from pathlib import Path

import pytest

from tests.scan.attachments.made import (
    EICAR,
    by_tool,
    facts,
    mail,
    marked,
    names_in,
    of_file,
    raw_mail,
    tnef,
    virus_in,
    zipped,
)
from tests.scan.attachments.ole import compound, macro, package

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
SIGNING = (
    *("-in", "m.eml", "-signer", "c.pem", "-inkey", "k.pem"),
    *("-outform", "DER", "-out", "x.p7m"),
)
SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
DATA = bytes.fromhex("06092a864886f70d010701")


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

    def test_it_reads_objects_of_rich_text_through_what_readers_leave_out(self) -> None:
        inner = compound({("ObjectPool", "\x01Ole10Native"): package("eicar.com", EICAR)})
        digits = inner.hex().encode()
        hidden = digits[:40] + b"{\\*\\odd ff00}" + digits[40:90] + b"\\par " + digits[90:]
        made = b"{\\rtf1{\\object\\objemb{\\*\\objdata " + hidden + b"}}}"
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

    def test_it_opens_files_that_call_themselves_pictures(self) -> None:
        packed = zlib.compress(zipped({"eicar.com": EICAR}))
        made = b"%PDF-1.7\n1 0 obj\n<< /Subtype /Image /Filter /FlateDecode >>\nstream\r\n"
        assert virus_in(of_file(made + packed + b"\nendstream\nendobj\n", "a.pdf"))

    @pytest.mark.parametrize(
        ("name", "coded"),
        [
            (b"/ASCIIHexDecode", zlib.compress(EICAR).hex().encode() + b">"),
            (b"/ASCII85Decode", base64.a85encode(zlib.compress(EICAR)) + b"~>"),
        ],
    )
    def test_it_undoes_filters_in_order(self, name: bytes, coded: bytes) -> None:
        made = (
            b"%PDF-1.7\n1 0 obj\n<< /Type /EmbeddedFile /Filter [" + name + b" /FlateDecode] >>\n"
        )
        assert virus_in(of_file(made + b"stream\n" + coded + b"\nendstream\n", "a.pdf"))

    @pytest.mark.parametrize("is_packed", [False, True])
    def test_it_sees_what_happens_at_opening(self, is_packed: bool) -> None:
        object_ = b"<< /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>"
        if is_packed:
            head = b"2 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n"
            object_ = head + zlib.compress(object_) + b"\nendstream"
        found = of_file(b"%PDF-1.7\n" + object_, "a.pdf")
        assert any("pdf_script_at_opening" in fact.get("found", ()) for fact in found)


class TestSigned:
    INNER = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    INNER += base64.b64encode(EICAR) + b"\r\n"

    def signed(self, folder: Path, *options: str) -> bytes:
        """The inner part, signed by OpenSSL with a new key."""
        key = ("-subj", "/CN=carol", "-nodes", "-keyout", "k.pem", "-out", "c.pem")
        by_tool(folder, {}, "openssl", "req", "-x509", *NEW_KEY, *key, made="c.pem")
        command = ("openssl", "cms", "-sign", "-binary", *options, *SIGNING)
        return by_tool(folder, {"m.eml": self.INNER}, *command, made="x.p7m")

    @pytest.mark.parametrize("options", [(), ("-stream",), ("-indef",)])
    def test_it_opens_what_is_signed(self, options: tuple[str, ...], tmp_path: Path) -> None:
        made = self.signed(tmp_path, "-nodetach", *options)
        found = of_file(made, "smime.p7m")
        assert found[0]["kind"] == "signed"
        assert virus_in(found)

    def test_it_leaves_a_signature_alone_in_peace(self, tmp_path: Path) -> None:
        made = self.signed(tmp_path)
        assert [fact.get("why_not") for fact in of_file(made, "smime.p7s")] == [None]

    def test_it_says_when_it_is_damaged(self) -> None:
        made = b"0\x80" + SIGNED_DATA + b"\xa0\x80" + DATA + b"\xa0\x80\x31\x00"
        assert of_file(made, "a.p7m")[0]["why_not"] == "what is signed is damaged"


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

    @pytest.mark.parametrize("joint", [b"\r\n", b'" +\n    "', b"\\\n"])
    def test_it_joins_the_pieces_of_a_file(self, joint: bytes) -> None:
        coded = base64.b64encode(EICAR)
        made = b'<html><script>var f = "' + coded[:60] + joint + coded[60:] + b'";</script>'
        assert virus_in(of_file(made, "a.html"))

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
