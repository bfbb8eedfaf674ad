"""Attachments of honest mail: nothing asks for anything, and points stay small."""

import base64
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.scan.base import Action
from tests.scan.attachments.made import (
    hardest,
    judged,
    mail,
    seven_zipped,
    tarred,
    tnef,
    zipped,
)
from tests.scan.attachments.ole import compound, macro

pytestmark = pytest.mark.django_db

PDF = (
    b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R /AcroForm 5 0 R >>\nendobj\n"
    b"4 0 obj\n<< /Length 44 /Filter /FlateDecode >>\nstream\n"
    + zlib.compress(b"BT /F1 24 Tf 100 700 Td (Invoice 4711) Tj ET " * 40)
    + b"\nendstream\nendobj\n%%EOF\n"
)
DOCUMENT = {
    "[Content_Types].xml": b"<?xml version='1.0'?><Types/>",
    "_rels/.rels": b"<?xml version='1.0'?><Relationships/>",
    "word/_rels/document.xml.rels": (
        b"<?xml version='1.0'?><Relationships><Relationship Id='1' "
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink" '
        b'Target="https://www.example.org/" TargetMode="External"/></Relationships>'
    ),
    "word/document.xml": b"<?xml version='1.0'?><w:document><w:t>Shell, AutoOpen, cmd /c"
    b"</w:t></w:document>",
}
SOURCE = {
    f"project/{name}": b"function f() { return new Uint8Array(3); }\n" * 20
    for name in (
        *(f"src/part{number}.js" for number in range(20)),
        *("build.bat", "setup.ps1", "index.html", "README.md", "package.json", "run.sh"),
    )
}
HONEST: dict[str, Callable[[Path], bytes]] = {
    "a PDF": lambda _: mail("Invoice 2026-11.pdf", PDF, "application/pdf"),
    "a PDF as octets": lambda _: mail("scan.pdf", PDF),
    "a document": lambda _: mail("Offer v1.2.docx", zipped(DOCUMENT)),
    "a table with macros that wait to be called": lambda _: mail(
        "budget.xlsm",
        zipped(
            {
                **DOCUMENT,
                "xl/vbaProject.bin": compound(
                    {("VBA", "Module1"): macro("Sub SortRows()\r\n  Rows(1).Sort\r\nEnd Sub\r\n")}
                ),
            }
        ),
    ),
    "an old document": lambda _: mail("letter.doc", compound({("WordDocument",): b"text" * 99})),
    "photos in a zip": lambda _: mail(
        "photos.zip", zipped({f"DSC{n}.jpg": b"\xff\xd8\xff" + bytes(999) for n in range(40)})
    ),
    "source code in a zip": lambda _: mail("project.zip", zipped(SOURCE)),
    "source code in a tar": lambda _: mail("project.tar.gz", tarred(SOURCE, "w:gz")),
    "documents in 7z": lambda folder: mail(
        "papers.7z", seven_zipped(folder, {"a.pdf": PDF, "b.txt": b"hello"})
    ),
    "an archive with a password": lambda folder: mail(
        "salaries.7z", seven_zipped(folder, {"a.pdf": PDF}, "-psecret", "-mhe=on")
    ),
    "a log, packed": lambda _: mail("app.log.gz", gzip.compress(b"GET / 200\n" * 200_000)),
    "a table as text": lambda _: mail(
        "list.csv", b"name;sum\nA;=SUM(B1:B2)\n-1;@home\n", "text/csv"
    ),
    "a picture": lambda _: mail("logo-example.com", b"\x89PNG\r\n\x1a\n" + bytes(99), "image/png"),
    "a drawing": lambda _: mail(
        "logo.svg", b"<svg xmlns='x'><path d='M0 0'/></svg>", "image/svg+xml"
    ),
    "a calendar": lambda _: mail(
        "invite.ics", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "text/calendar"
    ),
    "a signature": lambda _: mail(
        "smime.p7s", b"\x30\x82" + bytes(99), "application/pkcs7-signature"
    ),
    "a key": lambda _: mail(
        "key.asc", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "application/pgp-keys"
    ),
    "what Outlook makes": lambda _: mail(
        "winmail.dat", tnef(("Offer.docx", zipped(DOCUMENT))), "application/ms-tnef"
    ),
    "a saved page": lambda _: mail(
        "receipt.html",
        b"<html><head><script>window.print()</script></head><body><img src='data:image/png;base64,"
        + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(300))
        + b"'>Thank you</body></html>",
        "text/html",
    ),
    "a forwarded mail": lambda _: mail("Re_ Offer.eml", mail("Offer.docx", zipped(DOCUMENT))),
    "a patch": lambda _: mail(
        "0001-fix.patch", b"--- a/x.js\n+++ b/x.js\n@@\n+eval('x')\n", "text/x-diff"
    ),
    "a file without a name": lambda _: mail("", PDF, "application/pdf"),
    "a large archive": lambda _: mail("export.zip", large()),
}


def large() -> bytes:
    """A few thousand small files, and one that packs well."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(2_000):
            archive.writestr(f"rows/{number}.csv", f"{number};{number * 7919}\n")
        archive.writestr("all.csv", b"".join(b"%d;%d\n" % (n, n * 7919) for n in range(200_000)))
    return made.getvalue()


@pytest.mark.parametrize("attachment", HONEST)
def test_it_lets_pass(attachment: str, tmp_path: Path) -> None:
    found = judged(HONEST[attachment](tmp_path))
    assert hardest(found) is Action.NONE, found
    assert sum(one.points for one in found) <= 1.0, found


def test_it_holds_back_no_paper_because_its_formulas_are_old() -> None:
    streams: dict[tuple[str, ...], bytes] = {
        ("WordDocument",): b"text" * 99,
        ("ObjectPool", "\1CompObj"): b"\0Microsoft Equation 3.0\0Equation.3\0",
    }
    found = judged(mail("exam 2004.doc", compound(streams)))
    assert [one.rule for one in found] == ["ATTACHMENT_EQUATION"]
    assert hardest(found) is Action.NONE
