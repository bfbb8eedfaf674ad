"""Users in the hands of administrators: what is in sight, and what is allowed on it."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from apps.audit.acting import Actor, acting
from apps.audit.models import AuditRecord
from apps.directory.authentication import Principal, authenticate
from apps.directory.models import Domain, Kind, Role, User, UserState
from apps.directory.permissions import Powers, powers_of
from apps.directory.services import organizations
from apps.provisioning import services as provisioning
from apps.provisioning.administration import tombstones, users
from apps.wire.errors import (
    AuthenticationFailed,
    InUse,
    LimitReached,
    NotFound,
    NotPermitted,
)
from tests.provisioning.administration.conftest import PASSWORD, give

Act = Callable[[Powers, int], object]

ACTS: dict[str, Act] = {
    "change": lambda powers, pk: users.change(powers=powers, user_id=pk, name="X"),
    "quota": lambda powers, pk: users.change(powers=powers, user_id=pk, quota=1),
    "rename": lambda powers, pk: users.rename(
        powers=powers, user_id=pk, address="new@example.test"
    ),
    "suspend": lambda powers, pk: users.set_state(
        powers=powers, user_id=pk, state=UserState.SUSPENDED
    ),
    "remove": lambda powers, pk: users.remove(powers=powers, user_id=pk),
    "password": lambda powers, pk: users.reset_password(powers=powers, user_id=pk),
    "link": lambda powers, pk: users.make_reset_link(powers=powers, user_id=pk),
    "factors": lambda powers, pk: users.reset_factors(powers=powers, user_id=pk),
    "sessions": lambda powers, pk: users.end_sessions(powers=powers, user_id=pk),
}
HELPDESKS = frozenset({"change", "password", "link", "factors", "sessions"})


@pytest.mark.parametrize("act", ACTS)
def test_another_tenants_user_is_not_there(
    act: str, admin: Powers, reseller: Powers, helpdesk: Powers, eve: User
) -> None:
    for powers in (admin, reseller, helpdesk):
        with pytest.raises(NotFound) as theirs:
            ACTS[act](powers, eve.pk)
        with pytest.raises(NotFound) as nobodys:
            ACTS[act](powers, 999_999)
        assert theirs.value.reply == nobodys.value.reply


@pytest.mark.parametrize("act", ACTS)
def test_what_administrators_do_to_their_users(act: str, admin: Powers, alice: User) -> None:
    ACTS[act](admin, alice.pk)


@pytest.mark.parametrize("act", ACTS)
def test_what_a_helpdesk_does(act: str, helpdesk: Powers, alice: User) -> None:
    if act in HELPDESKS:
        ACTS[act](helpdesk, alice.pk)
    else:
        with pytest.raises(NotPermitted):
            ACTS[act](helpdesk, alice.pk)


@pytest.mark.parametrize("act", ACTS)
def test_nobody_acts_on_whose_roles_reach_further(
    act: str, admin: Powers, helpdesk: Powers, reseller: Powers, operator: Powers, alice: User
) -> None:
    give(alice, Role.OPERATOR)

    for powers in (admin, helpdesk, reseller):
        with pytest.raises(NotPermitted):
            ACTS[act](powers, alice.pk)


def sign_in(password: str) -> Principal:
    return authenticate(
        username="alice@example.test", password=password, address="192.0.2.9", door="web"
    )


def test_a_temporary_password_has_to_be_changed_and_ends_the_old_one(
    admin: Powers, alice: User
) -> None:
    temporary = users.reset_password(powers=admin, user_id=alice.pk)

    assert sign_in(temporary).must_change
    with pytest.raises(AuthenticationFailed):
        sign_in(PASSWORD)


def test_nobody_resets_the_own_password_so(admin: Powers) -> None:
    with pytest.raises(NotPermitted):
        users.reset_password(powers=admin, user_id=admin.user_id)


def test_a_helpdesk_adds_users_with_the_usual_space(helpdesk: Powers, domain: Domain) -> None:
    user, password = users.create(powers=helpdesk, address="New@Example.test", name="New")

    assert user.domain == domain
    assert password
    assert User.objects.get(pk=user.pk).must_change_password
    with pytest.raises(NotPermitted):
        users.create(powers=helpdesk, address="more@example.test", quota=1 << 40)


def test_a_helpdesk_does_not_become_postmaster(
    helpdesk: Powers, admin: Powers, domain: Domain
) -> None:
    for local in ("postmaster", "ABUSE", "hostmaster", "webmaster", "Admin", "administrator"):
        with pytest.raises(NotPermitted):
            users.create(powers=helpdesk, address=f"{local}@example.test")
    users.create(powers=admin, address="postmaster@example.test")


@pytest.mark.parametrize("address", ["x@other.test", "x@OTHER.test.", "x@nowhere.test"])
def test_nobody_is_added_to_what_is_not_ones_own(
    admin: Powers, other_domain: Domain, address: str
) -> None:
    with pytest.raises(NotFound) as caught:
        users.create(powers=admin, address=address)
    assert caught.value.reply.text.endswith("is not hosted here")


def test_nobody_is_moved_to_another_tenant(
    admin: Powers, reseller: Powers, alice: User, other_domain: Domain, second: Domain
) -> None:
    for powers, address in (
        (admin, "alice@other.test"),
        (reseller, "alice@other.test"),
        (admin, "alice@second.test"),
    ):
        with pytest.raises(NotFound):
            users.rename(powers=powers, user_id=alice.pk, address=address)

    users.rename(powers=reseller, user_id=alice.pk, address="alice@second.test")

    alice.refresh_from_db()
    assert alice.key == "alice@second.test"


def test_limits_hold_for_all_but_operators(
    reseller: Powers, operator: Powers, alice: User, domain: Domain
) -> None:
    organizations.set_limits(organization_id=domain.organization_id, max_users=2, max_storage=100)

    with pytest.raises(LimitReached):
        users.create(powers=reseller, address="new@example.test", quota=1)
    with pytest.raises(LimitReached):
        users.change(powers=reseller, user_id=alice.pk, quota=101)
    users.change(powers=reseller, user_id=alice.pk, quota=60)
    with pytest.raises(LimitReached):
        users.change(powers=reseller, user_id=alice.pk, quota=0)
    users.create(powers=operator, address="new@example.test", quota=0)
    users.change(powers=operator, user_id=alice.pk, quota=101)


def test_a_removed_user_comes_back(admin: Powers, alice: User) -> None:
    users.remove(powers=admin, user_id=alice.pk)

    assert tombstones.restore(powers=admin, user_id=alice.pk).key == "alice@example.test"
    with pytest.raises(NotFound):
        tombstones.restore(powers=admin, user_id=alice.pk)


def test_who_gets_a_domain_does_not_get_the_mail_of_who_had_it(
    operator: Powers, alice: User, domain: Domain, other_domain: Domain, eve: User
) -> None:
    """A gives example.test up; B adds it, and asks for the users that were removed from it."""
    provisioning.remove_domain("example.test", force=True)
    User.objects.filter(pk=alice.pk).update(removed_at=timezone.now())
    provisioning.add_domain("example.test", organization="B")
    powers = give(eve, Role.RESELLER, other_domain.organization)

    with pytest.raises(NotFound) as theirs:
        tombstones.restore(powers=powers, user_id=alice.pk)
    with pytest.raises(NotFound) as nobodys:
        tombstones.restore(powers=powers, user_id=999_999)

    assert theirs.value.reply == nobodys.value.reply
    assert tombstones.restore(powers=operator, user_id=alice.pk).key == "alice@example.test"


def test_a_suspended_administrator_does_nothing(alice: User, domain: Domain, bob: User) -> None:
    give(alice, Role.DOMAIN_ADMIN, domain)
    provisioning.suspend_user("alice@example.test")

    with pytest.raises(NotFound):
        users.change(powers=powers_of(alice), user_id=bob.pk, name="X")


def test_the_last_operator_stays(operator: Powers, domain: Domain, alice: User) -> None:
    give(alice, Role.OPERATOR)
    users.remove(powers=operator, user_id=alice.pk)

    with pytest.raises(NotPermitted):
        users.remove(powers=operator, user_id=operator.user_id)
    with pytest.raises(InUse):
        provisioning.remove_user("root@elsewhere.test")


def test_acts_are_recorded_without_secrets(admin: Powers, alice: User) -> None:
    with acting(Actor("user", admin.user_id, "admin@example.test", "web", "192.0.2.1")):
        temporary = users.reset_password(powers=admin, user_id=alice.pk)
        users.set_state(powers=admin, user_id=alice.pk, state=UserState.LOCKED)

    rows = AuditRecord.objects.filter(user_id=alice.pk, actor="admin@example.test")
    assert {"user.password", "user.lock"} <= set(rows.values_list("action", flat=True))
    assert not any(temporary in str(vars(row)) for row in rows)


def test_shared_mailboxes_have_no_password(admin: Powers, domain: Domain) -> None:
    user, password = users.create(powers=admin, address="office@example.test", kind=Kind.SHARED)

    assert password is None
    assert not user.must_change_password


def test_nothing_else_can_be_said(admin: Powers, alice: User) -> None:
    """Names that are no arguments (is_superuser, domain_id, state, password) are no way in."""
    anything: Callable[..., object] = users.change
    for name in ("is_operator", "domain_id", "credential_version", "state", "kind", "password"):
        with pytest.raises(TypeError):
            anything(powers=admin, user_id=alice.pk, **{name: 1})
