"""Pages by key: every row once, whatever the order, whoever writes the cursor."""

from uuid import UUID

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.audit.models import AuditRecord
from apps.directory.models import Organization
from apps.runtime import keyset
from apps.runtime.keyset import Column, Order, Piece, piece, walk
from apps.trace.models import TraceEvent

NEWEST = Order(Column("at", falls=True), Column("trace_id", UUID), Column("pk", falls=True))
KINDS = Order(Column("kind", str), Column("at", falls=True), Column("pk"))
NAMES = Order(Column("name", str))
NAMES_OF_ALL = ["", "~", "a", "a ", "a~b", "ä~~", "z%~1", "名"]


@pytest.fixture
def events(db: None) -> QuerySet[TraceEvent]:
    """Forty of them: few moments, few messages and few kinds, so that each column has to decide."""
    TraceEvent.objects.bulk_create(
        TraceEvent(
            trace_id=UUID(int=number % 3), at=10**15 + number % 4, kind=NAMES_OF_ALL[number % 8]
        )
        for number in range(40)
    )
    return TraceEvent.objects.all()


def pages(found: QuerySet[TraceEvent], order: Order, most: int) -> list[Piece[TraceEvent]]:
    """All of them, by the cursors."""
    got = [piece(found, order, "", most)]
    while cursor := got[-1].following:
        got.append(piece(found, order, cursor, most))
    return got


@pytest.mark.parametrize("order", [NEWEST, KINDS], ids=["mixed", "text first"])
@pytest.mark.parametrize("most", [1, 7, 20, 40, 41])
def test_pages_have_every_row_once_in_their_order(
    events: QuerySet[TraceEvent], order: Order, most: int
) -> None:
    got = pages(events, order, most)

    shown = [row.pk for one in got for row in one.rows]
    assert shown == [row.pk for row in events.order_by(*order.names)]
    assert [one.is_first for one in got] == [True] + [False] * (len(got) - 1)
    assert len(got) == -(-40 // most)


def test_a_page_is_one_statement_that_an_index_can_serve(
    events: QuerySet[TraceEvent], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    cursor = piece(events, NEWEST, "", 5).following
    with CaptureQueriesContext(connection) as made:
        piece(events, NEWEST, cursor, 5)
    (one,) = made
    assert '"at" <= ' in one["sql"]  # the first column's range, outside of the "or"


def test_rows_that_come_and_go_move_nothing(events: QuerySet[TraceEvent]) -> None:
    first = piece(events, NEWEST, "", 10)
    TraceEvent.objects.filter(pk__in=[row.pk for row in first.rows]).delete()
    TraceEvent.objects.create(trace_id=UUID(int=9), at=2 * 10**15, kind="new")

    rest = [row for row in walk(events, NEWEST) if row.kind != "new"]
    following = piece(events, NEWEST, first.following, 100)
    assert [row.pk for row in following.rows] == [row.pk for row in rest]


@pytest.mark.parametrize("name", NAMES_OF_ALL)
def test_a_text_may_contain_anything(db: None, name: str) -> None:
    Organization.objects.bulk_create(Organization(name=one) for one in NAMES_OF_ALL)
    ordered = list(Organization.objects.order_by("name").values("name"))
    cursor = NAMES.cursor({"name": name})

    found = piece(Organization.objects.values("name"), NAMES, cursor, 100).rows
    assert found == (ordered[ordered.index({"name": name}) + 1 :] if name else ordered)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "~",
        "~~",
        "x",
        "1",
        "1~2",
        "1~x~1",
        "-1~00000000-0000-0000-0000-000000000000~1",
        f"{2**63}~00000000-0000-0000-0000-000000000000~1",
        f"1~00000000-0000-0000-0000-000000000000~{'9' * 500}",
        "1~00000000-0000-0000-0000-000000000000~1~1",
        "٣~00000000-0000-0000-0000-000000000000~1",
        "1e3~00000000-0000-0000-0000-000000000000~1",
        "nan~nan~nan",
        "\0~\0~\0",
        "' OR 1=1 --~2~3",
        "1~" * 500_000,
    ],
)
def test_what_is_no_cursor_is_the_beginning(events: QuerySet[TraceEvent], cursor: str) -> None:
    got = piece(events, NEWEST, cursor, 5)
    assert got.is_first
    assert [row.pk for row in got.rows] == [row.pk for row in events.order_by(*NEWEST.names)[:5]]


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * (keyset.LONGEST + 1)])
def test_a_text_that_no_statement_carries_is_none(db: None, text: str) -> None:
    assert NAMES.after(text) is None
    assert piece(Organization.objects.all(), NAMES, text, 5).is_first


@pytest.mark.parametrize(
    "time",
    [
        "2030-01-31",
        "2030-01-31T12:00:00",
        "2030-01-31T12:00:00+02:00",
        "99999-01-01T00:00:00+00:00",
        "now",
        "0",
        "\0",
    ],
)
def test_a_time_needs_its_zone(time: str) -> None:
    order = Order(Column("at", type(timezone.now())), Column("pk"))
    assert order.after(f"{time}~1") is None
    assert order.after("2030-01-31T12:00:00+00:00~1") is not None


def test_times_are_kept_to_the_last_digit(db: None) -> None:
    at = timezone.now()
    for micro in (1, 2, 3):
        AuditRecord.objects.create(at=at.replace(microsecond=micro), action="user.add")
    order = Order(Column("at", type(at), falls=True), Column("pk", falls=True))

    got = [row.at.microsecond for row in AuditRecord.objects.order_by(*order.names)]
    first = piece(AuditRecord.objects.all(), order, "", 1)
    rest = piece(AuditRecord.objects.all(), order, first.following, 5)
    assert [row.at.microsecond for row in (*first.rows, *rest.rows)] == got == [3, 2, 1]


def test_a_cursor_of_anothers_row_shows_nothing_of_it(events: QuerySet[TraceEvent]) -> None:
    """It is a place in the order: what lies behind it is what one may see anyway."""
    mine = events.filter(trace_id=UUID(int=0))
    theirs = events.filter(trace_id=UUID(int=2)).order_by(*NEWEST.names)
    for row in theirs:
        got = piece(mine, NEWEST, NEWEST.cursor(row), 100)
        assert {one.trace_id for one in got.rows} <= {UUID(int=0)}


def test_all_are_read_a_few_at_a_time(
    events: QuerySet[TraceEvent],
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(keyset, "BATCH", 16)
    with django_assert_num_queries(3):
        got = list(walk(events.values("pk", "kind", "at"), KINDS))
    assert [row["pk"] for row in got] == [row.pk for row in events.order_by(*KINDS.names)]
    assert list(walk(events.none(), KINDS)) == []
