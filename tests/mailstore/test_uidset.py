"""UID sets are short and lose nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailstore.uidset import uid_set, uids_in


@given(st.sets(st.integers(1, 60) | st.integers(1, 2**32 - 1)))
def test_it_comes_back_as_it_was(uids: set[int]) -> None:
    assert uids_in(uid_set(uids)) == sorted(uids)


@pytest.mark.parametrize(
    ("uids", "text"),
    [([], ""), ([7], "7"), ([3, 1, 2], "1:3"), ([1, 2, 4, 9, 8], "1:2,4,8:9"), ([5, 5], "5")],
)
def test_it_writes_runs_as_ranges(uids: list[int], text: str) -> None:
    assert uid_set(uids) == text
