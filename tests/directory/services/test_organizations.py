"""Organisations: what they may hold, and what holds for all in them."""

import pytest
from django.db.models import Sum

from apps.directory.authentication import Principal, authenticate
from apps.directory.models import Domain, Kind, Organization, Role, State, User
from apps.directory.services import domains, organizations, roles, users
from apps.provisioning import services as provisioning
from apps.wire.errors import AlreadyExists, InUse, InvalidName, LimitReached, MailError, NotFound

PASSWORD = "correct horse battery"


@pytest.fixture
def domain(db: None) -> Domain:
    return provisioning.add_domain("example.test", organization="A")


@pytest.fixture
def tenant(domain: Domain) -> Organization:
    return domain.organization


def limit(tenant: Organization, **limits: int | None) -> None:
    organizations.set_limits(organization_id=tenant.pk, **limits)


def test_names_are_kept_once(db: None) -> None:
    made = organizations.create(name=" Fern & Söhne ", max_users=3)

    assert (made.name, made.max_users, made.max_domains) == ("Fern & Söhne", 3, None)
    with pytest.raises(AlreadyExists):
        organizations.create(name="Fern & Söhne")
    other = organizations.create(name="Other")
    with pytest.raises(AlreadyExists):
        organizations.rename(organization_id=other.pk, name="Fern & Söhne")
    assert organizations.rename(organization_id=other.pk, name="Mine").name == "Mine"


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb", "\x1b[1m"])
def test_some_names_are_none(db: None, name: str) -> None:
    with pytest.raises(InvalidName):
        organizations.create(name=name)


@pytest.mark.parametrize("value", [-1, 2**31])
def test_limits_are_numbers_that_fit(tenant: Organization, value: int) -> None:
    with pytest.raises(InvalidName):
        limit(tenant, max_users=value)
    with pytest.raises(InvalidName):
        organizations.set_limits(organization_id=tenant.pk, max_storage=2**63)


def test_a_limit_that_is_not_named_stays_and_none_takes_it_away(tenant: Organization) -> None:
    limit(tenant, max_users=1, max_domains=2)
    limit(tenant, max_users=None)

    tenant.refresh_from_db()
    assert (tenant.max_users, tenant.max_domains) == (None, 2)


def test_no_more_users_than_there_are_places(tenant: Organization, domain: Domain) -> None:
    limit(tenant, max_users=1)
    provisioning.add_user("one@example.test")  # the postmaster's own box took no place

    with pytest.raises(LimitReached):
        provisioning.add_user("two@example.test")
    with pytest.raises(LimitReached):
        provisioning.add_user("office@example.test", kind=Kind.SHARED)
    with pytest.raises(LimitReached):
        provisioning.add_user("postmaster@example.test")  # it would be a person then
    assert users.find("postmaster@example.test").kind == Kind.SHARED
    provisioning.add_user("two@example.test", unlimited=True)


def test_a_removed_user_makes_place_and_needs_one_to_come_back(tenant: Organization) -> None:
    limit(tenant, max_users=1)
    provisioning.add_user("one@example.test")
    provisioning.remove_user("one@example.test")
    provisioning.add_user("two@example.test")

    with pytest.raises(LimitReached):
        provisioning.restore_user("one@example.test")
    provisioning.restore_user("one@example.test", unlimited=True)


def test_space_is_promised_once(tenant: Organization) -> None:
    limit(tenant, max_storage=100)
    provisioning.add_user("one@example.test", quota=60)

    with pytest.raises(LimitReached):
        provisioning.add_user("two@example.test", quota=41)
    with pytest.raises(LimitReached):
        provisioning.add_user("two@example.test", quota=0)
    provisioning.add_user("two@example.test", quota=40)
    with pytest.raises(LimitReached):
        provisioning.change_user("one@example.test", quota=61)
    with pytest.raises(LimitReached):
        provisioning.change_user("one@example.test", quota=0)
    provisioning.change_user("one@example.test", quota=30)
    provisioning.change_user("two@example.test", quota=70)
    provisioning.change_user("two@example.test", name="Two")
    assert User.objects.aggregate(Sum("quota"))["quota__sum"] == 100


def test_the_box_that_came_with_the_domain_does_not_grow_beyond_it(tenant: Organization) -> None:
    limit(tenant, max_storage=100)
    key = "postmaster@example.test"
    User.objects.filter(key=key).update(quota=10)
    provisioning.change_user(key, quota=100)
    with pytest.raises(LimitReached):
        provisioning.change_user(key, quota=150)
    provisioning.change_user(key, quota=20)  # to get smaller is always allowed

    assert User.objects.get(key=key).quota == 20


def test_what_was_promised_before_a_limit_stays(tenant: Organization) -> None:
    provisioning.add_user("one@example.test", quota=500)
    provisioning.add_user("two@example.test", quota=0)
    limit(tenant, max_storage=100)

    provisioning.change_user("one@example.test", quota=400)  # less is always allowed
    provisioning.change_user("two@example.test", name="Two")
    with pytest.raises(LimitReached):
        provisioning.change_user("one@example.test", quota=401)


def test_alias_domains_count_too(tenant: Organization, domain: Domain) -> None:
    limit(tenant, max_domains=2)
    provisioning.add_domain("alias.test", alias_of="example.test")

    with pytest.raises(LimitReached):
        provisioning.add_domain("third.test", organization="A")
    with pytest.raises(LimitReached):
        provisioning.add_domain("third.test", alias_of="example.test")
    provisioning.add_domain("third.test", organization="A", unlimited=True)
    provisioning.add_domain("fourth.test", organization="B")


def sign_in() -> Principal:
    return authenticate(
        username="one@example.test", password=PASSWORD, address="192.0.2.9", door="imap"
    )


def test_nobody_of_a_suspended_organisation_signs_in(tenant: Organization, domain: Domain) -> None:
    provisioning.add_user("one@example.test", PASSWORD)
    sign_in()

    for state in (State.SUSPENDED, State.LOCKED):
        organizations.set_state(organization_id=tenant.pk, state=state)
        with pytest.raises(MailError):
            sign_in()
    organizations.set_state(organization_id=tenant.pk, state=State.ACTIVE)
    sign_in()


def test_an_organisation_goes_when_it_is_empty(tenant: Organization, domain: Domain) -> None:
    user, _ = provisioning.add_user("one@example.test", PASSWORD)
    roles.grant(user=user, role=Role.RESELLER, organization=tenant)
    with pytest.raises(InUse):
        organizations.delete(organization_id=tenant.pk)

    provisioning.remove_domain("example.test", force=True)
    organizations.delete(organization_id=tenant.pk)

    with pytest.raises(NotFound):
        organizations.find("A")
    with pytest.raises(NotFound):
        organizations.delete(organization_id=tenant.pk)


def test_an_operator_who_can_sign_in_is_left(tenant: Organization, domain: Domain) -> None:
    provisioning.create_operator("root@example.test", PASSWORD)

    for state in (State.SUSPENDED, State.LOCKED):
        with pytest.raises(InUse):
            organizations.set_state(organization_id=tenant.pk, state=state)
        with pytest.raises(InUse):
            domains.set_state(name="example.test", state=state)
    provisioning.create_operator("root@elsewhere.test", PASSWORD)
    organizations.set_state(organization_id=tenant.pk, state=State.SUSPENDED)
    with pytest.raises(InUse):  # the other one could not sign in
        provisioning.suspend_user("root@elsewhere.test")


def test_the_default_organisation_is_made_once(db: None) -> None:
    first = provisioning.add_domain("one.test")
    second = provisioning.add_domain("two.test")

    assert first.organization == second.organization
