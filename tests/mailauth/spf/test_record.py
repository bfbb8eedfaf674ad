"""Records read: what the grammar allows, each mistake told, garbage and bombs in linear time."""

from contextlib import suppress
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth.spf import record
from apps.mailauth.spf.record import RECORD_MOST, SHOWN, Kind, RecordError
from apps.mailauth.types import Result
from tests.support.cost import cost


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (b"v=spf1", True),
        (b"v=spf1 ", True),
        (b"V=SpF1 -all", True),
        (b"v=spf10 -all", False),
        (b"v=spf1\t-all", False),
        (b"v=spf1-all", False),
        (b" v=spf1 -all", False),
        (b"v=spf2.0/pra -all", False),
        (b"v=spf1 \xff", True),
        (b"\xef\xbb\xbfv=spf1 -all", False),
        (b"", False),
    ],
)
def test_it_knows_a_record_by_its_version(text: bytes, is_one: bool) -> None:
    assert record.is_record(text) is is_one


def test_it_reads_every_mechanism() -> None:
    found = record.read(
        b"v=spf1  +a MX/24//64 -ip4:192.0.2.0/24 ~ip6:2001:db8::/32 ?include:%{d}.x.org "
        b"ptr:x.org exists:%{i}.x.org a:foo:bar/baz.x.org/0 mx:%{d}//0 all "
    )
    assert [one.kind for one in found.directives] == [
        Kind.A,
        Kind.MX,
        Kind.IP4,
        Kind.IP6,
        Kind.INCLUDE,
        Kind.PTR,
        Kind.EXISTS,
        Kind.A,
        Kind.MX,
        Kind.ALL,
    ]
    assert [one.result for one in found.directives[:5]] == [
        Result.PASS,
        Result.PASS,
        Result.FAIL,
        Result.SOFTFAIL,
        Result.NEUTRAL,
    ]
    _, mx, ip4, ip6, _, _, _, with_slash, last, _ = found.directives
    assert (mx.target, mx.bits4, mx.bits6) == (None, 24, 64)
    assert (ip4.network, ip4.bits4) == (int(ip_address("192.0.2.0")), 24)
    assert (ip6.network, ip6.bits6) == (int(ip_address("2001:db8::")), 32)
    assert with_slash.target is not None
    assert with_slash.target.tokens == ("foo:bar/baz.x.org",)
    assert with_slash.bits4 == 0
    assert (last.bits4, last.bits6) == (32, 0)
    assert ip4.text == "-ip4:192.0.2.0/24"


def test_it_reads_modifiers_wherever_they_stand() -> None:
    found = record.read(
        b"v=spf1 EXP=why.%{d} moo.cow-far_out=man:dog/cat redirect=x.org mx moo.cow-far_out=%{c}"
    )
    assert [one.kind for one in found.directives] == [Kind.MX]
    assert found.redirect is not None
    assert found.redirect.tokens == ("x.org",)
    assert found.explanation is not None
    assert found.explanation.letters == {"d"}


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("moo", "not a mechanism"),
        ("ipv4:192.0.2.1", "not a mechanism"),
        ("-all:x", "nothing may follow all"),
        ("all/8", "nothing may follow all"),
        ("-all.", "not a mechanism"),
        ("!a", "not a term"),
        ("=all", "not a term"),
        ("1up=foo", "not a term"),
        ("--all", "not a term"),
        ("-", "not a term"),
        ("include", "include needs a domain"),
        ("include:", "not a domain name"),
        ("include/24", "include needs a domain"),
        ("include:x.org/24", "not a domain name"),
        ("exists", "exists needs a domain"),
        ("exists:x.org//64", "not a domain name"),
        ("a:", "not a domain name"),
        ("a:x.org/33", "not longer than 32 bits"),
        ("a:x.org//129", "not longer than 128 bits"),
        ("a/024", "not a mechanism"),
        ("a/24/64", "not a mechanism"),
        ("a/", "not a mechanism"),
        ("a//", "not a mechanism"),
        ("a:192.0.2.1", "not a domain name"),
        ("mx:x.org:25", "not a domain name"),
        ("mx:%{d}/24/64", "not a domain name"),
        ("ptr/0", "not a mechanism"),
        ("ptr:", "not a domain name"),
        ("ip4", "not an IPv4 network"),
        ("ip4:", "not an IPv4 network"),
        ("ip4:192.0.2", "not an address"),
        ("ip4:192.0.2.256", "not an address"),
        ("ip4:192.0.02.1", "not an address"),
        ("ip4:192.0.2.1/33", "not longer than 32 bits"),
        ("ip4:192.0.2.1/032", "not an IPv4 network"),
        ("ip4:192.0.2.1//32", "not an IPv4 network"),
        ("ip4:192.0.2.1:25", "not an IPv4 network"),
        ("ip4:2001:db8::1", "not an IPv4 network"),
        ("ip4:%{i}", "not an IPv4 network"),
        ("ip6:", "not an IPv6 network"),
        ("ip6:192.0.2.1", "not an address"),
        ("ip6:2001:db8::1/129", "not longer than 128 bits"),
        ("ip6:2001:db8::1//64", "not an IPv6 network"),
        ("ip6::CAFE::BABE", "not an address"),
        ("ip6:fe80::1%eth0", "not an IPv6 network"),
        ("redirect:x.org", "not a mechanism"),
        ("redirect=", "not a domain name"),
        ("redirect=x.org/24", "not a domain name"),
        ("-redirect=x.org", "a modifier has no qualifier"),
        ("exp=-all", "not a domain name"),
        ("exp=%{c}.x.org", "for explanations only"),
        ("foo=%abc", "not a macro"),
        ("a,", "not a mechanism"),
        ("a:x.org,", "not a domain name"),
    ],
)
def test_it_tells_a_mistake_wherever_it_is(term: str, words: str) -> None:
    """Section 4.6: one mistake spoils the record, also behind what would have matched."""
    with pytest.raises(RecordError, match=f"^[^:]*{words}: ") as caught:
        record.read(f"v=spf1 ip4:192.0.2.1 -all {term}".encode())
    assert str(caught.value).endswith(term)


@pytest.mark.parametrize("name", ["exp", "redirect", "Redirect"])
def test_it_refuses_a_modifier_twice(name: str) -> None:
    with pytest.raises(RecordError, match="twice in one record"):
        record.read(f"v=spf1 {name.lower()}=x.org {name}=y.org".encode())


@pytest.mark.parametrize("octet", [b"\t", b"\r", b"\n", b"\x00", b"\x7f", b"\x80", b"\xc3\xa9"])
def test_it_refuses_what_is_not_printable_ascii(octet: bytes) -> None:
    with pytest.raises(RecordError, match="not printable ASCII"):
        record.read(b"v=spf1 a" + octet + b" -all")


def test_it_bounds_a_record() -> None:
    longest = b"v=spf1" + b" a" * ((RECORD_MOST - 6) // 2)
    assert len(record.read(longest).directives) == (RECORD_MOST - 6) // 2
    with pytest.raises(RecordError, match="longer than"):
        record.read(longest + b" a")


def test_it_bounds_what_it_tells_of_a_term() -> None:
    name = "x" * 5_000
    with pytest.raises(RecordError) as caught:
        record.read(f"v=spf1 {name}".encode())
    assert len(str(caught.value)) < SHOWN + 40
    (directive,) = record.read(f"v=spf1 exists:{name}.org".encode()).directives
    assert len(directive.text) == SHOWN + 3


@pytest.mark.parametrize(
    "term",
    [
        "a:" + "/1" * 4_000,
        "a:" + "/" * 8_000,
        "a/" + "1" * 8_000,
        "a:" + "x." * 4_000,
        "a:" + "%{d}" * 2_000 + "/24",
        "a:" + "-" * 8_000,
        "a:x." + "1" * 8_000,
        "a:x." + "1-" * 4_000,
        "a:%{d" + "1" * 8_000 + "}",
        "ip4:" + "1." * 4_000,
        "ip6:" + "1:" * 4_000,
        "ip6:" + ":" * 8_000,
        "x" * 8_000,
        "x" * 4_000 + "=" + "%%" * 2_000,
        "+" * 8_000,
        " " * 8_000,
        "a " * 4_000,
    ],
    ids=lambda term: f"{term[:6]}{len(term)}",
)
def test_it_reads_a_long_term_in_no_time(term: str) -> None:
    text = f"v=spf1 {term}"[:RECORD_MOST].encode()

    def read() -> None:
        with suppress(RecordError):
            record.read(text)

    assert cost(read) < 0.1


@given(st.binary(max_size=200))
def test_it_reads_any_octets_or_says_no(octets: bytes) -> None:
    mistake = ""
    try:
        record.read(b"v=spf1 " + octets)
    except RecordError as error:
        mistake = str(error)
    assert mistake.isascii()
    assert mistake.isprintable()


TERMS = st.lists(
    st.sampled_from(
        "a mx ptr all include exists ip4 ip6 redirect= exp= : / // 24 64 %{d} %{ir} x.org . "
        "192.0.2.1 2001:db8:: - + ~ ? = 0 %".split()
    ),
    max_size=8,
).map("".join)


@given(st.lists(TERMS, max_size=6))
def test_it_reads_any_terms_or_says_no(terms: list[str]) -> None:
    """Nothing is left out of what it reads, but modifiers that nobody knows."""
    try:
        found = record.read(f"v=spf1 {' '.join(terms)}".encode())
    except RecordError:
        return
    modifiers = [one for one in (found.redirect, found.explanation) if one is not None]
    known = [term for term in terms if "=" not in term or term.startswith(("redirect=", "exp="))]
    assert len(found.directives) + len(modifiers) == len([term for term in known if term])
