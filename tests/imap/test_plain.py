"""Fields that need no decoding: what is said of them is what a full reading says."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.imap.search.plain import plain_column
from apps.mime.headers import scan
from apps.mime.searchtext import field_text

NAMES = st.sampled_from(["Subject", "From", "to", "Reply-To", "X-Tag", "S", "X"])
FOLDS = st.sampled_from([" ", "  ", "\r\n ", "\r\n\t", "\t", " \r\n \r\n ", "\n ", "\r", ""])
WORDS = st.sampled_from(
    [
        *[
            "Ann",
            "a.b@example.net",
            "<a@b>",
            "<",
            ">",
            ",",
            ";",
            ":",
            "(why)",
            '"Q. R."',
            '"q\\"r"',
        ],
        *[
            "John D. Smith",
            "a",
            "@",
            "b.example",
            "=?utf-8?q?=C3=BC?=",
            "ü",
            "xn--bcher-kva.example",
        ],
        *[
            "a@xn--bcher-kva.example",
            "100%",
            "\x00",
            "\x0b",
            "\x1e",
            "\x7f",
            "[1.2.3.4]",
            "a@[1.2]",
            '"',
        ],
        *["Team:", "<@x,@y:z@w>", "a @b", "<a@b.>", "e@f", "'o'", "."],
    ]
)
VALUES = st.lists(st.tuples(WORDS, FOLDS), max_size=6).map(
    lambda pairs: "".join(word + fold for word, fold in pairs)
)
FIELDS = st.lists(st.tuples(NAMES, st.sampled_from([":", ": ", " :", "\t: "]), VALUES), max_size=5)


@given(FIELDS, st.sampled_from(["\r\n", "\n", ""]))
@example([("From", ": ", 'Ann <a@b>, "Q. R." <c@d>')], "\r\n")
@example([("Subject", ":", "")], "\r\n")
def test_it_says_what_a_full_reading_says(fields: list[tuple[str, str, str]], end: str) -> None:
    lines = [name + colon + value + "\r\n" for name, colon, value in fields]
    header = ("".join(lines) + end).encode()
    block = scan(header)
    for name in {name.lower().encode() for name, _, _ in fields} | {b"subject", b"x"}:
        found = plain_column(header.upper(), name.upper())
        if found is not None:
            read = field_text(block, name)
            assert bool(found) is bool(block.count(name))
            # Dividers are no text; addresses that stand in the field need not stand there twice.
            assert _texts(found.decode("ascii")) <= _texts(read)
            for text in _texts(read):
                assert text in found.decode("ascii")


def _texts(column: str) -> set[str]:
    return {text for text in column.split("\x1e") if text}


@pytest.mark.parametrize(
    "value",
    [
        b"Sender Number 5 <s5@example.net>",
        b'Somebody <a@b.example>, "Somebody Else" <else@example.org>',
        b"a@example.net,\r\n\tb@example.net",
        b"John D. Smith <j.d.smith@example.net>",
    ],
)
def test_it_knows_what_is_usual(value: bytes) -> None:
    header = b"From: " + value + b"\r\nX: y\r\n\r\n"
    assert plain_column(header.upper(), b"FROM") is not None


@pytest.mark.parametrize(
    "header",
    [
        b"From: a@b (c)\r\n",
        b"From: =?utf-8?q?=C3=BC?= <a@b>\r\n",
        b"x: y\n" * 2_000,
        b"x" * 300_000,
    ],
)
def test_it_leaves_what_is_odd(header: bytes) -> None:
    assert plain_column(header.upper(), b"FROM") is None
