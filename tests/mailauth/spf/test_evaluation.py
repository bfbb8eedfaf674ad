"""check_host(): its limits, loops and bombs, and where it must not give up."""

import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import spf
from apps.mailauth.spf import record
from apps.mailauth.types import Client, Result, Spf
from tests.support.cost import spent
from tests.support.zones import Zones

IPV4 = "192.0.2.1"
IPV6 = "2001:db8::1"


async def check(
    zones: Zones, sender: str = "alice@example.org", *, address: str = IPV4, helo: str = "mail.test"
) -> Spf:
    return await spf.check_sender(Client(address, helo, sender, "mx.example.net"), zones)


def zones_with(text: str, **records: str) -> Zones:
    """example.org has this record; further names of TXT records by keyword, `_` is a dot."""
    zones = Zones()
    zones.add("example.org", "TXT", text)
    for name, other in records.items():
        zones.add(name.replace("_", "."), "TXT", other)
    return zones


@pytest.mark.parametrize(
    ("terms", "result"),
    [("a:x.example.org " * 10, Result.PASS), ("a:x.example.org " * 11, Result.PERMERROR)],
)
async def test_it_makes_ten_look_ups_and_no_eleventh(terms: str, result: Result) -> None:
    zones = zones_with(f"v=spf1 {terms}+all")
    zones.host("x.example.org", "198.51.100.1")
    found = await check(zones)
    assert found.result is result
    assert zones.count("x.example.org") == 10
    assert found.reason == ("more than 10 look-ups" if result is Result.PERMERROR else "")


async def test_it_counts_look_ups_over_all_records() -> None:
    zones = zones_with(
        "v=spf1 include:a.test include:b.test redirect=c.test",
        a_test="v=spf1 a:x.test a:x.test a:x.test a:x.test",
        b_test="v=spf1 a:x.test a:x.test a:x.test",
        c_test="v=spf1 ip4:192.0.2.1",
    )
    zones.host("x.test", "198.51.100.1")
    assert (await check(zones)).result is Result.PASS
    zones.add("b.test", "TXT", "v=spf1 a:x.test a:x.test a:x.test mx:x.test")
    assert (await check(zones)).reason == "more than 10 look-ups"


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 include:example.org -all",
        "v=spf1 redirect=example.org",
        "v=spf1 include:loop.test -all",
        "v=spf1 redirect=loop.test",
        "v=spf1 include:%{d} -all",
        "v=spf1 ?include:x.%{d} include:loop.test",
    ],
)
async def test_it_ends_loops(text: str) -> None:
    zones = zones_with(
        text,
        loop_test="v=spf1 ip4:198.51.100.1 include:example.org",
        x_example_org="v=spf1 redirect=%{d}",
    )
    found = await check(zones)
    assert (found.result, found.reason) == (Result.PERMERROR, "more than 10 look-ups")
    assert len(zones.questions) <= 11


async def test_it_asks_little_for_a_tree_of_includes() -> None:
    """Ten includes in each of ten records would be 10^10 questions."""
    zones = Zones()
    for number in range(11):
        below = " ".join(f"include:d{number + 1}-{one}.test" for one in range(10))
        for one in range(10):
            zones.add(f"d{number}-{one}.test", "TXT", f"v=spf1 {below} -all")
    found = await check(zones, "alice@d0-0.test")
    assert found.result is Result.PERMERROR
    assert len(zones.questions) == 11


@pytest.mark.parametrize(
    ("terms", "result"),
    [
        ("a:no1.test exists:no2.test", Result.NEUTRAL),
        ("a:no1.test exists:no2.test mx:no3.test", Result.PERMERROR),
        ("a:no1.test a:no1.test a:no1.test", Result.PERMERROR),
        ("exists:%{i}.no.test exists:%{i}.no.test ip4:192.0.2.1 mx:no.test", Result.PASS),
        ("mx:dead.test", Result.PERMERROR),
        ("mx:alive.test mx:alive.test mx:alive.test", Result.NEUTRAL),
    ],
)
async def test_it_takes_two_void_look_ups(terms: str, result: Result) -> None:
    zones = zones_with(f"v=spf1 {terms}")
    zones.add("dead.test", "MX", *(f"{number} mx{number}.dead.test." for number in range(5)))
    zones.add("alive.test", "MX", *(f"{number} mx{number}.alive.test." for number in range(5)))
    for number in range(5):
        zones.host(f"mx{number}.alive.test", IPV6)
    found = await check(zones)
    assert found.result is result
    assert zones.count("mx4.dead.test") == 0


async def test_it_forgives_mail_hosts_without_the_clients_family() -> None:
    zones = zones_with("v=spf1 mx -all")
    zones.add("example.org", "MX", *(f"{number} mx{number}.example.org." for number in range(10)))
    for number in range(10):
        zones.host(f"mx{number}.example.org", IPV4)
    assert (await check(zones, address=IPV6)).result is Result.FAIL


async def test_it_asks_for_ten_mail_hosts_and_not_for_eleven() -> None:
    zones = zones_with("v=spf1 mx -all")
    hosts = [f"{number} mx{number}.example.org." for number in range(11)]
    for number in range(10):
        zones.host(f"mx{number}.example.org", f"192.0.2.{10 - number}")
    zones.add("example.org", "MX", *hosts[:10])
    assert (await check(zones)).result is Result.PASS
    zones.add("example.org", "MX", *hosts)
    before = len(zones.questions)
    found = await check(zones)
    assert (found.result, found.reason) == (
        Result.PERMERROR,
        "example.org has more than 10 mail hosts",
    )
    assert len(zones.questions) == before + 2


async def test_it_asks_for_ten_names_of_an_address() -> None:
    zones = zones_with("v=spf1 ptr -all")
    zones.reverse(IPV4, *(f"h{number}.example.org" for number in range(200)))
    for number in (9, 10):
        zones.host(f"h{number}.example.org", IPV4)
    assert (await check(zones)).result is Result.PASS
    zones.remove("h9.example.org")
    assert (await check(zones)).result is Result.FAIL
    assert len([kind for _, kind in zones.questions if kind == "A"]) == 20


async def test_it_asks_for_the_names_of_an_address_once() -> None:
    zones = zones_with("v=spf1 exists:%{p}.a.test exists:%{p}.b.test ptr:c.test -all")
    zones.reverse(IPV4, "mail.example.org")
    zones.host("mail.example.org", IPV4)
    zones.host("mail.example.org.b.test", "127.0.0.2")
    assert (await check(zones)).mechanism == "exists:%{p}.b.test"
    assert [kind for _, kind in zones.questions].count("PTR") == 1


async def test_it_counts_the_names_of_an_address_as_a_look_up() -> None:
    """Section 4.6.4 names the macro too; an explanation is beyond counting."""
    zones = zones_with("v=spf1 " + "a:x.test " * 9 + "exists:%{p}.x.test +all")
    zones.host("x.test", "198.51.100.1")
    assert (await check(zones)).reason == "more than 10 look-ups"
    zones = zones_with("v=spf1 " + "a:x.test " * 10 + "-all exp=%{p}.why.test")
    zones.host("x.test", "198.51.100.1")
    zones.add("unknown.why.test", "TXT", "Who are you?")
    assert (await check(zones)).explanation == "Who are you?"


async def test_it_goes_on_when_the_names_of_an_address_cannot_be_had() -> None:
    """Section 5.5: a DNS error there is no error of the domain's."""
    zones = zones_with("v=spf1 ptr -all")
    zones.fail("1.2.0.192.in-addr.arpa")
    assert (await check(zones)).result is Result.FAIL
    zones.mend()
    zones.reverse(IPV4, "a.example.org", "b.example.org")
    zones.fail("a.example.org")
    zones.host("b.example.org", IPV4)
    assert (await check(zones)).result is Result.PASS


@pytest.mark.parametrize(
    ("names", "domain", "told"),
    [
        (["x.test", "example.org", "a.example.org"], "example.org", "example.org"),
        (["x.test", "a.example.org", "b.example.org"], "example.org", "a.example.org"),
        (["x.test", "y.test"], "example.org", "x.test"),
        (["badexample.org"], "example.org", "badexample.org"),
        ([], "example.org", "unknown"),
    ],
)
async def test_it_takes_the_name_that_fits_best(names: list[str], domain: str, told: str) -> None:
    zones = zones_with("v=spf1 -all exp=why.test", why_test="%{p}")
    zones.reverse(IPV4, *names)
    for name in names:
        zones.host(name, IPV4)
    assert (await check(zones, f"alice@{domain}")).explanation == told


@pytest.mark.parametrize(
    ("failing", "kind", "terms"),
    [
        ("example.org", "TXT", "-all"),
        ("x.test", "TXT", "include:x.test -all"),
        ("x.test", "TXT", "redirect=x.test"),
        ("x.test", "A", "a:x.test -all"),
        ("x.test", "A", "exists:x.test -all"),
        ("x.test", "MX", "mx:x.test -all"),
        ("mx.y.test", "A", "mx:y.test -all"),
    ],
)
async def test_it_says_temperror_when_the_dns_is_silent(
    failing: str, kind: str, terms: str
) -> None:
    zones = zones_with(f"v=spf1 {terms}")
    zones.mail("y.test")
    zones.fail(failing, kind)
    found = await check(zones)
    assert found.result is Result.TEMPERROR
    assert found.reason == f"{failing}: name servers answered SERVFAIL"


async def test_it_does_not_ask_beyond_a_match() -> None:
    zones = zones_with("v=spf1 ip4:192.0.2.0/24 a:x.test include:y.test redirect=z.test")
    zones.fail("x.test")
    assert (await check(zones)).result is Result.PASS
    assert zones.questions == [("example.org", "TXT")]


async def test_it_ends_cname_loops_and_follows_chains() -> None:
    zones = zones_with("v=spf1 a:a.test -all")
    zones.add("a.test", "CNAME", "b.test.")
    zones.add("b.test", "CNAME", "a.test.")
    assert (await check(zones)).result is Result.TEMPERROR
    zones.add("b.test", "CNAME", "c.test.")
    zones.host("c.test", IPV4)
    assert (await check(zones)).result is Result.PASS
    zones.add("alias.test", "CNAME", "example.org.")
    assert (await check(zones, "alice@alias.test")).result is Result.PASS


async def test_it_takes_the_one_record_among_other_texts() -> None:
    zones = Zones()
    zones.add(
        "example.org",
        "TXT",
        b"\xff\x00garbage",
        "google-site-verification=abc",
        "v=spf2.0/pra ?all",
        "v=spf1 -all",
        "",
        "v=spf10 +all",
    )
    assert (await check(zones)).result is Result.FAIL
    zones.more("example.org", "TXT", "v=spf1 -all")
    found = await check(zones)
    assert (found.result, found.reason) == (Result.PERMERROR, "example.org has 2 records")


@pytest.mark.parametrize(
    "text",
    [
        b"v=spf1 " + b"ip4:192.0.2.1 " * 5_000,
        b"v=spf1 " + b"a" * 65_000,
        b"v=spf1 -all\x00",
        b"v=spf1 \xf0\x9f\x92\xa3",
        b"v=spf1 a\r\nptr",
        b"v=spf1 include:" + b"x." * 200 + b"test/",
    ],
)
async def test_it_says_permerror_for_what_is_no_record(text: bytes) -> None:
    zones = Zones()
    zones.add("example.org", "TXT", text)
    found = await check(zones)
    assert found.result is Result.PERMERROR
    assert found.reason.startswith("the record of example.org: ")
    assert found.reason.isascii()
    assert found.reason.isprintable()
    assert len(found.reason) < 300


@pytest.mark.parametrize(
    ("terms", "result"),
    [
        ("a:x..test -all", Result.FAIL),
        (f"mx:{'x' * 64}.test -all", Result.FAIL),
        ("exists:%{h}.test -all", Result.FAIL),
        ("a:x..test a:x..test a:x..test -all", Result.FAIL),
        ("include:x..test +all", Result.PERMERROR),
        ("redirect=x..test", Result.PERMERROR),
        ("include:%{d1} +all", Result.PERMERROR),
        ("include:none.test +all", Result.PERMERROR),
    ],
)
async def test_it_asks_nothing_for_names_that_cannot_be(terms: str, result: Result) -> None:
    zones = zones_with(f"v=spf1 {terms}")
    assert (await check(zones, helo="h" * 64)).result is result
    assert {name for name, _ in zones.questions} <= {"example.org", "none.test"}


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ("include:none.test", "include of a domain without a record: none.test"),
        ("include:x..test", "include of a domain without a record: a name that DNS cannot have"),
        ("redirect=none.test", "redirect leads to a domain without a record: none.test"),
        ("redirect=%{d1}", "redirect leads to a domain without a record: org"),
    ],
)
async def test_it_tells_which_record_is_missing(terms: str, reason: str) -> None:
    found = await check(zones_with(f"v=spf1 {terms}"))
    assert (found.result, found.reason) == (Result.PERMERROR, reason)


@pytest.mark.parametrize(
    ("terms", "result"),
    [
        ("exists:%{l}._spf.test -all", Result.FAIL),
        ("include:%{L}._spf.test -all", Result.FAIL),
        ("-a:%{s}._spf.test +all", Result.PASS),
        ("ip4:198.51.100.1 redirect=%{l}._spf.test", Result.NEUTRAL),
        ("exists:%{o}._spf.test -all", Result.PASS),
    ],
)
async def test_it_skips_terms_of_a_local_part_that_is_not_ascii(terms: str, result: Result) -> None:
    """RFC 8616 section 4; the domain is asked for as A-labels."""
    zones = Zones()
    zones.add("xn--dmi-sna.fo.test", "TXT", f"v=spf1 {terms}")
    zones.host("xn--dmi-sna.fo.test._spf.test", "127.0.0.2")
    found = await check(zones, "andr\u00e9@d\u00f6mi.fo.test")
    assert (found.result, found.domain) == (result, "xn--dmi-sna.fo.test")
    assert all(name.isascii() for name, _ in zones.questions)


async def test_it_looks_up_what_a_local_part_makes() -> None:
    zones = zones_with("v=spf1 exists:%{l}._spf.%{d} -all")
    zones.host("o'brien+news=x._spf.example.org", "127.0.0.2")
    assert (await check(zones, "O'Brien+news=x@example.org")).result is Result.PASS
    assert (await check(zones, '"O\'Brien+news=x"@example.org')).result is Result.PASS
    assert (await check(zones, '"a\\"b c"@example.org')).result is Result.FAIL
    assert zones.questions[-1] == ('a"b c._spf.example.org', "A")


@pytest.mark.parametrize(
    ("address", "terms", "result"),
    [
        (IPV4, "ip4:192.0.2.0/24", Result.PASS),
        (IPV4, "ip4:192.0.3.0/23", Result.PASS),
        (IPV4, "ip4:192.0.2.2", Result.NEUTRAL),
        (IPV4, "ip4:0.0.0.0/0", Result.PASS),
        (IPV4, "ip6:::/0", Result.NEUTRAL),
        (IPV6, "ip4:0.0.0.0/0", Result.NEUTRAL),
        (IPV6, "ip6:2001:db8::/32", Result.PASS),
        (IPV6, "ip6:2001:db9::/31", Result.PASS),
        (IPV6, "ip6:2001:db9::/32", Result.NEUTRAL),
        ("::ffff:192.0.2.1", "ip4:192.0.2.1", Result.PASS),
        ("::ffff:192.0.2.1", "ip6:::ffff:192.0.2.1", Result.NEUTRAL),
        (IPV4, "a:both.test/31//128", Result.PASS),
        (IPV4, "a:both.test//0", Result.NEUTRAL),
        (IPV6, "a:both.test/0//127", Result.PASS),
        (IPV6, "a:both.test/0", Result.NEUTRAL),
        ("fe80::1%eth0", "ip6:fe80::1", Result.PASS),
    ],
)
async def test_it_compares_addresses_of_one_family(
    address: str, terms: str, result: Result
) -> None:
    zones = zones_with(f"v=spf1 {terms}")
    zones.host("both.test", "192.0.2.0", "2001:db8::")
    assert (await check(zones, address=address)).result is result


async def test_it_asks_for_one_family_only() -> None:
    zones = zones_with("v=spf1 a exists:x.test -all")
    zones.host("example.org", "198.51.100.1", "2001:db8::2")
    await check(zones, address=IPV6)
    assert zones.questions[1:] == [("example.org", "AAAA"), ("x.test", "A")]


@pytest.mark.parametrize(
    ("text", "explanation"),
    [
        (
            b"See http://%{d}/why?s=%{S};i=%{c}",
            "See http://example.org/why?s=alice%40example.org;i=192.0.2.1",
        ),
        (b"plain", "plain"),
        (b"", ""),
        (b"50% off", ""),
        (b"%{x}", ""),
        (b"a\r\n250 OK", ""),
        (b"\xe4\xf6", ""),
        (b"\x1b]0;title\x07", ""),
        (b"x" * 8_000, "x" * 400),
        (b"%{d}" * 16_000, ""),
    ],
)
async def test_it_tells_what_the_domain_says_of_a_fail(text: bytes, explanation: str) -> None:
    zones = zones_with("v=spf1 exp=why.test -all")
    zones.add("why.test", "TXT", text)
    found = await check(zones)
    assert (found.result, found.explanation) == (Result.FAIL, explanation)


async def test_it_asks_for_an_explanation_of_a_fail_only() -> None:
    for qualifier in "~?+":
        zones = zones_with(f"v=spf1 exp=why.test {qualifier}all", why_test="Because.")
        assert not (await check(zones)).explanation
        assert not zones.count("why.test")


async def test_it_names_the_mechanism_that_matched() -> None:
    zones = zones_with("v=spf1 ?include:x.test redirect=y.test", x_test="v=spf1 ip4:192.0.2.7")
    zones.add("y.test", "TXT", "v=spf1 ip4:192.0.2.8 ~all")
    assert (await check(zones, address="192.0.2.7")).mechanism == "?include:x.test"
    assert (await check(zones, address="192.0.2.8")).mechanism == "ip4:192.0.2.8"
    assert (await check(zones, address="192.0.2.9")).mechanism == "~all"
    zones.add("y.test", "TXT", "v=spf1")
    assert (await check(zones, address="192.0.2.9")).mechanism == "default"


QUESTIONS_MOST = 1 + 10 * 11 + 11 + 1  # a record, ten terms of ten hosts, names, an explanation

WORDS = (
    "a mx ptr exists:%{i}.x.test include:%{l}.y.test include:a.test mx:%{d2} exists:%{p}.test "
    "?a:%{h} redirect=b.test redirect=%{d} exp=why.%{d} -all ~ip4:192.0.2.0/24 ip6:2001:db8::/32 "
    "x=%{s} junk"
).split()


@given(
    st.randoms(use_true_random=False),
    st.sampled_from([IPV4, IPV6]),
    st.sampled_from(["alice@example.org", "", "%{d}@x.test", "\u00e9@example.org"]),
)
def test_it_ends_whatever_the_zones_hold(random: Random, address: str, sender: str) -> None:
    """Every name has records of every kind, of the stranger's choice."""

    def answer(name: str, kind: str) -> tuple[str | bytes, ...]:
        choice = Random(f"{name} {kind} {seed}")  # a name has the same records when asked again
        if choice.random() < 0.1:
            return ()
        if kind == "TXT":
            return (f"v=spf1 {' '.join(choice.choices(WORDS, k=choice.randrange(8)))}",)
        if kind in {"MX", "PTR"}:
            number = choice.randrange(12)
            return tuple(f"{'1 ' * (kind == 'MX')}h{one}.{name[-60:]}" for one in range(number))
        return (choice.choice([IPV4, "192.0.3.1"] if kind == "A" else [IPV6, "2001:db9::"]),)

    seed = random.random()
    zones = Zones(fallback=answer)
    found = asyncio.run(check(zones, sender, address=address, helo="mail.example.org"))
    assert len(zones.questions) <= QUESTIONS_MOST
    assert found.reason.isprintable()
    assert found.explanation.isprintable()
    assert found.result is not Result.POLICY


@given(st.lists(st.binary(max_size=60), max_size=3))
def test_it_has_a_result_for_any_texts(texts: list[bytes]) -> None:
    zones = Zones()
    zones.add("example.org", "TXT", *(b"v=spf1 " + text for text in texts))
    found = asyncio.run(check(zones))
    assert (found.result is Result.NONE) == (not texts)


@pytest.mark.parametrize(
    "terms",
    [
        "ip4:192.0.2.9 " * 500,
        "a" + " a" * 3_900,
        "exists:" + "%{S}" * 1_900 + ".test ",
        "x=" + "%{s}" * 1_900,
        "mx:" + "a." * 3_800 + "test",
    ],
    ids=lambda terms: terms[:12],
)
async def test_it_weighs_a_bomb_in_no_time(terms: str) -> None:
    """Ten records of 8 KB, each including the next: nobody else waits for it."""
    zones = Zones()
    for number in range(12):
        text = f"v=spf1 include:d{number + 1}.test {terms}"
        zones.add(f"d{number}.test", "TXT", text[: record.RECORD_MOST])
    with spent() as took:
        found = await check(zones, f"{'%' * 200}@d0.test")
    assert took.seconds < 2  # measured: 0.1 s
    assert found.result is Result.PERMERROR
