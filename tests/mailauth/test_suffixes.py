"""Organisational domains, by the tests that the Public Suffix List publishes with itself."""

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from apps.mailauth import suffixes
from apps.mime.address import normalise_domain

CASES = Path(__file__).parents[1] / "data" / "psl" / "test_psl.txt"
_CASE = re.compile(r"^checkPublicSuffix\((null|'.*?'), (null|'.*?')\);$", re.MULTILINE)


def _published() -> list[tuple[str, str | None]]:
    found = _CASE.findall(CASES.read_text(encoding="utf-8"))
    return [
        (name.strip("'"), None if registered == "null" else registered.strip("'"))
        for name, registered in found
        if name != "null" and not name.startswith("'.")  # no name of the DNS, and none gets here
    ]


@pytest.mark.parametrize(("name", "registered"), _published())
def test_it_agrees_with_the_published_tests(name: str, registered: str | None) -> None:
    domain = normalise_domain(name)
    wanted = domain if registered is None else normalise_domain(registered)
    assert suffixes.organisational(domain) == wanted
    assert suffixes.is_public(domain) is (registered is None)


def test_it_reads_all_of_the_published_tests() -> None:
    assert len(_published()) == 73


@pytest.mark.parametrize(
    ("domain", "wanted"),
    [
        ("mail.example.co.uk", "example.co.uk"),
        ("evil.co.uk", "evil.co.uk"),
        # Customers of one company are strangers to each other.
        ("mail.alice.github.io", "alice.github.io"),
        ("github.io", "github.io"),
        ("localhost", "localhost"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
        ("_dmarc.mail.example.org", "example.org"),
        ("a..b", "a..b"),
        ("", ""),
    ],
)
def test_it_finds_who_answers_for_a_name(domain: str, wanted: str) -> None:
    assert suffixes.organisational(domain) == wanted


def test_it_takes_the_longest_name_there_is() -> None:
    assert suffixes.organisational("a." * 124 + "co.uk") == "a.co.uk"


@pytest.mark.parametrize(
    ("domain", "is_known"),
    [
        ("example.org", True),
        ("a.example.co.uk", True),
        ("com", True),
        ("Mr.Smith".lower(), False),
        ("printer.local", False),
        ("", False),
    ],
)
def test_it_knows_endings(domain: str, is_known: bool) -> None:
    assert suffixes.has_known_ending(domain) is is_known


def test_it_knows_how_old_the_list_is() -> None:
    assert date(2026, 10, 1) <= suffixes.published() <= date.today()  # noqa: DTZ011


def test_it_reads_the_list_only_when_it_is_asked() -> None:
    # 25 ms and three megabytes that no web page needs.
    code = (
        "from apps.mailauth import suffixes\n"
        "assert suffixes._list.cache_info().currsize == 0\n"
        "suffixes.organisational('a.b')\n"
        "assert suffixes._list.cache_info().currsize == 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
