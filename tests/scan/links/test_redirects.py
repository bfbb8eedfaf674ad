"""Targets that links carry."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.scan.links.redirects import MOST, targets
from apps.scan.urls import read
from tests.support.cost import cost


def hosts(text: str) -> list[str]:
    url = read(text)
    assert url is not None
    return [one.host for one in targets(url)]


CODED = base64.urlsafe_b64encode(b"https://evil.example/login?x=y").decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "https://www.google.com/url?q=https://evil.example/x&sa=D",
        "https://a.test/r?u=https%3A%2F%2Fevil.example%2F",
        "https://a.test/r?u=https%253A%252F%252Fevil.example",
        "https://a.test/r?u=%2F%2Fevil.example%2Fx",
        "https://a.test/r?u=www.evil.example",
        "https://a.test/https://evil.example/x",
        "https://a.test/web/2026/http:/evil.example/x",
        "https://a.test/#http:\\\\evil.example",
        "https://urldefense.com/v3/__https://evil.example/p__;!!a",
        "https://urldefense.proofpoint.com/v2/url?u=https-3A__evil.example_p&d=Dw",
        "https://eur01.safelinks.protection.outlook.com/?url=http%3A%2F%2Fevil.example%2F&data=1",
        f"https://a.test/{CODED}/x",
        f"https://a.test/c?u={CODED}",
    ],
)
def test_it_finds_the_target_that_a_link_carries(text: str) -> None:
    assert hosts(text)[0].removeprefix("www.") == "evil.example"


def test_it_finds_targets_within_targets() -> None:
    link = "http://d.test/"
    for host in "cba":
        link = f"http://{host}.test/?u={quote(link, safe='')}"
    found = hosts(link)
    assert found[0] == "b.test"
    assert set(found) == {"b.test", "c.test", "d.test"}


@pytest.mark.parametrize(
    "text",
    [
        "https://a.test/",
        "https://a.test/a?b=c&d=e",
        "https://a.test/?u=https://a.test/other",
        "mailto:x@a.test?body=https://evil.example",
        "https://a.test/aHR0c",
        "https://a.test/?u=//",
    ],
)
def test_it_finds_none_where_there_is_none(text: str) -> None:
    assert hosts(text) == []


def test_it_finds_so_many_and_no_more() -> None:
    assert (
        len(hosts("https://a.test/" + "".join(f"?u=http://{n}.b.test" for n in range(50)))) == MOST
    )


@given(st.text())
def test_it_raises_nothing_for_any_text(text: str) -> None:
    url = read(f"http://a.test/{text}")
    assert url is None or len(targets(url)) <= MOST


@pytest.mark.parametrize(
    "rest",
    [
        "http:/" * 700,
        "%25" * 1_300,
        "aHR0c" * 800,
        "&" * 3_900,
        "https-3A__" * 390,
        "//" * 1_900,
        "?u=http://a.b/" * 300,
        "%2Fhttp%3A%2F%2F" * 250,
        "aHR0cHM6" * 480,
    ],
)
def test_it_takes_a_bounded_time(rest: str) -> None:
    url = read(f"http://a.test/{rest}")
    assert url is not None
    assert cost(lambda: targets(url)) < 0.05
