"""Addresses: spellings, limits, international names, SMTP paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.address import (
    Address,
    AddressError,
    Path,
    Utf8NotAllowedError,
    display_domain,
    normalise_domain,
    parse_path,
    take_apart,
)


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("alice@example.test", "alice", "example.test"),
        ('"alice"@Example.TEST', "alice", "example.test"),
        ("alice@example.test.", "alice", "example.test"),
        ('"a\\l\\ice"@example.test', "alice", "example.test"),
        ('"a b"@x', "a b", "x"),
        ('"a@b"@c', "a@b", "c"),
        ('"a\\"b\\\\c"@x', 'a"b\\c', "x"),
        ('""@x'.replace('""', '" "'), " ", "x"),
        ("a..b@docomo.example", "a..b", "docomo.example"),
        (".a.@x", ".a.", "x"),
        ("user%host@relay", "user%host", "relay"),
        ("host!user@relay", "host!user", "relay"),
        ("!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~", "x"),
        ("x@[192.0.2.1]", "x", "[192.0.2.1]"),
        ("x@[ipv6:2001:DB8:0:0::1]", "x", "[IPv6:2001:db8::1]"),
        ("x@localhost", "x", "localhost"),
        ("x@a_b.example", "x", "a_b.example"),
        ("jo\u0308rg@x", "j\u00f6rg", "x"),
        ("用户@例え.テスト", "用户", "xn--r8jz45g.xn--zckzah"),
        ("x@M\u00dcNCHEN.de", "x", "xn--mnchen-3ya.de"),
        ("x@fa\u00df.de", "x", "xn--fa-hia.de"),
        ("x@\uff45\uff58\u3002com", "x", "ex.com"),
        ("x@xn--mnchen-3ya.de", "x", "xn--mnchen-3ya.de"),
    ],
)
def test_it_reads_every_spelling_as_one_address(text: str, local: str, domain: str) -> None:
    address = Address.parse(text)
    assert (address.local, address.domain) == (local, domain)
    assert Address.parse(text.encode()) == address
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "alice",
        "@x",
        "alice@",
        "alice@.",
        "alice@x..",
        "alice@.x",
        "alice@a..b",
        "a@b@c",
        "a b@c",
        " a@b",
        "a@b ",
        "<a@b>",
        "a,b@c",
        'a"b@c',
        '"a@c',
        '"a"b@c',
        '"a\nb"@c',
        '"a\0"@c',
        "a\r\n@c",
        "a@c\n",
        "a\u2028b@c",
        "a\u202eb@c",
        "a\u200bb@c",
        "a@-x",
        "a@x-",
        "a@x y",
        "a@x/y",
        "a@b\u2024c\u200b",
        "a@b\uff20c",
        "a@[192.0.2.256]",
        "a@[192.0.2.1",
        "a@192.0.2.1]",
        "a@[IPv6:fe80::1%eth0]",
        "a@[x-tag:y]",
        "a@[]",
        "a@" + "x" * 64,
        "a@" + "x." * 127 + "xyz",
        "a" * 250 + "@x.example",
        "\u00e4" * 126 + "@xy",
        b"\xff@x",
        b"a@\xc3",
        "x" * 5_000 + "@x",
        "a@" + "\u00e4" * 3_000,
        "\ud800@x",
        "a@\ud800",
    ],
)
def test_it_refuses_what_is_no_address(text: str | bytes) -> None:
    with pytest.raises(AddressError):
        Address.parse(text)


def test_it_takes_the_longest_address_a_path_can_hold() -> None:
    longest = "a" * 64 + "@" + ("b" * 62 + ".") * 2 + "c" * 63
    assert len(longest) == 254
    assert str(Address.parse(longest)) == longest
    with pytest.raises(AddressError, match="too long"):
        Address.parse("a" + longest)


@pytest.mark.parametrize("local", ["a" * 65, "a..b", ".a", "a.", '"a b"', '"a@b"'])
def test_it_gives_out_strict_names_only(local: str) -> None:
    assert Address.parse(f"{local}@x")
    with pytest.raises(AddressError):
        Address.parse(f"{local}@x", strict=True)
    assert Address.parse("a" * 64 + "@x", strict=True)
    assert Address.parse("用户@x", strict=True)


def test_it_looks_names_up_without_case() -> None:
    assert Address.parse("Alice.B@X").key == "alice.b@x"
    assert Address.parse("STRASSE@x").key == Address.parse("straße@x").key
    assert Address.parse("Alice@x") != Address.parse("alice@x")


def test_it_knows_details() -> None:
    address = Address.parse("alice+lists+x@example.test")
    assert address.detail() == "lists+x"
    assert address.without_detail() == Address("alice", "example.test")
    assert address.detail("-") == ""
    assert address.without_detail("-") is address
    bare = Address.parse("+x@example.test")
    assert bare.detail() == ""
    assert bare.without_detail() is bare


def test_it_shows_domains_to_people() -> None:
    address = Address.parse("j\u00f6rg@xn--mnchen-3ya.de")
    assert address.display == "j\u00f6rg@m\u00fcnchen.de"
    assert str(address) == "j\u00f6rg@xn--mnchen-3ya.de"
    assert not address.is_ascii
    assert Address.parse("a@m\u00fcnchen.de").is_ascii


@pytest.mark.parametrize(
    "fake", ["xn--a", "xn--99999999999", "xn--i-7iq.ws", "xn--example-.com", "xn--"]
)
def test_it_shows_what_is_no_valid_u_label_as_it_is(fake: str) -> None:
    assert display_domain(fake) == fake


@pytest.mark.parametrize(
    ("u_label", "is_shown"),
    [
        ("m\u00fcnchen.example", True),
        ("\u043f\u0440\u0438\u0432\u0435\u0442.example", True),
        ("\u65e5\u672c\u8a9eabc.example", True),
        ("\ud55c\uad6d.example", True),
        ("\u03b1\u03b2\u03b3.example", True),
        ("p\u0430ypal.example", False),  # one Cyrillic letter
        ("\u0430\u0440\u0440\u04cf\u0435.example", False),  # Cyrillic all through
        ("\u03bfffice.example", False),  # one Greek letter
    ],
)
def test_it_shows_no_name_that_looks_like_another(u_label: str, is_shown: bool) -> None:
    a_label = normalise_domain(u_label)
    assert a_label.startswith("xn--")
    assert display_domain(a_label) == (u_label if is_shown else a_label)


@pytest.mark.parametrize(
    ("text", "domain"), [("EXAMPLE.test.", "example.test"), ("[192.0.2.1]", "[192.0.2.1]")]
)
def test_it_normalises_domains_alone(text: str, domain: str) -> None:
    assert normalise_domain(text) == domain


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"<>", Path(None, null=True)),
        (b"<> SIZE=1", Path(None, null=True, rest=b" SIZE=1")),
        (b"<a@b> BODY=8BITMIME", Path(Address("a", "b"), rest=b" BODY=8BITMIME")),
        (b" <a@b>", Path(Address("a", "b"))),
        (b"<postmaster>", Path(None, postmaster=True)),
        (b"<PostMaster> X", Path(None, postmaster=True, rest=b" X")),
        (b"<Postmaster@x>", Path(Address("Postmaster", "x"))),
        (b"<@a,@b.example:u@c>", Path(Address("u", "c"), has_route=True)),
        (b"<@[192.0.2.1]:u@c>", Path(Address("u", "c"), has_route=True)),
        (b'<"a>b"@c> X', Path(Address("a>b", "c"), rest=b" X")),
        (b'<"a\\">b"@c>', Path(Address('a">b', "c"))),
        (b"a@b SIZE=1", Path(Address("a", "b"), has_brackets=False, rest=b" SIZE=1")),
        (b"<v@ext.>", Path(Address("v", "ext"))),
    ],
)
def test_it_reads_smtp_paths(raw: bytes, path: Path) -> None:
    assert parse_path(raw, smtputf8=False) == path


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"<",
        b"<a@b",
        b"<a>",
        b"a",
        b"<<a@b>>",
        b"<a@b>>",
        b"<a@b>SIZE=1",
        b"<a@b>\tSIZE=1",
        b"<@a:>",
        b"<@a,b:u@c>",
        b"<@a>",
        b"<@:u@c>",
        b"<a@b\r\n>",
        b"<a@b\0>",
        b'<"a@b>',
        b"<a b@c>",
        b"<" + b"a" * 5_000 + b"@b>",
    ],
)
def test_it_refuses_what_is_no_path(raw: bytes) -> None:
    with pytest.raises(AddressError):
        parse_path(raw, smtputf8=True)


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("alice@example.test", "alice", "example.test"),
        ('"a@b c"@example.test', "a@b c", "example.test"),
        ('"a\\"b"@example.test', 'a"b', "example.test"),
        ("a@b@example.test", "a@b", "example.test"),
        ('"a"b@example.test', '"a"b', "example.test"),
        ('"a@example.test', '"a', "example.test"),
        ("@example.test", "", "example.test"),
        ("alice@", "alice", ""),
        ("alice", "", "alice"),
        ("", "", ""),
        ("a b\r\n@[127.0.0.1]", "a b\r\n", "[127.0.0.1]"),
    ],
)
def test_it_takes_apart_whatever_is_said(text: str, local: str, domain: str) -> None:
    assert take_apart(text) == (local, domain)


def test_it_wants_smtputf8_for_utf8() -> None:
    raw = "<jörg@münchen.de>".encode()
    with pytest.raises(Utf8NotAllowedError):
        parse_path(raw, smtputf8=False)
    assert parse_path(raw, smtputf8=True).address == Address("jörg", "xn--mnchen-3ya.de")
    with pytest.raises(AddressError):
        parse_path(b"<j\xf6rg@x>", smtputf8=True)


LIKELY = st.text(alphabet='abC1.@"\\ <>[]:,+-_\u00e4\u200b\0', max_size=30)


@given(LIKELY | st.text(max_size=40))
def test_it_raises_only_its_own_error(text: str) -> None:
    try:
        address = Address.parse(text)
    except AddressError:
        return
    assert Address.parse(str(address)) == address
    assert Address.build(address.local, address.domain) == address
    assert len(str(address).encode()) <= 254
    assert address.key == Address.parse(str(address)).key


@given(st.binary(max_size=60) | LIKELY.map(str.encode).map(lambda raw: b"<" + raw + b">"))
def test_it_raises_only_its_own_error_for_paths(raw: bytes) -> None:
    for smtputf8 in (False, True):
        try:
            path = parse_path(raw, smtputf8=smtputf8)
        except AddressError:
            continue
        assert raw.endswith(path.rest)
        assert sum((path.null, path.postmaster, path.address is not None)) == 1


@given(st.text(alphabet='ab."\\@ <>(),;:[]', min_size=1, max_size=20))
def test_it_quotes_any_local_part_so_that_it_comes_back(local: str) -> None:
    address = Address.build(local, "example.test")
    assert Address.parse(str(address)) == address
    assert parse_path(f"<{address}>".encode(), smtputf8=False).address == address
