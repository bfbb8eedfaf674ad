"""Sequence sets as intervals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.imap.proto.scanner import GrammarError, Scanner
from apps.imap.proto.sets import (
    SequenceSet,
    format_runs,
    format_set,
    gaps,
    parse_set,
    runs_of,
    within,
)
from apps.wire.lines import RawCommand


def parse(raw: bytes) -> SequenceSet:
    one = Scanner(RawCommand((raw,)))
    found = parse_set(one)
    one.end()
    return found


@pytest.mark.parametrize(
    ("raw", "largest", "intervals"),
    [
        (b"1", 9, [(1, 1)]),
        (b"1,2,3", 9, [(1, 3)]),
        (b"5:2", 9, [(2, 5)]),
        (b"2:4,1,9,3:6", 9, [(1, 6), (9, 9)]),
        (b"*", 9, [(9, 9)]),
        (b"7:*", 9, [(7, 9)]),
        (b"12:*", 9, [(9, 12)]),
        (b"*:*", 9, [(9, 9)]),
        (b"1:4294967295", 9, [(1, 4294967295)]),
    ],
)
def test_it_resolves(raw: bytes, largest: int, intervals: list[tuple[int, int]]) -> None:
    assert parse(raw).intervals(largest) == intervals


@pytest.mark.parametrize(
    "raw",
    [b"", b"0", b"0:5", b"1:", b":1", b"1,,2", b",", b"1:2:3", b"4294967296", b"**", b"1" * 5000],
)
def test_it_refuses(raw: bytes) -> None:
    with pytest.raises(GrammarError):
        parse(raw)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=30))
def test_it_names_the_same_numbers_as_a_plain_reading(ranges: list[tuple[int, int]]) -> None:
    plain = {n for a, b in ranges for n in range(min(a, b), max(a, b) + 1)}
    found = SequenceSet(tuple(ranges)).intervals(60)
    assert [n for low, high in found for n in range(low, high + 1)] == sorted(plain)


@given(st.sets(st.integers(1, 500), min_size=1))
def test_it_writes_what_it_reads(numbers: set[int]) -> None:
    raw = format_set(sorted(numbers))
    assert [n for a, b in parse(raw).intervals(500) for n in range(a, b + 1)] == sorted(numbers)


def test_it_finds_what_is_not_there() -> None:
    assert gaps([3, 6, 9], [(1, 10)]) == [(1, 2), (4, 5), (7, 8), (10, 10)]
    assert gaps([3, 6, 9], [(3, 3), (6, 9)]) == [(7, 8)]
    assert gaps([], [(1, 4_000_000_000)]) == [(1, 4_000_000_000)]
    assert gaps([1, 2], [(5, 4)]) == []


def test_it_picks_what_lies_within() -> None:
    assert within([1, 3, 5, 7, 9], [(2, 5), (9, 20)]) == [3, 5, 9]
    assert within([], [(1, 9)]) == []


def test_it_writes_runs() -> None:
    assert runs_of([1, 2, 3, 5, 8, 9]) == [(1, 3), (5, 5), (8, 9)]
    assert format_runs(runs_of([1, 2, 3, 5, 8, 9])) == b"1:3,5,8:9"
