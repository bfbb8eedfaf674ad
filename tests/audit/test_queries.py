"""Reading: newest first, page by page, each a statement; nobody reads of others' acts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit import queries, words
from apps.audit.models import AuditRecord
from apps.audit.queries import Page, Scope, Wanted, export, page
from apps.runtime import keyset
from tests.support.reading import Reading, analyze

pytestmark = pytest.mark.django_db


def made(**values: Any) -> AuditRecord:
    usual = {
        "at": timezone.now(),
        "actor_kind": "user",
        "actor_id": 1,
        "actor": "olga@example.test",
        "action": "user.suspend",
        "subject": "alice@example.test",
    }
    return AuditRecord.objects.create(**{**usual, **values})


def many(count: int) -> None:
    AuditRecord.objects.bulk_create(
        AuditRecord(
            at=timezone.now(), actor_kind="service", actor="x", action="user.add", domain_id=n % 7
        )
        for n in range(count)
    )


def ids(found: Page) -> list[int]:
    return [row.id for row in found.rows]


def all_pages(wanted: Wanted, limit: int, scope: Scope | None = None) -> Iterator[Page]:
    before = None
    while True:
        found = page(wanted, scope=scope, before=before, limit=limit)
        yield found
        before = found.after
        if before is None:
            return


def test_pages_are_newest_first_and_have_everything_once() -> None:
    many(95)
    pages = list(all_pages(Wanted(), 20))
    assert [len(one.rows) for one in pages] == [20, 20, 20, 20, 15]
    found = [row for one in pages for row in ids(one)]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 95


def test_what_comes_meanwhile_moves_no_page() -> None:
    many(30)
    first = page(limit=10)
    many(5)
    assert ids(page(before=first.after, limit=10))[0] == ids(first)[-1] - 1


def test_a_full_last_page_has_no_next_one() -> None:
    many(20)
    assert page(limit=20).after is None
    assert page(limit=19).after is not None
    assert page(limit=0).rows[0].id == page(limit=1).rows[0].id
    assert len(page(limit=10**9).rows) == 20


def test_a_page_is_one_statement_however_much_there_is() -> None:
    many(3_000)
    for limit in (10, 1_000):
        with CaptureQueriesContext(connection) as statements:
            assert page(scope=Scope(domains=[3]), limit=limit).rows
        assert len(statements) == 1


def test_a_search_for_words_is_two_statements_however_much_there_is() -> None:
    many(3_000)
    wanted = Wanted(actor="x", action="user", subject="", since=timezone.now() - timedelta(days=1))
    for limit in (10, 1_000):
        with CaptureQueriesContext(connection) as statements:
            assert page(wanted, scope=Scope(domains=[3]), limit=limit).rows
        assert len(statements) == 2


def test_a_search_looks_through_so_many_records_and_says_how_far_it_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queries, "LOOKED", 100)
    old = made(subject="needle.test")
    many(250)
    new = made(subject="needle.test")
    wanted = Wanted(subject="needle")

    pages = list(all_pages(wanted, 10))

    assert [ids(one) for one in pages] == [[new.pk], [], [old.pk]]
    ends = [one.looked_to for one in pages]
    assert ends[2] is None
    assert ends[0] is not None
    assert ends[0] == AuditRecord.objects.get(pk=new.pk - 100).at


def test_a_search_misses_none_where_its_looks_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "LOOKED", 7)
    many(60)
    for limit in (1, 3, 10):
        pages = list(all_pages(Wanted(action="user"), limit, Scope(domains=[3])))
        found = [row for one in pages for row in ids(one)]
        everything = ids(page(scope=Scope(domains=[3]), limit=1_000))
        assert found == everything


def test_a_search_that_nothing_fits_reads_so_many_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "LOOKED", 100)
    many(5_000)
    analyze()
    for wanted in (Wanted(text="zzzz"), Wanted(action="zzzz"), Wanted(subject="z", actor="z")):
        reading = Reading(("audit_auditrecord",))
        with connection.execute_wrapper(reading):
            assert page(wanted).rows == []
        assert len(reading.found) == 2
        assert reading.beyond(1_500) == []


def test_what_somebody_did_is_found_without_reading_everything() -> None:
    AuditRecord.objects.bulk_create(
        AuditRecord(
            at=timezone.now(), actor_kind="user", actor_id=1_000 + n, user_id=9_000 + n, action="a"
        )
        for n in range(5_000)
    )
    mine = made(actor_id=777, user_id=None)
    analyze()
    reading = Reading(("audit_auditrecord",))
    with connection.execute_wrapper(reading):
        assert ids(page(Wanted(users=[777]))) == [mine.pk]
    assert reading.beyond(100) == []


@pytest.mark.long
def test_the_last_of_a_hundred_thousand_is_as_near_as_the_first() -> None:
    many(100_000)
    seen = 0
    with CaptureQueriesContext(connection) as statements:
        for one in all_pages(Wanted(), 1_000, Scope(domains=range(7))):
            seen += len(one.rows)
    assert (seen, len(statements)) == (100_000, 100)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(actor="OLGA"),
        Wanted(actor="bob@"),  # as whom
        Wanted(action="user"),
        Wanted(action="user.sus"),
        Wanted(subject="Alice"),
        Wanted(users=[3]),
        Wanted(users=[1]),  # by whom
        Wanted(domain_id=4),
        Wanted(organization_id=5),
    ],
)
def test_it_finds_what_is_asked_for(wanted: Wanted) -> None:
    one = made(user_id=3, domain_id=4, organization_id=5, acting_for="bob@example.test")
    made(
        actor="root",
        actor_kind="command",
        actor_id=None,
        action="domain.add",
        subject="other.test",
        domain_id=6,
        organization_id=7,
    )
    assert ids(page(wanted)) == [one.pk]


def test_times_bound_it_with_the_first_and_without_the_last() -> None:
    now = timezone.now()
    before, there, after = (made(at=now + timedelta(hours=n)) for n in (-1, 0, 1))
    assert ids(page(Wanted(since=now))) == [after.pk, there.pk]
    assert ids(page(Wanted(until=now))) == [before.pk]


@pytest.mark.parametrize(
    "text", ["%", "_", "\\", "'; DROP TABLE audit_auditrecord; --", "\0", "\ud800", "x" * 10_000]
)
def test_a_sign_of_patterns_is_a_sign(text: str) -> None:
    made()
    for wanted in (Wanted(actor=text), Wanted(subject=text), Wanted(action=text)):
        assert page(wanted).rows == []


def test_nobody_reads_of_what_others_administer() -> None:
    theirs = [made(domain_id=1), made(organization_id=2), made(user_id=3)]
    made(domain_id=9, organization_id=9, user_id=9)
    made()  # of the whole installation
    scope = Scope(organizations=[2], domains=[1], users=[3])
    assert ids(page(scope=scope)) == [one.pk for one in reversed(theirs)]
    assert [row.id for row in export(scope=scope)] == [one.pk for one in theirs]
    assert page(scope=Scope()).rows == []
    assert list(export(scope=Scope())) == []
    # What is asked for narrows it, and opens nothing.
    assert page(Wanted(domain_id=9), scope=scope).rows == []
    assert page(Wanted(users=[9]), scope=scope).rows == []


def test_an_export_is_oldest_first_in_pieces_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyset, "BATCH", 10)
    many(25)
    with CaptureQueriesContext(connection) as statements:
        rows = export()
        first = next(rows)
        many(5)  # meanwhile: left for the next one
        found = [first.id, *(row.id for row in rows)]
    assert len(found) == 25
    assert found == sorted(found)
    assert sum(one["sql"].startswith("SELECT") for one in statements) == 4


def test_a_row_is_a_sentence() -> None:
    made(detail={"reason": "left us", "quota": 5, "kinds": ["a", "b"], "is": True, "no": None})
    (row,) = page().rows
    assert row.sentence == "suspended the user alice@example.test"
    assert row.details == "is yes, kinds a b, no -, quota 5, reason left us"


def test_a_name_is_never_read_as_anything_else() -> None:
    evil = "{0} {} {subject} %s %(x)s \x1b[2J \u202e"
    assert words.sentence("user.add", evil) == "added the user {0} {} {subject} %s %(x)s ?[2J ?"
    assert words.sentence("no.such", "x") == "did no.such: x"
    assert words.details({evil: {"in": [evil]}}).count("?") == 4


def test_a_text_is_looked_for_in_who_on_what_and_from_where() -> None:
    wanted = [
        made(actor="Zoe@example.test"),
        made(acting_for="zoe@example.test"),
        made(subject="zoe@example.test"),
        made(address="192.0.2.77"),
    ]
    made(detail={"name": "zoe"})

    assert ids(page(Wanted(text="ZOE@"))) == [one.pk for one in reversed(wanted[:3])]
    assert ids(page(Wanted(text="192.0.2.77"))) == [wanted[3].pk]
    assert ids(page(Wanted(text="\0\ud800%_"))) == []
