"""Aliases, roles and organisations in the hands of administrators."""

import pytest

from apps.directory.authority import may_send_as
from apps.directory.models import Alias, Domain, Role, RoleGrant, State, User
from apps.directory.permissions import Powers, powers_of
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.provisioning.administration import aliases, organizations, roles
from apps.wire.errors import InUse, NotFound, NotPermitted
from tests.provisioning.administration.conftest import give


@pytest.mark.parametrize(
    "pattern", ["ceo@other.test", "@other.test", "*@OTHER.test", "c*@other.test", "/c/@other.test"]
)
def test_nobody_makes_an_alias_in_anothers_domain(
    admin: Powers, reseller: Powers, eve: User, pattern: str
) -> None:
    for powers in (admin, reseller):
        with pytest.raises(NotFound) as caught:
            aliases.add(powers=powers, pattern=pattern, targets=["admin@example.test"])
        assert caught.value.reply.text == "The domain other.test is not hosted here"
    assert not Alias.objects.exists()


def test_an_alias_to_another_tenant_is_an_address_and_no_more(
    admin: Powers, alice: User, eve: User
) -> None:
    aliases.add(powers=admin, pattern="ceo@example.test", targets=["eve@other.test"])

    for user in (alice, User.objects.get(pk=admin.user_id)):
        assert not may_send_as(user.pk, Address.parse("eve@other.test"))


def test_aliases_are_changed_in_sight_only(
    admin: Powers, helpdesk: Powers, alice: User, eve: User
) -> None:
    theirs = provisioning.add_alias("sales@other.test", ["eve@other.test"])
    ours = aliases.add(powers=admin, pattern="sales@example.test", targets=["alice@example.test"])

    with pytest.raises(NotFound):
        aliases.add_targets(powers=admin, alias_id=theirs.pk, targets=["admin@example.test"])
    with pytest.raises(NotFound):
        aliases.remove(powers=admin, alias_id=theirs.pk)
    with pytest.raises(NotPermitted):
        aliases.remove(powers=helpdesk, alias_id=ours.pk)
    aliases.add_targets(powers=admin, alias_id=ours.pk, targets=["x@elsewhere.test"])
    left = aliases.remove_targets(powers=admin, alias_id=ours.pk, targets=["alice@example.test"])
    assert left == ["x@elsewhere.test"]
    aliases.remove(powers=admin, alias_id=ours.pk)


def test_roles_are_given_within_the_own_ones(
    admin: Powers, reseller: Powers, alice: User, domain: Domain, second: Domain
) -> None:
    roles.grant(
        powers=admin, user_id=alice.pk, role=Role.HELPDESK, domain_id=domain.pk, may_reset=True
    )
    roles.grant(
        powers=reseller,
        user_id=alice.pk,
        role=Role.DOMAIN_ADMIN,
        organization_id=domain.organization_id,
    )
    assert {grant.role for grant in powers_of(alice).grants} == {Role.HELPDESK, Role.DOMAIN_ADMIN}

    for powers, role in (
        (admin, Role.OPERATOR),
        (reseller, Role.OPERATOR),
    ):
        with pytest.raises(NotPermitted):
            roles.grant(powers=powers, user_id=alice.pk, role=role)
    with pytest.raises(NotPermitted):
        roles.grant(
            powers=reseller,
            user_id=alice.pk,
            role=Role.RESELLER,
            organization_id=domain.organization_id,
        )
    with pytest.raises(NotFound):
        roles.grant(powers=admin, user_id=alice.pk, role=Role.DOMAIN_ADMIN, domain_id=second.pk)


def test_an_organisations_administrator_makes_helpdesks_in_it(
    alice: User, bob: User, domain: Domain
) -> None:
    powers = give(bob, Role.DOMAIN_ADMIN, domain.organization)

    roles.grant(
        powers=powers,
        user_id=alice.pk,
        role=Role.HELPDESK,
        organization_id=domain.organization_id,
    )

    assert powers_of(alice)


def test_nobody_gives_a_role_to_oneself_or_to_a_stranger(
    admin: Powers, helpdesk: Powers, eve: User, domain: Domain, alice: User
) -> None:
    with pytest.raises(NotPermitted):
        roles.grant(powers=admin, user_id=admin.user_id, role=Role.HELPDESK, domain_id=domain.pk)
    with pytest.raises(NotFound):
        roles.grant(powers=admin, user_id=eve.pk, role=Role.HELPDESK, domain_id=domain.pk)
    with pytest.raises(NotPermitted):
        roles.grant(powers=helpdesk, user_id=alice.pk, role=Role.HELPDESK, domain_id=domain.pk)


def test_roles_are_taken_within_the_own_ones(
    admin: Powers, reseller: Powers, eve: User, domain: Domain, other_domain: Domain
) -> None:
    give(eve, Role.DOMAIN_ADMIN, domain)  # an operator let a stranger help
    give(eve, Role.DOMAIN_ADMIN, other_domain)
    ours = RoleGrant.objects.get(user=eve, domain=domain)
    theirs = RoleGrant.objects.get(user=eve, domain=other_domain)
    sellers = RoleGrant.objects.get(role=Role.RESELLER)

    for powers, hidden in ((admin, theirs), (reseller, theirs), (admin, sellers)):
        with pytest.raises(NotFound):
            roles.revoke(powers=powers, grant_id=hidden.pk)
    roles.revoke(powers=reseller, grant_id=ours.pk)

    assert not RoleGrant.objects.filter(user=eve, domain=domain).exists()


def test_the_last_operators_role_stays(operator: Powers) -> None:
    with pytest.raises(InUse):
        roles.revoke(powers=operator, grant_id=RoleGrant.objects.get().pk)


def test_organisations_are_the_operators(
    operator: Powers, reseller: Powers, admin: Powers, domain: Domain, other_domain: Domain
) -> None:
    own, other = domain.organization_id, other_domain.organization_id

    with pytest.raises(NotPermitted):
        organizations.set_limits(powers=reseller, organization_id=own, max_users=None)
    with pytest.raises(NotPermitted):
        organizations.set_state(powers=reseller, organization_id=own, state=State.SUSPENDED)
    with pytest.raises(NotPermitted):
        organizations.remove(powers=reseller, organization_id=own)
    with pytest.raises(NotPermitted):
        organizations.add(powers=reseller, name="C")
    for powers in (reseller, admin):
        with pytest.raises(NotFound):
            organizations.rename(powers=powers, organization_id=other, name="X")
    organizations.set_limits(powers=operator, organization_id=own, max_users=5)
    organizations.rename(powers=operator, organization_id=own, name="AA")
    made = organizations.add(powers=operator, name="C")
    organizations.remove(powers=operator, organization_id=made.pk)
    organizations.set_state(powers=operator, organization_id=own, state=State.SUSPENDED)
    domain.organization.refresh_from_db()
    assert (domain.organization.name, domain.organization.state) == ("AA", State.SUSPENDED)
    assert domain.organization.max_users == 5
