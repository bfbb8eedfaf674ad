"""Each constant statement gives what its ORM twin gives."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Coalesce

from apps.directory import forwards, homes, matching, routing
from apps.directory.models import (
    Alias,
    AliasTarget,
    Domain,
    Forward,
    Kind,
    PatternKind,
    RelayCheck,
    RelayRecipient,
    State,
    User,
    UserState,
)
from apps.directory.services import forwards as forward_services
from apps.directory.services import relay
from apps.provisioning import services as provisioning
from apps.runtime.rows import among, fetch, listed
from tests.support.reading import analyze

PASSWORD = "correct horse battery"
NAMES = ["example.test", "other.test", "alias.test", "elsewhere.test", ""]
KEYS = [
    "alice@example.test",
    "bob@example.test",
    "eve@other.test",
    "team@example.test",
    "postmaster@example.test",
    "dora@example.test",
    "nobody@example.test",
]


@pytest.fixture(autouse=True)
def _world(alice: User, bob: User, eve: User) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    provisioning.add_user("team@example.test", kind=Kind.SHARED)
    dora, _ = provisioning.add_user("dora@example.test", PASSWORD)
    for user, target in ((dora, "d@elsewhere.test"), (eve, "e@elsewhere.test")):
        forward_services.add(user=user, target=target, keeps_copy=True)
    forward_services.ask(user=dora, target="asked@elsewhere.test", keeps_copy=True)
    provisioning.add_alias("sales@example.test", ["alice@example.test", "x@elsewhere.test"])
    provisioning.add_alias("sales@other.test", ["eve@other.test"])
    provisioning.add_alias("s-*@example.test", ["bob@example.test"])
    provisioning.add_alias("s-*@other.test", ["eve@other.test"])
    provisioning.add_alias("/s[0-9]+/@example.test", ["bob@example.test"])
    provisioning.add_alias("@example.test", ["bob@example.test"])
    provisioning.suspend_user("bob@example.test")
    provisioning.suspend_domain("other.test")


def ask(sql: str, values: list[Any]) -> set[tuple[Any, ...]]:
    return set(fetch(sql, values))


def test_it_finds_homes_as_the_orm_does() -> None:
    sql = homes.HOMES.format(asked=homes.NAMES.sql)
    twin = Domain.objects.filter(name__in=NAMES).values_list(
        "name",
        "state",
        "organization__state",
        "alias_of__state",
        Coalesce("alias_of", "pk"),
        Coalesce("alias_of__name", "name"),
        Coalesce("alias_of__detail_separator", "detail_separator"),
        "organization_id",
        Coalesce("alias_of__kind", "kind"),
        Coalesce("alias_of__relay_check", "relay_check"),
    )

    found = ask(sql, homes.NAMES.parameters([(name,) for name in NAMES]))
    assert found == set(twin)
    assert len(found) == 3


def test_it_finds_users_as_the_orm_does() -> None:
    sql = matching._USERS.format(asked=homes.NAMES.sql)
    twin = User.objects.filter(key__in=KEYS).exclude(
        kind=Kind.SHARED, key__startswith="postmaster@"
    )

    found = ask(sql, homes.NAMES.parameters([(key,) for key in KEYS]))
    assert found == set(twin.values_list("key", "pk", "address", "state", "forwarding"))
    assert len(found) == 5


def test_it_finds_the_exact_user_as_the_orm_does() -> None:
    def twin(key: str) -> routing.LocalUser | None:
        row = (
            User.objects.filter(
                key=key,
                state=UserState.ACTIVE,
                domain__state=State.ACTIVE,
                domain__organization__state=State.ACTIVE,
                forwarding="",
            )
            .exclude(kind=Kind.SHARED, key__startswith="postmaster@")
            .values_list("pk", "address")
            .first()
        )
        return None if row is None else routing.LocalUser(*row)

    found = {key: ask(routing._EXACT, [key]) for key in KEYS}
    assert {key: routing.LocalUser(*row) for key, rows in found.items() for row in rows} == {
        key: user for key in KEYS if (user := twin(key)) is not None
    }
    assert [key for key in KEYS if found[key]] == ["alice@example.test", "team@example.test"]


@pytest.mark.parametrize("names", [["sales", ""], ["s-x", ""], ["nothing"], ["/s[0-9]+/", "s-*"]])
def test_it_finds_aliases_as_the_orm_does(domain: Domain, names: list[str]) -> None:
    sql = matching._ALIASES.format(asked=matching._LOCALS.sql, domains=matching._DOMAINS.sql)
    twin = Alias.objects.filter(domain=domain).filter(
        Q(local__in=names, kind__in=[PatternKind.EXACT, PatternKind.CATCH_ALL])
        | Q(kind__in=[PatternKind.WILDCARD, PatternKind.REGEX])
    )

    found = ask(
        sql,
        [
            *matching._LOCALS.parameters([(domain.pk, name) for name in names]),
            *matching._DOMAINS.parameters([(domain.pk,)]),
        ],
    )
    assert found == set(twin.values_list("domain_id", "kind", "pk", "local", "state"))
    assert found


def test_it_finds_targets_as_the_orm_does() -> None:
    ids = list(Alias.objects.values_list("pk", flat=True))
    twin = AliasTarget.objects.filter(alias__in=ids).order_by("pk")

    found = fetch(matching._TARGETS.format(among=among("alias_id")), [listed(ids)])
    assert found == list(twin.values_list("alias_id", "address"))
    assert len(found) == 7


def test_it_finds_forwards_as_the_orm_does() -> None:
    ids = list(User.objects.values_list("pk", flat=True))
    twin = Forward.objects.filter(user__in=ids, confirmed_at__isnull=False).order_by("pk")

    found = fetch(forwards.ACTIVE.format(among=among("user_id")), [listed(ids)])
    assert found == list(twin.values_list("user_id", "address"))
    assert len(found) == 2


def test_it_finds_relay_recipients_as_the_orm_does(domain: Domain) -> None:
    relay.set_relay(domain=domain, check=RelayCheck.LIST)
    relay.add(domain=domain, recipients=["there", "nobody"])

    found = ask(
        matching._RELAYED.format(asked=homes.NAMES.sql),
        homes.NAMES.parameters([(key,) for key in KEYS]),
    )
    twin = RelayRecipient.objects.filter(key__in=KEYS)
    assert found == set(twin.values_list("key"))
    assert found == {("nobody@example.test",)}


def test_it_reads_no_table_for_patterns(domain: Domain) -> None:
    """A million aliases cost nobody anything: what no exact one takes is looked up by the index."""
    # So many that the index of names is better than that of domains.
    Alias.objects.bulk_create(Alias(domain=domain, local=f"a{number}") for number in range(2_000))
    analyze()
    sql = matching._ALIASES.format(asked=matching._LOCALS.sql, domains=matching._DOMAINS.sql)
    values = [
        *matching._LOCALS.parameters([(domain.pk, "x")]),
        *matching._DOMAINS.parameters([(domain.pk,)]),
    ]
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(explain + sql, values)
        plan = str(cursor.fetchall())
    assert "alias_wildcards" in plan
    assert "alias_once" in plan or "sqlite_autoindex_directory_alias" in plan
