"""Keys are the same everywhere and differ where the words do."""

from hypothesis import given
from hypothesis import strategies as st

from apps.reception.keys import key_of


def test_it_makes_the_same_key_on_every_machine() -> None:
    # A written value: rows of yesterday's process must be found by tomorrow's.
    assert key_of("192.0.2.0/24", "a@b.test", "alice@example.test") == KNOWN
    assert key_of("", "", "") != key_of("", "")


KNOWN = -8231972968032859570


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_it_tells_words_apart(some: list[str], others: list[str]) -> None:
    assert (key_of(*some) == key_of(*others)) == (some == others)
    assert -(1 << 63) <= key_of(*some) < 1 << 63


def test_it_takes_any_text() -> None:
    assert key_of("\ud800\0") != key_of("\0\ud800")
