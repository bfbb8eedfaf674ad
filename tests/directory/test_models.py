"""What the database itself refuses."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.directory.models import Alias, Domain, Role, RoleGrant, User, UserState


def refused(write: object) -> bool:
    assert callable(write)
    try:
        with transaction.atomic():
            write()
    except IntegrityError:
        return True
    return False


def test_it_has_each_name_once(alice: User, domain: Domain) -> None:
    Alias.objects.create(domain=domain, local="sales")

    assert refused(lambda: Domain.objects.create(name=domain.name, organization_id=1))
    assert refused(lambda: User.objects.create(key=alice.key))
    assert refused(lambda: Alias.objects.create(domain=domain, local="sales"))


@pytest.mark.parametrize("scope", ["operator", "domain", "organization"])
def test_it_grants_a_role_once_in_its_scope(alice: User, domain: Domain, scope: str) -> None:
    def grant() -> None:
        RoleGrant.objects.create(
            user=alice,
            role=Role.OPERATOR if scope == "operator" else Role.DOMAIN_ADMIN,
            domain=domain if scope == "domain" else None,
            organization=domain.organization if scope == "organization" else None,
        )

    grant()
    assert refused(grant)


def test_it_grants_no_role_outside_its_scope(alice: User, domain: Domain) -> None:
    organization = domain.organization
    for values in (
        {"role": Role.OPERATOR, "domain": domain},
        {"role": Role.OPERATOR, "organization": organization},
        {"role": Role.DOMAIN_ADMIN},
        {"role": Role.DOMAIN_ADMIN, "domain": domain, "organization": organization},
    ):
        assert refused(lambda values=values: RoleGrant.objects.create(user=alice, **values))


def test_it_dates_every_tombstone_and_nothing_else(alice: User) -> None:
    users = User.objects.filter(pk=alice.pk)

    assert refused(lambda: users.update(state=UserState.REMOVED))
    assert refused(lambda: users.update(removed_at=timezone.now()))
    assert not refused(lambda: users.update(state=UserState.REMOVED, removed_at=timezone.now()))


def test_it_lists_the_living(alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(state=UserState.REMOVED, removed_at=timezone.now())

    assert alice in User.objects.living()
    assert bob not in User.objects.living()
    assert User.objects.get_by_natural_key("alice@example.test") == alice
