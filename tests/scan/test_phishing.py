"""What of spam is called phishing."""

import pytest

from apps.scan.base import Finding
from apps.scan.catalogue import RULES
from apps.scan.phishing import PRETENCE, is_phishing


def test_its_rules_exist() -> None:
    assert {rule.name for rule in RULES} >= PRETENCE


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], False),
        ([("TEXT_SPAM", 9.0)], False),
        ([("LINK_TEXT_LIES", 2.5)], True),
        ([("LINK_TO_ADDRESS", 9.0), ("LINK_SHORTENED", 9.0)], False),
        ([("AUTHOR_NAMES_BRAND", 1.8)], False),
        ([("AUTHOR_NAMES_BRAND", 1.8), ("LINK_DECOY", 1.5)], True),
        ([("FROM_OURS_UNPROVEN", 5.0)], True),
        ([("FROM_OURS_UNPROVEN", 0.9)], False),  # a printer of the own network
    ],
)
def test_it_is_told_by_what_it_pretends(found: list[tuple[str, float]], expected: bool) -> None:
    findings = [Finding(rule, points, "x") for rule, points in found]
    assert is_phishing(findings) is expected
