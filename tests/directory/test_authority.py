"""Who may send as whom."""

import pytest

from apps.directory.authority import authority, authority_of_many, may_send_as
from apps.directory.models import User
from apps.directory.services import delegations, forwards
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


def test_an_alias_that_leads_to_another_tenant_gives_nothing_of_theirs(
    alice: User, bob: User, eve: User
) -> None:
    """Mail may be sent anywhere; that gives its sender no right to speak for who gets it."""
    provisioning.add_alias("boss@other.test", ["eve@other.test"])
    provisioning.add_alias("ceo@example.test", ["boss@other.test", "alice@example.test"])
    provisioning.add_alias("eve@example.test", ["eve@other.test"])

    assert may(alice, "ceo@example.test")
    assert not may(alice, "boss@other.test")
    assert not may(alice, "eve@other.test")
    assert not may(bob, "eve@example.test")
    assert may(eve, "ceo@example.test")  # who gets its mail, as its domain's administrator wished


def test_a_forward_gives_whoever_gets_the_mail_nothing(alice: User, eve: User) -> None:
    forwards.add(user=eve, target="alice@example.test", keeps_copy=True)

    assert not may(alice, "eve@other.test")


def test_it_says_the_same_of_many_at_once(alice: User, bob: User) -> None:
    provisioning.make_domain_admin(alice)
    delegations.grant(owner=bob, delegate=alice, send_as=False, send_on_behalf=True)
    texts = (
        *("alice@example.test", "alice+x@alias.test", "sales@example.test", "bob@example.test"),
        *("postmaster@example.test", "postmaster@other.test", "missing@example.test"),
        *("eve@other.test", "a@[192.0.2.1]", "alice-shop@example.test", "bob+x@example.test"),
    )
    addresses = [Address.parse(text) for text in texts]

    found = authority_of_many(alice.pk, addresses)

    assert found == {one: authority(alice.pk, one) for one in addresses}
    assert len(set(found.values())) == 3
