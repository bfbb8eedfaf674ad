"""Tokens: the same for the same message wherever it lies, in any language, few and cheap."""

import pytest

from apps.scan.bayes import tokens as module
from apps.scan.bayes.tokens import MOST, Kind, key_of, kind_of, parts_of, tokens
from apps.scan.letter import read
from tests.support.cost import cost

HEAD = (
    b"From: Bob Baker <bob@mail.example.org>\r\nTo: alice@example.test\r\n"
    b"Subject: Lunch on Friday\r\nMessage-ID: <1@mx.example.org>\r\nX-Mailer: Foo 1.2\r\n"
)


def names(body: str, head: bytes = HEAD, kind: str = "text/plain; charset=utf-8") -> set[str]:
    raw = head + f"Content-Type: {kind}\r\n\r\n{body}".encode()
    return set(tokens(read(raw)).values())


def test_it_sees_words_pairs_and_facts() -> None:
    found = names("Meet me at noon, https://www.shop.example.com/offer/now?x=1")
    assert {"meet", "noon", "meet me", "at noon", "subject:lunch", "subject:on friday"} <= found
    assert {"from:bob@mail.example.org", "from-domain:example.org", "from-name:baker"} <= found
    assert {"link:www.shop.example.com", "link-domain:example.com"} <= found
    assert {"id:example.org", "mailer:foo 0.0", "part:text/plain", "field:x-mailer"} <= found


def test_it_reads_html_as_its_reader_does() -> None:
    page = (
        '<p>Che<b>ap</b> pills</p><p style="display:none">quarterly report</p>'
        '<a href="http://pills.example">here</a><img src="http://x.example/a.png">'
    )
    found = names(page, kind="text/html; charset=utf-8")
    assert {"cheap", "cheap pills", "link:pills.example", "html:hidden"} <= found
    assert not found & {"quarterly", "display", "che"}


def test_it_makes_digits_alike() -> None:
    assert {"$000", "0000", "v1agra"} <= names("$499 in 2026 for v1agra")
    assert "€00" in names("only €25")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好世界", {"你好", "好世", "世界"}),
        ("ありがとう", {"あり", "りが"}),
        ("สวัสดี", {"สว"}),
        ("مرحبا بكم", {"مرحبا", "بكم", "مرحبا بكم"}),
        ("שלום עולם", {"שלום", "עולם"}),
        ("नमस्ते दुनिया", {"नमस्ते", "दुनिया"}),
        ("Дешёвые часы", {"дешёвые", "часы"}),
        ("\uff26\uff32\uff25\uff25 mo\u200bney", {"free", "money", "free money"}),
        ("STRASSE Straße", {"strasse"}),
        ("안녕하세요 여러분", {"안녕하세요", "여러분"}),
    ],
)
def test_it_reads_any_language(text: str, expected: set[str]) -> None:
    assert expected <= names(text)


def test_it_makes_no_pairs_of_scripts_without_blanks() -> None:
    assert not any(" " in name for name in names("你好 世界") if ":" not in name)


def test_it_is_the_same_wherever_a_message_lies() -> None:
    body = b"\r\nHello there\r\n"
    kept = (
        b"Return-Path: <bob@mail.example.org>\r\nDelivered-To: alice@example.test\r\n"
        b"X-Spam-Status: Yes, score=99\r\nX-Spam-Flag: YES\r\nX-Bogosity: Spam\r\n"
        b"Authentication-Results: mx; spf=pass\r\nDelivery-Date: now\r\nStatus: RO\r\nX-UID: 7\r\n"
        b"X-Keywords: Junk\r\nX-Mozilla-Status: 0001\r\nX-Gmail-Labels: Spam\r\n"
    )
    assert tokens(read(HEAD + body)) == tokens(read(kept + HEAD + body))


def test_it_knows_the_networks_a_message_came_through() -> None:
    hops = (
        b"Received: from a.example (unknown [10.1.2.3]) by b; now\r\n"
        b"Received: from mx.c.example (c.example [203.0.113.9]) by a; then\r\n"
    )
    found = names("x", hops + HEAD)
    assert "net:203.0.113." in found
    assert "net:10.1.2." not in found
    assert "via:c.example" in found


def test_it_takes_the_marks_of_a_list_for_one() -> None:
    """A list puts in ten fields: they are no ten reasons to trust what came over it."""
    fields = (
        b"List-Id: Talk <talk.lists.example>\r\nList-Post: <mailto:a@b>\r\nPrecedence: list\r\n"
    )
    found = names("x", fields + HEAD) - names("x")
    assert found == {"list:talk.lists.example"}


def test_it_knows_programs_by_what_they_write() -> None:
    one = names("x", HEAD.replace(b"<1@", b"<20260102.aB3x-9@"))
    other = names("x", HEAD.replace(b"<1@", b"<20271231.Zz9y-1@"))
    assert "id-form:08.x4-01" in one & other


def test_it_knows_programs_by_the_order_of_their_fields() -> None:
    fields = HEAD.splitlines(keepends=True)
    found = names("x")
    assert "order:from to" in found
    assert "order:from to" not in names("x", b"".join(sorted(fields)))
    marked = b"X-Spam-Flag: YES\r\n".join((b"".join(fields[:1]), b"".join(fields[1:])))
    assert names("x", marked) == found


def test_it_knows_how_hosts_greet_and_dates_are_written() -> None:
    hops = b"Received: from SMTP-17 (c.example [203.0.113.9]) by a with ESMTP id 1; then\r\n"
    found = names("x", hops + HEAD + b"Date: Tue, 06 Jan 2026 10:00:00 +0100\r\n")
    assert {"helo:A4-02", "with:esmtp", "date:x3, 02 x3 04 02:02:02 +04", "zone:60"} <= found


def test_it_sorts_tokens_by_what_they_are_evidence_of() -> None:
    found = names("See http://shop.example/a/offers", HEAD)
    kinds = {name: kind_of(name) for name in found}
    assert {kinds["see"], kinds["subject:on friday"]} == {Kind.TEXT}
    assert {kinds["from-domain:example.org"], kinds["id:example.org"]} == {Kind.ORIGIN}
    assert {kinds["field:x-mailer"], kinds["to:1"], kinds["order:from to"]} == {Kind.SHAPE}
    assert {kinds["link:shop.example"], kinds["link-domain:shop.example"]} == {Kind.LINKS}
    assert kind_of("long:32") is Kind.TEXT


def test_it_gives_pairs_the_room_that_is_left() -> None:
    found = names(" ".join(f"w{number:x}ord" for number in range(3_000)))
    assert len(found) == MOST
    assert sum(" " in name and ":" not in name for name in found) > 250


def test_it_names_what_is_attached() -> None:
    raw = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee file\r\n--b\r\n"
        b"Content-Type: application/zip; name=Invoice.ZIP\r\n\r\nPK\r\n--b--\r\n"
    )
    assert {"part:application/zip", "file:zip"} <= set(tokens(read(raw)).values())


def test_it_looks_at_both_ends_of_a_long_text() -> None:
    found = names("alpha " + "filler words here " * 9_000 + " omega")
    assert {"alpha", "omega"} <= found


def test_it_stays_bounded_whatever_comes() -> None:
    head = b"".join(b"X-Field-%d: a\r\n" % number for number in range(3_000))
    many = " ".join(
        f"word{number:x}ish http://h{number}.example/p{number}" for number in range(9_000)
    )
    found = tokens(read(HEAD + head + b"\r\n" + many.encode()))
    assert len(found) <= MOST
    assert max(len(name) for name in found.values()) <= 2 * module.LONG + len("subject: ") + 16


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff" * 1_000,
        b"From: @@@\r\nSubject: =?utf-8?b?//8=?=\r\nMessage-ID: <@>\r\n\r\n\xed\xa0\x80",
        b"Subject: x\r\nContent-Type: text/html\r\n\r\n<a href='//..'>x</a><a href='http://'>y</a>",
        b"From: a@[::1]\r\nReply-To: b@" + b"x." * 400 + b"\r\n\r\nhttp://%00/ http://[::1/x",
        "From: ü@ü.example\r\n\r\nmailto:a@b http://ü..example/".encode(),
    ],
)
def test_it_takes_anything(raw: bytes) -> None:
    found = tokens(read(raw))
    assert len(found) <= MOST
    assert all(-(2**31) <= key < 2**31 and key == key_of(name) for key, name in found.items())


def test_it_knows_the_words_of_a_pair() -> None:
    assert parts_of("cheap pills") == ("cheap", "pills")
    assert parts_of("subject:cheap pills") == ("subject:cheap", "subject:pills")
    assert parts_of("cheap") == ()
    assert parts_of("世界") == ("世", "界")
    assert parts_of("from:a b@example.org") == ()


def test_it_knows_a_host_and_its_domain_for_one() -> None:
    assert parts_of("link:www.shop.example.com") == (
        "link:www.shop.example.com",
        "link-domain:example.com",
    )
    long = f"link:{'a.' * 40}example.com"[: module.NAME]
    assert all(len(name) <= module.NAME for name in parts_of(long))


def test_it_knows_programs_by_how_they_write_a_field() -> None:
    one = names("x", kind='text/plain;\r\n\tcharset="us-ascii"')
    other = names("x", kind="text/plain; charset=us-ascii")
    assert 'written:content-type text/plain; charset="us-ascii"' in one - other
    assert "written:content-type text/plain; charset=us-ascii" in other - one
    parts = [names("x", kind=f"multipart/mixed; boundary={mark}") for mark in ("a1", '"b 2"')]
    assert "written:content-type multipart/mixed; boundary" in parts[0] & parts[1]


def test_it_is_cheap() -> None:
    words = [f"word{number * 7919 % 1_500:x}" for number in range(1_450)]
    letter = read(HEAD + b"\r\n" + " ".join(words).encode())
    assert len(letter.raw) > 10_000
    assert letter.text
    assert letter.links == ()
    assert letter.parts
    assert cost(lambda: tokens(letter), tries=9) < 0.004  # 1 ms on the machine it was written on


@pytest.mark.parametrize(
    "body",
    ["a" * 1_000_000, "a'" * 500_000, "$" * 1_000_000, "\u0301" * 300_000, "a\u0301" * 300_000],
)
def test_it_is_linear(body: str) -> None:
    letter = read(HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + body.encode())
    assert letter.text
    assert cost(lambda: tokens(letter), tries=2) < 0.5
