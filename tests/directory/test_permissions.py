"""Who may send as whom, and who runs what."""

import pytest

from apps.directory.models import Domain, User
from apps.directory.permissions import administers, is_operator, may_send_as
from apps.mime.address import Address
from apps.provisioning import services as provisioning

PASSWORD = "correct horse battery"


def may(user: User, text: str) -> bool:
    return may_send_as(user.pk, Address.parse(text))


@pytest.fixture(autouse=True)
def _aliases(alice: User, bob: User, eve: User) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    provisioning.add_alias("sales@example.test", ["alice@example.test", "bob@example.test"])
    provisioning.add_alias("alice-*@example.test", ["alice@example.test"])
    provisioning.add_alias("guest@example.test", ["eve@other.test"])
    provisioning.add_alias("@other.test", ["eve@other.test"])


@pytest.mark.parametrize(
    "text",
    [
        "alice@example.test",
        "ALICE@EXAMPLE.TEST",
        "alice+news@example.test",
        "alice@alias.test",
        "sales@example.test",
        "sales+x@alias.test",
        "alice-shop@example.test",
    ],
)
def test_it_lets_people_send_as_who_they_are(alice: User, text: str) -> None:
    assert may(alice, text)


@pytest.mark.parametrize(
    "text",
    [
        "bob@example.test",
        "BOB@example.test",
        "bob+x@example.test",
        "bob@alias.test",
        "eve@other.test",
        "guest@example.test",
        "anybody@other.test",
        "missing@example.test",
        "postmaster@example.test",
        "alice@elsewhere.test",
        "alice@[192.0.2.1]",
    ],
)
def test_it_lets_nobody_send_as_another(alice: User, text: str) -> None:
    assert not may(alice, text)


def test_it_follows_what_an_administrator_gave_to_another_tenant(eve: User) -> None:
    assert may(eve, "guest@example.test")
    assert may(eve, "anything@other.test")
    assert not may(eve, "sales@example.test")
    assert not may(eve, "alice@example.test")


def test_it_lets_an_administrator_send_as_postmaster(alice: User, bob: User) -> None:
    provisioning.make_domain_admin(alice)

    assert may(alice, "postmaster@example.test")
    assert not may(bob, "postmaster@example.test")
    assert not may(alice, "postmaster@other.test")


def test_it_lets_no_operator_send_as_a_foreign_address(db: None) -> None:
    operator, _ = provisioning.create_operator("root@elsewhere.test", PASSWORD)

    assert not may(operator, "root@elsewhere.test")


def test_it_takes_the_right_away_with_the_address(alice: User) -> None:
    provisioning.suspend_user("alice@example.test")

    assert not may(alice, "alice@example.test")


def test_it_knows_operators(alice: User) -> None:
    operator, _ = provisioning.create_operator("root@elsewhere.test", PASSWORD)

    assert is_operator(operator)
    assert not is_operator(alice)


def test_it_knows_administrators_of_a_domain(
    alice: User, bob: User, eve: User, domain: Domain, other_domain: Domain
) -> None:
    provisioning.make_domain_admin(alice)
    operator, _ = provisioning.create_operator("root@elsewhere.test", PASSWORD)

    assert administers(alice, domain)
    assert not administers(alice, other_domain)
    assert not administers(bob, domain)
    assert not administers(eve, domain)
    assert administers(operator, other_domain)


def test_it_knows_administrators_of_an_organisation(
    eve: User, domain: Domain, other_domain: Domain
) -> None:
    provisioning.add_domain("third.test", organization="Third")
    eve.grants.create(role="domain_admin", organization=domain.organization)

    assert administers(eve, domain)
    assert administers(eve, other_domain)
    assert not administers(eve, Domain.objects.get(name="third.test"))
