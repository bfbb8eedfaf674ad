"""Words that show one address over a link to another: lies, and what honest mail does."""

from dataclasses import replace

import pytest

from apps.scan.authors import author_of
from apps.scan.base import Reader
from apps.scan.links.lies import Ground, Lie, find
from apps.scan.links.redirects import targets
from apps.scan.urls import read
from tests.scan.cases import FORGED, case, judged

ALICE = Reader(7, "alice@example.test", "alice@example.test", "example.test", 1)
STRANGER = Ground("", is_bulk=False, ours=frozenset({"example.test"}))
BANK = replace(STRANGER, author="bank.com")
SENT_FOR = replace(STRANGER, author="letter.com", proven=frozenset({"letter.com", "mailer.net"}))
BULK = replace(STRANGER, author="letter.com", is_bulk=True)


def lie(text: str, href: str, ground: Ground = STRANGER) -> Lie | None:
    url = read(href)
    assert url is not None
    return find(text, url, targets(url), ground)


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("https://bank.com/login", "https://evil.net/"),
        ("www.bank.com", "http://203.0.113.5/"),
        ("bank.com/login", "https://bank.com.evil.net/"),
        ("Log in: https://bank.com", "https://bit.ly/x"),
        ("www.bank.com", "https://a.test/?u=https://evil.net"),
        ("paypal.com", "https://evil.net/"),
        ("example.test is full: https://mail.example.test", "https://evil.net"),
        ("https://bank.com", "file://evil.net/share"),
        ("www.paypal.com", "https://evil.net/?u=https://www.paypal.com/signin"),
        ("www.paypal.com", "https://evil.net/https://www.paypal.com/"),
        ("https://mail.example.test/", "https://evil.net/#https%3A%2F%2Fmail.example.test"),
        ("paypal.com/x", "https://evil.net/aHR0cHM6Ly93d3cucGF5cGFsLmNvbS8="),
    ],
)
def test_it_finds_a_lie(text: str, href: str) -> None:
    found = lie(text, href)
    assert found is not None
    assert found.is_bad


@pytest.mark.parametrize(
    ("text", "href", "ground"),
    [
        ("Click here", "https://evil.net", STRANGER),
        ("https://bank.com/login", "https://online.bank.com/x", STRANGER),
        ("https://bank.com/login", "https://t.test/?u=https%3A%2F%2Fbank.com", STRANGER),
        ("https://bank.com/", "https://eur01.safelinks.protection.outlook.com/?x", STRANGER),
        ("https://bank.com/", "https://click.mailer.net/abc", BANK),
        ("www.paypal.com", "https://www.google.com/url?q=https://www.paypal.com/", STRANGER),
        ("www.paypal.com", "https://click.letter.com/?u=https://www.paypal.com/", SENT_FOR),
        ("www.paypal.com", "https://t.mailer.net/?u=https://www.paypal.com/", SENT_FOR),
        ("https://example.test/x", "https://t.mailer.net/?u=https://example.test/x", SENT_FOR),
        ("https://bank.com", "mailto:info@bank.com", STRANGER),
        ("report.pdf", "https://files.net/1", STRANGER),
        ("203.0.113.5", "https://files.net/1", STRANGER),
    ],
)
def test_it_lets_honest_links_pass(text: str, href: str, ground: Ground) -> None:
    assert lie(text, href, ground) is None


@pytest.mark.parametrize(
    ("text", "ground", "is_bad"),
    [
        ("Booking.org", STRANGER, False),
        ("www.paper.com", BULK, False),
        ("www.paypal.com", BULK, True),
        ("https://example.test/inbox", BULK, True),
    ],
)
def test_it_weighs_what_may_be_honest(text: str, ground: Ground, is_bad: bool) -> None:
    assert lie(text, "https://click.mailer.net/abc", ground) == Lie(
        text.removeprefix("https://").partition("/")[0].lower(), is_bad
    )


@pytest.mark.parametrize(
    ("ground", "is_bad"),
    [(STRANGER, True), (replace(STRANGER, counters=frozenset({"count.net"})), True), (BULK, False)],
)
def test_it_believes_no_stranger_to_lead_where_a_link_says(ground: Ground, is_bad: bool) -> None:
    """A newsletter of a proven sender counts its clicks at hosts that sign nothing."""
    href = "https://t.count.net/?u=https://www.paypal.com/"
    assert lie("www.paypal.com", href, ground) == Lie("www.paypal.com", is_bad)
    assert lie("www.shop.com", "https://t.count.net/?u=https://shop.com/", ground) is None


def test_it_takes_nobody_at_the_word() -> None:
    """That a message calls itself a newsletter, or names its author, proves nothing."""
    raw = b"From: friend@friend.test\r\nList-Unsubscribe: <mailto:x@friend.test>\r\n\r\n"
    forged = case(ALICE, raw=raw, judgement={})
    assert Ground.of(forged, author_of(forged)) == STRANGER
    genuine = case(ALICE, raw=raw)
    ground = Ground.of(genuine, author_of(genuine))
    assert (ground.author, ground.is_bulk) == ("friend.test", True)
    assert "friend.test" in ground.proven
    thief = case(ALICE, raw=raw, judgement=judged(FORGED))
    forger = Ground.of(thief, author_of(thief))
    assert forger.author == ""
    assert "friend.test" not in forger.proven


def test_it_knows_where_clicks_are_counted() -> None:
    one = case(ALICE, judgement={})
    counter, other = read("https://count.net/1"), read("https://evil.net/1")
    assert counter is not None
    assert other is not None
    links = [
        ("www.shop.com", counter),
        ("https://books.org/x", counter),
        ("count.net", counter),
        ("www.bank.com", other),
        ("https://login.bank.com", other),
        ("here", other),
    ]
    ground = Ground.of(one, author_of(one), links)
    assert ground.counters == {"count.net"}
    assert lie("www.shop.com", "https://count.net/1", ground) == Lie("www.shop.com", False)
    assert lie("www.paypal.com", "https://count.net/1", ground) == Lie("www.paypal.com", True)
    assert lie("www.bank.com", "https://evil.net/1", ground) == Lie("www.bank.com", True)
