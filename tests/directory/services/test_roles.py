"""Roles: who can be given what, and where."""

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import Domain, Kind, Role, RoleGrant, User
from apps.directory.services import accountlinks, roles
from apps.provisioning import services as provisioning
from apps.wire.errors import InUse, InvalidName, LimitReached, NotFound

PASSWORD = "correct horse battery"


def test_twice_is_once_and_the_last_word_counts(alice: User, domain: Domain) -> None:
    for may_reset in (True, False, True):
        roles.grant(user=alice, role=Role.HELPDESK, domain=domain, may_reset=may_reset)

    assert RoleGrant.objects.get(user=alice).may_reset
    roles.revoke(user=alice, role=Role.HELPDESK, domain=domain)
    with pytest.raises(NotFound):
        roles.revoke(user=alice, role=Role.HELPDESK, domain=domain)


def test_each_role_has_its_scope(alice: User, domain: Domain) -> None:
    organization = domain.organization
    for role, where in (
        (Role.OPERATOR, {"domain": domain}),
        (Role.OPERATOR, {"organization": organization}),
        (Role.RESELLER, {"domain": domain}),
        (Role.RESELLER, {}),
        (Role.DOMAIN_ADMIN, {}),
        (Role.HELPDESK, {"domain": domain, "organization": organization}),
    ):
        with pytest.raises(InvalidName):
            roles.grant(user=alice, role=role, **where)
    with pytest.raises(InvalidName):
        roles.grant(user=alice, role=Role.DOMAIN_ADMIN, domain=domain, may_reset=True)


def test_only_living_persons_have_roles(alice: User, domain: Domain) -> None:
    office, _ = provisioning.add_user("office@example.test", kind=Kind.SHARED)
    with pytest.raises(InvalidName):
        roles.grant(user=office, role=Role.HELPDESK, domain=domain)

    provisioning.remove_user("alice@example.test")

    with pytest.raises(NotFound):
        roles.grant(user=alice, role=Role.HELPDESK, domain=domain)


def test_a_link_from_before_is_none_into_the_role(alice: User, domain: Domain) -> None:
    """A helpdesk that has made one for a user would be what the user becomes."""
    token = accountlinks.make(user=alice, purpose=accountlinks.RESET)
    assert accountlinks.find(token, accountlinks.RESET)

    roles.grant(user=alice, role=Role.DOMAIN_ADMIN, domain=domain)

    with pytest.raises(NotFound):
        accountlinks.find(token, accountlinks.RESET)


def test_a_role_is_given_where_the_users_are(alice: User, domain: Domain) -> None:
    alias = provisioning.add_domain("alias.test", alias_of="example.test")

    with pytest.raises(InUse, match="alias"):
        roles.grant(user=alice, role=Role.DOMAIN_ADMIN, domain=alias)


def test_the_last_operators_role_is_not_taken(alice: User) -> None:
    operator, _ = provisioning.create_operator("root@elsewhere.test", PASSWORD)
    with pytest.raises(InUse):
        roles.revoke(user=operator, role=Role.OPERATOR)

    roles.grant_operator(alice)
    roles.revoke(user=operator, role=Role.OPERATOR)

    with pytest.raises(InUse):
        roles.revoke(user=alice, role=Role.OPERATOR)


def test_nobody_collects_roles_without_end(
    alice: User, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles, "MAX_GRANTS", 1)
    roles.grant_operator(alice)

    with pytest.raises(LimitReached):
        roles.grant(user=alice, role=Role.HELPDESK, domain=domain)


def test_the_administrators_of_where_it_holds_read_of_it(alice: User, other_domain: Domain) -> None:
    roles.grant(user=alice, role=Role.DOMAIN_ADMIN, domain=other_domain)

    record = AuditRecord.objects.get(action="role.grant")
    assert record.domain_id == other_domain.pk
    assert record.user_id == alice.pk
    assert record.detail == {"role": "domain_admin", "domain": "other.test"}
