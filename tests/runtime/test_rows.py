"""Many rows in one statement: the same rows on both databases, whatever is in them."""

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.runtime.rows import ManyRows, Values, allocate_ids, among, listed
from apps.runtime.ulid import new_ulid

pytestmark = pytest.mark.django_db

INSERT = ManyRows(
    "INSERT INTO rows_here (id, ulid, number, raw, words, yes)",
    "bigint uuid bigint bytea text boolean",
    "ON CONFLICT (id) DO NOTHING",
)
VALUES = Values("d", "key bigint, word text")


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    kinds = "ulid char(32), number bigint, raw blob, words text, yes bool"
    if connection.vendor == "postgresql":
        kinds = "ulid uuid, number bigint, raw bytea, words text, yes boolean"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE rows_here (id bigint PRIMARY KEY, {kinds})")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE rows_here")


def rows() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, number, raw, words, yes FROM rows_here ORDER BY id")
        return [
            (one, number, None if raw is None else bytes(raw), words, bool(yes))
            for one, number, raw, words, yes in cursor.fetchall()
        ]


def test_it_inserts_rows_of_every_kind() -> None:
    some: list[tuple[object, ...]] = [
        (1, 2**62, b"\x00\xff'\\", 'O\'Brien \\ {a,"b"} é \U0001f4ee', True),
        (2, -1, b"", "", False),
        (3, None, None, "NULL", False),
        (4, 0, b"\\x00", "x" * 100_000, True),
    ]
    with CaptureQueriesContext(connection) as captured:
        INSERT.write([(row[0], new_ulid().hex, *row[1:]) for row in some])
    assert len(captured) == 1
    assert rows() == some


def test_it_inserts_a_column_of_nothing() -> None:
    INSERT.write([(n, None, None, None, None, False) for n in range(3)])
    assert rows() == [(n, None, None, None, False) for n in range(3)]


def test_it_has_nothing_to_say_for_no_rows() -> None:
    with CaptureQueriesContext(connection) as captured:
        INSERT.write([])
    assert len(captured) == 0


def test_it_obeys_the_tail() -> None:
    row = (1, None, 5, None, "first", False)
    INSERT.write([row])
    INSERT.write([(1, None, 6, None, "second", False), (2, None, 7, None, "new", False)])
    assert [(one[0], one[1]) for one in rows()] == [(1, 5), (2, 7)]
    strict = ManyRows("INSERT INTO rows_here (id)", "bigint")
    with pytest.raises(IntegrityError), transaction.atomic():
        strict.write([(8,), (1,)])
    assert len(rows()) == 2


def test_it_joins_a_table_of_parameters() -> None:
    INSERT.write([(n, None, 0, None, "old", False) for n in range(4)])
    table = [(1, "it's"), (3, "\\ é"), (9, "nobody")]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE rows_here AS r SET words = d.word FROM {VALUES.sql} WHERE r.id = d.key"
            " RETURNING id",
            VALUES.parameters(table),
        )
        assert sorted(row[0] for row in cursor.fetchall()) == [1, 3]
    assert [row[3] for row in rows()] == ["old", "it's", "old", "\\ é"]


@pytest.mark.parametrize("wanted", [[], [2], [0, 3, 2**62], list(range(5_000))])
def test_it_finds_one_of_a_list(wanted: list[int]) -> None:
    INSERT.write([(n, None, 0, None, "", False) for n in range(4)])
    with connection.cursor() as cursor:
        sql = f"SELECT id FROM rows_here WHERE {among('id')} ORDER BY id"
        cursor.execute(sql, [listed(wanted)])
        assert [row[0] for row in cursor.fetchall()] == [n for n in range(4) if n in wanted]


def test_it_allocates_ids_that_rise() -> None:
    first = allocate_ids("trace_traceevent", 3)
    insert = ManyRows(
        "INSERT INTO trace_traceevent (id, trace_id, at, kind, data)",
        "bigint uuid bigint text text",
    )
    insert.write([(one, new_ulid().hex, 0, "x", "{}") for one in first])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM trace_traceevent")
    second = allocate_ids("trace_traceevent", 2)
    assert first == sorted(set(first))
    assert min(second) > max(first)
    assert allocate_ids("trace_traceevent", 0) == []
