"""DNS lists as Postfix writes them."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.reception.listform import ListForm, ListFormError, parse, shown


def matches(text: str, answer: str) -> bool:
    return parse(text).matches(IPv4Address(answer))


def test_it_reads_a_bare_zone() -> None:
    assert parse("BL.Example.Org.") == ListForm("bl.example.org")
    assert matches("bl.example.org", "127.0.0.2")
    assert matches("bl.example.org", "127.9.9.9")
    assert not matches("bl.example.org", "192.0.2.1")


def test_it_takes_no_complaint_for_a_listing() -> None:
    for answer in ("127.0.0.255", "127.0.0.1"):
        assert not matches("bl.example.org", answer)
        assert matches(f"bl.example.org={answer}", answer)


def test_it_reads_filters_and_weights() -> None:
    form = parse("zen.example.org=127.0.0.[2..11]*2")
    assert (form.zone, form.weight) == ("zen.example.org", 2)
    assert [number for number in range(256) if form.matches(IPv4Address(f"127.0.0.{number}"))] == (
        list(range(2, 12))
    )
    assert not form.matches(IPv4Address("127.0.1.2"))
    assert parse("wl.example.org*-3").weight == -3


def test_it_reads_lists_of_numbers_in_brackets() -> None:
    form = parse("list.example.org=127.0.[0..255].[1..3;7;9]")
    assert form.matches(IPv4Address("127.0.200.7"))
    assert form.matches(IPv4Address("127.0.0.1"))
    assert not form.matches(IPv4Address("127.0.0.8"))
    assert not form.matches(IPv4Address("127.1.0.7"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "*2",
        "bl",
        "bl.example.org=",
        "bl.example.org*",
        "bl.example.org*0",
        "-.example.org=",
        "bl.example.org*two",
        "bl.example.org*9999",
        "bl.example.org=127.0.0",
        "bl..example.org",
        "bl.example.org=127.0.0.2.3",
        "bl.example.org=127.0.0.256",
        "bl.example.org=127.0.0.[5..2]",
        "bl.example.org=127.0.0.[",
        "bl.example.org=127.0.0.[]",
        "bl.example.org=127.0.0.[2..]",
        "bl.example.org=127.0.0.2*1*1",
        "bl.example.org=a.b.c.d",
        "bl.example.org=127.0.0.2.",
        "bl exa.org",
        "bl.example.org=127.0.0.[1;;2]",
        "x" * 70 + ".org",
        ("x" * 60 + ".") * 4 + "o",
        "bl.exämple.org",
        "http://bl.example.org",
        "bl.example.org=127.0.0.-1",
    ],
)
def test_it_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ListFormError):
        parse(text)


@given(st.text("127.0[];*=ab-", max_size=60))
def test_it_reads_or_refuses_whatever_it_is_given(text: str) -> None:
    try:
        form = parse(text)
    except ListFormError:
        return
    assert form.weight
    assert len(form.octets) in {0, 4}


@given(st.lists(st.integers(0, 255), min_size=4, max_size=4))
def test_it_matches_exactly_the_address_it_names(octets: list[int]) -> None:
    text = ".".join(map(str, octets))
    form = parse(f"bl.example.org={text}")
    assert form.matches(IPv4Address(text))
    other = [*octets[:3], (octets[3] + 1) % 256]
    assert not form.matches(IPv4Address(".".join(map(str, other))))


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("zen.spamhaus.org", "zen.spamhaus.org"),
        ("w3kaqjc4mdtvq5zqbhf2r7xnie.zen.dq.spamhaus.net", "zen.dq.spamhaus.net"),
        ("averyveryverylongdomainname.org", "averyveryverylongdomainname.org"),
        ("list.averyveryverylongdomainname.org", "list.averyveryverylongdomainname.org"),
        ("", ""),
    ],
)
def test_it_shows_nobody_the_key_of_a_customer(zone: str, words: str) -> None:
    assert shown(zone) == words
