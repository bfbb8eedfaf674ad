"""The commands domain, user and alias as people and programs use them."""

import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError

from apps.directory import authentication
from apps.directory.models import Domain, User
from apps.directory.permissions import is_operator
from apps.provisioning import services
from apps.provisioning.management.commands import alias as alias_command
from apps.provisioning.management.commands import domain as domain_command
from apps.provisioning.management.commands import user as user_command
from tests.support import migrated
from tests.support.installation import DATABASE

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "correct horse battery"
COMMANDS: dict[str, type[BaseCommand]] = {
    "domain": domain_command.Command,
    "user": user_command.Command,
    "alias": alias_command.Command,
}


@dataclass
class Done:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*words: str, stdin: str = "") -> Done:
    """Run a command as from a shell: exit code and both streams."""
    noun, *rest = words
    out, err = io.StringIO(), io.StringIO()
    before = sys.stdin
    sys.stdin = io.StringIO(stdin)
    try:
        COMMANDS[noun](stdout=out, stderr=err, no_color=True).run_from_argv(
            ["manage.py", noun, *rest]
        )
    except SystemExit as exit_:
        code = exit_.code
        return Done(code if isinstance(code, int) else 1, out.getvalue(), err.getvalue())
    finally:
        sys.stdin = before
    return Done(0, out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True)
def _keep_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run_from_argv` closes all connections at its end, and with it the test's transaction."""
    monkeypatch.setattr("django.core.management.base.connections.close_all", lambda: None)


def sign_in(address: str, password: str = PASSWORD) -> int:
    return authentication.authenticate(
        username=address, password=password, address="192.0.2.1", door="web"
    ).user_id


def test_it_adds_and_lists_domains(db: None) -> None:
    assert run("domain", "add", "Bücher.example") == Done(
        0, "xn--bcher-kva.example is hosted here now.\n", ""
    )
    assert run("domain", "add", "example.test", "--json").json == {"name": "example.test"}
    assert run("domain", "add", "alias.test", "--alias-of", "example.test").code == 0
    assert run("domain", "list").out.splitlines() == [
        "alias.test\tactive\t0\t0\texample.test\thosted\t-\t-\t-",
        "example.test\tactive\t1\t0\t-\thosted\treject\treject\toff",
        "xn--bcher-kva.example\tactive\t1\t0\t-\thosted\treject\treject\toff",
    ]
    assert [row["name"] for row in run("domain", "list", "--json").json] == [
        "alias.test",
        "example.test",
        "xn--bcher-kva.example",
    ]


def test_it_refuses_with_one_sentence_and_exit_code_1(domain: Domain) -> None:
    for words, sentence in (
        (
            ("domain", "add", "example.test"),
            "Error: The domain example.test is hosted here already.",
        ),
        (("domain", "add", "x"), "Error: A domain name has at least two labels."),
        (("domain", "remove", "x.test"), "Error: The domain x.test is not hosted here."),
        (("user", "add", "a@x.test"), "Error: The domain x.test is not hosted here."),
        (("user", "passwd", "a@example.test"), "Error: There is no user a@example.test."),
        (("alias", "remove", "a@example.test"), "Error: There is no alias a@example.test."),
    ):
        assert run(*words) == Done(1, "", sentence + "\n")


@pytest.mark.parametrize(
    "words",
    [
        ("domain",),
        ("domain", "frobnicate"),
        ("domain", "add"),
        ("user", "add"),
        ("user", "add", "a@b.test", "--quota", "lots"),
        ("user", "add", "a@b.test", "--quota", "-1"),
        ("user", "add", "a@b.test", "--kind", "robot"),
        ("alias", "add", "a@b.test"),
    ],
)
def test_it_leaves_with_2_on_wrong_usage(
    db: None, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words).code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("noun", list(COMMANDS))
def test_it_explains_itself(noun: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(noun, "--help").code == 0
    overview = capsys.readouterr().out
    assert run(noun, "add", "--help").code == 0
    assert "--json" in capsys.readouterr().out
    for verb in ("add", "list", "remove"):
        assert verb in overview


def test_it_adds_a_user_with_a_given_password(domain: Domain) -> None:
    done = run(
        "user",
        "add",
        "Alice@example.test",
        "--password-stdin",
        "--name",
        "Alice A",
        "--quota",
        "2G",
        stdin=PASSWORD + "\r\nsecond line\n",
    )

    assert done == Done(0, "Alice@example.test is added.\n", "")
    user = User.objects.get(key="alice@example.test")
    assert (user.name, user.quota) == ("Alice A", 2 << 30)
    assert sign_in("alice@example.test") == user.pk


def test_it_keeps_spaces_of_a_password(domain: Domain) -> None:
    run("user", "add", "alice@example.test", "--password-stdin", stdin="  two words  \n")

    assert sign_in("alice@example.test", "  two words  ")


def test_it_prints_an_invented_password_once(domain: Domain) -> None:
    done = run("user", "add", "alice@example.test")
    found = re.fullmatch(r"alice@example\.test is added\.\nPassword: (\S{23})\n", done.out)

    assert found is not None
    assert sign_in("alice@example.test", found[1])
    assert found[1] not in run("user", "list", "--json").out

    as_json = run("user", "add", "bob@example.test", "--json").json
    assert set(as_json) == {"address", "password"}
    assert sign_in("bob@example.test", as_json["password"])


@pytest.mark.parametrize("stdin", ["", "\n", "\r\n"])
def test_it_asks_for_the_password_that_was_promised(domain: Domain, stdin: str) -> None:
    assert run("user", "add", "alice@example.test", "--password-stdin", stdin=stdin) == Done(
        1, "", "Error: There is no password on standard input.\n"
    )
    assert not User.objects.filter(key="alice@example.test").exists()


def test_it_refuses_an_endless_password(domain: Domain) -> None:
    done = run("user", "add", "alice@example.test", "--password-stdin", stdin="x" * 100_000)

    assert done.code == 1
    assert "1 to 1024 octets" in done.err


def test_it_warns_of_a_weak_password(domain: Domain) -> None:
    done = run("user", "add", "alice@example.test", "--password-stdin", stdin="secret\n")

    assert done.code == 0
    assert done.err.startswith("Warning: This password is too short.")
    assert "secret" not in done.err + done.out
    assert sign_in("alice@example.test", "secret")


def test_it_adds_shared_mailboxes_administrators_and_operators(domain: Domain) -> None:
    assert run("user", "add", "team@example.test", "--kind", "shared").out == (
        "team@example.test is added.\n"
    )
    run("user", "add", "alice@example.test", "--admin")
    run("user", "add", "root@elsewhere.test", "--operator")

    rows = {row["address"]: row["roles"] for row in run("user", "list", "--json").json}
    assert rows == {
        "alice@example.test": ["domain_admin of example.test"],
        "postmaster@example.test": [],
        "root@elsewhere.test": ["operator"],
        "team@example.test": [],
    }
    assert is_operator(User.objects.get(key="root@elsewhere.test"))


def test_it_lists_users_as_lines(alice: User, eve: User) -> None:
    assert run("user", "list", "--domain", "example.test").out.splitlines() == [
        "alice@example.test\tperson\tactive\t0\t0\tAlice Archer",
        "postmaster@example.test\tshared\tactive\t0\t0\tPostmaster",
    ]


def test_it_writes_json_that_drives_no_terminal(domain: Domain) -> None:
    services.add_user("jörg@example.test", PASSWORD, "Jörg Ünal")
    out = run("user", "list", "--json").out

    assert out.isascii()
    assert [row["name"] for row in json.loads(out)] == ["Jörg Ünal", "Postmaster"]


@pytest.mark.parametrize("noun", list(COMMANDS))
def test_it_lists_nothing_as_json(db: None, noun: str) -> None:
    assert run(noun, "list", "--json").json == []
    assert run(noun, "list") == Done(0, "", "")


def test_it_sets_a_password(alice: User) -> None:
    how = ("passwd", "ALICE@example.test", "--password-stdin")
    assert run("user", *how, stdin="new battery\n") == (
        Done(0, "alice@example.test has a new password.\n", "")
    )
    assert sign_in("alice@example.test", "new battery")

    password = run("user", "passwd", "alice@example.test", "--json").json["password"]
    assert sign_in("alice@example.test", password)


def test_it_changes_users_and_domains(alice: User) -> None:
    assert run("user", "set", "alice@example.test", "--quota", "1M", "--json").json == {
        "address": "alice@example.test",
        "name": "Alice Archer",
        "quota": 1 << 20,
    }
    assert run("user", "set", "alice@example.test", "--name", "Al").out == (
        "alice@example.test is changed.\n"
    )
    alice.refresh_from_db()
    assert (alice.name, alice.quota) == ("Al", 1 << 20)

    assert run(
        "domain", "set", "example.test", "--separator", "-", "--default-quota", "1K", "--json"
    ).json == {
        "name": "example.test",
        "separator": "-",
        "default_quota": 1024,
        "foreign_from": "refuse",
        "dmarc_policy": "reject",
        "list_policy": "reject",
        "greylisting": "off",
        "second_factor": "nobody",
        "second_factor_from": None,
        "password_length": None,
        "digest": "usual",
        "mta_sts": "none",
        "mta_sts_id": "",
    }
    assert run("domain", "set", "example.test", "--separator", "").code == 0
    domain = Domain.objects.get()
    assert (domain.detail_separator, domain.default_quota) == ("", 1024)
    for separator in ("*", "@", "++", "x"):
        assert run("domain", "set", "example.test", "--separator", separator).code == 1
    assert run("user", "set", "nobody@example.test", "--quota", "1").code == 1


def test_it_changes_what_becomes_of_doubtful_mail(alice: User) -> None:
    words = ("--dmarc-policy", "junk", "--list-policy", "report", "--greylisting", "on")
    changed = run("domain", "set", "example.test", *words, "--json").json
    policies = ("dmarc_policy", "list_policy", "greylisting")
    assert [changed[name] for name in policies] == ["junk", "report", "on"]

    # What is not named stays as it is.
    assert run("domain", "set", "example.test", "--greylisting", "off").code == 0
    listed = run("domain", "list", "--json").json[0]
    assert [listed[name] for name in policies] == ["junk", "report", "off"]

    assert run("domain", "set", "example.test", "--dmarc-policy", "bounce").code == 2


def test_it_sets_no_policy_of_an_alias_domain(alice: User) -> None:
    run("domain", "add", "alias.test", "--alias-of", "example.test")
    assert run("domain", "set", "alias.test", "--dmarc-policy", "junk") == Done(
        1, "", "Error: alias.test stands for example.test: set it there.\n"
    )
    assert run("domain", "set", "alias.test", "--separator", "-").code == 0


def test_it_suspends_resumes_removes_and_restores(alice: User) -> None:
    for verb, state in (
        ("suspend", "suspended"),
        ("resume", "active"),
        ("remove", "removed"),
        ("restore", "active"),
    ):
        done = run("user", verb, "Alice@example.test", "--json")
        assert done.json == {"address": "alice@example.test"}
        alice.refresh_from_db()
        assert alice.state == state
        removed = [row["address"] for row in run("user", "list", "--removed", "--json").json]
        assert removed == (["alice@example.test"] if state == "removed" else [])


def test_it_suspends_resumes_and_removes_domains(alice: User, domain: Domain) -> None:
    assert run("domain", "suspend", "example.test").out == "example.test is suspended.\n"
    assert run("domain", "resume", "example.test").out == "example.test works again.\n"
    assert run("domain", "remove", "example.test") == Done(
        1, "", "Error: example.test has users or aliases.\n"
    )
    assert run("domain", "remove", "example.test", "--force").code == 0
    assert run("domain", "list").out == ""


def test_it_adds_lists_and_removes_aliases(domain: Domain) -> None:
    done = run("alias", "add", "Sales@example.test", "a@example.test", "B@elsewhere.test")
    assert done.out == "sales@example.test is added.\n"
    assert run("alias", "add", "*@example.test", "a@example.test", "--json").json == {
        "pattern": "@example.test",
        "targets": ["a@example.test"],
    }
    assert run("alias", "list").out.splitlines() == [
        "@example.test\ta@example.test\tactive",
        "sales@example.test\ta@example.test,B@elsewhere.test\tactive",
    ]
    assert run("alias", "list", "--json", "--domain", "example.test").json[1] == {
        "pattern": "sales@example.test",
        "targets": ["a@example.test", "B@elsewhere.test"],
        "state": "active",
    }
    assert run("alias", "remove", "SALES@example.test").code == 0
    assert run("alias", "list").out == "@example.test\ta@example.test\tactive\n"


def test_it_says_when_the_database_refuses(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise DatabaseError("no such table: directory_domain")

    monkeypatch.setattr(services, "add_domain", broken)
    done = run("domain", "add", "example.test")

    assert done.code == 1
    assert done.err == "Error: The database refuses: no such table: directory_domain.\n"


def test_it_can_be_called_from_code(db: None) -> None:
    out = io.StringIO()
    call_command("domain", "add", "example.test", stdout=out)
    assert out.getvalue() == "example.test is hosted here now.\n"
    with pytest.raises(CommandError):
        call_command("domain", "add", "example.test", stdout=out)


def test_it_stops_quietly_when_nobody_reads_on(tmp_path: Path) -> None:
    """`manage.py user list | head -1` in a real shell, on a database of its own."""
    (tmp_path / "var").mkdir()
    shutil.copyfile(migrated.file(), tmp_path / "var" / DATABASE)
    environment = {
        "PATH": "/usr/bin:/bin",
        "MAILHOST_DATA": str(tmp_path),
        "LOG_LEVEL": "error",
        "PYTHONWARNINGS": "ignore",
    }
    script = f"""
manage() {{ {sys.executable} manage.py "$@"; }}
( manage domain list --json; echo "code $?" >&2 ) | exec true
"""
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert "code" in done.stderr


def test_it_says_when_the_service_has_not_made_its_tables_yet(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "domain", "add", "example.test"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "MAILHOST_DATA": str(tmp_path), "LOG_LEVEL": "error"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Error: The database is not ready: ")
