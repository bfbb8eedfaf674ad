"""What lists read: a page of theirs, however many users and aliases there are."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.console import paging
from apps.console.filters import Filter
from apps.console.removedlist import removed
from apps.console.userfilter import Wanted
from apps.console.userlist import users
from apps.directory.models import Domain, Kind, User, UserState
from apps.directory.permissions import powers_of
from tests.support.reading import Reading, analyze

CROWD = 3_000
MOST = 1_500  # rows that a statement may read: a page, and what SQLite does for each of its rows
TABLES = ("directory_user", "mailstore_usage")
PAGES = [
    Wanted(),
    Wanted(after="u2000@example.test"),
    Wanted(sort="name"),
    Wanted(sort="name", after="9~Name 2000"),
    Wanted(sort="idle"),
    Wanted(kind="shared"),
    Wanted(domain="example.test"),
    Wanted(domain="nowhere.test"),
]


def crowd(domain: Domain) -> None:
    """Very many users; every hundredth is a shared mailbox, or was removed."""
    now = timezone.now()
    User.objects.bulk_create(
        User(
            key=f"u{number:04}@example.test" + (f"#{number}" if number % 100 == 1 else ""),
            address=f"u{number:04}@example.test",
            name=f"Name {number * 7 % CROWD:04}",
            domain=None if number % 100 == 1 else domain,
            kind=Kind.SHARED if number % 100 == 0 else Kind.PERSON,
            state=UserState.REMOVED if number % 100 == 1 else UserState.ACTIVE,
            removed_at=now - timedelta(minutes=number) if number % 100 == 1 else None,
            seen_at=now - timedelta(hours=number),
        )
        for number in range(CROWD)
    )
    analyze()


def test_a_page_of_users_reads_a_page(
    operator: User, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "COUNTED", 100)
    crowd(domain)
    powers = powers_of(operator)
    for wanted in PAGES:
        reading = Reading(TABLES)
        with connection.execute_wrapper(reading):
            users(powers, wanted)
        assert len(reading.found) >= 1
        assert reading.beyond(MOST) == [], wanted

    for after, number in (("", 30), ("2020-01-01T00:00:00+00:00~7", 0)):
        reading = Reading(TABLES)
        with connection.execute_wrapper(reading):
            page = removed(powers, Filter(after=after))
        assert len(page.lines) == number
        assert reading.beyond(MOST) == []

    reading = Reading(TABLES)
    with connection.execute_wrapper(reading):
        nobody = users(powers, Wanted(text="zzzz"))
    assert nobody.lines == []
    assert len(reading.beyond(MOST)) == 1  # a search that finds nobody reads everything once
