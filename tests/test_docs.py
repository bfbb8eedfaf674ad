"""Pages that promise something are held to it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STATUSES = {"yes", "partial", "planned"}
ROWS = [line.split("\t") for line in (ROOT / "docs/rfcs.tsv").read_text().splitlines()[1:] if line]


def cited() -> set[str]:
    """Every RFC that code or tests name."""
    found: set[str] = set()
    for folder in ("apps", "tests"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".txt"} and path.name != "test_docs.py":
                found.update(re.findall(r"RFC ?(\d{3,5})", path.read_text(errors="replace")))
    return found


def test_it_lists_each_rfc_once_in_order() -> None:
    numbers = [int(row[0]) for row in ROWS]
    assert numbers == sorted(set(numbers))
    assert {row[1] for row in ROWS} <= STATUSES


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row[1] != "planned"], ids=lambda row: row[0]
)
def test_it_names_the_module_of_each_rfc(row: list[str]) -> None:
    assert (ROOT / row[3]).exists()


def test_it_cites_what_it_claims() -> None:
    known = cited()
    assert [row[0] for row in ROWS if row[1] != "planned" and row[0] not in known] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_it_links_only_to_pages_that_exist(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_links_only_to_what_exists() -> None:
    text = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) + re.findall(r'src="([^"]+)"', text)
    assert [link for link in links if not (ROOT / link).exists()] == []


def promised_tests() -> list[tuple[str, str]]:
    """File and name of every test that docs/security.md holds a promise to."""
    found, file = [], ""
    for named, test in re.findall(r"`([\w/.]*)::(\w+)`", (ROOT / "docs/security.md").read_text()):
        file = named or file
        found.append((file, test))
    return found


def test_it_holds_each_promise_of_security_to_a_test_that_exists() -> None:
    named = promised_tests()
    assert len(named) > 80
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not re.search(rf"def {test}\(", (ROOT / file).read_text())
    ]
    assert missing == []
