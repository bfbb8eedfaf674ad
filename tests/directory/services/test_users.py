"""Users: addresses we give out, tombstones, the last operator."""

from collections.abc import Callable

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from apps.directory import passwords
from apps.directory.models import Domain, Kind, RoleGrant, User, UserState
from apps.directory.services import names, users
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.wire.errors import (
    AlreadyExists,
    InUse,
    InvalidAddress,
    InvalidName,
    MailError,
    NotFound,
)

PASSWORD = "correct horse battery"
NONE = passwords.seal(None)


def create(text: str, **more: object) -> User:
    with transaction.atomic():
        return users.create(address=users.user_address(text), secrets=NONE, **more)  # type: ignore[arg-type]


def test_it_keeps_the_owners_spelling_and_a_key(domain: Domain) -> None:
    user = create("Alice.Archer@Example.Test", name=" Alice Archer ")

    assert user.key == "alice.archer@example.test"
    assert user.address == "Alice.Archer@example.test"
    assert user.name == "Alice Archer"
    assert user.domain == domain
    assert user.state == UserState.ACTIVE
    assert user.credential_version == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "@example.test",
        "alice@",
        "alice@[192.0.2.1]",
        '"a b"@example.test',
        "a..b@example.test",
        "a*b@example.test",
        "alice+x@example.test",
        "a\0b@example.test",
        "x" * 65 + "@example.test",
        "alice\u202e@example.test",
    ],
)
def test_it_gives_out_no_odd_address(domain: Domain, text: str) -> None:
    with pytest.raises(InvalidAddress):
        create(text)


@pytest.mark.parametrize("text", ["ALICE@example.test", "alice@EXAMPLE.test"])
def test_it_gives_an_address_once(alice: User, text: str) -> None:
    with pytest.raises(AlreadyExists):
        create(text)


def test_it_gives_no_address_of_an_alias(domain: Domain) -> None:
    provisioning.add_alias("sales@example.test", ["x@elsewhere.test"])
    provisioning.add_alias("s-*@example.test", ["x@elsewhere.test"])

    with pytest.raises(AlreadyExists):
        create("Sales@example.test")
    assert create("s-1@example.test").key == "s-1@example.test"  # a user goes before a pattern


def test_it_adds_users_to_hosted_domains_only(domain: Domain) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")

    with pytest.raises(NotFound):
        create("alice@elsewhere.test")
    with pytest.raises(InUse):
        create("alice@alias.test")


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J", "x" * 201, "a\u202eb", "a\0"])
def test_it_refuses_names_that_could_drive_a_terminal(domain: Domain, name: str) -> None:
    with pytest.raises(InvalidName):
        create("alice@example.test", name=name)


def test_it_takes_the_quota_from_the_user_the_domain_or_the_setting(
    domain: Domain, settings: Settings
) -> None:
    settings.DEFAULT_QUOTA = 30
    assert create("a@example.test").quota == 30
    Domain.objects.update(default_quota=20)
    assert create("b@example.test").quota == 20
    assert create("c@example.test", quota=10).quota == 10
    assert create("d@example.test", quota=0).quota == 0
    for quota in (-1, 2**63):
        with pytest.raises(InvalidName):
            create("e@example.test", quota=quota)


def test_it_finds_the_living(alice: User) -> None:
    assert users.find(" ALICE@example.test ") == alice
    with pytest.raises(NotFound):
        users.find("nobody@example.test")
    with pytest.raises(InvalidAddress):
        users.find("nobody")
    users.bury(alice)
    with pytest.raises(NotFound):
        users.find("alice@example.test")


def test_it_replaces_all_secrets_at_once(alice: User) -> None:
    before = User.objects.get(pk=alice.pk)
    version = users.set_secrets(
        user_id=alice.pk, secrets=passwords.seal("another"), must_change=True
    )
    alice.refresh_from_db()

    assert version == alice.credential_version == before.credential_version + 1
    assert alice.must_change_password
    for field in ("password", "scram_salt", "scram_stored_key", "scram_server_key"):
        assert getattr(alice, field) != getattr(before, field)


def test_it_changes_nothing_about_the_dead(alice: User) -> None:
    users.bury(alice)

    for change in (
        lambda: users.set_secrets(user_id=alice.pk, secrets=NONE),
        lambda: users.set_state(user=alice, state=UserState.SUSPENDED),
        lambda: users.set_state(user=alice, state=UserState.ACTIVE),
        lambda: users.bury(alice),
    ):
        with pytest.raises(NotFound):
            change()


def test_it_buries_in_a_few_statements_and_keeps_the_mail(
    alice: User, django_assert_max_num_queries: object
) -> None:
    assert callable(django_assert_max_num_queries)
    provisioning.make_domain_admin(alice)
    with django_assert_max_num_queries(8):
        users.bury(alice)
    alice.refresh_from_db()

    assert alice.state == UserState.REMOVED
    assert alice.removed_at is not None
    assert alice.domain is None
    assert alice.key == f"alice@example.test#{alice.pk}"
    assert alice.address == "alice@example.test"
    assert not RoleGrant.objects.filter(user=alice).exists()
    assert alice.mailboxes.filter(deleted_at=None).count() == 6


def test_it_gives_a_dead_users_address_away_and_not_back(alice: User) -> None:
    users.bury(alice)
    create("alice@example.test")

    with pytest.raises(AlreadyExists):
        users.raise_tombstone(alice)


def test_it_raises_the_last_tombstone_of_an_address(alice: User) -> None:
    users.bury(alice)
    second, _ = provisioning.add_user("Alice@example.test", PASSWORD)
    users.bury(second)

    found = users.find_tombstone(Address.parse("ALICE@example.test"))
    assert found == second
    raised = users.raise_tombstone(found)
    assert (raised.key, raised.state) == ("alice@example.test", UserState.ACTIVE)
    assert raised.removed_at is None
    assert raised.domain is not None
    assert raised.credential_version == 3


def test_it_raises_no_tombstone_without_its_domain_or_against_an_alias(alice: User) -> None:
    users.bury(alice)
    provisioning.add_alias("alice@example.test", ["x@elsewhere.test"])
    with pytest.raises(AlreadyExists):
        users.raise_tombstone(alice)

    provisioning.remove_domain("example.test", force=True)
    with pytest.raises(NotFound):
        users.raise_tombstone(alice)


def test_it_raises_nobody_who_lives(alice: User) -> None:
    with pytest.raises(NotFound):
        users.find_tombstone(Address.parse(alice.address))
    with pytest.raises(MailError):
        users.raise_tombstone(alice)


def test_it_keeps_the_last_operator(db: None) -> None:
    one, _ = provisioning.create_operator("one@elsewhere.test", PASSWORD)
    changes: list[Callable[[], object]] = [
        lambda: users.bury(one),
        lambda: users.set_state(user=one, state=UserState.SUSPENDED),
    ]
    for change in changes:
        with pytest.raises(InUse):
            change()
    assert User.objects.get(pk=one.pk).state == UserState.ACTIVE

    provisioning.create_operator("two@elsewhere.test", PASSWORD)
    users.bury(one)
    assert User.objects.get(pk=one.pk).state == UserState.REMOVED


@pytest.mark.django_db(transaction=True)
def test_it_checks_names_only_under_their_lock() -> None:
    domain = provisioning.add_domain("example.test")
    with pytest.raises(RuntimeError):
        names.refuse_taken_by_alias(domain, "sales")
    with pytest.raises(RuntimeError):
        names.refuse_taken_by_user(Address("sales", "example.test"))


def test_it_knows_the_domains_own_postmaster(domain: Domain) -> None:
    own = User.objects.get(key="postmaster@example.test")

    assert names.is_own_postmaster(own)
    assert own.kind == Kind.SHARED
    assert not names.is_own_postmaster(create("team@example.test", kind=Kind.SHARED))
