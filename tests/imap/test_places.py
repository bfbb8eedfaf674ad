"""Sets of messages as bits."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from apps.imap.selected.places import Places, places_of, to_bits, up_to

UIDS = st.lists(st.integers(1, 2_000), unique=True).map(sorted)


@given(UIDS, UIDS)
def test_it_finds_places_and_gives_them_back(uids: list[int], there: list[int]) -> None:
    known = array("Q", there)
    found = places_of(to_bits(uids, known))
    assert [there[place] for place in found] == sorted(set(uids) & set(there))


def test_it_names_the_first_places() -> None:
    assert places_of(up_to(0)) == []
    assert places_of(up_to(9)) == list(range(9))
    assert up_to(20) & ~up_to(3) == to_bits(range(3, 20), array("Q", range(20)))


def test_it_tells_arrays_apart_that_look_the_same() -> None:
    """What counts is which array, not what it holds now: one of them may grow."""
    one, other = array("Q", [1, 2, 3]), array("Q", [1, 2, 3])
    some = Places([2, 4])
    assert some.within(one) == 0b10
    other.append(4)
    assert some.within(other) == 0b1010
    assert some.within(one) == 0b10
