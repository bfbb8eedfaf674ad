"""Attachments: never a document of ours, drawn where it may fail, all in one safe archive."""

import io
import time
import zipfile
from base64 import b64encode

import pytest
from django.test import Client
from PIL import Image

from apps.directory.models import User
from apps.mailstore.models import Entry
from apps.webmail import attachments, preview
from apps.webmail.archive import safe_names
from apps.wire.errors import MailError
from tests.webmail.test_mail import deliver, text
from tests.webmail.test_pictures import png

pytestmark = pytest.mark.django_db

Files = list[tuple[str, str, bytes]]


def letter(files: Files) -> bytes:
    """A message with these files: name, type, content."""
    parts = b"".join(
        b"--B\r\nContent-Type: %s\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''%s\r\n\r\n%s\r\n"
        % (kind.encode(), name.encode().hex("%").join(["%", ""]).encode(), b64encode(content))
        for name, kind, content in files
    )
    return (
        b"From: Bob <bob@example.test>\r\nTo: alice@example.test\r\nSubject: Files\r\n"
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="B"\r\n\r\n'
        b"--B\r\nContent-Type: text/plain\r\n\r\nHere.\r\n" + parts + b"--B--\r\n"
    )


def drawn(form: str, **more: object) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (300, 200), "red").save(made, form, **more)
    return made.getvalue()


def place(reader: Client, alice: User, files: Files) -> str:
    """Where a message with these files is."""
    deliver(alice, letter(files))
    return f"/mail/inbox/{Entry.objects.latest('uid').uid}/"


DOCUMENTS = [
    ("a.html", "text/html", b"<script>alert(1)</script>"),
    ("a.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    ("a.xml", "application/xml", b"<?xml version='1.0'?><x/>"),
    ("a.xhtml", "application/xhtml+xml", b"<html xmlns='http://www.w3.org/1999/xhtml'/>"),
    ("a.png", "image/png", b"<script>alert(1)</script>"),
    ("a.mml", "application/mathml+xml", b"<math/>"),
    ("a.txt", "text/html;\tx=y", b"<script>"),
    ("a.rss", "application/rss+xml", b"<rss/>"),
    ("a.png", "image/png", png()),
]


def test_no_attachment_is_ever_a_document_of_ours(alice: User, reader: Client) -> None:
    at = place(reader, alice, DOCUMENTS)
    for number in range(len(DOCUMENTS)):
        response = reader.get(f"{at}part/{number + 2}/")
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response.headers["Content-Security-Policy"]
        kind = response.headers["Content-Type"]
        assert not kind.startswith(
            ("text/html", "image/svg", "application/xhtml", "application/xml")
        )
        assert not kind.endswith("+xml")
        # What is no picture by its octets is none by address either.
        inline = reader.get(f"{at}inline/{number + 2}/")
        assert inline.status_code == (200 if number == len(DOCUMENTS) - 1 else 404)


@pytest.mark.parametrize(
    "kind",
    [
        *("text/javascript", "application/javascript", "application/x-javascript"),
        *("text/ecmascript", "text/jscript", "text/livescript", "text/javascript1.5", "text/css"),
    ],
)
def test_no_attachment_is_ever_a_script_or_a_style_of_ours(
    alice: User, reader: Client, kind: str
) -> None:
    # A page that names its address would be allowed to run it: 'self' is our own host.
    at = place(reader, alice, [("a.js", kind, b"alert(1)")])
    assert reader.get(f"{at}part/2/").headers["Content-Type"] == "application/octet-stream"


def test_it_draws_pictures_and_pdf_anew(alice: User, reader: Client) -> None:
    for form in ("PNG", "JPEG", "GIF", "WEBP"):
        octets = drawn(form, comment=b"secret place") if form == "GIF" else drawn(form)
        made = preview.draw(octets, preview.kind(octets, "image/x", len(octets)), 1)
        assert made.octets != octets
        assert b"secret" not in made.octets
        assert made.mime_type in {"image/jpeg", "image/png"}
    pages = drawn("PDF", save_all=True, append_images=[Image.new("RGB", (50, 50))])
    at = place(
        reader, alice, [("p.pdf", "application/octet-stream", pages), ("b.png", "x/y", png())]
    )
    page = text(reader.get(f"{at}preview/2/"))
    assert "data:image/jpeg;base64," in page
    assert "Page 1 of 2" in page
    assert f"{at}preview/3/" in page
    assert "Page 2 of 2" in text(reader.get(f"{at}preview/2/?page=2"))
    as_script = {"hx-request": "true"}
    part = text(reader.get(f"{at}preview/2/?page=2", headers=as_script))
    assert "<html" not in part
    assert "Page 2 of 2" in part
    assert f'href="{at}preview/2/?page=1"' in part
    assert f'href="{at}preview/3/"' in part
    assert f'href="{at}part/2/" download=' in part
    assert reader.get(f"{at}preview/9/", headers=as_script).status_code == 404
    assert "There is no such page" in text(reader.get(f"{at}preview/2/?page=9"))
    assert "data:image/" in text(reader.get(f"{at}preview/3/"))
    assert reader.get(f"{at}preview/1/").status_code == 404


def test_a_text_is_shown_as_text(alice: User, reader: Client) -> None:
    at = place(reader, alice, [("a.html", "text/html", b"<script>alert(1)</script>")])
    page = text(reader.get(f"{at}preview/2/"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    "bomb",
    [
        b"%PDF-1.7\n" + b"1 0 obj<<" * 100_000,
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 1 0 R/Kids[1 0 R]/Count 99999999>>endobj\n"
        b"trailer<</Root 1 0 R>>",
        png(7_000, 7_000),
        b"GIF89a\x40\x1f\x40\x1f" + b"\xf7\0\0" + b"\0" * 3_000 + b"," * 100_000,
        b"\xff\xd8\xff\xc0\x00\x11\x08\x0f\xff\x0f\xff\x03" + b"\0" * 9,
        b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\x0f\0\xff\x0f\0" + b"\xff" * 5_000,
    ],
    ids=["pdf open", "pdf loop", "png cut", "gif", "jpeg cut", "webp"],
)
def test_a_bomb_hurts_nobody(bomb: bytes) -> None:
    begin = time.monotonic()
    kind = preview.kind(bomb[:65_536], "x/y", len(bomb))
    with pytest.raises(MailError):
        preview.draw(bomb, kind or preview.PICTURE, 1)
    assert time.monotonic() - begin < preview.SECONDS + 10


@pytest.mark.parametrize(
    ("name", "kind", "content", "words"),
    [
        ("bill.pdf", "application/pdf", b"MZ" + b"\0" * 100, "It says PDF, but is a program."),
        ("bill.pdf", "application/pdf", b"<html><script>", "It says PDF, but is a web page."),
        ("bill.pdf.exe", "application/pdf", b"MZ" + b"\0" * 100, "Its name hides"),
        ("bill\u202efdp.exe", "application/pdf", b"MZ" + b"\0" * 100, "Its name hides"),
        ("setup.exe", "application/x-msdownload", b"MZ" + b"\0" * 100, "can do harm"),
        ("run.js", "text/plain", b"alert(1)", "It is a script"),
        ("photo.jpg", "image/jpeg", b"<svg onload=x>", "a drawing that can run scripts"),
        ("photo.jpg", "image/jpeg", b"\xff\xd8\xff\xe0", ""),
        ("bill.pdf", "application/octet-stream", b"%PDF-1.7", ""),
        ("notes.txt", "text/plain", b"Hello", ""),
        ("part", "image/png", b"\x89PNG\r\n\x1a\n", ""),
        ("odd.thing", "x/y", b"\1\2\3", ""),
        ("bill.pdf", "application/pdf", b"", ""),
    ],
)
def test_it_says_what_a_file_really_is(name: str, kind: str, content: bytes, words: str) -> None:
    said = attachments.warning(name, kind, content)
    assert words in said
    assert bool(said) == bool(words)


def test_all_files_come_in_one_archive(alice: User, reader: Client) -> None:
    files: Files = [
        ("a.txt", "text/plain", b"one" * 100_000),
        ("A.TXT", "text/plain", b"two"),
        ("../../etc/passwd", "text/plain", b"three"),
        ("naïve \u202egpj.exe", "x/y", b"four"),
    ]
    at = place(reader, alice, files)
    response = reader.get(f"{at}files.zip")
    assert response.headers["Content-Disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(b"".join(response))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == ["a.txt", "A (2).TXT", "passwd", "naïve _gpj.exe"]
        assert archive.read("a.txt") == b"one" * 100_000
        assert archive.read("passwd") == b"three"
    deliver(alice, letter([]))
    assert reader.get(f"/mail/inbox/{Entry.objects.latest('uid').uid}/files.zip").status_code == 404


def test_names_of_an_archive_are_safe_and_unique() -> None:
    odd = ["..", "", "/", "C:\\x", "con.txt", "a/b", "x" * 500 + ".pdf", ". .", "a\0b", "ÄÖ" * 200]
    made = safe_names(odd + odd)
    assert len({name.casefold() for name in made}) == len(made)
    for name in made:
        assert name.strip(" .")
        assert not set(name) & set('/\\:*?"<>|\0')
        assert len(name.encode()) < 255
