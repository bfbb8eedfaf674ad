"""Invitations: a letter elsewhere, whose link sets the first password."""

import pytest

from apps.directory.models import Domain, User
from apps.directory.services import accountlinks
from apps.directory.services.accountlinks import INVITE, RESET
from apps.mailqueue.models import QueuedRecipient
from apps.mime.address import Address
from apps.provisioning import invitations, recovery
from apps.provisioning import services as provisioning
from apps.wire.errors import InvalidAddress, NotFound, Throttled

HOME = Address.parse("me@home.test")


def test_the_link_sets_a_password_once(alice: User) -> None:
    token = accountlinks.make(user=alice, purpose=INVITE, address=str(HOME))
    assert recovery.find(token) == alice

    recovery.reset(token, "another horse battery")

    alice.refresh_from_db()
    assert alice.check_password("another horse battery")
    with pytest.raises(NotFound):
        recovery.reset(token, "a third horse battery")


def test_it_is_no_link_of_another_sort(alice: User) -> None:
    token = accountlinks.make(user=alice, purpose=INVITE, address=str(HOME))

    for purpose in (RESET, accountlinks.PROOF):
        with pytest.raises(NotFound):
            accountlinks.find(token, purpose)


def test_who_is_suspended_is_not_let_in_by_it(alice: User) -> None:
    token = accountlinks.make(user=alice, purpose=INVITE, address=str(HOME))
    provisioning.suspend_user(alice.key)

    with pytest.raises(NotFound):
        recovery.find(token)


def test_letters_are_few(alice: User) -> None:
    for _ in range(invitations.LETTERS_MOST):
        invitations.send(alice, HOME)

    with pytest.raises(Throttled):
        invitations.send(alice, HOME)
    assert QueuedRecipient.objects.filter(address=str(HOME)).count() == invitations.LETTERS_MOST


@pytest.mark.parametrize("text", ["", "x", "a@[192.0.2.1]", "a b@home.test", "alice@example.test"])
def test_where_none_goes(domain: Domain, alice: User, text: str) -> None:
    with pytest.raises(InvalidAddress):
        invitations.invited(text, alice.key)
