"""The addresses that words show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.scan.links.shown import shown
from tests.support.cost import cost


@pytest.mark.parametrize(
    ("text", "host", "is_name"),
    [
        ("https://www.bank.test/login", "www.bank.test", False),
        ("Go to https://bank.test/x now", "bank.test", False),
        ("www.bank.test", "www.bank.test", False),
        ("HTTP:\\\\bank.test", "bank.test", False),
        ("bank.com", "bank.com", True),
        (" bank.com. ", "bank.com", True),
        ("\u2192 bank.com \u2190", "bank.com", True),
        ("b\u200bank.c\u2060om", "bank.com", True),
        ("\uff42ank.com", "bank.com", True),
        ("bank.com/login", "bank.com", False),
        ("online.bank.co.uk", "online.bank.co.uk", True),
    ],
)
def test_it_reads_what_is_shown(text: str, host: str, is_name: bool) -> None:
    found = shown(text)
    assert found is not None
    assert (found.url.host, found.is_name) == (host, is_name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Click here",
        "report.pdf",
        "invoice.zip",
        "README.md",
        "Node.js",
        "St.Petersburg",
        "Mr.Smith",
        "1.2.3",
        "10.0.0.1",
        "v1.2",
        "see amazon.com and more",
        "info@bank.com",
        "co.uk",
        "e.g.",
        "...",
        "https://",
        "www.",
        "a.b",
        "Web.de-Kunde",
        "12.11.2026",
        "localhost",
    ],
)
def test_it_takes_words_and_files_for_no_address(text: str) -> None:
    assert shown(text) is None


@given(st.text())
def test_it_raises_nothing_for_any_text(text: str) -> None:
    for one in (text, f"www.{text}", f"{text}.com"):
        shown(one)


@pytest.mark.parametrize("text", ["a." * 50_000, "www." * 25_000, "a-" * 50_000, "http:" * 20_000])
def test_it_takes_a_bounded_time(text: str) -> None:
    assert cost(lambda: shown.__wrapped__(text)) < 0.02
