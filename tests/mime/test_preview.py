"""The first words of a message."""

import pytest

from apps.mime.preview import PREVIEW_MAX, preview, strip_tags
from apps.mime.tree import scan_tree


def shown(raw: bytes) -> str:
    return preview(scan_tree(raw), raw)


PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\r\nHello,\r\n\r\n  how are\tyou?\r\n", "Hello, how are you?"),
        (PLAIN + "Grüße".encode(), "Grüße"),
        (PLAIN + b"> old\r\n  > older\r\nnew words\r\n> end", "new words"),
        (PLAIN + b"words\r\n-- \r\nJoe, Inc.", "words"),
        (PLAIN + b"=====\r\nOffer!\r\n--------\r\nnow", "Offer! now"),
        (PLAIN + b"", ""),
        (HTML + b"<p>Hello <b>you</b></p>", "Hello you"),
        (HTML + b"<style>p {x}</style><title>T</title><!-- c --><p>a&amp;b&nbsp;c", "a&b c"),
        (HTML + "\u200b\u034f \u00adHidden\u2800".encode(), "Hidden"),
        (HTML + b"<script>never closed", ""),
        (
            b"Content-Type: multipart/alternative; boundary=X\r\n\r\n--X\r\n"
            + HTML
            + b"html\r\n--X\r\n"
            + PLAIN
            + b"plain\r\n--X--\r\n",
            "plain",
        ),
        (
            b"Content-Type: multipart/alternative; boundary=X\r\n\r\n--X\r\n"
            + PLAIN
            + b" \r\n--X\r\n"
            + HTML
            + b"html\r\n--X--\r\n",
            "html",
        ),
        (
            b"Content-Type: multipart/mixed; boundary=X\r\n\r\n--X\r\n"
            b"Content-Disposition: attachment\r\n" + PLAIN + b"file\r\n--X--\r\n",
            "",
        ),
        (
            b"Content-Transfer-Encoding: base64\r\n" + PLAIN + b"SGVsbG8gd29ybGQ=\r\n",
            "Hello world",
        ),
        (PLAIN + b"a\0b\x1b[31mc", "ab[31mc"),
    ],
)
def test_it_shows_the_first_words(raw: bytes, text: str) -> None:
    assert shown(raw) == text


def test_it_is_short_and_cheap_for_a_long_text() -> None:
    assert shown(PLAIN + b"word " * 1_000_000) == ("word " * 40)[:PREVIEW_MAX].strip()


def test_it_cuts_between_characters_of_a_long_text() -> None:
    assert shown(PLAIN + "日本語".encode() * 100_000) == ("日本語" * 67)[:PREVIEW_MAX]


@pytest.mark.parametrize(
    "source",
    [
        "&#" + "9" * 10_000 + ";",
        "&#x" + "f" * 10_000,
        "&" * 30_000,
        "<" * 30_000,
        "<!--" * 8_000,
    ],
)
def test_it_strips_hostile_html(source: str) -> None:
    assert isinstance(strip_tags(source), str)


@pytest.mark.parametrize("parameters", [b"", b'; boundary=""', b"; boundary=none"])
def test_it_shows_a_multipart_without_parts_as_text(parameters: bytes) -> None:
    assert shown(b"Content-Type: multipart/mixed%b\r\n\r\nAll of it.\r\n" % parameters) == (
        "All of it."
    )
