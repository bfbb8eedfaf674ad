"""The test virus of EICAR in all that mail wraps files in: each is a virus, whoever reads it."""

import base64
import bz2
import gzip
import lzma
import quopri
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest

from apps.scan.base import Action
from tests.scan.attachments.made import (
    EICAR,
    imaged,
    judged,
    mail,
    raw_mail,
    seven_zipped,
    tarred,
    tnef,
    uuencoded,
    zipped,
)

pytestmark = pytest.mark.django_db

FILES = {"eicar.com": EICAR}
LINES = base64.encodebytes(EICAR)


def nested() -> bytes:
    """A message in which the file is a few multiparts deep."""
    inner = message_from_bytes(mail("a.com", EICAR, "application/x-msdownload"))
    return (
        b"From: a@outside.invalid\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
        b"Content-Type: multipart/related; boundary=i\r\n\r\n--i\r\n"
        + inner.as_bytes()
        + b"\r\n--i--\r\n--o--\r\n"
    )


def forwarded() -> bytes:
    """A message attached to a message, with the file attached to it."""
    return (
        b"From: a@outside.invalid\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
        b"Content-Type: message/rfc822\r\n\r\n" + mail("eicar.com", EICAR) + b"\r\n--o--\r\n"
    )


def page() -> bytes:
    """A page whose script makes the file."""
    return (
        b"<html><body><script>var b = new Blob([atob('"
        + base64.b64encode(EICAR)
        + b"')]); a.href = URL.createObjectURL(b); a.download = 'eicar.com';</script></body></html>"
    )


WRAPPED: dict[str, Callable[[Path], bytes]] = {
    "plain": lambda _: raw_mail(EICAR),
    "base64": lambda _: raw_mail(LINES, encoding=b"base64", declared=b"application/x-msdownload"),
    "quoted-printable": lambda _: raw_mail(
        quopri.encodestring(EICAR), encoding=b"quoted-printable"
    ),
    "uuencode": lambda _: raw_mail(b"Here it is:", b"", uuencoded("eicar.com", EICAR)),
    "uuencoded by its Content-Transfer-Encoding": lambda _: raw_mail(
        uuencoded("eicar.com", EICAR), encoding=b"x-uuencode", declared=b"application/octet-stream"
    ),
    "message/rfc822": lambda _: forwarded(),
    "message/rfc822 in base64": lambda _: mail("m.eml", mail("e.com", EICAR), "application/eml"),
    "TNEF": lambda _: mail("winmail.dat", tnef(("eicar.com", EICAR)), "application/ms-tnef"),
    "zip": lambda _: mail("a.zip", zipped(FILES)),
    "zip that says it is text": lambda _: raw_mail(
        base64.encodebytes(zipped(FILES)), encoding=b"base64", declared=b"text/plain; name=x.zip"
    ),
    "zip in zip": lambda _: mail("a.zip", zipped({"b.zip": zipped(FILES)})),
    "tar": lambda _: mail("a.tar", tarred(FILES)),
    "tar.gz": lambda _: mail("a.tar.gz", tarred(FILES, "w:gz")),
    "tar.xz": lambda _: mail("a.txz", tarred(FILES, "w:xz")),
    "gz": lambda _: mail("eicar.com.gz", gzip.compress(EICAR)),
    "bz2": lambda _: mail("eicar.com.bz2", bz2.compress(EICAR)),
    "xz": lambda _: mail("eicar.com.xz", lzma.compress(EICAR)),
    "7z": lambda folder: mail("a.7z", seven_zipped(folder, FILES)),
    "iso": lambda folder: mail("a.iso", imaged(folder, FILES)),
    "iso with Joliet": lambda folder: mail("a.iso", imaged(folder, FILES, "-J", "-R")),
    "wrong type": lambda _: mail("eicar.com", EICAR, "image/jpeg"),
    "wrong extension": lambda _: mail("holiday.jpg", EICAR, "image/jpeg"),
    "double extension": lambda _: mail("invoice.pdf.com", EICAR),
    "zip with a wrong extension": lambda _: mail("report.docx", zipped(FILES)),
    "split lines": lambda _: raw_mail(
        *(base64.b64encode(EICAR)[at : at + 3] for at in range(0, 92, 3)),
        encoding=b"base64",
        declared=b"application/octet-stream",
    ),
    "base64 that nothing names": lambda _: raw_mail(LINES, declared=b"application/octet-stream"),
    "two Content-Transfer-Encodings": lambda _: raw_mail(
        LINES,
        encoding=b"8bit\r\nContent-Transfer-Encoding: base64",
        declared=b"application/octet-stream",
    ),
    "nested multipart": lambda _: nested(),
    "HTML attachment": lambda _: mail("invoice.html", page(), "text/html"),
    "HTML attachment, in a data address": lambda _: mail(
        "a.htm",
        b'<a href="data:application/octet-stream;base64,' + base64.b64encode(EICAR) + b'">x</a>',
        "text/html",
    ),
}


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_it_finds_the_test_virus_in(wrapping: str, tmp_path: Path) -> None:
    raw = WRAPPED[wrapping](tmp_path)
    found = {one.rule: one for one in judged(raw)}
    assert "VIRUS_EICAR" in found
    virus = found["VIRUS_EICAR"]
    assert virus.action is Action.REFUSE
    assert "EICAR test virus" in virus.words


def test_it_says_where_it_is() -> None:
    raw = mail("a.zip", zipped({"in/b.zip": zipped(FILES)}))
    words = [one.words for one in judged(raw) if one.rule == "VIRUS_EICAR"]
    assert words == ["“eicar.com” in “b.zip” in “a.zip” is the EICAR test virus"]


@pytest.mark.parametrize(
    "text",
    [
        b"A test file begins like this: X5O!P%@AP[4, and has 68 characters.",
        b"The whole string is, as a quotation in the text of a letter: " + EICAR,
        EICAR[:-1],
        EICAR.lower(),
    ],
)
def test_it_takes_no_text_about_it_for_the_virus(text: bytes) -> None:
    assert not judged(raw_mail(text))
