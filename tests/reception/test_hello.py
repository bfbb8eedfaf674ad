"""Names in HELO: which are suspicious, and which are ours."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.reception.hello import (
    BARE_IP,
    LITERAL,
    LONGEST,
    MALFORMED,
    NOT_FQDN,
    WRONG_LITERAL,
    Existence,
    exists,
    pretends,
    read,
    unresolvable,
)
from apps.resolver.base import Resolver
from tests.support.zones import Zones

CLIENT = "198.51.100.7"


def words(name: str, client: str = CLIENT) -> list[str]:
    return [one.word for one in read(name, client).suspicions]


@pytest.mark.parametrize(
    "name",
    [
        "mx.example.org",
        "MX.Example.ORG.",
        "a-b.c--d.example.org",
        "xn--bcher-kva.example",
        "1.2.example.org",
        "x" * 63 + ".example.org",
    ],
)
def test_it_finds_nothing_in_an_honest_name(name: str) -> None:
    assert words(name) == []
    assert read(name, CLIENT).is_worth_asking


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("localhost", NOT_FQDN),
        ("WIN-4N1ABC", NOT_FQDN),
        ("localhost.localdomain", NOT_FQDN),
        ("printer.lan", NOT_FQDN),
        ("desktop.local.", NOT_FQDN),
        ("example.123", NOT_FQDN),
        ("198.51.100.7", BARE_IP),
        ("203.0.113.9", BARE_IP),
        ("2001:db8::1", BARE_IP),
        ("[198.51.100.7]", LITERAL),
        ("[203.0.113.9]", WRONG_LITERAL),
        ("[IPv6:2001:db8::1]", WRONG_LITERAL),
        ("[example.org]", MALFORMED),
        ("[]", MALFORMED),
        ("[198.51.100.7", MALFORMED),
        ("_spf.example.org", MALFORMED),
        ("-a.example.org", MALFORMED),
        ("a..example.org", MALFORMED),
        (".", MALFORMED),
        ("exämple.org", MALFORMED),
        ("example.org\r\nX", MALFORMED),
        ("x" * 64 + ".example.org", MALFORMED),
        ("a." * 200 + "org", MALFORMED),
    ],
)
def test_it_tells_what_is_wrong_with_others(name: str, word: str) -> None:
    assert words(name) == [word]
    assert not read(name, CLIENT).is_worth_asking


def test_it_reads_literals_of_ipv6() -> None:
    assert words("[IPv6:2001:DB8::1]", "2001:db8::1") == [LITERAL]
    assert words("[ipv6:2001:db8:0::1]", "2001:db8::1") == [LITERAL]
    assert words("[2001:db8::1]", "2001:db8::1") == [LITERAL]  # without its tag, as some write it
    assert words("[::ffff:198.51.100.7]") == [LITERAL]


@given(st.text(max_size=400))
def test_it_quotes_names_printable_and_short(name: str) -> None:
    found = read(name, CLIENT)
    assert len(found.text) <= LONGEST
    assert all(" " < letter < "\x7f" for letter in found.text)
    for one in found.suspicions:
        assert one.text.isprintable()
        assert len(one.text) < LONGEST + 80


async def test_it_asks_whether_a_name_exists() -> None:
    zones = Zones()
    zones.host("mx.example.org", CLIENT)
    zones.mail("example.net", "203.0.113.9")
    zones.fail("sick.example")
    assert await exists("mx.example.org", zones) is Existence.YES
    assert await exists("example.net", zones) is Existence.YES  # takes mail
    assert await exists("sick.example", zones) is Existence.UNSURE
    assert await exists("gone.example", zones) is Existence.NO
    name = read("gone.example", CLIENT)
    assert unresolvable(name, Existence.YES) is unresolvable(name, Existence.UNSURE) is None
    told = unresolvable(name, Existence.NO)
    assert told is not None
    assert "gone.example" in told.text


class Us:
    hostname = "mail.example.test"

    def __init__(self, zones: Zones) -> None:
        self.resolver: Resolver = zones


@pytest.mark.parametrize(
    ("name", "client", "does"),
    [
        ("mail.example.test", CLIENT, True),
        ("MAIL.example.TEST.", CLIENT, True),
        ("[203.0.113.1]", CLIENT, True),  # as others know us
        ("203.0.113.1", CLIENT, True),
        ("[10.0.0.1]", CLIENT, True),  # as it sees us
        ("[203.0.113.2]", CLIENT, False),
        ("mx.example.org", CLIENT, False),
        ("mail.example.test", "203.0.113.1", False),  # us, by our public address
        ("[203.0.113.1]", "203.0.113.1", False),
    ],
)
async def test_it_knows_who_pretends_to_be_us(name: str, client: str, does: bool) -> None:
    zones = Zones()
    zones.host("mail.example.test", "203.0.113.1")
    here = ip_address("10.0.0.1")
    found = await pretends(read(name, client), ip_address(client), here, Us(zones))
    assert found is does


async def test_it_believes_who_says_our_name_while_the_dns_is_away() -> None:
    zones = Zones()
    zones.fail()
    client, here = ip_address(CLIENT), ip_address("10.0.0.1")
    assert not await pretends(read("mail.example.test", CLIENT), client, here, Us(zones))
    assert await pretends(read("[10.0.0.1]", CLIENT), client, here, Us(zones))
    assert not await pretends(read("[203.0.113.1]", CLIENT), client, here, Us(zones))


async def test_it_knows_our_name_though_it_is_not_in_the_dns() -> None:
    client, here = ip_address(CLIENT), ip_address("10.0.0.1")
    assert await pretends(read("mail.example.test", CLIENT), client, here, Us(Zones()))
