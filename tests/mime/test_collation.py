"""i;unicode-casemap (RFC 5051), RFC 5255 section 4.6."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.collation import collated
from tests.support.cost import cost


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("abc", "ABC"),
        ("Grüße", "GRÜSSE"),
        ("über", "u\u0308ber"),
        ("\uff21bc", "abc"),
        ("\ufb01nd", "find"),
        ("ДОМ", "дом"),
        ("ΣΑΣ", "σας"),
        ("\u01c6", "\u01c4"),
    ],
)
def test_it_finds_them_alike(one: str, other: str) -> None:
    assert collated(one) == collated(other)


def test_it_sorts_by_capital_letters() -> None:
    ordered = ["", "Atlas", "äther", "Zebra", "zebrA^", "zebra_", "дом", "日本"]
    mixed = ordered[::2] + ordered[1::2]
    assert sorted(mixed, key=collated) == ordered


@given(st.text(), st.text())
def test_it_maps_each_character_by_itself(one: str, other: str) -> None:
    assert collated(one + other) == collated(one) + collated(other)
    assert collated(collated(one)) == collated(one)


def test_it_takes_linear_time_of_combining_marks() -> None:
    assert cost(lambda: collated("a" + "\u0301\u0316" * 200_000), enough=2) < 2
