"""Delegations: who may write in whose name, and who may not be given that."""

import pytest

from apps.directory.authority import Authority, authority, delegations, may_send_as
from apps.directory.models import Kind, User
from apps.directory.services.delegations import grant, revoke
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.wire.errors import InvalidName, NotFound


def right(user: User, text: str) -> Authority:
    return authority(user.pk, Address.parse(text))


@pytest.fixture
def office(alice: User) -> User:
    """A shared mailbox."""
    return provisioning.add_user("office@example.test", kind=Kind.SHARED)[0]


def test_it_lets_send_as_the_owner(alice: User, bob: User, office: User) -> None:
    assert right(bob, "office@example.test") is Authority.NONE
    grant(owner=office, delegate=bob, send_as=True, send_on_behalf=False)
    assert right(bob, "office@example.test") is Authority.SEND_AS
    assert right(bob, "Office+x@EXAMPLE.test") is Authority.SEND_AS
    assert may_send_as(bob.pk, Address.parse("office@example.test"))
    assert right(alice, "office@example.test") is Authority.NONE
    assert right(office, "bob@example.test") is Authority.NONE


def test_it_lets_send_on_behalf_of_the_owner(alice: User, bob: User) -> None:
    grant(owner=alice, delegate=bob, send_as=False, send_on_behalf=True)
    assert right(bob, "alice@example.test") is Authority.ON_BEHALF
    assert not may_send_as(bob.pk, Address.parse("alice@example.test"))
    grant(owner=alice, delegate=bob, send_as=True, send_on_behalf=True)
    assert right(bob, "alice@example.test") is Authority.SEND_AS


def test_it_covers_the_owners_aliases_but_no_group(alice: User, bob: User, office: User) -> None:
    provisioning.add_alias("a.archer@example.test", ["alice@example.test"])
    provisioning.add_alias("all@example.test", ["alice@example.test", "office@example.test"])
    grant(owner=alice, delegate=bob, send_as=True, send_on_behalf=False)
    assert right(bob, "a.archer@example.test") is Authority.SEND_AS
    assert right(bob, "all@example.test") is Authority.NONE
    assert right(alice, "all@example.test") is Authority.OWN


def test_it_is_taken_back(alice: User, bob: User) -> None:
    grant(owner=alice, delegate=bob, send_as=True, send_on_behalf=False)
    revoke(owner=alice, delegate=bob)
    assert right(bob, "alice@example.test") is Authority.NONE
    assert delegations(owner=alice) == []
    with pytest.raises(NotFound):
        revoke(owner=alice, delegate=bob)


def test_it_rests_while_the_owner_is_suspended(alice: User, bob: User) -> None:
    grant(owner=alice, delegate=bob, send_as=True, send_on_behalf=False)
    provisioning.suspend_user("alice@example.test")
    assert right(bob, "alice@example.test") is Authority.NONE


def test_it_stays_within_an_organisation(alice: User) -> None:
    provisioning.add_domain("tenant.test", "Tenant")
    mallory, _ = provisioning.add_user("mallory@tenant.test")
    with pytest.raises(InvalidName):
        grant(owner=alice, delegate=mallory, send_as=True, send_on_behalf=False)


def test_it_is_for_people_and_for_something(alice: User, bob: User, office: User) -> None:
    for owner, delegate, send_as in ((alice, office, True), (alice, alice, True)):
        with pytest.raises(InvalidName):
            grant(owner=owner, delegate=delegate, send_as=send_as, send_on_behalf=False)
    with pytest.raises(InvalidName):
        grant(owner=alice, delegate=bob, send_as=False, send_on_behalf=False)


def test_it_lists_them(alice: User, bob: User, office: User) -> None:
    grant(owner=office, delegate=bob, send_as=True, send_on_behalf=False)
    grant(owner=office, delegate=alice, send_as=False, send_on_behalf=True)
    grant(owner=alice, delegate=bob, send_as=False, send_on_behalf=True)
    assert [(one.owner, one.delegate) for one in delegations()] == [
        (alice, bob),
        (office, alice),
        (office, bob),
    ]
    assert [one.owner for one in delegations(delegate=bob)] == [alice, office]
