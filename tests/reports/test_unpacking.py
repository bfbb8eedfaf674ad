"""What is in a message that may carry a report: found, and never more than it may be."""

import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.reports import unpacking
from apps.reports.unpacking import Document, Format, UnpackError, documents
from tests.reports.samples import bare_mail, gzipped, mail, named, tls_json, tls_mail, xml, zipped
from tests.support.cost import spent

Content = bytes | Callable[[], bytes]  # what takes long to make is made by the test that wants it

XML, JSON = xml(), tls_json()


def found(raw: bytes) -> list[Document]:
    return list(documents(raw))


@pytest.mark.parametrize(
    "raw",
    [
        mail(gzipped(XML)),
        mail(gzipped(XML), kind="application/octet-stream"),
        mail(zipped(XML), kind="application/gzip"),  # its header is wrong
        mail(XML, kind="text/xml"),
        mail(XML, kind="application/xml"),
        bare_mail(zipped(XML)),
        bare_mail(gzipped(XML), kind="application/gzip"),
        bare_mail(zipped(b"", XML), kind="application/x-zip-compressed"),
    ],
    ids=named,
)
def test_it_finds_a_dmarc_report(raw: bytes) -> None:
    assert found(raw) == [Document(Format.XML, XML)]


@pytest.mark.parametrize(
    "raw",
    [
        tls_mail(gzipped(JSON)),
        tls_mail(JSON, kind="application/tlsrpt+json"),
        tls_mail(b"\xef\xbb\xbf" + JSON, kind="application/json"),
        tls_mail(zipped(JSON), kind="application/zip"),
    ],
    ids=named,
)
def test_it_finds_a_report_on_tls(raw: bytes) -> None:
    assert found(raw) == [Document(Format.JSON, JSON)]


def test_it_passes_over_what_is_no_document() -> None:
    html = mail(b"<html>", kind="text/html")
    assert found(html) == []
    assert found(mail(b"\x89PNG", kind="image/png")) == []
    assert found(b"") == []
    assert found(b"Subject: Report Domain: x\r\n\r\n{}") == []  # a text is what somebody wrote
    forwarded = b"Content-Type: message/rfc822\r\n\r\n" + mail(gzipped(XML))
    assert found(forwarded) == []


def test_it_takes_a_few_documents_only() -> None:
    assert len(found(mail(zipped(*[XML] * 9)))) == unpacking.DOCUMENTS_MAX


def bomb(size: int) -> bytes:
    return b"<feedback>" + b"\0" * size


def crowded(number: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for each in range(number):
            archive.writestr(f"{each}.xml", b"")
    return buffer.getvalue()


def lying(number: int) -> bytes:
    """A zip whose end says that it has one file."""
    raw = bytearray(crowded(number))
    end = raw.rfind(b"PK\x05\x06")
    raw[end + 8 : end + 12] = struct.pack("<HH", 1, 1)
    return bytes(raw)


def small_said(content: bytes) -> bytes:
    """A zip that says its file is small."""
    raw = bytearray(zipped(content))
    size = struct.pack("<L", len(content))
    return bytes(raw.replace(size, struct.pack("<L", 100)))


def with_method(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a.xml", XML)
    return buffer.getvalue()


def encrypted() -> bytes:
    raw = bytearray(zipped(XML))
    raw[6] |= 1
    raw[raw.rfind(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


def broken_sum() -> bytes:
    raw = bytearray(zipped(XML))
    raw[14] ^= 0xFF
    at = raw.rfind(b"PK\x01\x02") + 16
    raw[at] ^= 0xFF
    return bytes(raw)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lambda: gzipped(bomb(30 << 20)), "packed too well"),
        (lambda: gzipped(bomb(2 << 20)), "packed too well"),
        (lambda: zipped(bomb(30 << 20)), "packed too well"),
        (lambda: zipped(*[bomb(900_000)] * 19), "packed too well"),
        (lambda: small_said(bomb(3 << 20)), "packed too well|broken"),
        (lambda: crowded(10_000), "too many files"),
        (lambda: lying(10_000), "too many files"),
        (crowded(21), "too many files"),
        (with_method(zipfile.ZIP_LZMA), "not usual"),
        (with_method(zipfile.ZIP_BZIP2), "not usual"),
        (encrypted(), "encrypted"),
        (broken_sum(), "zip is broken"),
        (zipped(XML)[:-30], "zip is broken"),
        (zipped(XML)[:40], "zip is broken"),
        (b"PK\x03\x04", "zip is broken"),
        (gzipped(XML)[:-9], "cut off"),
        (gzipped(XML)[:60] + b"\xff" * 60, "broken"),
        (b"\x1f\x8b", "cut off"),
        (b"{" + b" " * (3 << 20), "too large"),
    ],
    ids=named,
)
def test_it_refuses_what_is_broken_or_too_much(content: Content, why: str) -> None:
    raw = mail(content() if callable(content) else content)
    tracemalloc.start()
    with spent() as took:
        try:
            with pytest.raises(UnpackError, match=why):
                found(raw)
            assert tracemalloc.get_traced_memory()[1] < 100 << 20
        finally:
            tracemalloc.stop()
    assert took.seconds < 5


def test_it_refuses_a_message_that_is_too_large() -> None:
    with pytest.raises(UnpackError, match="too large"):
        found(b"a" * (unpacking.MESSAGE_MAX + 1))


def test_it_bounds_all_documents_of_a_message_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "XML_MAX", 5_000)
    with pytest.raises(UnpackError, match="too large"):
        found(mail(zipped(*[b"<feedback>" + bytes(range(256)) * 8] * 3)))


def test_a_repetitive_report_is_no_bomb() -> None:
    rows = b"<record><row><source_ip>192.0.2.1</source_ip></row></record>" * 40_000
    packed = gzipped(b"<feedback>" + rows + b"</feedback>")
    assert len(rows) > 2 << 20
    assert len(rows) / len(packed) > 200  # nobody's report is as dull as this
    with pytest.raises(UnpackError):
        found(mail(packed))
    honest = b"".join(
        b"<record><row><source_ip>192.0.%d.%d</source_ip><count>%d</count></row></record>"
        % (number // 256 % 256, number % 256, number * 7919 % 1000)
        for number in range(40_000)
    )
    assert len(honest) > 2 << 20
    assert found(mail(gzipped(b"<feedback>" + honest)))


def test_a_zip_inside_a_zip_stays_closed() -> None:
    assert found(mail(zipped(zipped(XML), gzipped(XML)))) == []


def test_a_name_leads_nowhere() -> None:
    assert found(mail(zipped(XML, name="../../../../etc/cron.d/x"))) == [Document(Format.XML, XML)]


def test_many_parts_are_not_all_read() -> None:
    part = b"--b\r\nContent-Type: application/xml\r\n\r\nno\r\n"
    raw = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + part * 10_000 + b"--b--\r\n"
    assert found(raw) == []


PACKERS: list[Callable[[bytes], bytes]] = [gzipped, zipped]


@given(
    st.sampled_from(PACKERS),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=8),
    st.integers(0, 700),
)
def test_it_takes_any_octets(
    pack: Callable[[bytes], bytes], changes: list[tuple[int, int]], end: int
) -> None:
    packed = bytearray(pack(b"<feedback>" + zlib.compress(bytes(range(256)))))
    for at, octet in changes:
        packed[at % len(packed)] = octet
    for content in (bytes(packed), bytes(packed[:end])):
        try:
            assert len(found(mail(content))) <= 1
        except UnpackError:
            continue
