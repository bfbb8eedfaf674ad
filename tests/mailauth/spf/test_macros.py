"""Macros: the examples of RFC 7208 section 7.4, what is none, and that filling in is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth.spf import macros
from apps.mailauth.spf.macros import (
    EXPLANATION_MOST,
    NAME_MOST,
    MacroError,
    explain,
    read_domain,
    read_text,
    target_name,
)
from tests.support.cost import cost

VALUES = {
    "s": "strong-bad@email.example.com",
    "l": "strong-bad",
    "o": "email.example.com",
    "d": "email.example.com",
    "i": "192.0.2.3",
    "p": "mx.example.org",
    "v": "in-addr",
    "h": "mail.example.com",
    "c": "192.0.2.3",
    "r": "mx.example.net",
    "t": "1700000000",
}
IPV6 = "2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b.0.1"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        (
            "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
            "bad.strong.lp.3.2.0.192.in-addr._spf.example.com",
        ),
        (
            "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
            "3.2.0.192.in-addr.strong.lp._spf.example.com",
        ),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    ],
)
def test_it_expands_the_examples_of_the_rfc(text: str, name: str) -> None:
    assert target_name(read_domain(text), VALUES) == name


def test_it_expands_the_ipv6_example_of_the_rfc() -> None:
    values = VALUES | {"i": IPV6, "v": "ip6"}
    assert target_name(read_domain("%{ir}.%{v}._spf.%{d2}"), values) == (
        "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("%{D2}", "example.com"),
        ("%{dR}", "com.example.email"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{d00002}", "example.com"),
        ("%{d99999999999999999999}", "email.example.com"),
        ("%{l.-+,/_=}", "strong.bad"),
        ("mail.example.org.", "mail.example.org"),
        ("a%%b%_c%-d.example.org", "a%b c%20d.example.org"),
        ("x.%%", "x.%"),
        ("foo:bar/baz.example.org", "foo:bar/baz.example.org"),
        ("%{l}.xn--zckzah", "strong-bad.xn--zckzah"),
        ("x.1-2", "x.1-2"),
    ],
)
def test_it_reads_what_the_grammar_allows(text: str, name: str) -> None:
    assert target_name(read_domain(text), VALUES) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "museum",
        "museum.",
        "example.-com",
        "example.com-",
        "example.123",
        "192.0.2.1",
        "example.com:8080",
        "example.com/24",
        "example.co_m",
        "example..",
        "%{d}com",
        "%{d}/24x",
        "%",
        "x.%",
        "%d.org",
        "%(d).org",
        "%{}.org",
        "%{a}.org",
        "%{d0}",
        "%{d000}",
        "%{d2x}",
        "%{rd}",
        "%{s@}.x.org",
        "%{d.r}.x.org",
        "%{h}.",
        "%{d",
        "%{c}.org",
        "%{R}.org",
        "%{t}.org",
        "a b.org",
        "a\tb.org",
        "é.org",
        "a\x00.org",
        "%{d}.org\n",
        "%{\u017f}.org",
        "example.\u212aom",
    ],
)
def test_it_refuses_what_is_no_domain(text: str) -> None:
    with pytest.raises(MacroError):
        read_domain(text)


def test_it_reads_explanations_with_spaces_and_all_letters() -> None:
    template = read_text("%{c} is no host of %{d}, says %{r} at %{t}%%.")
    assert explain(template, VALUES) == (
        "192.0.2.3 is no host of email.example.com, says mx.example.net at 1700000000%."
    )
    assert explain(read_text(""), VALUES) == ""
    with pytest.raises(MacroError):
        read_text("50% off")


def test_it_explains_nothing_with_what_is_not_printable_ascii() -> None:
    for value in ("jos\u00e9", "a\r\nb", "\x1b[31m"):
        assert explain(read_text("%{l}"), VALUES | {"l": value}) == ""
    assert explain(read_text("%{L}"), VALUES | {"l": "a\r\nb"}) == "a%0D%0Ab"


def test_it_bounds_an_explanation() -> None:
    assert len(explain(read_text("x" * 5_000), VALUES)) == EXPLANATION_MOST
    assert len(explain(read_text("%{s}" * 2_000), VALUES)) == EXPLANATION_MOST


def test_it_cuts_whole_labels_from_the_left_of_a_long_name() -> None:
    """Section 7.3, at the border: 253 characters are a name, 254 are not."""
    labels = ".".join(["x" * 49] * 5)  # 249
    assert target_name(read_domain(f"abc.{labels}"), VALUES) == f"abc.{labels}"
    assert target_name(read_domain(f"abcd.{labels}"), VALUES) == labels
    assert target_name(read_domain(f"%{{l}}.abcd.{labels}."), VALUES) == labels
    assert target_name(read_domain(f"%{{l}}.abc.{labels}."), VALUES) == f"abc.{labels}"
    assert target_name(read_domain(f"%{{i}}{'x' * 300}.%{{d1}}"), VALUES) == "com"
    assert not target_name(read_domain(f"{'x' * 300}%{{d1}}"), VALUES)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("example.org", True),
        ("a" * 63 + ".org", True),
        ("a" * 64 + ".org", False),
        ("", False),
        (".org", False),
        ("a..org", False),
        ("a.org.", False),
        (".".join(["x" * 49] * 5) + ".abc", True),
        (".".join(["x" * 49] * 5) + ".abcd", False),
    ],
)
def test_it_knows_what_dns_can_have(name: str, is_one: bool) -> None:
    assert macros.is_name(name) is is_one


def test_it_fills_in_a_bomb_in_no_time() -> None:
    """A record of 8 KB full of macros, each worth a long address."""
    values = VALUES | {"s": "%-" * 127 + "@example.org", "l": "%" * 254}
    bomb = read_domain("%{S}" * 2_000)
    assert cost(lambda: [target_name(bomb, values) for _ in range(100)]) < 0.5
    slow = read_domain("%{l" + ".-+,/_=" * 1_000 + "}")
    assert cost(lambda: [target_name(slow, values) for _ in range(100)]) < 0.5


@given(st.text(max_size=60), st.text(max_size=300))
def test_it_reads_and_fills_in_anything_or_says_no(text: str, value: str) -> None:
    try:
        template = read_text(text)
    except MacroError:
        return
    values = dict.fromkeys(VALUES, value)
    assert len(target_name(template, values)) <= NAME_MOST
    told = explain(template, values)
    assert len(told) <= EXPLANATION_MOST
    assert told.isascii()
    assert told.isprintable() or not told


@given(
    st.lists(
        st.sampled_from(["%{d}", "%{lr-}", "%{i2r}", "%{S}", "%%", "%_", "%-", "a", ".", "_", "-"]),
        max_size=60,
    ).map("".join)
)
def test_it_fills_in_a_name_as_if_it_were_never_cut_short(text: str) -> None:
    """Only as much of a name is made as can matter; the outcome is that of making all of it."""
    template = read_text(text)
    whole = "".join(
        piece if isinstance(piece, str) else macros._filled(piece, VALUES)
        for piece in template.tokens
    ).removesuffix(".")
    while len(whole) > NAME_MOST:
        whole = whole.partition(".")[2]
    assert target_name(template, VALUES) == whole
