"""Messages made to hurt: each is read in bounded time, and what is kept of it is bounded.

The bound is a second of processor time where milliseconds are expected: a busy machine does not
fail it, and anything quadratic takes far longer at these sizes.
"""

from collections.abc import Callable

import pytest

from apps.mime import addresslist, compose_header, parameters
from apps.mime.address import Address
from apps.mime.dates import parse_date
from apps.mime.derive import Derived, derive
from apps.mime.headers import decode_text, scan
from apps.mime.preview import strip_tags
from apps.mime.sections import load_parts
from apps.mime.tree import PARTS_MAX
from tests.support.cost import cost

SECONDS = 1.0
KEPT = 2_000_000  # octets kept of one message, all together


def multipart(boundary: bytes) -> bytes:
    return b'Content-Type: multipart/mixed; boundary="%b"\r\n' % boundary


def nested(count: int) -> bytes:
    """Multiparts in multiparts, each with a boundary of its own, none ever closed."""
    return b"".join(multipart(b"b%05d" % n) + b"\r\n--b%05d\r\n" % n for n in range(count))


def nested_prefixes(count: int) -> bytes:
    """Each boundary is a prefix of the next: every delimiter matches all levels."""
    return b"".join(multipart(b"b" * n) + b"\r\n--" + b"b" * n + b"\r\n" for n in range(1, count))


def siblings(count: int) -> bytes:
    """Many multiparts side by side whose own boundaries never appear: each is looked for."""
    one = b"--X\r\n" + multipart(b"never-%05d") + b"\r\n" + b"filler line\r\n" * 400
    return multipart(b"X") + b"\r\n" + b"".join(one % n for n in range(count))


def parts_with_headers(count: int) -> bytes:
    header = b"Content-Type: a/b; " + b"; ".join(b"p%d=%b" % (n, b"v" * 60) for n in range(60))
    return multipart(b"X") + b"\r\n" + (b"--X\r\n" + header + b"\r\n\r\n\r\n") * count


def messages_with_headers(count: int) -> bytes:
    header = b"Content-Type: message/rfc822\r\n\r\nTo: " + b"a@b, " * 900 + b"\r\n\r\n"
    return multipart(b"X") + b"\r\n" + (b"--X\r\n" + header) * count


MESSAGES: dict[str, Callable[[], bytes]] = {
    "10,000 nested multiparts": lambda: nested(10_000),
    "boundaries that are prefixes": lambda: nested_prefixes(250),
    "100,000 parts": lambda: multipart(b"X") + b"\r\n" + b"--X\r\n\r\n\r\n" * 100_000,
    "100,000 parts without headers": lambda: multipart(b"X") + b"\r\n" + b"--X\r\n" * 100_000,
    "900 siblings": lambda: siblings(900),
    "parts with many parameters": lambda: parts_with_headers(900),
    "messages with many recipients": lambda: messages_with_headers(450),
    "10,000 nested messages": lambda: b"Content-Type: message/rfc822\r\n\r\n" * 10_000,
    "nested messages around a large body": lambda: (
        b"Content-Type: message/rfc822\r\n\r\n" * 100 + b"line\r\n" * 500_000
    ),
    "delimiters without parts": lambda: (
        multipart(b"X") + b"\r\n--X\r\n" + multipart(b"Y") + b"\r\n" + b"--Z\r\n" * 500_000
    ),
    "boundary that repeats itself": lambda: (
        multipart(b"-" * 200) + b"\r\n" + (b"-" * 199 + b"\n") * 20_000
    ),
    "boundary of 100 KB": lambda: multipart(b"b" * 100_000) + b"\r\n" + b"--" + b"b" * 100_000,
    "header of 10 MB in one line": lambda: b"Subject: " + b"x" * 10_000_000 + b"\r\n\r\nbody",
    "header of 10 MB of fields": lambda: b"X-Filler: abcdefghijkl\r\n" * 400_000 + b"\r\nbody",
    "header of 10 MB of folds": lambda: b"Subject: x\r\n" + b" y\r\n" * 2_500_000 + b"\r\nbody",
    "header of 10 MB of junk": lambda: b"junk\r\n" * 1_700_000,
    "header that never ends": lambda: b"\xff" * 10_000_000,
    "1 MB of <": lambda: b"From: " + b"<" * 1_000_000 + b"\r\n\r\n",
    "1 MB of < as HTML": lambda: b"Content-Type: text/html\r\n\r\n" + b"<" * 1_000_000,
    "Re: x 20,000": lambda: b"Subject: " + b"Re: " * 20_000 + b"\r\n\r\n",
    "brackets and spaces": lambda: b"Subject: " + b"[a] " * 200 + b" " * 50_000 + b"\r\n\r\n",
    "encoded words": lambda: b"Subject: " + b"=?utf-8?q?a?= " * 60_000 + b"\r\n\r\n",
    "encoded words begun": lambda: b"From: " + b"=?utf-8?q?" * 60_000 + b" <a@b>\r\n\r\n",
    "comments nested": lambda: (
        b"To: " + b"(" * 500_000 + b"\r\nDate: " + b"(" * 9_999 + b"\r\n\r\n"
    ),
    "quotes begun": lambda: b"To: " + b'"\\' * 500_000 + b"\r\n\r\n",
    "routes": lambda: b"To: <" + b"@a," * 200_000 + b"\r\n\r\n",
    "groups": lambda: b"To: " + b"a:;" * 200_000 + b"\r\n\r\n",
    "references": lambda: b"References: " + b"<a@b>" * 200_000 + b"\r\n\r\n",
    "100,000 parameters": lambda: b"Content-Type: a/b" + b"; c=d" * 100_000 + b"\r\n\r\n",
    "continuations": lambda: (
        b"Content-Type: a/b" + b"".join(b"; c*%d*=%%41" % n for n in range(60_000)) + b"\r\n\r\n"
    ),
    "continuation of nothing": lambda: b"Content-Type: a/b" + b"; *0*=" * 60_000 + b"\r\n\r\n",
    "parameter quotes": lambda: b"Content-Type: a/b; c=" + b'"\\"' * 300_000 + b"\r\n\r\n",
    "base64 of padding": lambda: b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=" * 3_000_000,
    "utf-7": lambda: b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + b"+AGE-" * 400_000,
    "nul": lambda: b"\0" * 3_000_000,
    "cr": lambda: b"\r" * 3_000_000,
    "lf": lambda: b"A: b\n" + b"\n" * 3_000_000,
    "quoted lines": lambda: b"\n" + b">" * 1_000_000 + b"\n>" * 500_000,
}


def size_of(kept: Derived) -> int:
    texts = (kept.subject, kept.sender_name, kept.recipients, kept.references, kept.preview)
    octets = (kept.envelope, kept.bodystructure, kept.parts)
    return sum(map(len, texts)) + sum(map(len, octets))


@pytest.mark.parametrize("make", MESSAGES.values(), ids=MESSAGES)
def test_it_reads_a_hostile_message_in_time(make: Callable[[], bytes]) -> None:
    raw = make()
    found: list[Derived] = []
    assert cost(lambda: found.append(derive(raw)), enough=SECONDS) < SECONDS
    kept = found[-1]
    root = load_parts(kept.parts)
    assert root.body_end == len(raw)
    assert len(root.walk()) <= PARTS_MAX
    assert size_of(kept) < KEPT


READERS: dict[str, tuple[Callable[[bytes], object], tuple[bytes, ...]]] = {
    "scan": (scan, (b"a:", b"a: b\n", b"\n ", b":", b"a ", b"\r")),
    "decode_text": (
        decode_text,
        (b"=?", b"=?a", b"=?a?q?", b"=?a?q?b?= ", b"?=", b"\r\n ", b"=?utf-8?b?", b" "),
    ),
    "addresses": (
        addresslist.parse_address_list,
        (
            b"<",
            b">",
            b'"',
            b'"\\',
            b"(",
            b"()",
            b"a@",
            b"@a,",
            b"<@a,",
            b": ",
            b";",
            b"[",
            b"a ",
            b"a. ",
        ),
    ),
    "parameters": (
        parameters.parse_parameters,
        (
            b";",
            b'"',
            b";a=",
            b';a="',
            b'\\"',
            b";a*=",
            b";a*0=",
            b"(",
            b"()",
            b"=",
            b";a=b c ",
            b"%",
        ),
    ),
    "dates": (parse_date, (b"(", b" ", b"1", b"1 Jan ", b":", b"Mon, ", b"(\\")),
}


@pytest.mark.parametrize(
    ("read", "piece"),
    [(read, piece) for read, pieces in READERS.values() for piece in pieces],
    ids=[f"{name}-{piece!r}" for name, (_, pieces) in READERS.items() for piece in pieces],
)
def test_it_reads_a_megabyte_of_anything_repeated(
    read: Callable[[bytes], object], piece: bytes
) -> None:
    raw = piece * (1_000_000 // len(piece))
    assert cost(lambda: (read(raw), read(b"x " + raw)), enough=2 * SECONDS) < 2 * SECONDS


@pytest.mark.parametrize(
    "piece", ["<", "<style>", "<!--", "</style", "&", "&#x", "<a ", "-->", ">"]
)
def test_it_strips_tags_of_anything_repeated(piece: str) -> None:
    source = piece * (500_000 // len(piece))
    assert cost(lambda: strip_tags(source), enough=SECONDS) < SECONDS


@pytest.mark.parametrize("utf8", [False, True])
@pytest.mark.parametrize("piece", ["a", "a ", "ä", " ", "=?", "\r\n", "😀", "x ä ", '"'])
def test_it_writes_fields_of_anything_repeated(piece: str, utf8: bool) -> None:
    text = "x" + piece * 100_000 + "x"
    address = Address.parse("a@b")

    def written() -> bytes:
        subject = compose_header.fold("Subject", text, utf8=utf8)
        people = [(text, address), ("", address)]
        return subject + compose_header.fold_addresses("To", people, utf8=utf8)

    assert cost(written, enough=SECONDS) < SECONDS
    field = written()
    assert all(len(line) <= compose_header.LINE_MAX for line in field.split(b"\r\n"))
    assert [found.name for found in scan(field, limit=10_000_000).fields] == [b"subject", b"to"]
