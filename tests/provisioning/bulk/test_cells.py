"""Cells that are no formulas, and sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.provisioning.bulk.cells import near_size, plain, safe, shown_size, size
from apps.wire.errors import InvalidName


@pytest.mark.parametrize(
    "begin", ["=", "+", "-", "@", "\t", "\r", "\n", "'=", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_a_formula_becomes_text_and_comes_back(begin: str) -> None:
    cell = f'{begin}HYPERLINK("http://x")'
    assert safe(cell) == f"'{cell}"
    assert plain(safe(cell)) == cell


@pytest.mark.parametrize("cell", ["", "'", "Bob", "'tis", "O'Neil", "5 GB", "a=b"])
def test_other_texts_are_left_alone(cell: str) -> None:
    assert safe(cell) == plain(cell) == cell


@given(st.text(alphabet="'=+-@\t\r\na", max_size=8))
def test_what_is_written_is_what_is_read(cell: str) -> None:
    assert plain(safe(cell)) == cell
    assert safe(cell)[:1] not in set("=+-@\t\r\n")


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("5 GB", 5 << 30),
        ("5gb", 5 << 30),
        ("1,5 G", 3 << 29),
        ("1.5 GiB", 3 << 29),
        ("500 MB", 500 << 20),
        ("1073741824", 1 << 30),
        ("20 kB", 20 << 10),
        ("0", 0),
        ("unlimited", 0),
        ("2 bytes", 2),
    ],
)
def test_sizes_as_people_write_them(text: str, octets: int) -> None:
    assert size(text) == octets


@pytest.mark.parametrize("text", ["", "many", "-5 GB", "5 XB", "1e9", "=1+1", "5 GB GB", "9" * 99])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InvalidName):
        size(text)


@given(st.integers(min_value=0, max_value=1 << 55))
def test_a_shown_size_is_exact(octets: int) -> None:
    assert size(shown_size(octets)) == octets


def test_a_size_in_a_sentence() -> None:
    assert [near_size(one) for one in (0, 1 << 30, 1_500_000)] == ["0 bytes", "1 GB", "1.43 MB"]
