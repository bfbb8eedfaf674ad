"""Who writes in the name of whom, in the hands of administrators; and who reads what is shared."""

import pytest

from apps.directory.authority import Authority, authority
from apps.directory.models import Delegation, Domain, Kind, Role, User
from apps.directory.permissions import Powers
from apps.mailstore import shares
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.provisioning.administration import delegations, sharing
from apps.wire.errors import InvalidName, NotFound, NotPermitted
from tests.provisioning.administration.conftest import give


def test_a_person_is_let_write_for_another(admin: Powers, alice: User, bob: User) -> None:
    delegations.grant(
        powers=admin,
        owner_id=bob.pk,
        delegate="Alice@Example.test",
        send_as=False,
        send_on_behalf=True,
    )

    assert authority(alice.pk, Address.parse("bob@example.test")) is Authority.ON_BEHALF
    assert delegations.revoke(powers=admin, owner_id=bob.pk, delegate_id=alice.pk) == alice
    with pytest.raises(NotFound):
        delegations.revoke(powers=admin, owner_id=bob.pk, delegate_id=alice.pk)


def test_nobody_beyond_sight_gives_or_gets(
    admin: Powers, helpdesk: Powers, alice: User, bob: User, eve: User
) -> None:
    for powers, owner, delegate, refusal in (
        (admin, eve, "alice@example.test", NotFound),
        (admin, alice, "eve@other.test", NotFound),
        (admin, alice, "nobody@other.test", NotFound),
        (helpdesk, alice, "bob@example.test", NotPermitted),
    ):
        with pytest.raises(refusal):
            delegations.grant(
                powers=powers,
                owner_id=owner.pk,
                delegate=delegate,
                send_as=True,
                send_on_behalf=False,
            )
    assert not Delegation.objects.exists()


def test_nobody_writes_as_whose_roles_reach_further(
    admin: Powers, alice: User, domain: Domain
) -> None:
    give(alice, Role.RESELLER, domain.organization)

    with pytest.raises(NotPermitted):
        delegations.grant(
            powers=admin,
            owner_id=alice.pk,
            delegate="admin@example.test",
            send_as=True,
            send_on_behalf=False,
        )


def test_a_persons_mailbox_is_not_shared_by_administrators(
    admin: Powers, alice: User, bob: User
) -> None:
    with pytest.raises(NotFound):
        sharing.set_member(
            powers=admin, user_id=alice.pk, member="admin@example.test", level="read"
        )
    with pytest.raises(NotFound):
        sharing.remove_member(powers=admin, user_id=alice.pk, member_id=bob.pk)


def test_members_are_people_with_a_level(admin: Powers, alice: User) -> None:
    team, _ = provisioning.add_user("team@example.test", None, kind=Kind.SHARED)
    provisioning.add_user("room@example.test", None, kind=Kind.RESOURCE)

    for member, level in (
        ("room@example.test", "read"),
        ("team@example.test", "read"),
        ("alice@example.test", "lrswipkxtea"),
        ("alice@example.test", "none"),
    ):
        with pytest.raises(InvalidName):
            sharing.set_member(powers=admin, user_id=team.pk, member=member, level=level)
    sharing.set_member(
        powers=admin, user_id=team.pk, member="alice@example.test", level="read", send_as=True
    )
    assert {one.rights for one in shares.shared_with(alice.pk)} == {frozenset("lrs")}
    sharing.remove_member(powers=admin, user_id=team.pk, member_id=alice.pk)
    assert shares.shared_with(alice.pk) == []
    assert not Delegation.objects.exists()
