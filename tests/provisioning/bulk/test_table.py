"""Lines and cells, as people and programs write them."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.provisioning.bulk import table
from apps.provisioning.bulk.table import delimiter, records
from apps.provisioning.bulk.writing import line
from apps.wire.errors import InvalidName
from tests.support.cost import cost


def read(text: str) -> list[tuple[int, list[str]]]:
    return [(one.number, one.cells) for one in records(text)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", list(table.DELIMITERS))
def test_every_end_and_every_delimiter(end: str, mark: str) -> None:
    text = end.join(["a" + mark + "b", "", "1" + mark + "2", mark, "3" + mark]) + end
    assert read(text) == [(1, ["a", "b"]), (3, ["1", "2"]), (5, ["3", ""])]


def test_quotes_hold_delimiters_quotes_and_lines() -> None:
    text = 'name,note\r\n"Baker, Bob","he said ""no""\r\nand left"\r\nlast,one'
    assert read(text) == [
        (1, ["name", "note"]),
        (2, ["Baker, Bob", 'he said "no"\r\nand left']),
        (4, ["last", "one"]),
    ]


def test_quotes_within_a_cell_are_letters() -> None:
    assert read('a,b\nx"y"z, "q" \n') == [(1, ["a", "b"]), (2, ['x"y"z', "q "])]


def test_a_spreadsheets_word_for_its_delimiter() -> None:
    assert read("sep=;\r\na,b;c\r\n1;2\r\n") == [(2, ["a,b", "c"]), (3, ["1", "2"])]


def test_a_quoted_head_does_not_mislead() -> None:
    assert delimiter('"a,b,c";"d"\n1;2') == ";"


@pytest.mark.parametrize("text", ['a,b\n1,"x\n3,4\n', '"', 'a\n"' + "x" * 9_000 + '"', 'a\n"""'])
def test_a_quote_that_is_never_closed_names_its_line(text: str) -> None:
    with pytest.raises(InvalidName) as refused:
        read(text)
    number = 1 if text == '"' else 2
    assert (
        refused.value.reply.text == f"Line {number}: a quote begins a cell there and is not closed"
    )


def test_long_cells_are_cut_and_said() -> None:
    found = list(records("a\n" + "x" * 1_000_000 + "\nb\n"))
    assert [one.is_cut for one in found] == [False, True, False]
    assert len(found[1].cells[0]) == table.CELL
    assert found[2].number == 3


def test_a_line_of_very_many_cells() -> None:
    found = list(records("a,b\n" + "," * 100_000 + "x\nc,d\n"))
    assert [len(one.cells) for one in found] == [2, 2]  # nothing but empty cells are kept: no line
    found = list(records("a,b\n" + "y," * 100_000 + "\nc,d\n"))
    assert len(found[1].cells) == table.CELLS
    assert found[1].is_cut


@pytest.mark.parametrize("piece", [",", "\n,", " \n", '"",'])
def test_cells_with_nothing_in_them_count_too(piece: str) -> None:
    """Five megabytes of them would keep a processor for half a minute."""
    with pytest.raises(InvalidName, match="many cells"):
        list(records("address\n" + piece * (table.ALL_CELLS + 1)))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_with_nothing_in_them_cost_nothing_and_are_numbered(end: str) -> None:
    text = end + "address" + end * 1_000_000 + "a@b.test" + end * 1_000_000
    first, second = records(text)
    assert (first.number, second.number) == (2, 1_000_002)
    assert cost(lambda: list(records(text))) < 1


def test_10_000_lines_and_not_one_more() -> None:
    assert len(read("a\n" + "x\n" * 10_000)) == 10_001
    with pytest.raises(InvalidName) as refused:
        read("a\n" + "x\n" * 10_001)
    assert refused.value.reply.text == "A file has up to 10,000 lines; cut it in two"


@pytest.mark.parametrize(
    "piece", ['"', '""', '"a', "a,", '"a"b', "\n", '"\n', ",\r", "a" * 50 + '"']
)
def test_hostile_texts_cost_what_their_length_does(piece: str) -> None:
    def work(size: int) -> None:
        try:
            for _ in records("a,b\n" + piece * (size // len(piece))):
                pass
        except InvalidName:
            pass

    small, large = cost(lambda: work(20_000)), cost(lambda: work(200_000))
    assert large < 25 * max(small, 0.002)


@given(st.lists(st.lists(st.text(max_size=20), min_size=2, max_size=4), min_size=1, max_size=5))
def test_it_reads_what_the_standard_library_writes(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    expected = [row for row in rows if any(cell.strip() for cell in row)]
    assert [cells for _, cells in read(out.getvalue())[1:]] == expected


@given(st.lists(st.text(max_size=30), min_size=2, max_size=5))
def test_the_standard_library_reads_what_we_write(cells: list[str]) -> None:
    text = "a,b\r\n" + line(cells)
    found = list(csv.reader(io.StringIO(text, newline="")))[1]
    assert [one.lstrip("'") for one in found] == [one.lstrip("'") for one in cells]
