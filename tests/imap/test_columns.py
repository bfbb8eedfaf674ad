"""What is kept of messages beside a mirror: right, too, after mail has come and gone."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from apps.imap.selected.columns import Column, Columns, Shelf
from apps.imap.selected.mirror import Mirror

KEYS = [(Column.SIZE, False), (Column.SIZE, True), (Column.SUBJECT, False), (Column.SUBJECT, True)]


def values_of(uids: list[int]) -> dict[Column, object]:
    """The same for a UID whenever it is asked; many are alike."""
    return {
        Column.SIZE: array("q", [uid * 7 % 5 for uid in uids]),
        Column.SUBJECT: [str(uid * 11 % 4) for uid in uids],
    }


def sorted_places(columns: Columns, column: Column, *, reverse: bool) -> list[int]:
    value = columns.values[column].__getitem__
    return sorted(range(len(columns.uids)), key=value, reverse=reverse)


def with_orders(columns: Columns) -> Columns:
    for column, reverse in KEYS:
        order = array("I", sorted_places(columns, column, reverse=reverse))
        columns.orders[column, reverse] = order
    return columns


STEPS = st.lists(
    st.tuples(st.sets(st.integers(0, 40), max_size=6), st.integers(0, 5)), min_size=1, max_size=8
)


@given(STEPS)
def test_it_follows_what_comes_and_goes(steps: list[tuple[set[int], int]]) -> None:
    """Each step: places that are expunged, and how many messages come."""
    uids, columns, following = list(range(1, 8)), Columns(), 8
    for gone, come in steps:
        uids = [uid for place, uid in enumerate(uids) if place not in gone]
        uids += range(following, following + come)
        following += come
        whole = array("Q", uids)
        columns = columns.only(whole)
        assert whole[: len(columns.uids)] == columns.uids
        tail = whole[len(columns.uids) :]
        if columns.values:
            columns = columns.joined(tail, values_of(tail.tolist()))
        else:
            columns = Columns(whole, values_of(uids))
        for (column, reverse), order in columns.orders.items():
            assert order.tolist() == sorted_places(columns, column, reverse=reverse)
        assert columns.uids == whole
        assert columns.values == values_of(uids)
        columns = with_orders(columns)


def test_it_begins_anew_with_what_is_not_behind_it() -> None:
    """UIDs only rise; were it otherwise, nothing kept would be believed."""
    columns = Columns(array("Q", [3, 5]), values_of([3, 5]))
    assert not columns.only(array("Q", [1, 3, 5])).values
    assert columns.only(array("Q", [3, 5, 6])) is columns
    assert columns.only(array("Q", [3])).uids == array("Q", [3])


def test_it_serves_who_was_told_of_fewer_messages() -> None:
    columns = Columns(array("Q", [3, 5, 8]), values_of([3, 5, 8]))
    assert columns.serve(array("Q", [3, 5]), [Column.SIZE])
    assert not columns.serve(array("Q", [3, 8]), [Column.SIZE])
    assert not columns.serve(array("Q", [3, 5]), [Column.SENT])
    assert not Columns().serve(array("Q", [3]), [Column.SENT])


def test_a_shelf_is_bounded() -> None:
    """What was used longest ago goes first; with a mirror that is gone goes what is kept of it."""
    columns = [Columns(array("Q", [1]), values_of([1])) for _ in range(3)]
    size = columns[0].octets
    assert size > 8
    shelf, mirrors = Shelf(limit=2 * size), [Mirror(number) for number in range(3)]
    for mirror, kept in zip(mirrors[:2], columns, strict=False):
        shelf.put(mirror, kept)
    assert shelf.get(mirrors[0]) is columns[0]
    shelf.put(mirrors[2], columns[2])
    assert not shelf.get(mirrors[1]).values
    assert shelf.get(mirrors[0]) is columns[0]
    assert shelf.get(mirrors[2]) is columns[2]
    large = Columns(array("Q", range(1, 2_000)), values_of(list(range(1, 2_000))))
    shelf.put(mirrors[1], large)
    assert not shelf.get(mirrors[1]).values


def test_it_counts_what_texts_and_orders_take() -> None:
    few = Columns(array("Q", range(1, 2_000)), values_of(list(range(1, 2_000))))
    before = few.octets
    assert before > 2_000 * (8 + 8 + 50)
    assert with_orders(few).octets > before + 4 * 2_000 * 4
