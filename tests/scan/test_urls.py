"""Links are read as browsers read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.scan.urls import LONGEST, Url, read
from tests.support.cost import cost


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://www.Example.COM/a?b#c", "www.example.com"),
        ("  HTTP://example.org  ", "example.org"),
        ("http:\\\\evil.example\\x", "evil.example"),
        ("ht\ntps://ev\til.exa\rmple/", "evil.example"),
        ("https:evil.example/x", "evil.example"),
        ("http:///////evil.example/", "evil.example"),
        ("//evil.example/x", "evil.example"),
        ("www.evil.example/x", "www.evil.example"),
        ("http://ev%69l.example/", "evil.example"),
        ("http://\uff45vil\u3002example/", "evil.example"),
        ("http://evil.example./", "evil.example"),
        ("http://b\u00fccher.example/", "xn--bcher-kva.example"),
        ("http://\u2603.net/", "xn--n3h.net"),
        ("http://user@evil.example:8080/x@y", "evil.example"),
        ("http://a@b@evil.example/", "evil.example"),
        ("http://good.example\\@evil.example/", "good.example"),
        ("http://good.example?@evil.example/", "good.example"),
        ("http://good.example#@evil.example/", "good.example"),
        ("http://[2001:DB8::1]/", "2001:db8::1"),
        ("\\\\evil.example\\share\\x.exe", "evil.example"),
        ("file://evil.example/share", "evil.example"),
        ("smb://user@evil.example/share", "evil.example"),
    ],
)
def test_it_finds_the_host_that_a_click_leads_to(text: str, host: str) -> None:
    url = read(text)
    assert url is not None
    assert url.host == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "#top",
        "/inside",
        "page.html",
        "http://",
        "https:///",
        "http://a..b/",
        "http://a b/",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://[::g]/",
        "http://a<b/",
    ],
)
def test_it_leads_nowhere(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("written", "is_odd"),
    [
        ("203.0.113.5", False),
        ("3405803781", True),
        ("0xcb007105", True),
        ("0xCB.0.0x71.5", True),
        ("0313.0.0161.05", True),
        ("203.0.28933", True),
        ("203.28933", True),
        ("%32%30%33.0.113.5", True),
        ("\uff12\uff10\uff13.0.113.5", True),
    ],
)
def test_it_knows_an_address_in_any_notation(written: str, is_odd: bool) -> None:
    url = read(f"http://{written}/x")
    assert url is not None
    assert (url.host, url.is_odd) == ("203.0.113.5", is_odd)
    assert url.address is not None
    assert url.organisation == "203.0.113.5"


def test_it_takes_a_link_apart() -> None:
    url = read("https://us%65r:pw@www.example.co.uk:8443/a/b.exe?c=d#e")
    assert url == Url("https", "www.example.co.uk", 8443, "user:pw", "/a/b.exe?c=d#e")
    assert (url.organisation, url.path, url.fragment) == ("example.co.uk", "/a/b.exe", "e")
    assert url.address is None
    plain = read("https://example.org:443/")
    assert plain is not None
    assert plain.port is None


@pytest.mark.parametrize("scheme", ["mailto", "tel", "data", "javascript", "cid", "x-odd+1.2"])
def test_it_knows_what_has_no_host(scheme: str) -> None:
    assert read(f"{scheme.upper()}:rest") == Url(scheme, rest="rest")


@given(st.text())
def test_it_raises_nothing_for_any_text(text: str) -> None:
    for one in (text, f"http://{text}", f"//{text}", f"\\\\{text}", f"smb://{text}"):
        url = read(one)
        if url is not None:
            _ = url.address, url.organisation, url.path, url.fragment


@pytest.mark.parametrize(
    "text",
    [
        "http://" + "a." * 50_000,
        "http://" + "%25" * 50_000,
        "http://" + "@" * 100_000,
        "http://" + "\uff0e" * 50_000,
        "/\\" * 50_000,
        "http:" * 50_000,
        "http://" + "1." * 50_000,
        "a" * 100_000,
        "http://[" + ":" * 50_000,
        "http://x:" + "9" * 50_000,
        "\t" * 100_000,
    ],
)
def test_it_reads_only_the_beginning_whatever_it_is(text: str) -> None:
    assert len(text) > LONGEST
    assert cost(lambda: read.__wrapped__(text)) < 0.02
