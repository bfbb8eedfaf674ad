"""`manage.py audit`: who did what, told to people and to programs."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test.utils import override_settings
from django.utils import timezone

from apps.audit.acting import Actor, acting
from apps.audit.models import AuditRecord
from apps.audit.services import record
from apps.directory.models import User
from apps.mailstore.services.purge import purge
from apps.provisioning import services
from tests.provisioning.management.running import run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]


@pytest.fixture(autouse=True)
def _root() -> Iterator[None]:
    with override_settings(SUDO_USER="olga"):
        yield


def lines(*words: str) -> list[str]:
    done = run("audit", "list", *words)
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()


@pytest.mark.usefixtures("noon")
def test_it_tells_who_did_what_newest_first(alice: User) -> None:
    run("user", "suspend", "alice@example.test")
    run("user", "resume", "alice@example.test")
    newest, older, *_ = lines()
    assert newest.endswith("  olga [command] let the user alice@example.test work again")
    assert older.endswith("  olga [command] suspended the user alice@example.test")
    assert newest[:16] == f"{timezone.now():%Y-%m-%d %H:%M}"


def test_it_tells_from_where_and_as_whom(alice: User) -> None:
    actor = Actor("user", 9, "olga@example.test", "web", "192.0.2.7", "alice@example.test")
    with acting(actor):
        record("user.change", subject="alice@example.test", detail={"name": "Alice"})
    assert lines("--limit", "1")[0].partition("  ")[2] == (
        "olga@example.test as alice@example.test [web from 192.0.2.7]"
        " changed the user alice@example.test (name Alice)"
    )


def test_it_filters(alice: User, bob: User, eve: User) -> None:
    for address in ("alice@example.test", "bob@example.test", "eve@other.test"):
        run("user", "suspend", address)
    assert len(lines("--user", "Alice@Example.test", "--action", "user.suspend")) == 1
    assert len(lines("--domain", "example.test", "--action", "user.suspend")) == 2
    assert len(lines("--organization", "Default", "--action", "user.suspend")) == 3
    assert len(lines("--actor", "olga")) == 3
    assert len(lines("--actor", "nobody")) == 0
    assert len(lines("--subject", "bob", "--action", "user.s")) == 1
    assert len(lines("--limit", "2")) == 2
    assert len(lines("--limit", "0", "--action", "user.suspend")) == 3
    assert lines("--since", "1h", "--action", "user.suspend", "--until", "30m") == []
    assert len(lines("--since", "2020-01-01", "--action", "user.suspend")) == 3


def test_it_finds_who_is_removed_and_what_is_gone(alice: User) -> None:
    services.remove_user("alice@example.test")
    assert lines("--user", "alice@example.test")[0].endswith("removed the user alice@example.test")
    start = timezone.now()
    for day in (31, 90, 91):
        with time_machine.travel(start + timedelta(days=day)):
            services.purge_removed()
            purge()
    assert not User.objects.filter(pk=alice.pk).exists()
    told = lines("--user", "alice@example.test")
    assert "mailhost let go of the removed user alice@example.test for good" in told[0]
    services.remove_domain("example.test")
    assert lines("--domain", "example.test")[0].endswith("removed the domain example.test")


@pytest.mark.parametrize(
    "words",
    [
        ("--user", "no address"),
        ("--domain", "nonsense"),
        ("--organization", "Nobody"),
    ],
)
def test_it_says_what_is_wrong(words: tuple[str, ...], db: None) -> None:
    done = run("audit", "list", *words)
    assert done.code == 1
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [("--since", "yesterday"), ("--limit", "-1"), ("--limit", "9" * 99), ("--until", "9" * 9)],
)
def test_it_refuses_a_wrong_call(words: tuple[str, ...], db: None) -> None:
    assert run("audit", "list", *words).code == 2


def test_it_writes_json(alice: User) -> None:
    run("user", "suspend", "alice@example.test")
    (row,) = run("audit", "list", "--limit", "1", "--json").json
    assert (row["actor"], row["kind"], row["door"]) == ("olga", "command", "command")
    assert (row["action"], row["subject"]) == ("user.suspend", "alice@example.test")
    assert row["sentence"] == "suspended the user alice@example.test"
    assert run("audit", "list", "--json", "--actor", "nobody").json == []


def test_an_export_is_a_line_for_each_oldest_first_and_is_recorded(alice: User) -> None:
    before = AuditRecord.objects.count()
    done = run("audit", "export")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert len(rows) == before
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert lines("--limit", "1")[0].endswith("olga [command] exported the audit log")
    assert len(run("audit", "export", "--user", "alice@example.test").out.splitlines()) == 1


def test_names_drive_no_terminal(alice: User) -> None:
    record("user.change", subject="alice\x1b[2J\u202e@example.test", detail={"x": "\x1b[2J"})
    AuditRecord.objects.bulk_create(  # as if it had come in another way
        [AuditRecord(at=timezone.now(), actor_kind="user", actor="\x1b[2J", action="\x1b[2J")]
    )
    assert "\x1b" not in "".join(lines())
    assert "\u202e" not in "".join(lines())
    assert run("audit", "list", "--json").out.isascii()
