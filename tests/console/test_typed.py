"""What people type is taken as it can be looked for on every database."""

import pytest

from apps.console.typed import typed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("  anna ", "anna"),
        ("an\0na", "anna"),
        ("an\ud800na", "anna"),
        ("\u202eanna", "\u202eanna"),
        ("a" * 50, "a" * 10),
        ("", ""),
    ],
)
def test_a_text_is_taken(text: str, found: str) -> None:
    assert typed({"text": text}, "text", 10) == found


def test_what_was_not_typed_is_nothing() -> None:
    assert typed({}, "text", 10) == ""
