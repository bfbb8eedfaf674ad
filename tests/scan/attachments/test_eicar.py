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
from tests.scan.attachments import packers
from tests.scan.attachments.made import (
    EICAR,
    PROGRAM,
    by_tool,
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


SPLIT = ("-m0=BCJ2", "-m1=LZMA", "-m2=LZMA", "-m3=LZMA", "-mb0:1", "-mb0s1:2", "-mb0s2:3")
ARJ = ("arj", "a", "-y", "x.arj", "eicar.com")


def zipped_by(folder: Path, method: str) -> bytes:
    """A zip archive, packed as 7-Zip and few others do."""
    command = ("7zz", "a", "-bd", "-tzip", f"-mm={method}", "x.zip", *FILES)
    return by_tool(folder, FILES, *command, made="x.zip")


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
    "7z by PPMd": lambda folder: mail("a.7z", seven_zipped(folder, FILES, "-m0=PPMd")),
    "7z by Deflate64": lambda folder: mail("a.7z", seven_zipped(folder, FILES, "-m0=Deflate64")),
    "7z of a split program": lambda folder: mail("a.7z", seven_zipped(folder, FILES, *SPLIT)),
    "zip by Deflate64": lambda folder: mail("a.zip", zipped_by(folder, "Deflate64")),
    "zip by PPMd": lambda folder: mail("a.zip", zipped_by(folder, "PPMd")),
    "zip by xz": lambda folder: mail("a.zip", zipped_by(folder, "xz")),
    "rar 4": lambda _: mail("a.rar", packers.rar_4(FILES)),
    "rar 5": lambda _: mail("a.rar", packers.rar_5(FILES)),
    "rar 4 that unpacks itself": lambda _: mail("a.bin", PROGRAM + packers.rar_4(FILES)),
    "rar 5 that unpacks itself": lambda _: mail("a.bin", PROGRAM + packers.rar_5(FILES)),
    "7z that unpacks itself": lambda folder: mail("a.bin", PROGRAM + seven_zipped(folder, FILES)),
    "zip that unpacks itself": lambda _: mail("a.bin", PROGRAM + zipped(FILES)),
    "rar behind a text": lambda _: mail("a.rar", b"A text.\n" * 99 + packers.rar_4(FILES)),
    "7z behind a text": lambda folder: mail("a.7z", b"A text." + seven_zipped(folder, FILES)),
    "rar in zip": lambda _: mail("a.zip", zipped({"b.rar": packers.rar_5(FILES)})),
    "lzh": lambda _: mail("a.lzh", packers.lzh(FILES)),
    "lzh, stored": lambda _: mail("a.lha", packers.lzh(FILES, b"-lh0-")),
    "arj": lambda folder: mail("a.arj", by_tool(folder, FILES, *ARJ, made="x.arj")),
    "ace, stored": lambda _: mail("a.ace", packers.ace(FILES)),
    "cab by LZX": lambda _: mail("a.cab", packers.cab_lzx("eicar.com", EICAR)),
    "lz4": lambda _: mail("eicar.com.lz4", packers.lz4(EICAR)),
    "tar.lz4": lambda _: mail("a.tar.lz4", packers.lz4(tarred(FILES))),
    "Z": lambda _: mail("eicar.com.Z", packers.compressed(EICAR)),
    "cpio": lambda _: mail("a.cpio", packers.cpio(FILES)),
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
