"""What is made and removed together: users with mailboxes, domains with their postmaster."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.directory import authentication, passwords
from apps.directory.models import Alias, Domain, Kind, Organization, RoleGrant, User, UserState
from apps.directory.permissions import is_operator
from apps.mailstore.models import Mailbox, Usage
from apps.mailstore.services.purge import purge
from apps.provisioning import services
from apps.wire.errors import (
    AlreadyExists,
    AuthenticationFailed,
    InUse,
    InvalidAddress,
    InvalidName,
    MailError,
    NotFound,
)

PASSWORD = "correct horse battery"
BOXES = ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"]


def boxes(user: User) -> list[str]:
    return sorted(user.mailboxes.filter(deleted_at=None).values_list("name", flat=True))


def sign_in(address: str, password: str = PASSWORD) -> int:
    return authentication.authenticate(
        username=address, password=password, address="192.0.2.1", door="web"
    ).user_id


def test_it_makes_a_user_whole(domain: Domain) -> None:
    user, invented = services.add_user("Alice@Example.test", PASSWORD, "Alice", quota=5)

    assert invented is None
    assert boxes(user) == BOXES
    assert Usage.objects.get(user=user).size == 0
    assert (user.quota, user.name, user.kind) == (5, "Alice", Kind.PERSON)
    assert user.scram_iterations == passwords.SCRAM_ITERATIONS
    assert sign_in("alice@example.test") == user.pk


def test_it_invents_a_password(domain: Domain) -> None:
    user, invented = services.add_user("alice@example.test")

    assert invented is not None
    assert sign_in("alice@example.test", invented) == user.pk


@pytest.mark.parametrize("kind", [Kind.SHARED, Kind.RESOURCE])
def test_it_gives_no_password_to_what_is_no_person(domain: Domain, kind: Kind) -> None:
    user, invented = services.add_user("room@example.test", kind=kind)

    assert invented is None
    assert not user.has_usable_password()
    assert boxes(user) == BOXES
    with pytest.raises(InvalidName):
        services.add_user("room2@example.test", PASSWORD, kind=kind)
    with pytest.raises(InvalidName):
        services.set_password(user, PASSWORD)


@pytest.mark.parametrize(
    ("address", "password", "error"),
    [
        ("alice@example.test", PASSWORD, AlreadyExists),
        ("bob@elsewhere.test", PASSWORD, NotFound),
        ("bob", PASSWORD, InvalidAddress),
        ("bob@example.test", "", InvalidName),
        ("bob@example.test", "x" * 2_000, InvalidName),
    ],
)
def test_it_leaves_nothing_behind_when_it_refuses(
    alice: User, address: str, password: str, error: type[MailError]
) -> None:
    before = (User.objects.count(), Mailbox.objects.count(), Usage.objects.count())

    with pytest.raises(error):
        services.add_user(address, password)
    assert (User.objects.count(), Mailbox.objects.count(), Usage.objects.count()) == before


def test_it_hashes_outside_the_transaction(
    domain: Domain, django_assert_max_num_queries: object
) -> None:
    assert callable(django_assert_max_num_queries)
    with django_assert_max_num_queries(25):
        services.add_user("alice@example.test", PASSWORD)


def test_it_sets_a_password_and_ends_the_old_one(alice: User) -> None:
    assert sign_in("alice@example.test") == alice.pk
    version = alice.credential_version
    assert services.set_password(alice, "another horse") is None

    assert alice.credential_version == version + 1
    assert sign_in("alice@example.test", "another horse") == alice.pk
    with pytest.raises(AuthenticationFailed):
        sign_in("alice@example.test")
    invented = services.set_password(alice, must_change=True)
    assert invented is not None
    assert alice.must_change_password
    assert sign_in("alice@example.test", invented) == alice.pk


def test_it_gives_each_domain_a_postmaster(db: None) -> None:
    services.add_domain("example.test")
    services.add_domain("alias.test", alias_of="example.test")

    own = User.objects.get()
    assert (own.address, own.kind) == ("postmaster@example.test", Kind.SHARED)
    assert boxes(own) == BOXES


def test_it_opens_the_postmasters_box_to_a_person(domain: Domain) -> None:
    own = User.objects.get(key="postmaster@example.test")
    user, _ = services.add_user("Postmaster@example.test", PASSWORD, "Pat", quota=7)

    assert user.pk == own.pk
    assert (user.kind, user.name, user.quota) == (Kind.PERSON, "Pat", 7)
    assert boxes(user) == BOXES
    assert sign_in("postmaster@example.test") == own.pk
    with pytest.raises(AlreadyExists):
        services.add_user("postmaster@example.test", PASSWORD)


def test_it_adopts_an_operator_whose_domain_comes_later(db: None) -> None:
    operator, _ = services.create_operator("postmaster@example.test", PASSWORD)
    domain = services.add_domain("example.test")

    operator.refresh_from_db()
    assert operator.domain == domain
    assert User.objects.count() == 1
    assert sign_in("postmaster@example.test") == operator.pk


def test_it_makes_administrators(domain: Domain, other_domain: Domain) -> None:
    user, _ = services.add_user("alice@example.test", PASSWORD, is_admin=True)
    services.make_domain_admin(user, "OTHER.test")
    services.make_domain_admin(user)

    assert set(user.grants.values_list("role", "domain__name")) == {
        ("domain_admin", "example.test"),
        ("domain_admin", "other.test"),
    }
    operator, _ = services.create_operator("root@elsewhere.test", PASSWORD)
    with pytest.raises(NotFound):
        services.make_domain_admin(operator)


def test_it_removes_and_restores(alice: User) -> None:
    services.remove_user("ALICE@example.test")
    with pytest.raises(AuthenticationFailed):
        sign_in("alice@example.test")
    with pytest.raises(NotFound):
        services.remove_user("alice@example.test")

    restored = services.restore_user("Alice@example.test")
    assert restored.pk == alice.pk
    assert boxes(restored) == BOXES
    assert sign_in("alice@example.test") == alice.pk


def test_it_suspends_and_resumes(alice: User) -> None:
    assert services.suspend_user("ALICE@example.test").state == UserState.SUSPENDED
    assert services.resume_user("alice@example.test").state == UserState.ACTIVE
    assert sign_in("alice@example.test") == alice.pk


def test_it_lets_tombstones_go_in_time(alice: User, bob: User) -> None:
    start = timezone.now()
    services.remove_user("alice@example.test")

    def day(number: int) -> int:
        with time_machine.travel(start + timedelta(days=number)):
            gone = services.purge_removed()
            purge()
        return gone

    assert day(29) == 0
    assert boxes(alice) == BOXES
    assert day(31) == 0
    assert boxes(alice) == []
    assert day(60) == 0  # mailstore keeps deleted mailboxes for some days more
    assert alice.mailboxes.count() == 6
    day(62)
    assert day(63) == 1
    assert not User.objects.filter(pk=alice.pk).exists()
    assert not Usage.objects.filter(user_id=alice.pk).exists()
    assert User.objects.filter(pk=bob.pk).exists()


def test_it_keeps_a_domain_that_is_in_use(alice: User, other_domain: Domain) -> None:
    services.add_alias("sales@other.test", ["x@elsewhere.test"])
    for name in ("example.test", "other.test"):
        with pytest.raises(InUse):
            services.remove_domain(name)
    services.add_domain("alias.test", alias_of="other.test")
    with pytest.raises(InUse):
        services.remove_domain("other.test", force=True)
    assert Domain.objects.count() == 3


def test_it_removes_an_empty_domain(domain: Domain) -> None:
    services.add_domain("alias.test", alias_of="example.test")
    services.remove_domain("alias.test")
    services.remove_domain("Example.TEST")

    assert not Domain.objects.exists()
    assert User.objects.get().state == UserState.REMOVED
    assert Organization.objects.exists()
    with pytest.raises(NotFound):
        services.remove_domain("example.test")


def test_it_removes_a_full_domain_by_force(
    alice: User, bob: User, eve: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_CHUNK", 1)
    services.make_domain_admin(alice)
    for number in range(3):
        services.add_alias(f"a{number}@example.test", ["eve@other.test"])
    services.remove_domain("example.test", force=True)

    assert set(User.objects.living().values_list("key", flat=True)) == {
        "eve@other.test",
        "postmaster@other.test",
    }
    assert not Alias.objects.exists()
    assert not RoleGrant.objects.exists()
    assert not Domain.objects.filter(name="example.test").exists()

    services.add_domain("example.test")
    assert services.restore_user("alice@example.test").pk == alice.pk
    assert sign_in("alice@example.test") == alice.pk


def test_it_removes_no_domain_with_the_last_operator(domain: Domain) -> None:
    services.create_operator("root@example.test", PASSWORD)

    with pytest.raises(InUse):
        services.remove_domain("example.test", force=True)
    sign_in("root@example.test")


def test_it_makes_the_first_operator_by_link(domain: Domain) -> None:
    token = services.make_setup_link()
    assert token is not None
    assert services.setup_link_works(token)
    # What is refused does not use the link up.
    for address, password in (("nobody", PASSWORD), ("a@b.test", ""), ("a@b.test", "\0")):
        with pytest.raises(MailError):
            services.use_setup_link(token, address, password)
    services.add_user("taken@example.test", PASSWORD)
    with pytest.raises(AlreadyExists):
        services.use_setup_link(token, "taken@example.test", PASSWORD)
    assert services.setup_link_works(token)

    user = services.use_setup_link(token, "root@example.test", PASSWORD, "Root")
    assert is_operator(user)
    assert user.domain == domain
    assert boxes(user) == BOXES
    assert sign_in("root@example.test") == user.pk
    assert services.make_setup_link() is None
    assert not services.setup_link_works(token)
    with pytest.raises(NotFound):
        services.use_setup_link(token, "second@example.test", PASSWORD)


def test_it_makes_an_operator_outside_the_hosted_domains(db: None) -> None:
    user, invented = services.create_operator("Root@Elsewhere.test", None, "Root")

    assert invented is not None
    assert user.domain is None
    assert boxes(user) == BOXES
    assert sign_in("root@elsewhere.test", invented) == user.pk
    with pytest.raises(AlreadyExists):
        services.create_operator("root@elsewhere.test", PASSWORD)


def test_it_hashes_nothing_for_a_link_that_does_not_work(db: None) -> None:
    with CaptureQueriesContext(connection) as queries, pytest.raises(NotFound):
        services.use_setup_link("x" * 43, "root@elsewhere.test", PASSWORD)
    assert len(queries) <= 2


def test_it_keeps_tenants_apart(alice: User, eve: User) -> None:
    services.remove_domain("other.test", force=True)

    assert sign_in("alice@example.test") == alice.pk
    assert Domain.objects.get().name == "example.test"
