# ruff: noqa: E501  (a payload is one line)
"""Messages around the payloads of `matrix`: whole, as a stranger's program sends them by SMTP."""

import base64
import re
from collections.abc import Iterator, Sequence

from tests.browser import matrix

ALICE = "alice@havel.test"
EACH = 18  # bodies of one message: a page has frames for twenty
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{0}\r\nN:{0}\r\nNOTE:{0}\r\nURL:{0}\r\nEND:VCARD\r\n"
EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:{1}@evil.invalid\r\n"
    "DTSTART:20301124T100000Z\r\nDTEND:20301124T110000Z\r\nSUMMARY:{0}\r\nLOCATION:{0}\r\n"
    'DESCRIPTION:{0}\r\nURL:{0}\r\nORGANIZER;CN="{2}":mailto:m@evil.invalid\r\n'
    'ATTENDEE;CN="{2}":mailto:alice@havel.test\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'
)
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='top.document.title=1'><script>1</script></svg>"
HTML = b"<html xmlns='http://www.w3.org/1999/xhtml'><mh-canary/><script>document.title=1</script></html>"


def fill(text: str, port: int) -> str:
    """A payload with its addresses. Not `format`: payloads are full of braces."""
    run = matrix.RUN.replace("{sink}", f"http://127.0.0.1:{port}")
    text = text.replace("{run}", run).replace("{sink}", f"http://127.0.0.1:{port}")
    return text.replace("{name}", matrix.NAME)


def with_newlines(raw: bytes) -> bytes:
    """No bare CR or LF: our doors take none."""
    return re.sub(rb"\r\n|\r|\n", b"\r\n", raw)


def head(subject: str, kind: str, *more: str, key: str = "") -> bytes:
    """A header; by `key`, else by its subject, a test finds the message again."""
    lines = [
        f"X-Key: {key or subject}",
        *("From: M <m@evil.invalid>", f"To: {ALICE}", f"Subject: {subject}"),
        *("MIME-Version: 1.0", *more, f"Content-Type: {kind}", "", ""),
    ]
    return "\r\n".join(lines).encode()


def mixed(subject: str, parts: Sequence[tuple[str, bytes]]) -> bytes:
    """Bodies of HTML with their character sets: each has a frame of its own. They go as base64, so
    that the octets arrive as they are."""
    pieces = [head(subject, 'multipart/mixed; boundary="B-0"')]
    for charset, octets in parts:
        pieces.append(f"--B-0\r\nContent-Type: text/html; charset={charset}\r\n".encode())
        pieces.append(b"Content-Transfer-Encoding: base64\r\n\r\n")
        pieces.append(base64.encodebytes(b"<p>payload</p>" + octets).replace(b"\n", b"\r\n"))
    return b"".join(pieces) + b"--B-0--\r\n"


def bodies(name: str, texts: Sequence[str], port: int) -> Iterator[tuple[str, bytes]]:
    """Messages by their subjects, EACH bodies to one."""
    filled = [("utf-8", fill(text, port).encode("utf-8", "surrogatepass")) for text in texts]
    yield from _grouped(name, filled)


def charsets(port: int) -> Iterator[tuple[str, bytes]]:
    yield from _grouped("Charsets", list(matrix.charsets(fill("{run}", port))))


def _grouped(name: str, parts: Sequence[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    for at in range(0, len(parts), EACH):
        subject = f"{name} {at}"
        yield subject, mixed(subject, parts[at : at + EACH])


def wordy(number: int, text: str, port: int) -> bytes:
    """A message that says the same words wherever it can say any."""
    said = fill(text, port)
    line = "".join(letter for letter in said if letter.isprintable())
    plain = line.replace('"', "'").encode("ascii", "replace").decode()
    coded, quoted = matrix.word(said), plain.replace("\\", "")
    extended = "".join(f"%{octet:02X}" for octet in said.encode())
    more = [
        f"Message-ID: <{number}.{quoted.replace('<', '').replace('>', '')[:50]}@evil.invalid>",
        f'Cc: {coded} <c@evil.invalid>, "{quoted}" <d@evil.invalid>',
        f"Reply-To: {coded} <r@evil.invalid>",
        f"List-Id: {coded} <{quoted[:60]}>",
        f"List-Unsubscribe: <https://evil.invalid/{quoted}>, <mailto:leave@evil.invalid?subject={quoted}>",
        f"X-Mailer: {quoted}",
        f"Date: {quoted}",
        f"Authentication-Results: mail.example.test; dkim=pass header.d={quoted}",
        f"Keywords: {coded}",
        f"X-{quoted.encode('ascii', 'ignore').hex()[:20]}: {quoted}",
    ]
    raw = head(f"{coded} W", 'multipart/mixed; boundary="B-0"', *more, key=f"W{number}")
    raw = raw.replace(b"From: M <", f"From: {coded} <".encode(), 1)
    pieces = [raw, b"--B-0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n", said.encode()]
    pieces += [b"\r\n> ", said.encode(), b"\r\n\r\n-- \r\n", said.encode(), b"\r\n"]
    for kind, ending, octets in (
        ("text/plain", "txt", said.encode()),
        ("text/html", "html", HTML),
        ("image/svg+xml", "svg", SVG),
        ("image/png", "png", SVG),
        ("text/vcard", "vcf", CARD.format(said).encode()),
        ("text/calendar; method=REQUEST", "ics", EVENT.format(said, number, quoted).encode()),
        (f'"{quoted}"/x', "pdf", b"%PDF-1.4 <mh-canary>"),
    ):
        pieces.append(f'\r\n--B-0\r\nContent-Type: {kind}; name="{quoted}.{ending}"\r\n'.encode())
        pieces.append(f"Content-ID: <{quoted}>\r\nContent-Description: {coded}\r\n".encode())
        pieces.append(
            f"Content-Disposition: attachment; filename*=utf-8''{extended}.{ending}\r\n".encode()
        )
        pieces.append(b"Content-Transfer-Encoding: base64\r\n\r\n")
        pieces.append(base64.encodebytes(octets).replace(b"\n", b"\r\n"))
    pieces.append(b"\r\n--B-0\r\nContent-Type: message/rfc822\r\n\r\n")
    pieces.append(f"From: {coded} <m@evil.invalid>\r\nSubject: {coded}\r\n\r\n".encode())
    return with_newlines(b"".join(pieces) + said.encode() + b"\r\n--B-0--\r\n")


def oddly_coded(port: int) -> Iterator[tuple[str, bytes]]:
    """Encoded words in a subject, a name and a file's name (RFC 2047, RFC 2231)."""
    for number, coded in enumerate(matrix.odd_words(fill("{run}", port))):
        raw = head(coded, 'multipart/mixed; boundary="B-0"', key=f"C{number}")
        raw = raw.replace(b"From: M <", f"From: {coded} <".encode(), 1)
        file = (
            f'--B-0\r\nContent-Type: text/plain; name="{coded}"\r\nContent-Disposition: attachment;'
            f"\r\n filename*0*=utf-7''%2BADw-mh-;\r\n filename*1*=canary%2BAD4-;\r\n"
            f' filename="{coded}"\r\n\r\nx\r\n--B-0--\r\n'
        )
        yield f"C{number}", raw + b"--B-0\r\n\r\nWords.\r\n" + file.encode()


def report(text: str, port: int) -> bytes:
    """A report of non-delivery (RFC 3464) with the words in all its fields."""
    said = fill(text, port).replace("\r", " ").replace("\n", " ")
    status = (
        f"Reporting-MTA: dns; {said}\r\n\r\nFinal-Recipient: rfc822; {said}\r\nAction: failed\r\n"
        f"Status: 5.1.1\r\nRemote-MTA: dns; {said}\r\nDiagnostic-Code: smtp; 550 {said}\r\n"
    )
    kind = 'multipart/report; report-type=delivery-status; boundary="B-0"'
    pieces = [
        head("Undelivered", kind, key="R0"),
        b"--B-0\r\n\r\nFailed.\r\n--B-0\r\nContent-Type: message/delivery-status\r\n\r\n",
        status.encode(),
        b"\r\n--B-0\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: ",
        said.encode(),
        b"\r\n--B-0--\r\n",
    ]
    return b"".join(pieces)


def tricks(port: int) -> Iterator[tuple[str, bytes]]:
    """MIME that hides a document of HTML, SVG or XML from who looks at it (80, 93)."""
    evil = fill("<mh-canary><img src=x onerror={run}><script>{run}</script>", port)
    for number, (kind, rest) in enumerate(_kinds(evil)):
        subject = f"Trick {number}"
        yield subject, with_newlines(head(subject, kind) + rest.encode())


def _kinds(evil: str) -> Iterator[tuple[str, str]]:
    for kind in (
        *(
            "TEXT/HTML",
            "text/html;",
            "text/html charset=utf-7",
            "text/html; x=y; charset",
            "text/htm",
        ),
        *("text/plain", "text/enriched", "text/richtext", "text/xml", "application/xhtml+xml"),
        *(
            "image/svg+xml",
            "application/xml",
            "text/x-html",
            "text/javascript",
            "text/css",
            "text/x",
        ),
        *("text/html\r\nContent-Type: text/plain", "text/plain\r\nContent-Type: text/html"),
        *(
            "text / html",
            "(comment) text/html",
            '"text/html"',
            "text/html/x",
            "text",
            "*/*",
            "/",
            "",
        ),
        *(
            "message/rfc822",
            "message/partial; id=a; number=1; total=1",
            "message/external-body; access-type=URL",
        ),
        *("multipart/mixed", "multipart/mixed; boundary=", 'multipart/x; boundary="--"'),
        *("application/octet-stream; name=x.html", "application/pdf", "image/png", "audio/mpeg"),
        *(
            "application/x-mimearchive",
            "multipart/related; type=text/html",
            "text/calendar",
            "text/vcard",
        ),
    ):
        yield kind, evil
    two = 'multipart/{0}; boundary="B-0"'
    page = f"--B-0\r\nContent-Type: text/html\r\n\r\n{evil}\r\n"
    words = "--B-0\r\nContent-Type: text/plain\r\n\r\nwords\r\n"
    for sub in (
        "alternative",
        "mixed",
        "related",
        "signed",
        "encrypted",
        "parallel",
        "digest",
        "report",
    ):
        yield two.format(sub), f"{words}{page}--B-0--\r\n{evil}"
        yield two.format(sub), f"{evil}\r\n{page}{words}"  # no end, and a preamble
    related = (
        '<img src="cid:s"><img src="cid:h"><img src="cid:%22onerror=x"><img src="cid:s&quot;x">'
    )
    files = "".join(
        f"--B-0\r\nContent-Type: {kind}\r\nContent-ID: <{name}>\r\nContent-Location: {place}\r\n\r\n{evil}\r\n"
        for kind, name, place in (
            *(("image/svg+xml", "s", "javascript:alert(1)"), ("text/html", "h", "/mail/inbox/")),
            *(("image/png", '"onerror=x', "cid:s"), ("image/gif", 's"x', "x")),
        )
    )
    yield (
        two.format("related"),
        f"--B-0\r\nContent-Type: text/html\r\n\r\n{related}\r\n{files}--B-0--\r\n",
    )
    for coding in (
        "base64",
        "quoted-printable",
        "x-uuencode",
        "8bit\r\nContent-Transfer-Encoding: base64",
        "binary",
        "x",
    ):
        text = base64.b64encode(evil.encode()).decode() if "base64" in coding else evil
        yield f"text/html\r\nContent-Transfer-Encoding: {coding}", text
    yield (
        "text/html\r\nContent-Transfer-Encoding: quoted-printable",
        "=3Cmh-ca=\r\nnary=3E=3Cscr=\r\nipt=3E",
    )
    yield "text/plain", f"begin 644 x.html\r\n{evil}\r\nend\r\n"
    yield "text/html\r\nContent-Disposition: inline; filename=x.html", evil
    yield "text/html\r\nContent-Disposition: attachment; filename=x.html", evil
    yield 'text/html\r\nContent-Disposition: "><mh-canary>', evil
    nested = "".join(
        f'Content-Type: multipart/mixed; boundary="N{n}"\r\n\r\n--N{n}\r\n' for n in range(40)
    )
    yield "multipart/mixed; boundary=N", f"--N\r\n{nested}Content-Type: text/html\r\n\r\n{evil}"
    yield 'multipart/mixed; boundary="a b\\"c"', f'--a b"c\r\nContent-Type: text/html\r\n\r\n{evil}'
    yield "text/html\r\nContent-Type : text/plain\r\n\tx: <mh-canary>\r\n <mh-canary>", evil
