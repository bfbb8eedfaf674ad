"""What is searched of a message, and as what."""

import random

import pytest

from apps.mime import searchtext
from apps.mime.headers import scan
from apps.mime.searchtext import DIVIDER, SearchText, field_mark, field_text, folded, search_text
from apps.mime.tree import scan_tree


def texts(raw: bytes) -> SearchText:
    root = scan_tree(raw)
    return search_text(raw[: root.body_start], root, lambda start, end: raw[start:end])


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Straße", "STRASSE"),
        ("STRAẞE", "strasse"),
        ("Łódź", "lodz"),
        ("Ærø", "AERO"),
        ("naïve cafe\u0301", "naive cafe"),
        ("ﬁne Ⅻ ½", "fine xii 1\u20442"),
        ("Ἀθῆναι", "αθηναι"),
        ("мо\u0301й", "мои"),
        ("שָׁלוֹם", "שלום"),
        ("مُحَمَّد", "محمد"),
        ("a\r\n\t b\xa0c\u2003d", "a b c d"),
        ("soft\u00adhyphen\u200b\ufeff", "softhyphen"),
        ("♥\ufe0f", "♥"),
        ("ｱﾌﾟﾘ", "アプリ"),
    ],
)
def test_it_takes_for_the_same_what_searchers_do(text: str, same: str) -> None:
    assert folded(text) == folded(same)


@pytest.mark.parametrize(("one", "other"), [("か", "が"), ("क", "कि"), ("a", "á b"), ("a b", "ab")])
def test_it_tells_apart_what_searchers_do(one: str, other: str) -> None:
    assert folded(one) != folded(other)


def test_it_folds_nothing_twice_and_leaves_no_divider() -> None:
    chars = [chr(code) for code in range(0x110000) if not 0xD7FF < code < 0xE000]
    once = folded("a".join(chars))
    assert folded(once) == once
    assert DIVIDER not in once
    assert "\0" not in once
    assert folded("\ud800\0") == "\ufffd\ufffd"


def test_it_finds_a_piece_of_a_text_in_the_text() -> None:
    random.seed(7)
    signs = "aÁß \t\n\u0301Łﬁ한が\u200b\u00a8\x1eאְ🎉Ⅻ"
    for _ in range(3_000):
        text = "".join(random.choices(signs, k=20))
        start, end = sorted(random.choices(range(21), k=2))
        assert folded(text[start:end]) in folded(text)


def test_it_keeps_one_blank_at_each_end() -> None:
    assert folded("  a  ") == " A "
    assert folded(" \r\n ") == " "
    assert folded("\u0301") == ""


LETTER = """\
Received: from a by b
From: "O\\"Brien" (boss) <Ann@Example.org>, ann@xn--mnchen-3ya.example
To: List: Bob <bob (home) @example.org>;
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
 =?utf-8?q?_aus?= Wien
SUBJECT: again
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain; charset=koi8-r
Content-Transfer-Encoding: 8bit

\u043f\u0440\u0438\u0432\u0435\u0442
  \u043c\u0438\u0440
--x
Content-Type: text/html

<p>He<b>llo</b><a href="http://example.org">you</a>
--x
Content-Type: application/pdf; name="=?utf-8?q?=C3=9Cbersicht=2Epdf?="
Content-Disposition: attachment; filename*=utf-8''%C3%9Cbersicht.pdf

%PDF secret
--x
Content-Type: message/rfc822

Subject: inside
X-Note: n

inner text
--x--
"""


def test_it_reads_every_column_of_a_letter() -> None:
    found = texts(LETTER.replace("\n", "\r\n").encode("koi8-r"))
    end = DIVIDER * 2
    assert '"O\\"BRIEN" (BOSS) <ANN@EXAMPLE.ORG>' in found.sender
    assert f'{DIVIDER}O"BRIEN{DIVIDER}' in found.sender
    assert f"{DIVIDER}MUNCHEN.EXAMPLE{end}" in found.sender
    assert f"{DIVIDER}BOB@EXAMPLE.ORG{end}" in found.to
    assert found.cc == found.bcc == ""
    assert found.subject == f"{DIVIDER}GRUSSE AUS WIEN{DIVIDER}AGAIN{end}"
    assert found.header.startswith(f"{DIVIDER}RECEIVED: FROM A BY B{DIVIDER}FROM: ")
    assert found.body == DIVIDER.join(
        [
            *("", folded("\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440"), "HELLOYOU"),
            *("HTTP://EXAMPLE.ORG", "SUBJECT: INSIDE", "X-NOTE: N", "INNER TEXT", "", ""),
        ]
    )
    assert found.filename == f"{DIVIDER}UBERSICHT.PDF{end}"


def test_it_marks_that_a_field_is_there() -> None:
    found = texts(b"Subject:\r\nX-Empty: \r\n\r\n")
    assert field_mark("x-empty") in found.header
    assert field_mark("Empty") not in found.header
    assert found.subject == ""


def test_it_reads_one_field_as_its_column() -> None:
    block = scan(b"X-A: one\r\nx-a: t\xc3\xb6\r\nX-B: no\r\n\r\n")
    assert field_text(block, b"x-a") == f"{DIVIDER}ONE{DIVIDER}TO{DIVIDER}{DIVIDER}"
    assert field_text(block, b"x-c") == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\xff\xfe",
        b"Content-Type: multipart/mixed\r\n\r\nread me",
        b"Content-Type: message/delivery-status\r\n\r\nAction: failed",
    ],
)
def test_it_reads_anything(raw: bytes) -> None:
    found = texts(raw)
    assert b"read me" not in raw or "READ ME" in found.body
    assert b"Action" not in raw or "ACTION: FAILED" in found.body


def test_it_stops_at_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searchtext, "PART_MAX", 1_000)
    monkeypatch.setattr(searchtext, "TEXT_MAX", 1_200)
    parts = b"--x\r\n\r\n" + b"ab" * 5_000 + b"\r\n"
    raw = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + parts * 3 + b"--x--\r\n"
    values = texts(raw).body.strip(DIVIDER).split(DIVIDER)
    assert [len(value) for value in values] == [1_000, 200]


def test_it_folds_long_texts_as_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searchtext, "_SLICE", 3)
    raw = " a \n\n\n  b\u0301c   \u0301 d  ".encode()
    body = texts(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + raw).body
    assert body == f"{DIVIDER}A BC D{DIVIDER}{DIVIDER}"
