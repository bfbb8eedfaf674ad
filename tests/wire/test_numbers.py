"""Whole numbers as strangers write them."""

import pytest

from apps.wire.numbers import whole_number


@pytest.mark.parametrize(
    ("text", "found"), [("0", 0), ("7", 7), ("007", 7), (str(2**63 - 1), 2**63 - 1)]
)
def test_a_number_is_read(text: str, found: int) -> None:
    assert whole_number(text) == found


@pytest.mark.parametrize(
    "text",
    ["", " 1", "-1", "+1", "1.0", "1_0", "1e9", "٣", "²", "\0", "x", str(2**63), "9" * 1_000_000],
)
def test_anything_else_is_none(text: str) -> None:
    assert whole_number(text) is None


def test_a_field_may_have_a_bound_of_its_own() -> None:
    assert whole_number("65535", 65_535) == 65_535
    assert whole_number("65536", 65_535) is None
