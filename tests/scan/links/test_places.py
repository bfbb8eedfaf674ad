"""What the tables know."""

import pytest

from apps.scan.links import places
from apps.scan.urls import Url, read


def url(text: str) -> Url:
    found = read(text)
    assert found is not None
    return found


def test_it_knows_shorteners() -> None:
    assert places.is_shortener("bit.ly")
    assert places.is_shortener("l.ead.me")
    assert not places.is_shortener("notbit.ly")
    assert not places.is_shortener("ly")


@pytest.mark.parametrize(
    ("text", "is_free"),
    [
        ("https://evil.weebly.com/", True),
        ("https://a.b.blob.core.windows.net/x.html", True),
        ("https://docs.google.com/forms/d/1", True),
        ("https://docs.google.com/document/d/1", False),
        ("https://example.org/forms/", False),
        ("https://weebly.com.example.org/", False),
    ],
)
def test_it_knows_hosts_of_everybody(text: str, is_free: bool) -> None:
    assert places.is_free_host(url(text)) is is_free


@pytest.mark.parametrize(
    ("text", "is_redirector"),
    [
        ("https://www.google.com/url?q=http://a.test", True),
        ("https://google.co.uk/url?q=http://a.test", True),
        ("https://www.google.com/search?q=x", False),
        ("https://l.facebook.com/l.php?u=x", True),
        ("https://google.evil.test/url?q=x", True),
        ("https://notgoogle.com/url?q=x", False),
    ],
)
def test_it_knows_who_sends_people_on(text: str, is_redirector: bool) -> None:
    assert places.is_redirector(url(text)) is is_redirector


def test_it_knows_gateways() -> None:
    assert places.is_gateway("eur01.safelinks.protection.outlook.com")
    assert not places.is_gateway("outlook.com")


@pytest.mark.parametrize(
    ("text", "is_program"),
    [
        ("https://a.test/x/Invoice.PDF.exe?y", True),
        ("https://a.test/disk.iso", True),
        ("https://a.test/.exe", False),
        ("https://a.test/page.html", False),
        ("https://a.test/click/example.com", False),
        ("https://exe.test/", False),
    ],
)
def test_it_knows_programs(text: str, is_program: bool) -> None:
    assert places.is_program(url(text)) is is_program
