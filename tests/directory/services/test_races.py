"""Two at once: the database decides, one wins, the other hears why."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from apps.directory import passwords
from apps.directory.models import Alias, Domain, Role, RoleGrant, User
from apps.directory.services import aliases, domains, organizations, roles, users
from apps.provisioning import renaming
from apps.provisioning import services as provisioning
from apps.wire.errors import AlreadyExists, InUse, MailError, NotFound

PASSWORD = "correct horse battery"
pytestmark = pytest.mark.django_db(transaction=True)
Job = Callable[[], object]


def together(*jobs: Job) -> list[MailError | None]:
    """Run jobs in threads that start at the same moment; the error of each."""
    start = threading.Barrier(len(jobs))
    errors: list[MailError | None] = [None] * len(jobs)

    def run(place: int, job: Job) -> None:
        try:
            start.wait(30)
            job()
        except MailError as error:
            errors[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return errors


def kinds(errors: list[MailError | None]) -> list[str]:
    return sorted(type(error).__name__ for error in errors)


def add_user(address: str) -> Job:
    secrets = passwords.seal(None)
    wanted = users.user_address(address)

    def job() -> None:
        with transaction.atomic():
            users.create(address=wanted, secrets=secrets)

    return job


def add_alias(pattern: str) -> Job:
    wanted = aliases.Pattern.parse(pattern)
    return lambda: aliases.create(pattern=wanted, targets=["x@elsewhere.test"])


@pytest.mark.parametrize("attempt", range(3))
def test_it_adds_a_user_once(attempt: int) -> None:
    domains.create(name="example.test")
    jobs = [add_user(f"{'Alice' if n % 2 else 'aLICE'}@EXAMPLE.test") for n in range(4)]

    assert kinds(together(*jobs)) == ["AlreadyExists"] * 3 + ["NoneType"]
    assert User.objects.filter(key="alice@example.test").count() == 1


@pytest.mark.parametrize("attempt", range(5))
def test_it_gives_an_address_to_a_user_or_an_alias(attempt: int) -> None:
    domains.create(name="example.test")

    errors = together(add_user("sales@example.test"), add_alias("Sales@example.test"))

    assert kinds(errors) == ["AlreadyExists", "NoneType"]
    assert User.objects.count() + Alias.objects.count() == 1


def test_it_adds_an_alias_once() -> None:
    domains.create(name="example.test")

    errors = together(*[add_alias("sales@example.test")] * 3)

    assert kinds(errors) == ["AlreadyExists", "AlreadyExists", "NoneType"]
    assert Alias.objects.get().targets.count() == 1


def test_it_adds_a_domain_once() -> None:
    errors = together(*[lambda: provisioning.add_domain("example.test")] * 3)

    assert kinds(errors) == ["AlreadyExists", "AlreadyExists", "NoneType"]
    assert User.objects.get().key == "postmaster@example.test"


def test_it_deletes_no_domain_under_a_new_user() -> None:
    domain = domains.create(name="example.test")

    errors = together(add_user("alice@example.test"), lambda: domains.delete(domain))

    assert sum(error is None for error in errors) == 1
    assert all(isinstance(error, InUse | NotFound | None) for error in errors)


def test_it_uses_a_setup_link_once() -> None:
    token = provisioning.make_setup_link()
    assert token is not None

    def use(name: str) -> Job:
        return lambda: provisioning.use_setup_link(token, f"{name}@elsewhere.test", PASSWORD)

    errors = together(use("a"), use("b"), use("c"))

    assert kinds(errors) == ["NoneType", "NotFound", "NotFound"]
    assert RoleGrant.objects.filter(role=Role.OPERATOR).count() == 1
    assert User.objects.count() == 1


def test_it_keeps_one_of_two_operators_that_remove_each_other() -> None:
    provisioning.create_operator("a@elsewhere.test", PASSWORD)
    provisioning.create_operator("b@elsewhere.test", PASSWORD)

    errors = together(
        lambda: provisioning.remove_user("a@elsewhere.test"),
        lambda: provisioning.remove_user("b@elsewhere.test"),
    )

    assert kinds(errors) == ["InUse", "NoneType"]
    assert RoleGrant.objects.filter(role=Role.OPERATOR).count() == 1


def test_it_restores_a_tombstone_or_adds_a_new_user() -> None:
    provisioning.add_domain("example.test")
    provisioning.add_user("alice@example.test", PASSWORD)
    provisioning.remove_user("alice@example.test")

    errors = together(
        add_user("alice@example.test"), lambda: provisioning.restore_user("alice@example.test")
    )

    assert kinds(errors) == ["AlreadyExists", "NoneType"]
    assert isinstance(next(filter(None, errors)), AlreadyExists)
    assert User.objects.filter(key="alice@example.test").count() == 1


def rename(old: str, new: str) -> Job:
    return lambda: renaming.rename_user(old, new)


@pytest.mark.parametrize("attempt", range(3))
@pytest.mark.parametrize("rival", [add_user, add_alias])
def test_it_gives_a_new_address_to_one_of_two(attempt: int, rival: Callable[[str], Job]) -> None:
    provisioning.add_domain("example.test")
    provisioning.add_user("alice@example.test", PASSWORD)

    errors = together(
        rename("alice@example.test", "alicia@example.test"), rival("Alicia@example.test")
    )

    assert kinds(errors) == ["AlreadyExists", "NoneType"]
    users_there = User.objects.filter(key="alicia@example.test").count()
    assert users_there + Alias.objects.filter(local="alicia").count() == 1


@pytest.mark.parametrize("rival", [add_user, add_alias])
def test_it_gives_an_old_address_to_nobody_else(rival: Callable[[str], Job]) -> None:
    provisioning.add_domain("example.test")
    provisioning.add_user("alice@example.test", PASSWORD)

    errors = together(
        rename("alice@example.test", "alicia@example.test"), rival("alice@example.test")
    )

    assert kinds(errors) == ["AlreadyExists", "NoneType"]
    assert errors[0] is None
    assert Alias.objects.get().targets.get().address == "alicia@example.test"
    assert set(User.objects.values_list("key", flat=True)) == {
        "alicia@example.test",
        "postmaster@example.test",
    }


def test_two_who_take_each_others_domain_do_not_wait_for_each_other() -> None:
    for name in ("example.test", "other.test"):
        provisioning.add_domain(name)
        provisioning.add_user(f"alice@{name}", PASSWORD)

    errors = together(
        rename("alice@example.test", "bob@other.test"),
        rename("alice@other.test", "bob@example.test"),
    )

    assert errors == [None, None]
    assert Alias.objects.count() == 2


def test_it_renames_a_user_once() -> None:
    provisioning.add_domain("example.test")
    provisioning.add_user("alice@example.test", PASSWORD)

    errors = together(*[rename("alice@example.test", f"alice{n}@example.test") for n in range(3)])

    assert kinds(errors) == ["NoneType", "NotFound", "NotFound"]
    assert Alias.objects.count() == 1


@pytest.mark.parametrize("attempt", range(3))
def test_a_domain_that_gets_another_name_loses_nobody(attempt: int) -> None:
    provisioning.add_domain("example.test")
    provisioning.add_user("alice@example.test", PASSWORD)

    errors = together(
        lambda: renaming.rename_domain("example.test", "new.test"),
        lambda: provisioning.add_user("bob@example.test", PASSWORD),
        rename("alice@example.test", "alicia@example.test"),
    )

    assert errors[0] is None
    assert all(isinstance(error, InUse | NotFound | None) for error in errors)
    domain = Domain.objects.get(name="new.test")
    assert all(user.key.endswith("@new.test") for user in domain.users.all())
    assert domain.users.count() == 2 + (errors[1] is None)


def test_a_new_name_is_given_once() -> None:
    provisioning.add_domain("example.test")

    errors = together(
        lambda: renaming.rename_domain("example.test", "new.test"),
        lambda: provisioning.add_domain("new.test"),
    )

    assert kinds(errors) == ["AlreadyExists", "NoneType"]
    assert Domain.objects.filter(name="new.test").count() == 1


@pytest.mark.parametrize("attempt", range(3))
def test_an_organisations_last_place_goes_to_one(attempt: int) -> None:
    for name in ("one.test", "two.test"):
        domains.create(name=name, organization="A")
    organization = Domain.objects.get(name="one.test").organization
    organizations.set_limits(organization_id=organization.pk, max_users=2, max_storage=2**40)
    secrets = passwords.seal(None)

    def add(address: str) -> Job:
        def job() -> None:
            with transaction.atomic():
                users.create(address=users.user_address(address), secrets=secrets, quota=1)

        return job

    errors = together(*[add(f"u{n}@{('one', 'two')[n % 2]}.test") for n in range(5)])

    assert kinds(errors) == ["LimitReached"] * 3 + ["NoneType"] * 2


@pytest.mark.parametrize("attempt", range(3))
def test_an_organisations_space_is_given_once(attempt: int) -> None:
    domain = domains.create(name="example.test", organization="A")
    for n in range(3):
        add_user(f"u{n}@example.test")()
    people = list(User.objects.all())
    User.objects.update(quota=1)
    organizations.set_limits(organization_id=domain.organization_id, max_storage=12)

    errors = together(*[lambda user=user: users.change(user=user, quota=6) for user in people])

    assert kinds(errors) == ["LimitReached", "LimitReached", "NoneType"]


@pytest.mark.parametrize("attempt", range(3))
def test_an_organisations_last_domain_is_added_once(attempt: int) -> None:
    organization = organizations.create(name="A", max_domains=1)

    errors = together(
        *[
            lambda n=n: domains.create(name=f"d{n}.test", organization=organization)
            for n in range(3)
        ]
    )

    assert kinds(errors) == ["LimitReached", "LimitReached", "NoneType"]


@pytest.mark.parametrize("attempt", range(3))
def test_nobody_who_is_removed_keeps_a_role_given_meanwhile(attempt: int) -> None:
    domain = domains.create(name="example.test")
    add_user("alice@example.test")()
    user = User.objects.get()

    together(
        lambda: roles.grant(user=user, role=Role.DOMAIN_ADMIN, domain=domain),
        lambda: users.bury(user),
    )

    assert not RoleGrant.objects.exists()
