"""A megabyte each of what makes patterns and parsers slow: unclosed, doubled, nested, endless."""

_HEAD = (
    b"From: Bob <bob@friend.test>\r\nTo: alice@example.test\r\nMessage-ID: <1@friend.test>\r\n"
    b"Date: Tue, 25 Nov 2025 20:00:00 +0100\r\nMIME-Version: 1.0\r\n"
)
SIZE = 1_000_000


def _text(bait: str, kind: str = "plain", more: bytes = b"") -> bytes:
    octets = bait.encode()
    octets *= SIZE // len(octets)
    head = b"Content-Type: text/" + kind.encode() + b"; charset=utf-8\r\n"
    return _HEAD + b"Subject: x\r\n" + head + more + b"\r\n" + octets


def _field(name: bytes, bait: bytes) -> bytes:
    return name + b": " + bait * (SIZE // len(bait)) + b"\r\n" + _HEAD + b"\r\nHello\r\n"


BAITS: dict[str, bytes] = {
    "answers": _HEAD + b"Subject: " + b"Re: " * 20_000 + b"\r\n\r\n",
    "marks and spaces": _HEAD + b"Subject: " + b"[a] " * 200 + b" " * 20_000 + b"\r\n\r\n",
    "encoded words": _field(b"Subject", b"=?utf-8?q?a?= "),
    "authors": _field(b"From", b"a@b.test, "),
    "comments in From": _field(b"From", b"("),
    "references": _field(b"References", b"<a@b> "),
    "received": b"Received: by x; Tue\r\n" * (SIZE // 21) + _HEAD + b"\r\n",
    "parts": _HEAD
    + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    + b"--x\r\n\r\n" * 140_000,
    **{
        f"text of {bait[:12]!r}": _text(bait)
        for bait in (
            *(" ", "a", "1", "!", "<", "a@", "a.", "https://", "http://(", "http://xn--"),
            *(
                "http://a.test/ ",
                "begin 644 a\r\n",
                "\u200b",
                "\u6f22",
                "\U0001f600",
                "FREE MONEY ",
            ),
            *("XJS*C4JDBQADN1.NSBN3*2IDNEN*", "www.", "a-b_", "\u202e", "\r\n"),
        )
    },
    **{
        f"page of {bait[:12]!r}": _text(bait, "html")
        for bait in (
            *("<", "&", "<a href=x>", "<div>", "<!--", "<script>", "<b><i>", "<p style='a:b;"),
            *("<table><tr>", "&#x41;", '<img src="', "<a href='http://a.test'>http://b.test</a>"),
        )
    },
    "base64": _text("A", more=b"Content-Transfer-Encoding: base64\r\n"),
    "quoted-printable": _text("=", more=b"Content-Transfer-Encoding: quoted-printable\r\n"),
}
