"""Every address of the interface for programs, every verb, every sort of token, things of two
tenants.

The addresses are those of the URL map: a new one without a row fails. Nothing of a tenant is in
what the other is answered, nothing of it changes, and its things are answered as what does not
exist is, but for their names.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import pytest
from django.urls import URLResolver, get_resolver
from pytest_django.fixtures import Settings

from apps.api.doors import Door
from apps.directory.apitokens import SCOPES
from apps.directory.models import Domain, Organization, Role, User
from apps.directory.services import apitokens
from apps.mailstore.queries import inboxes
from apps.provisioning import services as provisioning
from apps.runtime.ulid import ulid_text
from apps.scan import runner
from apps.webhooks import sending
from apps.webhooks.services.deliveries import Attempt, Parcel
from tests.api import (
    rows_aliases,
    rows_domains,
    rows_health,
    rows_mail,
    rows_organizations,
    rows_policies,
    rows_quarantine,
    rows_queue,
    rows_roles,
    rows_sharing,
    rows_tokens,
    rows_traces,
    rows_users,
    rows_webhooks,
)
from tests.api.conftest import Program, program
from tests.api.matrixrows import PLAIN, ROLES, STRANGERS, VERBS, Row
from tests.console.conftest import holder
from tests.console.test_matrix import body_of, watched
from tests.console.world import Tenant, rows_of, tenant

A, B, NOBODY = "wombat", "quokka", "nobody"
NOBODYS: Final = 999_999
EVERYTHING: Final = "operator"
SHORT: Final = ("GET",)

TABLE: Final[dict[str, Row]] = {
    "api-openapi": Row(get=200, is_public=True),
    "api-docs": Row(get=200, is_public=True),
    "api-docs-problems": Row(get=200, is_public=True),
    "api-docs-resource": Row(get=404, is_public=True),
    "api-missing": Row(get=404, post=404, put=404, patch=404, delete=404, is_public=True),
    **rows_organizations.ROWS,
    **rows_domains.ROWS,
    **rows_aliases.ROWS,
    **rows_mail.ROWS,
    **rows_health.ROWS,
    **rows_policies.ROWS,
    **rows_quarantine.ROWS,
    **rows_queue.ROWS,
    **rows_roles.ROWS,
    **rows_tokens.ROWS,
    **rows_traces.ROWS,
    **rows_users.ROWS,
    **rows_sharing.ROWS,
    **rows_webhooks.ROWS,
}


def patterns() -> Iterator[tuple[str, str, Any]]:
    """Name, route and view of every address."""

    def walk(resolver: Any, before: str) -> Iterator[tuple[str, str, Any]]:
        for found in resolver.url_patterns:
            route = before + str(found.pattern)
            if isinstance(found, URLResolver):
                yield from walk(found, route)
            elif (found.name or "").startswith("api-"):
                yield found.name, route, getattr(found.callback, "view_class", None)

    return walk(get_resolver(), "/")


def test_every_address_has_a_row() -> None:
    assert {name for name, _, _ in patterns()} == set(TABLE)


def _token_of(user: User) -> int:
    found = user.api_tokens.order_by("pk").values_list("pk", flat=True).first()
    if found is None:
        found = apitokens.issue(user=user, name=f"of {user.pk}", scopes=SCOPES)[0].pk
    return found


def _inbox_of(user: User) -> int:
    return inboxes([user.pk])[user.pk]


def _forward_of(user: User) -> int:
    found = user.forwards.order_by("pk").values_list("pk", flat=True).first()
    return found or NOBODYS  # it was removed


def _app_password_of(user: User) -> int:
    found = user.app_passwords.order_by("pk").values_list("pk", flat=True).first()
    return found or NOBODYS


# Things that their owner alone sees, and how the one of a person is named.
OWN: Final[dict[str, Callable[[User], int]]] = {
    "token": _token_of,
    "mailbox": _inbox_of,
    "forward": _forward_of,
    "own app password": _app_password_of,
}


@dataclass
class World:
    """Both tenants, and the program of one person."""

    a: Tenant
    b: Tenant
    role: str
    program: Program

    @classmethod
    def of(cls, role: str, scopes: tuple[str, ...] = SCOPES) -> "World":
        a, b = tenant("A", A), tenant("B", B)
        for each in (a, b):  # somebody who may be removed
            spare, _ = provisioning.add_user(each.address("spare"), "correct horse battery")
            each.ids["spare"] = spare.pk
        operator = holder("root@elsewhere.test", Role.OPERATOR)
        for make in OWN.values():
            make(a.people["other"])
            make(b.people["other"])
        people: dict[str, User] = {**a.people, "admin of B": b.people["admin"]}
        bound: dict[str, list[Organization | Domain]] = {
            "operator in the domain of A": [a.domain],
            "operator in the organisation of A": [a.organization],
        }
        if role == "anonymous":
            return cls(a, b, role, Program())
        person = people.get(role, operator)
        asks = program(person, scopes, bound.get(role), name=f"{role} program")
        if role == "suspended":
            provisioning.suspend_user(person.key)
        return cls(a, b, role, asks)

    def name_of(self, thing: str, owner: str) -> str:
        """How the address names a thing."""
        if thing in ("queued", "sent"):
            return ulid_text(UUID(int=1) if owner == NOBODY else self._owner(owner).queued)
        if owner == NOBODY:
            return str(NOBODYS)
        made = self._owner(owner)
        if thing in OWN:
            return str(OWN[thing](made.people["other"]))
        return str(made.people["other"].pk if thing == "person" else made.ids[thing])

    def _owner(self, owner: str) -> Tenant:
        return self.a if owner == A else self.b

    def may_see(self, row: Row, owner: str) -> bool:
        """Whether the thing is in sight of the role."""
        if owner == NOBODY:
            return False
        if row.thing in OWN or row.thing == "sent":
            return (self.role, owner) == ("other", A)
        return self.role == "operator" or (self.role == "admin of B") == (owner == B)

    def expected(self, row: Row, verb: str, owner: str) -> tuple[int, ...]:
        """The statuses that the table allows."""
        told = row.told(verb)
        if row.is_public:
            return told
        if self.role in STRANGERS:
            return (401,) if self.role == "anonymous" else (403,)
        if self.role in PLAIN and not row.is_own:
            return (403,)
        if told == (405,):
            return told
        may = row.is_own or self.role in row.may
        if row.thing and not (may and self.may_see(row, owner)):
            return (404,)
        if not may:
            return (403,)
        if verb != "GET" and self.role in row.refused:
            return (403,)
        return told


def addresses(world: World) -> Iterator[tuple[str, Row, str, str]]:
    """Each address with its row, and how it is written for the thing of an owner."""
    for name, route, _ in patterns():
        row = TABLE[name]
        if name == "api-missing":
            yield name, row, A, "/api/v1/nothing"
            continue
        for owner in (A, B, NOBODY) if row.thing else (A,):
            named = world.name_of(row.thing, owner) if row.thing else "1"
            path = re.sub(r"<[^>]+>", named, route, count=1)
            yield name, row, owner, re.sub(r"<[^>]+>", row.second, path)


def verbs_of(row: Row, role: str, owner: str) -> tuple[str, ...]:
    """Those that are asked for: what a door does not have, one role and strangers ask for, once."""
    if role in (EVERYTHING, "anonymous") and owner == A:
        return VERBS
    return own_verbs(row)


def own_verbs(row: Row) -> tuple[str, ...]:
    """Those that a door has."""
    return tuple(verb for verb in VERBS if row.told(verb) != (405,)) or SHORT


def walk(world: World) -> int:
    """Ask everything; return how much."""
    stranger = world.a if world.role == "admin of B" else world.b
    before = rows_of(stranger)
    seen: dict[tuple[str, str, str], tuple[int, str]] = {}
    for name, row, owner, path in addresses(world):
        for verb in verbs_of(row, world.role, owner):
            with watched() as written:
                answer = world.program.ask(verb, path, row.data.get(verb))
                what = (world.role, name, verb, owner, answer.status_code)
                body = body_of(answer).decode(errors="replace")
                assert answer.status_code in world.expected(row, verb, owner), (*what, body)
                if world.role != "operator":
                    assert stranger.word not in body.lower(), what
                    for table, digest in (rows_of(stranger, written) if written else {}).items():
                        assert digest == before[table], (*what, table)
            seen[name, verb, owner] = answer.status_code, body
    for (name, verb, owner), answered in seen.items():
        row = TABLE[name]
        is_its_own = world.may_see(row, owner) and 404 in row.told(verb)
        if owner != NOBODY and row.thing and answered[0] == 404 and not is_its_own:
            assert answered == seen[name, verb, NOBODY], (world.role, name, verb, owner)
    return len(seen)


async def taken(parcels: Sequence[Parcel], seconds: float) -> list[Attempt]:
    """Nothing is posted to anybody."""
    return [Attempt(1, 1, 204) for _ in parcels]


@pytest.fixture(autouse=True)
def _no_checks(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(runner, "CHECKS", ())
    settings.API_REQUESTS_PER_MINUTE = 0  # one program asks for everything
    monkeypatch.setattr(sending, "_all", taken)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", ROLES)
def test_each_token_gets_what_the_table_says(role: str, db: None) -> None:
    assert walk(World.of(role)) >= len(TABLE)


def test_without_a_scope_nothing_of_its_resource_is_there(db: None) -> None:
    """A token that may read all writes nothing, and one that has all scopes of other resources
    neither reads nor writes."""
    reading = World.of("operator", tuple(one for one in SCOPES if one.endswith(":read")))
    person = User.objects.get(key="root@elsewhere.test")
    programs: dict[str, Program] = {}
    for name, route, view in patterns():
        if not (isinstance(view, type) and issubclass(view, Door)):
            continue
        if view.resource not in programs:
            others = [one for one in SCOPES if not one.startswith(f"{view.resource}:")]
            programs[view.resource] = program(person, others)
        without = programs[view.resource]
        path = re.sub(r"<[^>]+>", "1", re.sub(r"<ulid:[^>]+>", "1" * 26, route))
        for verb in own_verbs(TABLE[name]):
            with nullcontext() if verb == "GET" else watched():
                is_read = view.way(view(), verb) == "read"
                if not is_read:
                    assert reading.program.ask(verb, path, {}).status_code == 403, (name, verb)
                assert without.ask(verb, path, {}).status_code == 403, (name, verb)
