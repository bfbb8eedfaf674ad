"""A search index in the main database: a table of folded texts in parts by owner, with an index of
their trigrams.

pg_trgm says which rows may have a text, LIKE looks whether they do; so every answer is exact, and
without the extension (whoever installs it must be allowed to) only slower: all rows of the owner
are read then. Texts stand in the pages of their rows and are decompressed in microseconds, for a
word that most messages have is looked for in most of them.

The parts are what keeps others' mail out of a search: an index of owners and trigrams together
would do the same, but Postgres does not use it so.
"""

import sys
from array import array
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final

from django.db import DatabaseError, connection, transaction

from apps.mime.searchtext import SearchText
from apps.runtime.rows import ManyRows, Values, among, fetch, listed
from apps.search.backends.contract import Found, Pair, Row, Stamp
from apps.search.base import Field, Term

COLUMNS: Final = ", ".join(f'"{field}"' for field in Field)
INDEX: Final = "search_indexed_trigrams"
SLICE: Final = 4_000_000
"""Characters that one statement writes at most, if it is more than one row."""

EXTENSIONS: Final = ("pg_trgm",)
PARTS: Final = 32
_TABLE: Final = f"""
CREATE TABLE IF NOT EXISTS search_indexed (
  owner_id bigint NOT NULL, message_id bigint NOT NULL, is_apart boolean NOT NULL,
  {", ".join(f'"{field}" text COLLATE "C" NOT NULL' for field in Field)},
  PRIMARY KEY (owner_id, message_id)
) PARTITION BY HASH (owner_id)"""
_COMPRESSION: Final = "ALTER TABLE search_indexed " + ", ".join(
    f'ALTER "{field}" SET COMPRESSION lz4' for field in Field
)
# Texts stand within their row as long as that fits a page.
_PART: Final = f"""
CREATE TABLE IF NOT EXISTS search_indexed_{{number:d}} PARTITION OF search_indexed
FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {{number:d}})
WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05)"""
_APART: Final = (
    "CREATE INDEX IF NOT EXISTS search_indexed_apart ON search_indexed (owner_id) WHERE is_apart"
)
_IS_THERE: Final = "SELECT to_regclass(%s) IS NOT NULL"
_MAKE_INDEX: Final = (
    f"CREATE INDEX IF NOT EXISTS {INDEX} ON search_indexed USING gin ("
    + ", ".join(f'"{field}" gin_trgm_ops' for field in Field)
    + ")"
)
_TURN: Final = "SELECT pg_try_advisory_xact_lock(hashtext('search_indexed'))"
_STAMP: Final = "SELECT epoch, number FROM search_indexstate WHERE id = 1"
# One statement, so that it is all of one moment. Ids come as octets: a hundred thousand rows would
# take the driver longer to hand over than the database to find.
_FOUND_STAMP: Final = (
    "SELECT -2, int8send(epoch) || int8send(number) FROM search_indexstate WHERE id = 1"
)
_IDS: Final = "string_agg(int8send(message_id), '') FROM search_indexed WHERE owner_id = %s"
_FOUND_APART: Final = f"SELECT -1, {_IDS} AND is_apart"
_FOUND_TERM: Final = f"SELECT {{number:d}}, {_IDS} AND ({{somewhere}})"
_WRITE = ManyRows(
    f"INSERT INTO search_indexed (owner_id, message_id, is_apart, {COLUMNS})",
    "bigint bigint boolean" + " text" * len(Field),
    "ON CONFLICT (owner_id, message_id) DO UPDATE SET is_apart = excluded.is_apart, "
    + ", ".join(f'"{field}" = excluded."{field}"' for field in Field),
)
_GONE = Values("d", "owner bigint, message bigint")
_DELETE: Final = (
    "DELETE FROM search_indexed AS i USING {gone}"
    " WHERE i.owner_id = d.owner AND i.message_id = d.message"
)
_TEXTS: Final = (
    f"SELECT message_id, is_apart, {COLUMNS} FROM search_indexed WHERE owner_id = %s AND "
)
_PAIRS: Final = (
    "SELECT owner_id, message_id FROM search_indexed WHERE (owner_id, message_id) > (%s, %s)"
    " ORDER BY owner_id, message_id LIMIT %s"
)
_SIZE: Final = "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('search_indexed')"
_EMPTY: Final = SearchText(*[""] * len(Field))
_SIGMA, _SMALL_SIGMA = "\u03a3", "\u03c3"
_SPECIAL: Final = str.maketrans({letter: f"\\{letter}" for letter in "\\%_"})


class PostgresIndex:
    """The index of an installation on Postgres (`contract.Backend`)."""

    def turn(self) -> AbstractContextManager[bool]:
        return _turn()

    def stamp(self) -> Stamp | None:
        rows = fetch(_STAMP, [])
        return Stamp(*rows[0]) if rows else None

    def begin(self, epoch: int) -> None:
        """The stamp is the database's own, written by who calls."""
        make()  # after a restore; or what was not allowed when the table was made
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE search_indexed")

    def write(self, rows: Sequence[Row], gone: Sequence[Pair]) -> None:
        if gone:
            with connection.cursor() as cursor:
                cursor.execute(_DELETE.format(gone=_GONE.sql), _GONE.parameters(gone))
        for some in _sliced(rows):
            _WRITE.write([_columns(row) for row in some])

    def find(self, owner_id: int, terms: Sequence[Term]) -> Found:
        statements = [_FOUND_STAMP, _FOUND_APART]
        parameters: list[int | str] = [owner_id]
        for number, term in enumerate(terms):
            somewhere = ") AND (".join(map(_somewhere, term.all()))
            statements.append(_FOUND_TERM.format(number=number, somewhere=somewhere))
            parameters.append(owner_id)
            for one in term.all():
                parameters += [_pattern(one.text)] * len(one.fields)
        answers = dict(fetch(" UNION ALL ".join(statements), parameters))
        stamp = _numbers(answers.pop(-2, None))
        return Found(
            Stamp(*stamp) if stamp else None,
            frozenset(_numbers(answers[-1])),
            tuple(frozenset(_numbers(answers[number])) for number in range(len(terms))),
        )

    def texts(self, owner_id: int, message_ids: Sequence[int]) -> dict[int, SearchText | None]:
        rows = fetch(_TEXTS + among("message_id"), [owner_id, listed(message_ids)])
        return {
            message_id: None if is_apart else SearchText(*map(_shown, texts))
            for message_id, is_apart, *texts in rows
        }

    def pairs(self, after: Pair | None, limit: int) -> list[Pair]:
        first = after or Pair(-(2**63), 0)
        return [Pair(*row) for row in fetch(_PAIRS, [*first, limit])]

    def count(self) -> int:
        return int(fetch("SELECT count(*) FROM search_indexed", [])[0][0]) if _is_there() else 0

    def size(self) -> int:
        return int(fetch(_SIZE, [])[0][0]) if _is_there() else 0


def has_trigrams() -> bool:
    """Whether searching is as fast as it could be; else somebody has to install `EXTENSIONS`."""
    return _is_there(INDEX)


def make() -> None:
    """Make whatever is missing of the table and its indexes, within the caller's transaction."""
    if not _is_there():
        _run([_TABLE])
        _try([_COMPRESSION])  # decompressed several times as fast; not every Postgres has it
        _run([_PART.format(number=number) for number in range(PARTS)])
        _run([_APART])
    if not has_trigrams():
        # By a user that may make extensions: the owner of the database, usually.
        _try([*(f"CREATE EXTENSION IF NOT EXISTS {one}" for one in EXTENSIONS), _MAKE_INDEX])


def _is_there(name: str = "search_indexed") -> bool:
    return bool(fetch(_IS_THERE, [name])[0][0])


def _run(statements: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _try(statements: Sequence[str]) -> None:
    """Do all of them, or go on without."""
    with suppress(DatabaseError), transaction.atomic():
        _run(statements)


@contextmanager
def _turn() -> Iterator[bool]:
    with transaction.atomic():
        yield bool(fetch(_TURN, [])[0][0])


def _sliced(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows in pieces that a statement may have: a text can be megabytes."""
    some: list[Row] = []
    size = 0
    for row in rows:
        more = sum(map(len, _texts(row)))
        if some and size + more > SLICE:
            yield some
            some, size = [], 0
        some.append(row)
        size += more
    if some:
        yield some


def _columns(row: Row) -> tuple[Any, ...]:
    return (*row.pair, row.text is None, *map(_kept, _texts(row)))


def _texts(row: Row) -> list[str]:
    text = row.text or _EMPTY
    return [getattr(text, field) for field in Field]


def _somewhere(term: Term) -> str:
    return " OR ".join([f'"{field}" LIKE %s' for field in term.fields])


def _pattern(text: str) -> str:
    """For LIKE: found anywhere, and literally."""
    return f"%{_kept(text).translate(_SPECIAL)}%"


# pg_trgm makes letters small, and since Postgres 18 as the cluster's ICU does: a capital sigma by
# where in its word it stands. No trigram of a part of a word would fit then. Folded texts have no
# small sigma, so it can stand for the capital one.
def _kept(text: str) -> str:
    return text.replace(_SIGMA, _SMALL_SIGMA)


def _shown(text: str) -> str:
    return text.replace(_SMALL_SIGMA, _SIGMA)


def _numbers(octets: bytes | memoryview | None) -> "array[int]":
    """Signed 64-bit numbers in the order of the network."""
    numbers = array("q", bytes(octets or b""))
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
