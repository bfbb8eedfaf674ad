"""What is found in the links of whole messages."""

import base64
import json

import pytest

from apps.scan.base import Case, Reader
from apps.scan.links import rules
from apps.scan.links.check import MOST, Links, followed
from apps.scan.rulebook import Rule
from tests.scan.cases import case
from tests.support.cost import cost

ALICE = Reader(7, "alice@example.test", "a.lice@example.test", "example.test", 1)
BOB = Reader(8, "bob@example.test", "bob@example.test", "example.test", 1)
HEAD = b"From: friend@friend.test\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
WORDS = "<p>Some words that people write to each other, so that it is no bare link at all.</p>"


def html(body: str) -> Case:
    return case(ALICE, BOB, raw=HEAD + f"<html><body>{WORDS}{body}</body></html>".encode())


def found(one: Case) -> dict[str, str]:
    (given,) = Links().gather([one])
    assert given is None
    findings = Links().judge(one, given)
    names = [one.rule for one in findings]
    assert len(names) == len(set(names)), "each rule once"
    return {one.rule: one.words for one in findings}


@pytest.mark.parametrize(
    ("href", "rule", "words"),
    [
        ("http://203.0.114.5/", rules.TO_ADDRESS, "a link leads to the address 203.0.114.5"),
        ("http://0xcb007105/", rules.ODD_ADDRESS, "a link leads to 203.0.113.5, written so that"),
        (
            "http://bank.com:x@evil.net/",
            rules.WITH_USER,
            'a link to evil.net begins with "bank.com"',
        ),
        ("http://evil.net:8081/", rules.ODD_PORT, "a link leads to port 8081 of evil.net"),
        ("https://bit.ly/1", rules.SHORTENED, "a link is of the shortener bit.ly"),
        ("https://x.pages.dev/", rules.FREE_HOST, "a link leads to x.pages.dev, where anybody"),
        (
            "https://www.google.com/url?q=https://evil.net",
            rules.REDIRECTED,
            "a link leads by way of www.google.com to evil.net",
        ),
        (
            "DATA:text/html;base64,PGI+",
            rules.CODE,
            "a link holds a page or a program itself (data:)",
        ),
        ("java\nscript:alert(1)", rules.CODE, "(javascript:)"),
        ("\\\\evil.net\\share", rules.TO_SHARE, "a link leads to file: on evil.net"),
        ("search-ms:query=x&crumb=y", rules.TO_SHARE, "a link leads to search-ms:"),
        (
            "https://evil.net/a/Setup.exe?x=y",
            rules.TO_PROGRAM,
            "a link leads to Setup.exe on evil.net",
        ),
        (
            "https://www.bank.com.evil.net/",
            rules.DECOY,
            "the host www.bank.com.evil.net is of evil.net",
        ),
        (
            "https://bank.com-login.net/",
            rules.DECOY,
            "the host bank.com-login.net is of com-login.net",
        ),
    ],
)
def test_it_finds_what_is_wrong_with_an_address(href: str, rule: Rule, words: str) -> None:
    seen = found(html(f'<a href="{href}">here</a>'))
    assert set(seen) == {rule.name}
    assert words in seen[rule.name]


@pytest.mark.parametrize(
    "href",
    [
        "https://example.org/a?b=c#d",
        "mailto:info@example.org",
        "tel:+49",
        "#top",
        "cid:1",
        "http://192.168.1.1:631/",
        "https://www.example.com.br/",
        "https://example.org:8443/x",
        "https://a.test/?u=https%3A%2F%2Fb.test",
        "https://www.google.com/maps?q=x",
        "https://www.net-watch.org/",
        "https://www.google.com/url?q=https://docs.google.com/x",
        "https://x.test/#section-2",
    ],
)
def test_it_finds_nothing_wrong_with_an_honest_address(href: str) -> None:
    assert found(html(f'<a href="{href}">here</a>')) == {}


def test_it_looks_at_the_targets_that_links_carry() -> None:
    seen = found(html('<a href="https://t.test/?u=http%3A%2F%2F0x7f.1%2Fa.exe">x</a>'))
    assert set(seen) == {"LINK_ODD_ADDRESS", "LINK_TO_PROGRAM"}


def test_it_looks_at_links_in_plain_text() -> None:
    raw = b"From: a@b.test\r\n\r\n" + b"many words " * 20 + b"\r\nhttp://user@0x7f000001/x\r\n"
    assert set(found(case(ALICE, raw=raw))) == {"LINK_ODD_ADDRESS", "LINK_WITH_USER"}


def test_it_tells_lies_from_what_may_be_honest() -> None:
    lie = '<a href="https://evil.net/x">https://www.bank.com/login</a>'
    assert found(html(lie)) == {"LINK_TEXT_LIES": "a link shows www.bank.com and leads to evil.net"}
    name = '<a href="https://evil.net/x">Booking.org</a>'
    assert set(found(html(name))) == {"LINK_TEXT_DIFFERS"}
    assert set(found(html(lie + name))) == {"LINK_TEXT_LIES"}


def test_it_does_not_hold_its_own_hosts_against_a_proven_author() -> None:
    raw = (
        HEAD.replace(b"friend.test", b"bit.ly")
        + f"{WORDS}<a href='https://bit.ly/x'>x</a>".encode()
    )
    assert set(found(case(ALICE, raw=raw, judgement={}))) == {"LINK_SHORTENED"}
    proof = {"authentication": {"dkim": [{"result": "pass", "domain": "bit.ly"}]}}
    assert found(case(ALICE, raw=raw, judgement=proof)) == {}


def test_it_counts_examples() -> None:
    seen = found(html("".join(f'<a href="http://0x7f.{n}/">x</a>' for n in range(5)) * 2))
    assert seen["LINK_ODD_ADDRESS"].endswith(", and 4 more")


def test_it_looks_only_at_what_a_reader_can_follow() -> None:
    body = (
        '<img src="http://0x7f.1/a.png"><script src="http://0x7f.2/"></script>'
        '<div style="display:none"><a href="http://0x7f.3/">x</a></div><a href="http://0x7f.4/"></a>'
    )
    assert found(html(body)) == {}


def test_it_sees_forms() -> None:
    body = '<form action="https://evil.net/take"><input type="password"></form>'
    assert found(html(body)) == {"LINK_FORM": "a form in the message is sent to evil.net"}


@pytest.mark.parametrize(
    "fragment",
    [
        "a.lice@example.test",
        "A.Lice%40example.test",
        "email=alice@example.test",
        "/x/" + base64.b64encode(b"alice@example.test").decode(),
        base64.b64encode(b"alice@example.test").decode().rstrip("="),
    ],
)
def test_it_sees_a_page_that_is_told_whom_it_robs(fragment: str) -> None:
    one = html(f'<a href="https://evil.net/x#{fragment}">x</a>')
    (finding,) = Links().judge(one, None)
    assert finding.rule == "LINK_NAMES_READER"
    assert finding.reader == ALICE.user_id
    assert "a.lice@example.test" in finding.words


def test_it_does_not_mind_an_address_in_a_query() -> None:
    """Every newsletter has one there: the link to leave it."""
    assert found(html('<a href="https://news.test/leave?who=alice@example.test">x</a>')) == {}


def test_it_gathers_what_json_keeps() -> None:
    cases = [html(""), html("<a href='https://bit.ly/1'>x</a>")]
    gathered = Links().gather(cases)
    assert json.loads(json.dumps(gathered)) == gathered


def bait(*, links: int, href: str) -> Case:
    return html("".join(f'<a href="{href}{n}">www.bank.com/{n}</a>' for n in range(links)))


@pytest.mark.parametrize(
    "href",
    [
        "https://www.google.com/url?q=" + "https%3A%2F%2Fa.test%2F" * 20,
        "http://" + "a." * 60 + "test/",
        "http://x.test/#" + "YWJj=" * 80,
        "http://x.test/" + "aHR0c" * 80,
        "http://" + "%2e" * 80,
        "http://x.test/?" + "[a] " * 80,
        "http://" + "\u0430" * 60 + ".test/",
    ],
)
def test_it_takes_a_bounded_time_for_five_hundred_baits(href: str) -> None:
    one = bait(links=500, href=href)
    _ = one.letter.links
    assert len(followed(one)) <= MOST
    assert cost(lambda: Links().judge(one, None), tries=2) < 1.0


@pytest.mark.parametrize(
    "body",
    [
        b"[a] " * 200 + b" " * 100_000,
        b" ".join(b"http://www.a.test/%d?" % number + b"(" * 300 for number in range(500)),
        b"www." * 250_000,
        b"http://" * 150_000,
        b"<" * 1_000_000,
        b"<a href='http://" * 60_000,
        b"<a href='http://a.test/" + b"%25" * 300_000 + b"'>www.bank.com</a>",
        b"<a href='http://a.test'>" + b"www." * 250_000 + b"</a>",
        b"a@" * 300_000,
    ],
    ids=["brackets", "baits", "www", "schemes", "less", "anchors", "percent", "words", "signs"],
)
@pytest.mark.parametrize("kind", [b"plain", b"html"])
def test_it_is_not_tied_up_by_what_ties_up_expressions(kind: bytes, body: bytes) -> None:
    head = b"From: a@b.test\r\nSubject: " + b"Re: " * 20_000 + b"\r\n"
    raw = head + b"Content-Type: text/" + kind + b"\r\n\r\n" + body
    check = Links()
    assert cost(lambda: check.judge(case(ALICE, raw=raw), None), tries=2) < 1.0


def test_it_is_quick_with_ordinary_mail() -> None:
    one = bait(links=20, href="https://www.example.org/articles/2026/")
    _ = one.letter.links
    assert cost(lambda: Links().judge(one, None)) < 0.005
