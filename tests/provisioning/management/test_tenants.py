"""The commands organization and role."""

import pytest

from apps.directory.models import Domain, Organization, RoleGrant, User
from tests.provisioning.management.running import run

pytestmark = pytest.mark.usefixtures("keep_connection")


def test_organisations_are_added_listed_changed_and_removed(db: None) -> None:
    added = run("organization", "add", "Fern", "--max-users", "5", "--max-storage", "10G", "--json")
    assert added.code == 0, added.err
    assert added.json == {
        "name": "Fern",
        "state": "active",
        "max_domains": None,
        "max_users": 5,
        "max_storage": 10 * 2**30,
    }
    assert run("domain", "add", "fern.test", "--organization", "Fern").code == 0
    assert run("user", "add", "a@fern.test", "--quota", "1G").code == 0

    listed = run("organization", "list", "--json").json
    assert listed == [
        {
            "name": "Fern",
            "state": "active",
            "domains": 1,
            "max_domains": None,
            "users": 1,
            "max_users": 5,
            "storage": 2**30,
            "max_storage": 10 * 2**30,
        }
    ]
    assert run("organization", "list").out.split("\t")[0] == "Fern"

    changed = run("organization", "set", "Fern", "--name", "Moss", "--max-users", "none", "--json")
    assert changed.json["name"] == "Moss"
    assert changed.json["max_users"] is None
    assert changed.json["max_storage"] == 10 * 2**30
    refused = run("organization", "remove", "Moss")
    assert (refused.code, refused.err.strip()) == (1, "Error: Moss has domains.")
    assert run("domain", "remove", "fern.test", "--force").code == 0
    assert run("organization", "remove", "Moss").code == 0
    assert not Organization.objects.exists()


def test_the_operator_at_the_shell_is_free_of_limits(db: None) -> None:
    run("organization", "add", "Fern", "--max-users", "0", "--max-domains", "0")

    assert run("domain", "add", "fern.test", "--organization", "Fern").code == 0
    assert run("user", "add", "a@fern.test").code == 0


@pytest.mark.parametrize(
    ("verb", "state", "words"),
    [
        ("suspend", "suspended", "A is suspended."),
        ("lock", "locked", "A is locked."),
        ("resume", "active", "A works again."),
    ],
)
def test_states(db: None, verb: str, state: str, words: str) -> None:
    run("organization", "add", "A")

    done = run("organization", verb, "A")

    assert (done.code, done.out.strip()) == (0, words)
    assert Organization.objects.get().state == state


@pytest.mark.parametrize("words", [("suspend", "Nobody"), ("set", "Nobody"), ("remove", "Nobody")])
def test_an_unknown_organisation(db: None, words: tuple[str, ...]) -> None:
    done = run("organization", *words)

    assert (done.code, done.err.strip()) == (1, "Error: There is no organisation Nobody.")


@pytest.mark.parametrize("value", ["-1", "many", "99999999999", "1.5"])
def test_limits_are_numbers(db: None, value: str) -> None:
    assert run("organization", "add", "A", f"--max-users={value}").code == 2


def test_roles_are_granted_listed_and_revoked(alice: User, domain: Domain) -> None:
    granted = run(
        *("role", "grant", "alice@example.test", "helpdesk"),
        *("--domain", "example.test", "--may-reset", "--json"),
    )
    assert granted.code == 0, granted.err
    assert granted.json["may_reset"] is True
    listed = run("role", "list", "--user", "alice@example.test", "--json")
    assert listed.json == [
        {
            "user": "alice@example.test",
            "role": "helpdesk",
            "organization": None,
            "domain": "example.test",
            "may_reset": True,
        }
    ]
    assert run("role", "list", "--role", "operator").out == ""
    revoke = ("role", "revoke", "alice@example.test", "helpdesk", "--domain", "example.test")
    assert run(*revoke).out.strip() == "alice@example.test is no longer helpdesk of example.test."
    assert run(*revoke).code == 1
    assert not RoleGrant.objects.exists()


def test_a_role_needs_its_scope(alice: User, domain: Domain) -> None:
    both = ("--domain", "example.test", "--organization", "Default")
    assert run("role", "grant", "alice@example.test", "helpdesk", *both).code == 2
    done = run("role", "grant", "alice@example.test", "reseller", "--domain", "example.test")
    assert done.code == 1
    assert run("role", "grant", "alice@example.test", "reseller").code == 1
    assert run("role", "grant", "alice@example.test", "king").code == 2
    words = ("role", "grant", "alice@example.test", "reseller", "--organization", "Default")
    assert run(*words).out.strip() == "alice@example.test is reseller of Default."


def test_the_last_operator_keeps_the_role(alice: User) -> None:
    assert run("role", "grant", "alice@example.test", "operator").code == 0

    done = run("role", "revoke", "alice@example.test", "operator")

    assert done.code == 1
    assert "Nobody who runs this installation would be left" in done.err
