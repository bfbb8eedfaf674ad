"""`manage.py user rename`, `domain rename` and `user list --over` as from a shell."""

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import Domain, User
from apps.mailstore.models import Usage
from apps.provisioning import services
from tests.provisioning.management.running import run

pytestmark = pytest.mark.usefixtures("keep_connection")


def test_it_renames_a_user(alice: User) -> None:
    done = run("user", "rename", "alice@example.test", "alicia@example.test")

    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "alice@example.test is alicia@example.test now. The old address leads to it.\n"
    )
    record = AuditRecord.objects.get(action="user.rename")
    assert (record.actor_kind, record.subject) == ("command", "alice@example.test")


def test_it_says_the_same_to_programs(alice: User) -> None:
    done = run("user", "rename", "alice@example.test", "al@example.test", "--no-alias", "--json")

    assert done.json == {
        "before": "alice@example.test",
        "address": "al@example.test",
        "alias": False,
        "followed": 0,
    }


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["alice@example.test", "bob@example.test"], "The user bob@example.test exists already."),
        (["alice@example.test", "alice@far.test"], "The domain far.test is not hosted here."),
        (["carol@example.test", "c@example.test"], "There is no user carol@example.test."),
        (["alice@example.test", "alice@tenant.test"], "tenant.test belongs to another organ"),
        (["alice@example.test", "a\x1b[31m@example.test"], "Not a usable address"),
    ],
)
def test_it_refuses_in_one_sentence(
    alice: User, bob: User, words: list[str], sentence: str
) -> None:
    services.add_domain("tenant.test", organization="Tenant")

    done = run("user", "rename", *words)

    assert (done.code, done.out) == (1, "")
    assert sentence in done.err
    assert "\x1b" not in done.err


def test_another_organisation_is_said_aloud(alice: User) -> None:
    services.add_domain("tenant.test", organization="Tenant")

    done = run("user", "rename", alice.address, "alice@tenant.test", "--other-organization")
    assert done.code == 0


def test_it_renames_a_domain_and_prints_what_to_publish(alice: User) -> None:
    done = run("domain", "rename", "example.test", "Bücher.test")

    assert done.code == 0
    first, second, third, *records = done.out.splitlines()
    assert first == "example.test is xn--bcher-kva.test now, with 2 users."
    assert second == "example.test is an alias domain: mail to it goes on to arrive."
    assert "DNS of xn--bcher-kva.test" in third
    assert len(records) == 2
    for line in records:
        assert '._domainkey.xn--bcher-kva.test. IN TXT ( "v=DKIM1;' in line


def test_it_says_that_to_programs(alice: User) -> None:
    done = run("domain", "rename", "example.test", "new.test", "--no-alias", "--json")

    found = done.json
    assert (found["before"], found["name"], found["alias"]) == ("example.test", "new.test", False)
    assert (found["users"], found["followed"], len(found["records"])) == (2, 0, 2)


def test_a_domain_is_refused_in_one_sentence(alice: User, other_domain: Domain) -> None:
    done = run("domain", "rename", "example.test", "other.test")

    assert done.code == 1
    assert "The domain other.test is hosted here already." in done.err


def test_it_lists_whose_mailbox_is_full(alice: User, bob: User) -> None:
    User.objects.filter(pk__in=[alice.pk, bob.pk]).update(quota=1_000)
    Usage.objects.filter(user=alice).update(size=800)
    Usage.objects.filter(user=bob).update(size=799)

    def listed(*words: str) -> list[str]:
        return [row["address"] for row in run("user", "list", "--json", *words).json]

    assert listed("--over", "80") == listed("--over", "80%") == ["alice@example.test"]
    assert listed("--over", "79", "--domain", "example.test") == [
        "alice@example.test",
        "bob@example.test",
    ]
    assert listed("--over", "9999") == []
    User.objects.filter(pk=alice.pk).update(quota=2**63 - 1)
    Usage.objects.filter(user=alice).update(size=2**63 - 1)
    assert listed("--over", "95") == ["alice@example.test"]


@pytest.mark.parametrize("text", ["", "-1", "8o", "1e3", "٨٠", "123456"])
def test_a_share_is_a_whole_number(db: None, text: str) -> None:
    assert run("user", "list", f"--over={text}").code == 2
