"""Lists: complete, in a stable order, in bounded memory and statements."""

import tracemalloc
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.models import Alias, AliasTarget, Domain, User
from apps.provisioning import queries, services
from apps.provisioning.queries import AliasRow, DomainRow
from apps.wire.errors import InvalidName, NotFound


def add_many(domain: Domain, count: int) -> None:
    User.objects.bulk_create(
        User(
            key=f"u{number:05}@{domain.name}", address=f"U{number:05}@{domain.name}", domain=domain
        )
        for number in range(count)
    )


def test_it_lists_domains_with_their_numbers(alice: User, bob: User, eve: User) -> None:
    services.add_domain("alias.test", organization="ignored", alias_of="example.test")
    services.add_alias("sales@example.test", ["alice@example.test"])
    services.suspend_domain("other.test")
    services.remove_user("bob@example.test")

    usual = ("reject", "reject", "off")
    assert list(queries.domains()) == [
        DomainRow(
            "alias.test", "Default", "active", "example.test", 0, 0, "hosted", None, None, None
        ),
        DomainRow("example.test", "Default", "active", None, 2, 1, "hosted", *usual),
        DomainRow("other.test", "Default", "suspended", None, 2, 0, "hosted", *usual),
    ]


def test_it_lists_users(alice: User, bob: User, eve: User) -> None:
    services.make_domain_admin(alice)
    services.create_operator("root@elsewhere.test", "correct horse battery")
    services.remove_user("bob@example.test")

    rows = list(queries.users())
    assert [row.address for row in rows] == [
        "alice@example.test",
        "eve@other.test",
        "postmaster@example.test",
        "postmaster@other.test",
        "root@elsewhere.test",
    ]
    assert [row.roles for row in rows] == [
        ["domain_admin of example.test"],
        [],
        [],
        [],
        ["operator"],
    ]
    assert (rows[0].name, rows[0].kind, rows[0].state) == ("Alice Archer", "person", "active")
    assert (rows[0].used, rows[0].messages, rows[0].removed_at) == (0, 0, None)


def test_it_lists_users_of_one_domain(alice: User, eve: User) -> None:
    assert [row.address for row in queries.users(domain="OTHER.test")] == [
        "eve@other.test",
        "postmaster@other.test",
    ]
    with pytest.raises(NotFound):
        list(queries.users(domain="missing.test"))
    with pytest.raises(InvalidName):
        list(queries.users(domain="not a domain"))


def test_it_lists_tombstones(alice: User, bob: User) -> None:
    services.remove_user("bob@example.test")
    services.remove_user("alice@example.test")

    rows = list(queries.removed_users())
    assert [row.address for row in rows] == ["alice@example.test", "bob@example.test"]
    assert all(row.removed_at for row in rows)


def test_it_lists_aliases(domain: Domain, other_domain: Domain) -> None:
    services.add_alias("@other.test", ["b@elsewhere.test", "a@elsewhere.test"])
    services.add_alias("sales@example.test", ["x@elsewhere.test"])
    services.add_alias("a-*@example.test", ["x@elsewhere.test"])

    everything = [
        AliasRow("a-*@example.test", ["x@elsewhere.test"], "active"),
        AliasRow("sales@example.test", ["x@elsewhere.test"], "active"),
        AliasRow("@other.test", ["b@elsewhere.test", "a@elsewhere.test"], "active"),
    ]
    assert list(queries.aliases()) == everything
    assert list(queries.aliases(domain="other.test")) == everything[2:]


def test_it_lists_nothing_of_nothing(db: None) -> None:
    assert list(queries.domains()) == []
    assert list(queries.users()) == []
    assert list(queries.removed_users()) == []
    assert list(queries.aliases()) == []


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7])
def test_it_loses_no_row_between_pages(
    domain: Domain, other_domain: Domain, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(queries, "PAGE", 3)
    add_many(domain, count)
    for number in range(count):
        services.add_domain(f"d{number}.test", alias_of="example.test")
        for name in ("example.test", "other.test"):
            services.add_alias(f"a{number}@{name}", ["x@elsewhere.test"])

    users = [row.address for row in queries.users(domain="example.test")]
    assert users == ["postmaster@example.test", *(f"U{n:05}@example.test" for n in range(count))]
    assert [row.name for row in queries.domains()] == [
        *(f"d{n}.test" for n in range(count)),
        "example.test",
        "other.test",
    ]
    assert [row.pattern for row in queries.aliases()] == [
        f"a{n}@{name}" for name in ("example.test", "other.test") for n in range(count)
    ]
    assert list(queries.users()) == list(queries.users())


def test_it_streams_ten_thousand_users(domain: Domain) -> None:
    add_many(domain, 10_000)
    rows: Iterator[object] = queries.users()
    with CaptureQueriesContext(connection) as statements:
        tracemalloc.start()
        count = sum(1 for _ in rows)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert count == 10_001
    assert len(statements) == 22  # two for each page of 1,000
    assert peak < 8_000_000  # bytes; all rows at once would be several times that


def test_it_streams_ten_thousand_aliases(domain: Domain) -> None:
    made = Alias.objects.bulk_create(
        Alias(domain=domain, local=f"a{number:05}") for number in range(10_000)
    )
    AliasTarget.objects.bulk_create(
        AliasTarget(alias=alias, address="x@elsewhere.test") for alias in made
    )
    with CaptureQueriesContext(connection) as statements:
        patterns = [row.pattern for row in queries.aliases()]

    assert patterns == sorted(patterns)
    assert len(patterns) == 10_000
    assert len(statements) == 21  # two for each page of 1,000, and one that finds no more
