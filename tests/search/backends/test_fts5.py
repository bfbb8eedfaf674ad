"""The index as a file of SQLite."""

import errno
import random
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest

from apps.mime.searchtext import SearchText, column, field_mark, folded
from apps.search.backends.contract import Pair, Row, Stamp
from apps.search.backends.fts5 import LONG, Fts5Index
from apps.search.base import Field, Term
from apps.wire.errors import StorageFull, StorageUnavailable


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Fts5Index]:
    made = Fts5Index(tmp_path / "search")
    with made.turn():
        made.begin(7)
    yield made
    made.close()


def text(body: str = "", subject: str = "", header: tuple[str, ...] = ()) -> SearchText:
    return SearchText(
        *("", "", "", "", column([folded(subject)])),
        *(column([folded(one) for one in header]), column([folded(body)]), ""),
    )


def row(owner: int, message: int, body: str = "", subject: str = "") -> Row:
    return Row(Pair(owner, message), text(body, subject))


def find(index: Fts5Index, owner: int, words: str, *fields: Field) -> set[int]:
    (hits,) = index.find(owner, [Term(folded(words), fields or tuple(Field))]).hits
    assert hits is not None
    return set(hits)


def test_it_finds_what_it_was_given_and_only_for_its_owner(index: Fts5Index) -> None:
    index.write([row(1, 5, "Grüße aus Köln"), row(1, 3, "nothing"), row(2, 5, "grusse")], [])
    assert find(index, 1, "GRÜSSE AUS") == {5}
    assert find(index, 2, "grüße") == {5}
    assert find(index, 3, "grüße") == set()
    assert find(index, 1, "in") == {3}
    assert find(index, 1, "grüße", Field.SUBJECT, Field.TO) == set()
    assert index.find(1, []).stamp == Stamp(7, 1)


def test_it_replaces_and_takes_out(index: Fts5Index) -> None:
    index.write([row(1, 5, "first"), row(1, 6, "first"), row(2, 5, "first")], [])
    index.write([row(1, 5, "second")], [Pair(1, 6), Pair(1, 9)])
    assert find(index, 1, "first") == set()
    assert find(index, 1, "second") == {5}
    assert find(index, 2, "first") == {5}
    assert index.pairs(None, 9) == [(1, 5), (2, 5)]
    assert index.pairs(Pair(1, 5), 9) == [(2, 5)]
    assert index.count() == 2
    assert index.texts(1, [5, 6]) == {5: text("second")}
    assert index.size() > 0


def test_it_names_what_it_keeps_no_text_of(index: Fts5Index) -> None:
    index.write([Row(Pair(1, 5), None), row(1, 6, "body"), Row(Pair(2, 7), None)], [])
    found = index.find(1, [Term("BODY", (Field.BODY,))])
    assert (found.apart, found.hits) == ({5}, ({6},))
    assert index.texts(1, [5]) == {5: None}
    index.write([row(1, 5, "body")], [])
    found = index.find(1, [Term("BODY", (Field.BODY,))])
    assert (found.apart, found.hits) == (set(), ({5, 6},))


@pytest.mark.parametrize(
    "words",
    ['"', '""" OR body', "%_*?[]()^$.\\", "NEAR(a b)", "body : x", "a* AND -b", "{body}:", "'"],
)
def test_it_takes_signs_for_themselves(index: Fts5Index, words: str) -> None:
    index.write([row(1, 5, f"say {words} here"), row(1, 6, "abody or NEAR a b x")], [])
    assert find(index, 1, words) == {5}


def test_it_tells_a_field_that_is_there(index: Fts5Index) -> None:
    index.write([Row(Pair(1, 5), text(header=("X:", "Date: x: y", "\xe9:")))], [])
    marks = [Term(field_mark(name), (Field.HEADER,)) for name in ("x", "date", "ate", "y")]
    assert index.find(1, marks).hits == ({5}, {5}, set(), set())


@pytest.mark.parametrize("alphabet", ["ab ", "aé!", "猫犬a ", "\x01a\u0416😀", 'b"\ufffd猫'])
def test_it_finds_every_piece_of_any_length_and_no_other(index: Fts5Index, alphabet: str) -> None:
    random.seed(alphabet)
    bodies = {n: "".join(random.choices(alphabet, k=random.randint(1, 9))) for n in range(60)}
    index.write([row(1, n, body, body[::-1]) for n, body in bodies.items()], [])
    for _ in range(120):
        words = "".join(random.choices(alphabet, k=random.choice((1, 1, 2, 2, 3, 5))))
        wanted = {n for n, body in bodies.items() if folded(words) in column([folded(body)])}
        assert find(index, 1, words, Field.BODY) == wanted, words


def test_it_finds_long_texts(index: Fts5Index) -> None:
    long = "".join(random.Random(1).choices("abc def", k=LONG * 5))
    other = long[: LONG * 2] + "X" + long[LONG * 2 + 1 :]
    index.write([row(1, 5, f"x {long} x"), row(1, 6, f"x {other} x"), row(1, 7, "", long)], [])
    assert find(index, 1, long) == {5, 7}
    assert find(index, 1, long, Field.BODY) == {5}
    assert find(index, 1, long * 100) == set()


def test_it_rolls_back_what_fails(index: Fts5Index) -> None:
    index.write([row(1, 5, "kept")], [])
    with pytest.raises(AttributeError):
        index.write([row(1, 5, "lost"), Row(Pair(1, 6), "no text")], [])  # type: ignore[arg-type]
    assert find(index, 1, "kept") == {5}
    assert index.stamp() == Stamp(7, 1)


def test_it_lets_one_write_at_a_time(index: Fts5Index, tmp_path: Path) -> None:
    other = Fts5Index(tmp_path / "search")
    with index.turn() as mine, other.turn() as theirs:
        assert (mine, theirs) == (True, False)
    with other.turn() as theirs:
        assert theirs


def test_it_reads_while_another_writes_and_begins(index: Fts5Index, tmp_path: Path) -> None:
    other = Fts5Index(tmp_path / "search")
    index.write([row(1, 5, "body")], [])
    assert find(other, 1, "body") == {5}
    done = threading.Thread(target=lambda: index.begin(8))
    done.start()
    done.join()
    assert find(other, 1, "body") == set()
    assert other.stamp() == Stamp(8, 0)
    other.close()
    assert len(list((tmp_path / "search").glob("*.sqlite3"))) == 1


def test_it_is_not_there_before_it_was_begun(tmp_path: Path) -> None:
    index = Fts5Index(tmp_path / "none")
    assert index.stamp() is None
    assert index.find(1, [Term("ABC", (Field.BODY,))]).hits == (None,)
    assert index.texts(1, [1]) == {}
    assert index.pairs(None, 5) == []
    assert (index.count(), index.size()) == (0, 0)
    with pytest.raises(StorageUnavailable):
        index.write([], [])


def test_it_makes_nothing_of_an_index_of_another_version(
    index: Fts5Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.write([row(1, 5, "body")], [])
    monkeypatch.setattr("apps.search.backends.fts5.FORMAT", 2)
    assert Fts5Index(tmp_path / "search").stamp() is None


def test_it_puts_a_damaged_index_away(index: Fts5Index, tmp_path: Path) -> None:
    index.write([row(1, n, f"body {n}") for n in range(50)], [])
    index.close()
    (file,) = (tmp_path / "search").glob("*.sqlite3")
    sqlite3.connect(file).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    file.write_bytes(file.read_bytes()[:4096] + b"\x55" * (file.stat().st_size - 4096))
    with pytest.raises(StorageUnavailable):
        index.find(1, [Term("BODY", (Field.BODY,))])
    assert index.stamp() is None
    with index.turn():
        index.begin(9)
    assert index.stamp() == Stamp(9, 0)


def test_it_makes_nothing_of_a_copy_that_followed_its_link(
    index: Fts5Index, tmp_path: Path
) -> None:
    current = tmp_path / "search" / "current"
    octets = current.read_bytes()
    current.unlink()
    current.write_bytes(octets)
    assert index.stamp() is None
    with index.turn() as mine:
        assert mine
        index.begin(9)
    assert index.stamp() == Stamp(9, 0)


def test_it_says_so_where_no_folder_can_be(tmp_path: Path) -> None:
    place = tmp_path / "search"
    place.write_bytes(b"")
    index = Fts5Index(place)
    with pytest.raises(StorageUnavailable):
        index.find(1, [Term("BODY", (Field.BODY,))])
    with pytest.raises(StorageUnavailable), index.turn():
        pass


def test_it_says_so_where_the_disk_is_full(
    index: Fts5Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "symlink_to", fails)
    with index.turn(), pytest.raises(StorageFull):
        index.begin(9)
    assert index.stamp() is None


def test_it_knows_nothing_of_numbers_beyond_its_own(index: Fts5Index) -> None:
    index.write([row(1 << 22, 1, "body"), row(1, 1 << 40, "body"), row(1, 2, "body")], [])
    assert index.pairs(None, 9) == [(1, 2)]
    assert index.find(1 << 22, [Term("BODY", (Field.BODY,))]).stamp is None


def test_its_columns_are_the_fields() -> None:
    assert len(astuple(text())) == len(Field)
    assert list(SearchText.__slots__) == [field.value for field in Field]
