"""The arrays of a mailbox."""

from hypothesis import given
from hypothesis import strategies as st

from apps.imap.selected.mirror import Mirror, Row
from apps.imap.selected.view import View


def test_it_takes_rows_in_any_order_and_more_than_once() -> None:
    box = Mirror(1)
    rows: list[Row] = [(2, 1, 0, 5), (1, 0, 0, 4)]
    box.apply(rows, [], 5)
    box.apply(rows, [], 5)
    assert list(box.uids) == [1, 2]
    assert list(box.flags) == [0, 1]
    assert (box.uidnext, box.modseq) == (3, 5)


def test_it_never_goes_back_to_an_older_row() -> None:
    box = Mirror(1)
    box.apply([(1, 4, 0, 9)], [], 9)
    box.apply([(1, 0, 0, 3)], [], 3)
    assert box.flags_of(1) == (4, 0)
    assert box.modseq == 9


def test_it_does_not_bring_back_what_was_expunged() -> None:
    box = Mirror(1)
    box.apply([(1, 0, 0, 1), (2, 0, 0, 2)], [], 2)
    box.apply([(1, 1, 0, 1)], [1], 3)
    assert list(box.uids) == [2]
    assert box.flags_of(1) is None
    assert box.index(1) == -1


def test_it_leaves_the_old_array_to_those_who_hold_it() -> None:
    box = Mirror(1)
    box.apply([(1, 0, 0, 1), (2, 0, 0, 2)], [], 2)
    held = box.uids
    box.apply([], [1], 3)
    assert list(held) == [1, 2]


def test_it_spells_flags_and_keywords() -> None:
    box = Mirror(1)
    box.learn_keywords({0: "$Work", 3: "Later"})
    box.apply([(1, 1 | 8, 0b1001, 1), (2, 0, 0b1, 1), (3, 0, 0, 1)], [], 1)
    assert box.flag_texts([1, 2, 3]) == [b"\\Deleted \\Seen $Work Later", b"$Work", b""]
    assert box.flag_texts([1, 3]) == [b"\\Deleted \\Seen $Work Later", b""]
    assert box.flag_texts([7]) == [b""]
    box.learn_keywords({0: "$Work", 3: "Later", 4: "New"})
    assert box.flag_names(0, 0b11000) == b"Later New"


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 31)), max_size=60))
def test_it_stays_sorted_and_aligned(changes: list[tuple[int, int]]) -> None:
    box = Mirror(1)
    for modseq, (uid, flags) in enumerate(changes, 1):
        if flags == 31:
            box.apply([], [uid], modseq)
        else:
            box.apply([(uid, flags, flags, modseq)], [], modseq)
        assert list(box.uids) == sorted(set(box.uids))
        assert len(box.uids) == len(box.flags) == len(box.keywords) == len(box.modseqs)
        assert all(box.keywords[n] == box.flags[n] for n in range(len(box)))


STEPS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(1, 20), st.integers(0, 31)), max_size=8),
        st.sets(st.integers(1, 20), max_size=4),
        st.booleans(),
    ),
    max_size=8,
)


@given(STEPS)
def test_it_can_be_worked_out_ahead(
    steps: list[tuple[list[tuple[int, int]], set[int], bool]],
) -> None:
    """What is adopted is what would have been applied, for the mirror and for who watches it."""
    one, other = Mirror(1), Mirror(1)
    view, same = View(one), View(other)
    for modseq, (changes, expunged, tells) in enumerate(steps, 1):
        rows = [(uid, flags, 0, modseq) for uid, flags in changes]
        one.apply(rows, expunged, modseq)
        before = other.uids[:], other.flags[:], other.keywords[:], other.modseqs[:]
        ahead = other.ahead(rows, expunged)
        assert (other.uids, other.flags, other.keywords, other.modseqs) == before
        other.adopt(ahead, modseq)
        if tells:
            assert view.take(expunges=bool(changes)) == same.take(expunges=bool(changes))
        assert (view.uids, view.untold()) == (same.uids, same.untold())
    assert (one.uids, one.flags, one.keywords) == (other.uids, other.flags, other.keywords)
    assert (one.modseqs, one.modseq, one.uidnext) == (other.modseqs, other.modseq, other.uidnext)
    assert view.take(expunges=True) == same.take(expunges=True)
