"""The commands apppassword, token, delegation and limit as people and programs use them."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.management.base import BaseCommand
from django.db import transaction

from apps.directory import tokens
from apps.directory.authentication import authenticate
from apps.directory.models import Kind, User
from apps.directory.services.limits import Sending, count
from apps.directory.services.tokens import note_use
from apps.provisioning import services
from apps.provisioning.management.commands import apppassword, delegation, domain, limit, token
from apps.runtime.ulid import new_ulid

COMMANDS: dict[str, type[BaseCommand]] = {
    "apppassword": apppassword.Command,
    "delegation": delegation.Command,
    "limit": limit.Command,
    "domain": domain.Command,
    "token": token.Command,
}
NOON = datetime(2030, 1, 31, 12, 30, tzinfo=UTC)


@dataclass
class Done:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(noun: str, *words: str) -> Done:
    """Run a command as from a shell: exit code and both streams."""
    out, err = io.StringIO(), io.StringIO()
    command = COMMANDS[noun](stdout=out, stderr=err, no_color=True)
    try:
        command.run_from_argv(["manage.py", noun, *words])
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1
        return Done(code, out.getvalue(), err.getvalue())
    return Done(0, out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True)
def _keep_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run_from_argv` closes all connections at its end, and with it the test's transaction."""
    monkeypatch.setattr("django.core.management.base.connections.close_all", lambda: None)


@pytest.fixture
def noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def sign_in(text: str, door: str = "imap") -> int:
    return authenticate(
        username="alice@example.test", password=text, address="192.0.2.1", door=door
    ).user_id


def test_it_makes_lists_and_removes_app_passwords(alice: User, noon: None) -> None:
    added = run("apppassword", "add", "alice@example.test", "Phone")
    assert added.code == 0
    found = re.fullmatch(
        r"alice@example\.test has the app password Phone\.\nPassword: (\S+)\n", added.out
    )
    assert found is not None
    assert sign_in(found[1]) == alice.pk
    made = run(
        *("apppassword", "add", "alice@example.test", "Scanner", "--json", "--protocol", "smtp"),
        *("--network", "10.0.0.0/8", "--network", "2001:db8::/32", "--expires", "2030-06-30"),
    ).json
    assert set(made) == {"address", "name", "password"}
    assert run("apppassword", "list", "alice@example.test").out.splitlines() == [
        "Phone\t-\t-\t-\t2030-01-31 12:30:00\t192.0.2.1",
        "Scanner\tsmtp\t10.0.0.0/8,2001:db8::/32\t2030-07-01 00:00:00\t-\t-",
    ]
    listed = run("apppassword", "list", "alice@example.test", "--json").json
    assert [row["name"] for row in listed] == ["Phone", "Scanner"]
    assert made["password"] not in json.dumps(listed)
    assert run("apppassword", "remove", "alice@example.test", "Phone").out == (
        "The app password Phone is gone.\n"
    )
    assert run("apppassword", "remove", "alice@example.test", "--all", "--json").json == {
        "removed": 1
    }
    assert run("apppassword", "list", "alice@example.test").out == ""


def test_it_issues_lists_and_revokes_tokens(alice: User, noon: None) -> None:
    issued = run("token", "issue", "alice@example.test", "Backup")
    found = re.fullmatch(
        r"alice@example\.test has the access token Backup\.\nToken: (mht_\S{43})\n", issued.out
    )
    assert issued.code == 0
    assert found is not None
    known = tokens.find(found[1])
    assert known is not None
    note_use(known, "192.0.2.1")
    made = run(
        *("token", "issue", "alice@example.test", "Sender", "--json", "--scope", "smtp"),
        *("--scope", "imap", "--expires", "2030-06-30"),
    ).json
    assert set(made) == {"address", "name", "token"}
    assert run("token", "list", "alice@example.test").out.splitlines() == [
        "Backup\timap,pop3,smtp\t-\t2030-01-31 12:30:00\t192.0.2.1",
        "Sender\timap,smtp\t2030-07-01 00:00:00\t-\t-",
    ]
    listed = run("token", "list", "alice@example.test", "--json").json
    assert [row["name"] for row in listed] == ["Backup", "Sender"]
    assert made["token"] not in json.dumps(listed)
    assert run("token", "issue", "alice@example.test", "Sender").code == 1
    assert run("token", "issue", "alice@example.test", "Old", "--expires", "2030-01-30").code == 1
    assert run("token", "issue", "alice@example.test", "Web", "--scope", "web").code == 2
    assert run("token", "revoke", "alice@example.test").code == 2
    assert run("token", "revoke", "alice@example.test", "None").code == 1
    assert run("token", "revoke", "alice@example.test", "Backup").out == (
        "The access token Backup is gone.\n"
    )
    assert run("token", "revoke", "alice@example.test", "--all", "--json").json == {"revoked": 1}
    assert run("token", "list", "alice@example.test").out == ""


def test_it_lets_people_send_for_others(alice: User, bob: User) -> None:
    services.add_user("office@example.test", kind=Kind.SHARED)
    assert run(
        "delegation", "grant", "office@example.test", "bob@example.test", "--send-as"
    ).out == ("bob@example.test may send as office@example.test.\n")
    assert run(
        "delegation", "grant", "alice@example.test", "bob@example.test", "--on-behalf", "--json"
    ).json == {
        "owner": "alice@example.test",
        "delegate": "bob@example.test",
        "send_as": False,
        "on_behalf": True,
    }
    assert run("delegation", "list").out.splitlines() == [
        "alice@example.test\tbob@example.test\tFalse\tTrue",
        "office@example.test\tbob@example.test\tTrue\tFalse",
    ]
    assert len(run("delegation", "list", "--owner", "alice@example.test", "--json").json) == 1
    assert run("delegation", "list", "--delegate", "alice@example.test", "--json").json == []
    assert run("delegation", "revoke", "alice@example.test", "bob@example.test").out == (
        "bob@example.test may no longer send in the name of alice@example.test.\n"
    )
    assert len(run("delegation", "list", "--json").json) == 1


def test_it_sets_and_lists_limits(alice: User, bob: User) -> None:
    assert run("limit", "set", "alice@example.test", "--messages-per-hour", "20").out == (
        "alice@example.test has new limits.\n"
    )
    run("limit", "set", "Example.test", "--recipients-per-day", "1000")
    run("limit", "set", "Default", "--organization", "--recipients-per-message", "30")
    changed = run(
        *("limit", "set", "alice@example.test", "--messages-per-hour", "default", "--json"),
        *("--messages-per-day", "0"),
    ).json
    assert (changed["messages_per_hour"], changed["messages_per_day"]) == (None, 0)
    assert run("limit", "list").out.splitlines() == [
        "user\talice@example.test\t-\t0\t-\t-\t-",
        "domain\texample.test\t-\t-\t-\t1000\t-",
        "organization\tDefault\t-\t-\t-\t-\t30",
    ]


def test_it_shows_what_was_sent(alice: User, noon: None) -> None:
    run("limit", "set", "alice@example.test", "--messages-per-day", "0")
    run("limit", "set", "alice@example.test", "--recipients-per-day", "0")
    run("limit", "set", "alice@example.test", "--recipients-per-hour", "50")
    run("limit", "set", "example.test", "--messages-per-day", "100")
    with transaction.atomic():
        count([Sending(new_ulid(), alice.pk, 3)])
    assert run("limit", "show", "alice@example.test").out.splitlines() == [
        "user\thour\t1\t300\t3\t50\t2030-01-31 13:00:00",
        "domain\tday\t1\t100\t3\t0\t2030-02-01 00:00:00",
    ]


def test_it_sets_what_becomes_of_a_foreign_author(alice: User) -> None:
    changed = run("domain", "set", "example.test", "--foreign-from", "sender", "--json").json
    assert changed["foreign_from"] == "sender"
    run("domain", "set", "example.test", "--separator", "-")
    assert run("domain", "set", "example.test", "--foreign-from", "refuse", "--json").json == {
        **changed,
        "separator": "-",
        "foreign_from": "refuse",
    }


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("apppassword", "add", "nobody@example.test", "x"), "There is no user nobody@"),
        (("apppassword", "add", "alice@example.test", ""), "An app password's name has 1 to 100"),
        (("apppassword", "remove", "alice@example.test", "x"), "There is no app password x"),
        (
            ("apppassword", "add", "alice@example.test", "x", "--network", "home"),
            "Not a network: ",
        ),
        (("apppassword", "add", "alice@example.test", "x", "--expires", "2001-01-01"), "The last"),
        (("delegation", "grant", "alice@example.test", "bob@example.test"), "A delegation is to"),
        (
            ("delegation", "revoke", "alice@example.test", "bob@example.test"),
            "bob@example.test is no delegate of alice@example.test",
        ),
        (("limit", "set", "nowhere.test", "--messages-per-day", "1"), "The domain nowhere.test"),
        (("limit", "set", "x", "--organization", "--messages-per-day", "1"), "There is no org"),
        (("limit", "set", "example.test", "--messages-per-day", "999999999"), "This limit is"),
        (("limit", "set", "example.test", "--recipients-per-message", "1001"), "This limit is"),
        (("limit", "show", "nobody@example.test"), "There is no user"),
    ],
)
def test_it_refuses_with_one_sentence(
    alice: User, bob: User, words: tuple[str, ...], sentence: str
) -> None:
    done = run(*words)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"Error: {sentence}")
    assert done.err.endswith(".\n")


@pytest.mark.parametrize(
    "words",
    [
        ("apppassword", "add", "alice@example.test"),
        ("apppassword", "add", "alice@example.test", "x", "--protocol", "telnet"),
        ("apppassword", "add", "alice@example.test", "x", "--expires", "soon"),
        ("apppassword", "remove", "alice@example.test"),
        ("apppassword", "remove", "alice@example.test", "x", "--all"),
        ("delegation", "grant", "alice@example.test"),
        ("limit", "set", "alice@example.test"),
        ("limit", "set", "alice@example.test", "--messages-per-day", "many"),
        ("limit", "set", "alice@example.test", "--messages-per-day", "-1"),
    ],
)
def test_it_ends_with_2_when_used_wrongly(alice: User, words: tuple[str, ...]) -> None:
    assert run(*words).code == 2
