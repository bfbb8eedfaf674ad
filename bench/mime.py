"""How long reading a message takes: `python -m bench.mime` prints microseconds per message.

Three honest shapes: a plain letter of 4 KB, a letter with HTML of 100 KB, one with a 5 MB
attachment. Best of several rounds, so that neighbours on the machine matter less.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

from apps.mime.bodystructure import bodystructure
from apps.mime.derive import derive
from apps.mime.envelope import envelope
from apps.mime.headers import scan
from apps.mime.sections import dump_parts
from apps.mime.tree import scan_tree

_HEADER = (
    b"".join(
        b"Received: from relay%d.example.net (relay%d.example.net [192.0.2.%d])\r\n"
        b"\tby mx.example.org with ESMTPS id abcdef%d\r\n"
        b"\tfor <bob@example.org>; Wed, 17 Jul 2024 02:23:2%d -0700 (PDT)\r\n" % (n, n, n, n, n)
        for n in range(4)
    )
    + b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=mail;\r\n"
    b"\th=from:to:subject:date:message-id; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n"
    b"\tb=" + b"dGVzdCBzaWduYXR1cmUgb2Yg" * 12 + b"\r\n"
    b"From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <joerg@example.com>\r\n"
    b'To: Bob <bob@example.org>, "Carol, the other one" <carol@example.org>\r\n'
    b"Cc: dave@example.net\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?= and more\r\n"
    b"Date: Wed, 17 Jul 2024 02:23:25 -0700 (PDT)\r\n"
    b"Message-ID: <20240717022325.1234@example.com>\r\n"
    b"In-Reply-To: <20240716.1@example.org>\r\n"
    b"References: <20240715.1@example.org>\r\n <20240716.1@example.org>\r\n"
    b"MIME-Version: 1.0\r\n"
)
_LINE = b"The quick brown fox jumps over the lazy dog and goes home again at last.\r\n"


def letter() -> bytes:
    """Return a plain letter of 4 KB."""
    head = _HEADER + b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    return head + _LINE * ((4_096 - len(head)) // len(_LINE))


def newsletter() -> bytes:
    """Return an alternative of text and HTML of 100 KB."""
    html = b"<p>" + _LINE + b"</p>\r\n"
    return (
        _HEADER + b'Content-Type: multipart/alternative; boundary="=_alternative_0123456789"\r\n'
        b"\r\n--=_alternative_0123456789\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        + _LINE
        * 200
        + b"\r\n--=_alternative_0123456789\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n\r\n"
        + html * 1_000
        + b"--=_alternative_0123456789--\r\n"
    )


def attachment() -> bytes:
    """Return a letter with a 5 MB attachment."""
    data = base64.encodebytes(bytes(range(256)) * 14_700).replace(b"\n", b"\r\n")
    return (
        _HEADER + b'Content-Type: multipart/mixed; boundary="----=_NextPart_000_0001_01DA"\r\n'
        b"\r\n------=_NextPart_000_0001_01DA\r\nContent-Type: text/plain\r\n\r\n"
        + _LINE
        * 10
        + b"\r\n------=_NextPart_000_0001_01DA\r\nContent-Type: application/pdf; name=a.pdf\r\n"
        b"Content-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n"
        b"\r\n" + data + b"------=_NextPart_000_0001_01DA--\r\n"
    )


def structure(raw: bytes) -> None:
    """Do what IMAP needs: header, ENVELOPE, BODYSTRUCTURE, offsets."""
    block = scan(raw)
    root = scan_tree(raw, block, with_envelopes=True)
    envelope(block)
    bodystructure(root)
    dump_parts(root)


def best(work: Callable[[bytes], object], raw: bytes, seconds: float = 0.5) -> float:
    """Return the best microseconds for one call, tried for about `seconds`."""
    fastest = float("inf")
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        begin = time.perf_counter()
        work(raw)
        fastest = min(fastest, time.perf_counter() - begin)
    return fastest * 1e6


def main() -> None:
    """Print one line per shape."""
    print(f"{'message':<14}{'octets':>10}{'structure us':>14}{'derive us':>12}")
    for make in (letter, newsletter, attachment):
        raw = make()
        row = f"{make.__name__:<14}{len(raw):>10}"
        print(f"{row}{best(structure, raw):>14.0f}{best(derive, raw):>12.0f}")


if __name__ == "__main__":
    main()
