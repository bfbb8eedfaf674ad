"""Whose domain From names: the usual forms, and every trick known that shows readers another one.

security.md items 14 and 15. The tricks are those of published studies on how mail programs and
servers disagree (several fields, several addresses, routes, quoting, encoded words, controls).
"""

from contextlib import suppress
from email.headerregistry import HeaderRegistry
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import dmarc
from apps.mailauth.dmarc.authors import DOMAINS_MAX, SIZE_MAX, Author
from apps.mailauth.message import split
from apps.mime.addresslist import mailboxes
from tests.support.cost import cost


def _author(*values: bytes, name: bytes = b"From") -> Author:
    header = b"".join(name + b": " + value + b"\r\n" for value in values)
    return dmarc.author(split(b"Subject: x\r\n" + header + b"\r\nFrom: a@body.test\r\n"))


@pytest.mark.parametrize(
    "value",
    [
        b"a@bank.test",
        b"<a@bank.test>",
        b"A Name <a@bank.test>",
        b'"A, Name" <a@bank.test>',
        b'"a"@bank.test',
        b'"a b"@bank.test',
        b"a@BANK.Test.",
        b"a@bank.test...",
        b"<a@bank.test..>",
        b"a@bank.test . .",
        b"A. Name [x] 'y' <a@bank.test>",
        b"=?utf-8?q?A=2C_Name?= <a@bank.test>",
        b"\xc3\x89 <a@bank.test>",
        b"\xff\xfe <a@bank.test>",
        b"(comment (in \\) comment)) a@bank.test (A Name)",
        b"a@bank.test,",
        b"a@bank.test, b@bank.test",
        b"Name, A <a@bank.test>",
        b"Group: a@bank.test, b@bank.test;",
        b"A: Name <a@bank.test>",
        b"\r\n a@bank.test",
        b"A\r\n\tName\r\n <a@bank.test>",
        # Broken, and the same to whoever reads them.
        b"<a@bank.test",
        b'"a@bank.test',
        b"a@bank.test (A Name",
        b'\\"A\\" <a@bank.test>',
        b"mailto:a@bank.test",
        b"A Name <a@bank.test> x",
        # A name is no address, however it looks.
        b'"b@evil.test" <a@bank.test>',
        b"b@evil.test <a@bank.test>",
        b"=?utf-8?q?b=40evil=2Etest?= <a@bank.test>",
        b"a@bank.test (b@evil.test)",
    ],
)
def test_it_finds_the_domain_of_the_author(value: bytes) -> None:
    found = _author(value)
    assert found == Author(("bank.test",), True)
    assert found.domain == "bank.test"


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        (b"a@b\xc3\xbccher.test", "xn--bcher-kva.test"),
        (b"a@XN--BCHER-KVA.test", "xn--bcher-kva.test"),
        ("a@b\u00fccher\u3002test".encode(), "xn--bcher-kva.test"),
        ("a@\uff42ank.test".encode(), "bank.test"),
        (b"a@localhost", "localhost"),
        (b"a@_x.bank.test", "_x.bank.test"),
    ],
)
def test_it_writes_domains_in_one_way(value: bytes, domain: str) -> None:
    assert _author(value).domain == domain


@pytest.mark.parametrize(
    ("value", "domains"),
    [
        (b"a@evil.test, b@bank.test", {"evil.test", "bank.test"}),
        (b"a@evil.test; b@bank.test", {"evil.test", "bank.test"}),
        (b"G: a@evil.test; H: b@bank.test;", {"evil.test", "bank.test"}),
        (b"a@evil.test b@bank.test", {"evil.test", "bank.test"}),
        (b"<a@evil.test> <b@bank.test>", {"evil.test", "bank.test"}),
        (b"<a@evil.test> b@bank.test", {"evil.test", "bank.test"}),
        (b"<b@bank.test>, <a@evil.test>", {"evil.test", "bank.test"}),
        (b"<@bank.test,@x.test:a@evil.test>", {"evil.test", "bank.test", "x.test"}),
        (b"<@bank.test:a@evil.test>", {"evil.test", "bank.test"}),
        (b'"b@bank.test"@evil.test', {"evil.test", "bank.test"}),
        (b"b@bank.test@evil.test", {"evil.test", "bank.test"}),
        (b"b@bank.test\x00 <a@evil.test>", {"evil.test", "bank.test"}),
        (b"<b@bank.test\x00@evil.test>", {"evil.test", "bank.test"}),
        (b"b@bank.test\r <a@evil.test>", {"evil.test", "bank.test"}),
        (b"b@bank.test\x0b, a@evil.test", {"evil.test", "bank.test"}),
        (b'"b@bank.test <a@evil.test>', {"evil.test", "bank.test"}),
        (b"(b@bank.test <a@evil.test>", {"evil.test", "bank.test"}),
        (b"b@bank.test) <a@evil.test>", {"evil.test", "bank.test"}),
        (b'"x" <b@bank.test" <a@evil.test>', {"evil.test", "bank.test"}),
        (b"=?utf-8?b?Y2VvQGJhbmsudGVzdA==?=@evil.test", {"evil.test", "bank.test"}),
        (b"<=?utf-8?q?ceo=40bank.test?==?utf-8?q?=00?=@evil.test>", {"evil.test", "bank.test"}),
        # One domain, and yet nobody's: it is not where programs look for it.
        (b"=?utf-8?q?ceo=40bank=2Etest?=", {"bank.test"}),
        (b"=?utf-8?b?PGNlb0BiYW5rLnRlc3Q+?=", {"bank.test"}),
        (b"=?utf-8?q?a=40b.test?= =?utf-8?q?a?=", {"b.testa", "b.test"}),
        (b"ceo\xef\xbc\xa0bank.test", {"bank.test"}),
        (b"a @ bank . test", {"bank.test", "bank"}),
        (b"a@bank.test\x00", {"bank.test"}),
        (b"a@bank.test, b@[192.0.2.1]", {"bank.test"}),
        (b"a@bank.test, b@-", {"bank.test"}),
        (b"a@bank.test, b@" + b"x" * 64 + b".test", {"bank.test"}),
    ],
)
def test_it_believes_nobody_where_readers_may_disagree(value: bytes, domains: set[str]) -> None:
    found = _author(value)
    assert found.domain == ""
    assert found.reason
    assert set(found.domains) == domains


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" ",
        b"\r\n ",
        b"A Name",
        b"<>",
        b"A Name <>",
        b"undisclosed:;",
        b"@",
        b"a@",
        b"a@-",
        b"a@bank..test",
        b"a@.",
        b"a@[192.0.2.1]",
        b"a@[IPv6:::1]",
        b"a@b\xff.",
        b"\x00",
        b"()",
        b'""',
    ],
)
def test_it_finds_nobody(value: bytes) -> None:
    found = _author(value)
    assert found.domain == ""
    assert found.domains == ()
    assert found.reason


def test_it_finds_nobody_without_a_from_field() -> None:
    assert _author() == Author(reason="there is no From field")
    assert dmarc.author(split(b"")).domain == ""


@pytest.mark.parametrize("name", [b"From", b"FROM", b"from ", b"From\t"])
def test_it_counts_fields_in_any_spelling(name: bytes) -> None:
    raw = b"From: a@bank.test\r\n" + name + b": b@evil.test\r\n\r\n"
    for one in (raw, raw.replace(b"bank", b"x").replace(b"evil", b"bank").replace(b"x", b"evil")):
        found = dmarc.author(split(one))
        assert found.domain == ""
        assert set(found.domains) == {"bank.test", "evil.test"}
        assert not found.is_plain


def test_it_believes_no_one_twice() -> None:
    # A genuine signed field, and one that somebody put above it.
    found = _author(b"a@bank.test", b"ceo@bank.test")
    assert (found.domain, found.domains, found.is_plain) == ("", ("bank.test",), False)


def test_it_looks_at_some_domains_only() -> None:
    at_most = b", ".join(b"a@d%d.test" % number for number in range(DOMAINS_MAX))
    assert not _author(at_most).is_crowd
    crowd = _author(at_most + b", a@one-more.test")
    assert crowd.is_crowd
    assert len(crowd.domains) == DOMAINS_MAX
    assert crowd.domain == ""
    assert _author(at_most, b"a@one-more.test").is_crowd


def test_it_reads_no_endless_field() -> None:
    long = b'"' + b"x" * (SIZE_MAX - 30) + b'" <a@bank.test>'
    assert _author(long).domain == "bank.test"
    assert _author(long + b" " * 20 + b"," * 20).is_crowd
    assert _author(b"a@bank.test" + b" " * 30, long).is_crowd


def _shown_by_python(text: str) -> set[str]:
    header: Any = HeaderRegistry()("From", text)
    return {one.domain for one in header.addresses}


PIECES = (
    b"ceo@bank.test",
    b"<ceo@bank.test>",
    b"eve@evil.test",
    b"<eve@evil.test>",
    b'"',
    b"(",
    b")",
    b"<",
    b">",
    b",",
    b";",
    b":",
    b"@",
    b"\\",
    b" ",
    b"\x00",
    b"\r\n ",
    b"x",
    b".",
    b"=?utf-8?q?ceo=40bank.test?=",
    b"=?utf-8?q?=2C?=",
    b"Name",
)


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_it_never_overlooks_what_other_readers_find(pieces: list[bytes]) -> None:
    """If any of the readers is shown an address of the bank, the bank is the author or is asked."""
    value = b"".join(pieces)
    found = _author(value)
    text = value.replace(b"\r\n", b"").decode("utf-8", "replace")
    shown = {(one.host or b"").decode("utf-8", "replace") for one in mailboxes(value)}
    if "@" not in text.partition("<")[0]:
        # Python's readers take `ceo@bank.test <eve@evil.test>` for the bank's: programs do not.
        shown.add(parseaddr(text)[1].rpartition("@")[2])
        with suppress(Exception):  # of its own, of many kinds, for what is no address
            shown.update(_shown_by_python(text))
    if "bank.test" in {one.strip(" .") for one in shown}:
        assert "bank.test" in found.domains
        assert found.domain in {"", "bank.test"}


@given(st.binary(max_size=200))
def test_it_never_fails(value: bytes) -> None:
    found = _author(value.replace(b"\r\n", b""))
    assert bool(found.domain) is not bool(found.reason)
    assert found.domain in ("", *found.domains)


def test_it_judges_by_what_is_shown() -> None:
    text = "A <a@bank.test>, (b@evil.test) B <b@bank.test>"
    assert _shown_by_python(text) == {"bank.test"}
    assert {one.host for one in mailboxes(text.encode())} == {b"bank.test"}
    assert _author(text.encode()).domain == "bank.test"


@pytest.mark.parametrize(
    "piece",
    [
        b"(",
        b"()",
        b"\\",
        b'"',
        b'"a" ',
        b'"\\',
        b"a@",
        b"@,",
        b"a@b.c,",
        b"a@\xc3\xa9_,",
        b"<",
        b"=?utf-8?q?a=40b?= ",
        b"a\x00@b",
        b" ",
        b"\r\n ",
        b"<a@b.c>",
        b"a:",
    ],
)
def test_it_takes_no_time_over_garbage(piece: bytes) -> None:
    value = (piece * SIZE_MAX)[: SIZE_MAX - 4]
    assert cost(lambda: _author(value.rstrip(b"\r\n"))) < 0.25
