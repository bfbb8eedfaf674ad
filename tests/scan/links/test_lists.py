"""Lists of domains, asked for a whole batch: with a real name server of the test's own."""

import json
import logging
from collections.abc import Iterator

import pytest
from django.test import override_settings

from apps.scan.base import Case, Finding, Reader
from apps.scan.links import lists
from apps.scan.links.lists import UrlLists
from tests.scan.cases import case
from tests.support.dns_server import DnsServer

ALICE = Reader(7, "alice@example.test", "alice@example.test", "example.test", 1)


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer() as server:
        zones = ("dbl.lists=127.0.1.[2..99]*4", "uri.lists*2")
        with override_settings(DNS_SERVERS=(server.endpoint,), URL_BLOCK_LISTS=zones):
            yield server


def letter(*links: str, author: str = "friend@friend.test", more: str = "") -> Case:
    body = "\r\n".join(links)
    raw = f"From: {author}\r\n{more}\r\nSee\r\n{body}\r\n"
    return case(ALICE, raw=raw.encode())


def found(one: Case) -> list[Finding]:
    (given,) = UrlLists().gather([one])
    assert json.loads(json.dumps(given)) == given
    return list(UrlLists().judge(one, given))


def asked(dns: DnsServer) -> set[str]:
    return {name for name, _ in dns.questions}


def test_it_says_which_lists_name_a_domain(dns: DnsServer) -> None:
    dns.add("evil.test.dbl.lists", "A", "127.0.1.2")
    dns.add("evil.test.uri.lists", "A", "127.0.0.2")
    dns.add("worse.test.uri.lists", "A", "127.0.0.2")
    (finding,) = found(letter("http://new.www.evil.test/x", "https://worse.test/", "http://a.test"))
    assert finding.rule == "LINK_LISTED"
    assert finding.points == 6.0
    assert (
        finding.words
        == "a domain in a link is listed: evil.test, worse.test by dbl.lists, uri.lists"
    )


def test_it_adds_no_more_than_so_much(dns: DnsServer) -> None:
    dns.add("evil.test.big.lists", "A", "127.0.0.2")
    with override_settings(URL_BLOCK_LISTS=("big.lists*50",)):
        (finding,) = found(letter("http://evil.test/"))
    assert finding.points == 8.0


def test_it_asks_about_targets_that_links_carry(dns: DnsServer) -> None:
    dns.add("evil.test.dbl.lists", "A", "127.0.1.4")
    (finding,) = found(letter("https://t.test/?u=https%3A%2F%2Fevil.test%2F"))
    assert finding.rule == "LINK_LISTED"


def test_it_asks_about_who_writes(dns: DnsServer) -> None:
    dns.add("thief.test.dbl.lists", "A", "127.0.1.4")
    (finding,) = found(letter(author="a@mail.thief.test"))
    assert (finding.rule, finding.points) == ("AUTHOR_LISTED", 4.0)
    (finding,) = found(letter(more="Reply-To: x@thief.test\r\n"))
    assert finding.rule == "AUTHOR_LISTED"


def test_it_asks_no_list_about_us_or_brands_or_what_is_no_domain(dns: DnsServer) -> None:
    links = ["https://www.example.test/", "http://203.0.113.7/", "https://www.paypal.com/x"]
    assert (
        found(letter(*links, "http://co.uk/", "https://intranet/", author="a@example.test")) == []
    )
    assert asked(dns) == set()


def test_it_believes_no_error(dns: DnsServer) -> None:
    dns.add("evil.test.dbl.lists", "A", "127.255.255.254")
    dns.add("evil.test.uri.lists", "A", "203.0.113.80")
    dns.add("test.test.uri.lists", "A", "127.0.0.1")
    assert found(letter("http://evil.test/", "http://test.test/")) == []


def test_it_asks_once_for_a_whole_batch_and_then_remembers(dns: DnsServer) -> None:
    cases = [letter("http://evil.test/", f"http://site{n}.test/") for n in range(30)]
    dns.add("evil.test.dbl.lists", "A", "127.0.1.2")
    gathered = UrlLists().gather(cases)
    assert all(one == {"links": [["evil.test", "dbl.lists", 4]]} for one in gathered)
    questions = of_lists(dns)
    assert questions.count("evil.test.dbl.lists") == 1
    assert UrlLists().gather(cases) == gathered
    assert of_lists(dns) == questions


def of_lists(dns: DnsServer) -> list[str]:
    """What was asked of lists; whether the server is there is asked besides."""
    return [name for name, _ in dns.questions if name.endswith(".lists")]


def test_it_bounds_what_one_message_has_us_ask(dns: DnsServer) -> None:
    found(letter(*(f"http://site{n}.test/" for n in range(200))))
    assert len({name for name in asked(dns) if name.endswith(".dbl.lists")}) <= lists.MOST + 2


def test_it_does_not_wait_for_a_list_that_is_silent(
    dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LIST_SECONDS", 0.2)
    dns.add("evil.test.uri.lists", "A", "127.0.0.2")
    dns.drop("evil.test.dbl.lists")
    dns.drop("slow.test.dbl.lists")
    dns.drop("slow.test.uri.lists")
    (finding,) = found(letter("http://evil.test/", "http://slow.test/"))
    assert finding.points == 2.0


def test_it_says_when_nothing_was_asked_in_time(
    dns: DnsServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def late(question: object, seconds: float) -> None:
        question.close()  # type: ignore[attr-defined]
        raise TimeoutError

    monkeypatch.setattr("apps.runtime.aside.run", late)
    caplog.set_level(logging.WARNING, "apps.scan")
    assert found(letter("http://evil.test/")) == []
    assert [one.message for one in caplog.records] == [
        "the lists of domains were not asked in time"
    ]


def test_it_shows_nobody_the_key_in_the_name_of_a_list(dns: DnsServer) -> None:
    dns.add("evil.test.w3kaqjc4mdtvq5zqbhf2r7xnie.dbl.lists", "A", "127.0.1.2")
    with override_settings(URL_BLOCK_LISTS=("w3kaqjc4mdtvq5zqbhf2r7xnie.dbl.lists",)):
        (finding,) = found(letter("http://evil.test/"))
    assert finding.words.endswith("by dbl.lists")


@override_settings(URL_BLOCK_LISTS=())
def test_it_asks_nothing_without_lists() -> None:
    assert UrlLists().gather([letter("http://evil.test/")]) == [None]
    assert UrlLists().judge(letter("http://evil.test/"), None) == []
