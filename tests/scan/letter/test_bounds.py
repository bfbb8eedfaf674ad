"""Whoever sends a message chooses what it is made of, not how long we look at it."""

import pytest

from apps.scan.letter import read
from apps.scan.letter.letter import TEXT_MAX
from apps.scan.letter.links import LINKS_MAX
from apps.scan.letter.page import HTML_MAX
from tests.support.cost import cost

MUCH = 400_000  # octets
SECONDS = 1.0
HTML = b"From: a@b.test\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
TEXT = b"From: a@b.test\r\n\r\n"

BAITS = [
    b"<div>",
    b"<b></p>",
    b"<b><div></b>",
    b"<a href=x>",
    b"<p style='color:#fff;font-size:1px'>x",
    b"<table><tr><td>",
    b"<",
    b"<!--",
    b"<style>",
    b"<style>.a{",
    b"<style>/*",
    b"<style>@media{",
    b"<style>.a{display:none}</style><p class=a>",
    b"<img src=data:",
    b"&#1;",
    b"https://",
    b"https://a.test/ ",
    b"www.",
    b"((((",
    b"begin 644 x\n",
    b"=?utf-8?q?=",
    b"\xe2\x80\x8b",
    b"\xef\xb7\xba",
    b"\r\n",
    b" ",
]


def look_at_all(raw: bytes) -> None:
    one = read(raw)
    assert len(one.plain) <= TEXT_MAX
    assert len(one.visible) <= 2 * HTML_MAX
    assert len(one.links) <= LINKS_MAX
    assert one.author is not None
    assert len(one.subject) <= 1_000
    assert one.replies_to is not None
    assert isinstance(one.text, str)
    assert isinstance(one.damage, tuple)
    for part in one.parts:
        assert len(part.content(1_000_000)) <= 1_000_000


@pytest.mark.parametrize("bait", BAITS)
@pytest.mark.parametrize("head", [HTML, TEXT])
def test_it_takes_no_bait(head: bytes, bait: bytes) -> None:
    raw = head + bait * (MUCH // len(bait))
    assert cost(lambda: look_at_all(raw), tries=1) < SECONDS


def test_it_takes_no_bait_in_one_tag() -> None:
    attributes = b" ".join(b"a%d=1" % number for number in range(MUCH // 9))
    raw = HTML + b"<x " + attributes + b">"
    assert cost(lambda: look_at_all(raw), tries=1) < SECONDS


@pytest.mark.parametrize("bait", [b"<", b"a@b,", b"(", b'"', b"=?utf-8?q?a?= ", b"<a@b> "])
def test_it_takes_no_bait_in_the_header(bait: bytes) -> None:
    fields = b"".join(
        name + b": " + bait * (200_000 // len(bait)) + b"\r\n"
        for name in (b"From", b"Subject", b"References", b"Reply-To")
    )
    assert cost(lambda: look_at_all(fields + b"\r\n"), tries=1) < SECONDS


def test_it_reads_a_large_message_as_fast_as_its_octets_go() -> None:
    head = b"Content-Type: application/x; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw = head + b"QUJD" * 10_000_000
    assert cost(lambda: look_at_all(raw), tries=1) < SECONDS


def test_it_counts_parts_no_further_than_anybody_does() -> None:
    head = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
    raw = head + b"--a\r\n\r\nx\r\n" * 100_000
    assert cost(lambda: look_at_all(raw), tries=1) < SECONDS
    assert "it has 2000 parts or more" in read(raw).damage


def test_it_goes_down_no_further_than_anybody_does() -> None:
    raw = b"".join(
        b"Content-Type: multipart/mixed; boundary=a%d\r\n\r\n--a%d\r\n" % (depth, depth)
        for depth in range(3_000)
    )
    assert cost(lambda: look_at_all(raw), tries=1) < SECONDS
    assert any("nested" in one for one in read(raw).damage)


PLAIN = b"From: a@b.test\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n"
FILE = b"Content-Type: application/x\r\n\r\nMZ\r\n--a--\r\n"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (PLAIN + b"--a\r\n\r\nx\r\n" * 3_000 + b"--a\r\n" + FILE, "parts or more"),
        (PLAIN + b"--a\r\n\r\nx\r\n" * 201 + b"--a\r\n" + FILE, "more than 200 text parts"),
        (b"X: y\r\n" * 3_000 + PLAIN + b"--a\r\n" + FILE, "its header is too large"),
        (b"X: " + b"y " * 200_000 + b"\r\n" + PLAIN + b"--a\r\n" + FILE, "its header is too large"),
        (PLAIN + b"--a\r\n" + b"X: y\r\n" * 3_000 + FILE, "header of part 1 is too large"),
        (PLAIN + b"--a\r\nX: " + b"y" * 300_000 + b"\r\n" + FILE, "header of part 1 is too large"),
        (TEXT + b"begin 644 a\r\n#0V%T\r\nend\r\n" * 60, "uuencoded in its text"),
    ],
)
def test_it_says_where_it_stopped_to_look(raw: bytes, words: str) -> None:
    assert any(words in one for one in read(raw).beyond)
    assert set(read(raw).beyond) <= set(read(raw).damage)


def test_it_stops_nowhere_in_an_honest_message() -> None:
    raw = PLAIN + b"--a\r\n\r\nx\r\n" * 150 + b"--a\r\n" + FILE
    assert read(raw).beyond == ()
