"""What lists read: a page of theirs, however long they are."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from django.db import connection

from apps.directory.models import Alias, AliasTarget, Domain
from tests.api.conftest import Program
from tests.support.reading import Reading, analyze

CROWD = 1_500
LIMIT = 20
MOST = 500  # rows that a statement may read: a page, and what SQLite does for each of its rows


def crowd(domains: Sequence[Domain]) -> None:
    """Very many aliases, each with two targets of its own and one of all."""
    aliases = Alias.objects.bulk_create(
        Alias(domain=domains[number % len(domains)], local=f"a{number:04}")
        for number in range(CROWD)
    )
    names = [(alias, name) for alias in aliases for name in (alias.local, f"{alias.local}-two")]
    AliasTarget.objects.bulk_create(
        AliasTarget(alias=alias, address=f"{name}@elsewhere.test") for alias, name in names
    )
    analyze()


def test_a_page_of_aliases_reads_a_page(
    operator: Program, admin: Program, domain: Domain, other_domain: Domain
) -> None:
    crowd([domain, other_domain])
    mine, second = f"domain={domain.pk}", quote(f"{other_domain.pk}~a0001")

    def read(asks: Program, query: str) -> list[dict[str, Any]]:
        reading = Reading(("directory_alias", "directory_aliastarget"))
        with connection.execute_wrapper(reading):
            items: list[dict[str, Any]] = asks.get(f"aliases?limit={LIMIT}&{query}").json()["items"]
        assert reading.found
        assert reading.beyond(MOST) == [], query
        return items

    for asks in (operator, admin):
        for query in ("", mine, f"{mine}&cursor=a1200", "kind=group"):
            assert len(read(asks, query)) == LIMIT, query
        for query in ("address=a1000@example.test", "target=A1000-TWO@elsewhere.test"):
            assert [one["address"] for one in read(asks, query)] == ["a1000@example.test"]
    assert len(read(operator, f"cursor={second}")) == LIMIT
    assert read(admin, "address=a1001@other.test") == []
