"""Names and points of rules are promised on a page: it says what they are."""

from apps.scan.catalogue import RULES
from apps.scan.checks import CHECKS
from scripts.rules_page import PAGE, filled


def test_the_page_of_the_rules_says_what_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page, "docs/spam-rules.md is out of date: make rules"


def test_it_lists_each_name_once() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names)) > 150


def test_it_names_checks_apart() -> None:
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))
