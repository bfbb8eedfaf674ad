"""Every address of the web, every verb, every sort of person, things of two tenants.

The addresses are those of the URL map: a new one without a row in TABLE fails. Nothing of a tenant
is in what the other is answered, nothing of it changes, and its things are answered as what does
not exist is, byte for byte.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import Client
from django.urls import URLResolver, get_resolver

from apps.directory import permissions
from apps.directory.models import Role, User
from apps.directory.permissions import Ability, Powers
from apps.provisioning import services as provisioning
from apps.runtime.ulid import ulid_text
from apps.scan import runner
from apps.webhooks import sending
from apps.webhooks.services.deliveries import Attempt, Parcel
from tests.console import (
    rows_addresses,
    rows_domains,
    rows_import,
    rows_organizations,
    rows_policies,
    rows_quarantine,
    rows_queue,
    rows_setup,
    rows_system,
    rows_trace,
    rows_users,
    rows_webhooks,
    rows_wellknown,
)
from tests.console.conftest import holder
from tests.console.matrixrows import CONSOLE, ROLES, STRANGERS, Row, own, public
from tests.console.world import Tenant, rows_of, signed_in, tenant

# Things that administrators of the tenant see, and operators.
OF_TENANTS: Final = frozenset(
    {
        "person",
        "domain",
        "alias",
        "organization",
        "tombstone",
        "shared",
        "grant",
        "held",
        "queued",
        "webhook",
        "program",  # of the installation: operators alone come so far
    }
)
VERBS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SHORT: Final = ("GET", "POST")
# In the short form they alone send DELETE, and nobody the rest: HEAD is asked as GET is, the others
# as DELETE. The first has mail, the last sees every page of the console.
DELETING: Final = ("other", "operator")
# Their own mail and settings are those of every person: in the short form they walk the console.
MAIL_AS_OTHERS: Final = ("suspended", "user", "helpdesk", "admin", "reseller", "operator")
# Has the mail that others are to see nothing of; to the console it is a user as any other.
MAIL_ALONE: Final = "other"
A, B, NOBODY = "wombat", "quokka", "nobody"
NOBODYS: Final = 999_999
_WRITES: Final = re.compile(
    r'\s*(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM|REPLACE INTO)\s+"?(\w+)"?', re.IGNORECASE
)

TABLE: Final[dict[str, Row]] = {
    "healthz": public(200, 405),
    "readyz": public(200, 405),
    "metrics": public(200, 405),
    "home": own(302, 405),
    "login": public((200, 302), 200),
    "login-verify": public(302, 302),
    "login-confirm": own(200, 200),
    "passkey-begin": public(405, 415),
    "passkey-complete": public(405, 415),
    "acting-stop": public(405, 302),
    "logout": public(405, 302),
    "setup": public(410, 410),
    "forward": public(410, 410),
    "held": public(410, 410),
    "digests": public(410, 410),
    "login-forgot": public(200, 200),
    "login-reset": public(410, 410),
    "recovery": public(410, 410),
    "demo": public(404, 405),
    "settings": own(302, 302, rest=302),
    "settings-general": own(200, 302),
    "settings-identities": own(200, 422),
    "settings-forwarding": own(200, 422),
    "settings-senders": own(200, 422),
    "settings-held": own(200, 422),
    "settings-sharing": own(200, 422),
    "settings-storage": own(200, 405),
    "settings-vacation": own(200, 422),
    "words": public(404, 405),
    "settings-apps": own(200, 405),
    "app-password-new": own(200, 200),
    "app-password": own(200, 302, "app-password"),
    "oauth-authorize": own(400, 400),
    "access-token": own(405, 302, "access-token", strangers="post"),
    "settings-tokens": own(200, 405),
    "token-new": own(200, 200),
    "token": own(200, 302, "api-token"),
    "settings-recovery": own(200, 422),
    "settings-activity": own(200, 405),
    "settings-security": own(200, 405),
    "security-authenticator": own(200, 200),
    "security-codes": own(200, (200, 302)),
    "security-trusted": own(405, 302),
    "security-passkey-add": own(200, 405),
    "passkey-new-begin": public(405, 415),
    "passkey-new-complete": public(405, 415),
    "security-passkey": own(200, (200, 302, 422), "security-passkey"),
    "sessions-end": own(405, 302, strangers="post"),
    "settings-password": own(200, 200),
    "/mail/": own(302, 405),
    "acts": own(405, 302),
    "compose": own((200, 409), 405),  # operators without mail have no address
    "compose-draft": own(404, (302, 409)),
    "compose-discard": own(405, 302, "draft"),
    "compose-restore": own(405, 302, "draft"),
    "compose-message": own((200, 404), 405, "mail"),
    "compose-send": own(405, (404, 409, 422)),
    "compose-undo": own(405, 302, "draft"),
    "compose-schedule": own(405, 302, "draft"),
    "compose-now": own(405, 302, "draft"),
    "hasten": own(405, 302, "mail"),
    "draft-files": own(405, 200, data=(("name", "a"), ("size", "1"))),
    "draft-file": own(200, 400, "draft", rest=(200, 405)),
    "draft-file-remove": own(405, 302),
    "draft-file-content": own(200, 405, "draft"),
    "live": own(204, 405),
    "poll": own(200, 405),
    "why": own(200, 405, "mail"),
    "history": own(200, 405, "mail"),
    "unsubscribe": own(404, 404, "mail"),
    "block": own(405, 404),
    "allow": own(405, 404),
    "undo": own(405, 302),
    "side": own(200, 405),
    "folders": own(200, 405),
    "folder-new": own(200, 422),
    "folder": own((200, 404), (302, 404)),  # a number: the first mailbox, somebody's inbox
    "folder-delete": own((200, 404), (404, 422)),
    "folder-sight": own(405, (302, 404)),
    "starred": own(200, 405),
    "label": own(200, 405),
    "labels": own(200, 405),
    "label-new": own(200, 422),
    "label-edit": own(404, 404),
    "label-delete": own(404, 404),
    "removed": own(200, 405),
    "removed-restore": own(405, 302),
    "removed-since": own(200, 422),
    "search": own(200, 405),
    "search-filters": own(200, 405),
    "search-suggest": own(200, 405),
    "compose-people": own(200, 405),
    "contacts": own(200, 405),
    "contact-new": own(200, 422),
    "contact": own(200, 422, "contact"),
    "contacts-acts": own(405, 302),
    "contacts-collected": own(200, 302),
    "contacts-import": own(200, 422),
    "contacts-export": own(200, 405),
    "contact-group-new": own(200, 422),
    "contact-group": own(200, 422, "contact-group"),
    "contact-group-delete": own(200, 302, "contact-group"),
    "mailbox": own(200, 405),
    "message": own(200, 405, "mail"),
    "message-one": own(200, 405, "mail"),
    "print": own(200, 405, "mail"),
    "headers": own(200, 405, "mail"),
    "body": own(200, 405, "mail"),
    "body-part": own(404, 405, "mail"),
    "inline": own(404, 405, "mail"),
    "preview": own(404, 405, "mail"),
    "files-zip": own(404, 405, "mail"),
    "pictures-trust": own(405, 302, "mail"),
    "pictures": own(200, 302),
    "picture": own(404, 405),
    "source": own(200, 405, "mail"),
    "part": own(404, 405, "mail"),
    "act": own(405, 302, "mail"),
    **rows_users.ROWS,
    **rows_system.ROWS,
    **rows_domains.ROWS,
    **rows_addresses.ROWS,
    **rows_import.ROWS,
    **rows_organizations.ROWS,
    **rows_policies.ROWS,
    **rows_quarantine.ROWS,
    **rows_queue.ROWS,
    **rows_trace.ROWS,
    **rows_setup.ROWS,
    **rows_webhooks.ROWS,
    **rows_wellknown.ROWS,
}


def patterns() -> Iterator[tuple[str, str]]:
    """Name (or route) and route of every address but those for programs (tests/api/test_matrix)."""

    def walk(resolver: Any, before: str) -> Iterator[tuple[str, str]]:
        for found in resolver.url_patterns:
            route = before + str(found.pattern)
            if isinstance(found, URLResolver):
                yield from walk(found, route)
            elif not (found.name or "").startswith("api-"):
                yield found.name or route, route

    return walk(get_resolver(), "/")


def test_every_address_has_a_row() -> None:
    assert {name for name, _ in patterns()} == set(TABLE)


@dataclass
class World:
    """Both tenants, and the browser of one person."""

    a: Tenant
    b: Tenant
    role: str
    client: Client

    @classmethod
    def of(cls, role: str) -> "World":
        a, b = tenant("A", A), tenant("B", B)
        operator = holder("root@elsewhere.test", Role.OPERATOR)
        people: dict[str, User] = {**a.people, "admin of B": b.people["admin"]}
        people["operator"] = operator
        client = Client() if role == "anonymous" else signed_in(people[role])
        if role == "suspended":
            provisioning.suspend_user(people[role].key)
        return cls(a, b, role, client)

    def number(self, thing: str, owner: str) -> int:
        if owner == NOBODY:
            return NOBODYS
        if thing == "mail":
            return 1 if owner == A else 3
        if thing in ("draft", "queued"):
            return 0  # known by UUIDs: see `letter`
        made = self.a if owner == A else self.b
        return made.people["other"].pk if thing == "person" else made.ids[thing]

    def letter(self, thing: str, owner: str) -> tuple[str, str]:
        """A letter and a file of it; of nobody where the row is about none."""
        if thing != "draft" or owner == NOBODY:
            return str(UUID(int=1)), str(UUID(int=2))
        draft, file = (self.a if owner == A else self.b).draft
        return str(draft), str(file)

    def ulid(self, thing: str, owner: str) -> str:
        """A message in the queue; of nobody where the row is about none."""
        if thing != "queued" or owner == NOBODY:
            return ulid_text(UUID(int=1))
        return ulid_text((self.a if owner == A else self.b).queued)

    def may_see(self, row: Row, owner: str) -> bool:
        """Whether the thing is in sight of the role."""
        if owner == NOBODY:
            return False
        if row.thing == "mail":
            return self.role == "admin of B" or (self.role in ("other", "admin") and owner == A)
        if row.thing in OF_TENANTS:
            return self.role == "operator" or (self.role == "admin of B") == (owner == B)
        return self.role == "other" and owner == A

    def expected(self, row: Row, verb: str, owner: str) -> tuple[int, ...]:
        """The statuses that the table allows."""
        is_read, is_post = verb in ("GET", "HEAD"), verb == "POST"
        told = row.get if is_read else row.post if is_post else row.rest
        if self.role in STRANGERS and row.strangers is not None:
            told = 302 if row.strangers == "login" or is_post else 405
        elif self.role not in row.may:
            told = told if told == 405 and self.role in CONSOLE else 404
        elif row.thing and not self.may_see(row, owner):
            codes = told if isinstance(told, tuple) else (told,)
            told = tuple(405 if code == 405 else 404 for code in codes)
        elif is_post and self.role in row.refused:
            told = 403
        return told if isinstance(told, tuple) else (told,)


def addresses(world: World) -> Iterator[tuple[str, Row, str, str]]:
    """Each address with its row, and how it is written for the thing of an owner."""
    for name, route in patterns():
        row = TABLE[name]
        plain = (
            route.replace("<str:token>", "no-such-token")
            .replace("<str:language>", "xx")
            .replace("<slug:slug>", "inbox")
            .replace("<str:signed>", "no-such-picture")
            .replace("<int:number>", "1")
            .replace("<slug:verb>", "unread")
            .replace("<uuid:job>", str(UUID(int=1)))
        )
        for owner in (A, B, NOBODY) if row.thing else (A,):
            number = str(world.number(row.thing, owner)) if row.thing else ""
            draft, file = world.letter(row.thing, owner)
            named = plain.replace("<uuid:draft>", draft).replace("<uuid:file>", file)
            named = re.sub(r"<ulid:\w+>", world.ulid(row.thing, owner), named)
            yield name, row, owner, re.sub(r"<(uid|row):\w+>", number, named)


@contextmanager
def watched() -> Iterator[set[str]]:
    """The tables that are written by what runs within; all of it is taken back."""
    written: set[str] = set()

    def look(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if found := _WRITES.match(sql):
            written.add(found[1])
        return execute(sql, params, many, context)

    point = transaction.savepoint()
    try:
        with connection.execute_wrapper(look):
            yield written
    finally:
        transaction.savepoint_rollback(point)


def body_of(answer: HttpResponseBase) -> bytes:
    if isinstance(answer, StreamingHttpResponse):
        return b"".join(answer)
    return bytes(answer.content)  # type: ignore[attr-defined]  # all others are HttpResponse


def walk(
    world: World, only: str = "", verbs: Sequence[str] = SHORT, *, but: str | None = None
) -> int:
    """Ask everything, or the addresses whose names begin so (`but`: do not); return how much."""
    cookies = {key: morsel.value for key, morsel in world.client.cookies.items()}
    stranger = world.a if world.role == "admin of B" else world.b
    before = rows_of(stranger)
    seen: dict[tuple[str, str, str], tuple[int, bytes]] = {}
    for name, row, owner, path in addresses(world):
        is_asked = name.startswith(only) and not (but and name.startswith(but))
        for verb in verbs if is_asked else ():
            world.client.cookies.clear()
            for key, value in cookies.items():
                world.client.cookies[key] = value
            with watched() as written:
                answer: Any = _ask(world.client, verb, path, row)
                what = (world.role, name, verb, owner, answer.status_code)
                body = body_of(answer)
                assert answer.status_code in world.expected(row, verb, owner), what
                if world.role != "operator":
                    assert stranger.word.encode() not in body.lower(), what
                    for table, digest in (rows_of(stranger, written) if written else {}).items():
                        assert digest == before[table], (*what, table)
            seen[name, verb, owner] = answer.status_code, body
    for (name, verb, owner), answered in seen.items():
        if owner != NOBODY and TABLE[name].thing and answered[0] == 404:
            assert answered == seen[name, verb, NOBODY], (world.role, name, verb, owner)
    return len(seen)


async def _taken(parcels: Sequence[Parcel], seconds: float) -> list[Attempt]:
    """Nothing is posted to anybody."""
    return [Attempt(1, 1, 204) for _ in parcels]


@pytest.fixture(autouse=True)
def _no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "CHECKS", ())
    monkeypatch.setattr(sending, "_all", _taken)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_what_the_table_says(role: str, db: None) -> None:
    only = "console" if role in MAIL_AS_OTHERS else ""
    but = "console" if role == MAIL_ALONE else None
    verbs = (*SHORT, "DELETE") if role in DELETING else SHORT
    asked = [name for name in TABLE if name.startswith(only) and not (but and name.startswith(but))]
    assert walk(World.of(role), only=only, verbs=verbs, but=but) > len(asked) * len(verbs)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_it_by_every_verb(role: str, db: None) -> None:
    asked = walk(World.of(role), verbs=VERBS)

    print(f"{role}: {asked} combinations")  # noqa: T201  (the figure is wanted with -s)
    assert asked > len(TABLE) * len(VERBS)


def everybody(powers: Powers, ability: Ability = Ability.SEE_USERS) -> QuerySet[User]:
    return User.objects.living()


def test_it_finds_a_view_that_looks_beyond_the_tenant(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World.of("admin")
    monkeypatch.setattr(permissions, "users", everybody)

    with pytest.raises(AssertionError, match="console-users"):
        walk(world, only="console-users")
    with pytest.raises(AssertionError, match="console-user"):
        walk(world, only="console-user-state")


def _ask(client: Client, verb: str, path: str, row: Row) -> Any:
    browser = {"accept": "text/html"}
    if verb == "POST" and row.data:
        return client.post(path, dict(row.data), headers=browser)
    return client.generic(verb, path, headers=browser)
