"""By what name one signs in: the own address, also in an alias domain of its domain; no other."""

from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory import authentication, scram, throttle
from apps.directory.models import Domain, User
from apps.provisioning import renaming, services
from apps.wire.errors import AuthenticationFailed, MailError, Throttled
from tests.conftest import PASSWORD


@pytest.fixture
def alias_domain(alice: User) -> Domain:
    return services.add_domain("alias.test", alias_of="example.test")


def sign_in(name: str, password: str = PASSWORD, door: str = "imap") -> int:
    return authentication.authenticate(
        username=name, password=password, address="192.0.2.1", door=door
    ).user_id


@pytest.mark.parametrize("door", ["imap", "pop3", "submission", "web"])
def test_an_alias_domain_is_another_name_at_every_door(
    alice: User, alias_domain: Domain, door: str
) -> None:
    assert sign_in(" Alice@ALIAS.test ", door=door) == alice.pk


def test_the_principal_has_the_address_that_the_user_has(alice: User, alias_domain: Domain) -> None:
    found = authentication.authenticate(
        username="alice@alias.test", password=PASSWORD, address="192.0.2.1", door="imap"
    )
    assert found.address == "alice@example.test"


def test_scram_knows_the_name_as_well(alice: User, alias_domain: Domain) -> None:
    begun = scram.begin(username="alice@alias.test", address="192.0.2.1", door="imap", secure=True)
    assert begun.account is not None
    assert begun.account.principal.user_id == alice.pk


@pytest.mark.parametrize(
    "name",
    [
        "alice+x@alias.test",
        "sales@alias.test",
        "sales@example.test",
        "alice@other.test",
        "alice@nowhere.test",
        "alice",
        "alias.test",
        "@alias.test",
    ],
)
def test_no_alias_no_detail_and_no_other_domain_is_one(
    alice: User, alias_domain: Domain, other_domain: Domain, name: str
) -> None:
    services.add_alias("sales@example.test", ["alice@example.test"])

    with pytest.raises(AuthenticationFailed):
        sign_in(name)


def test_who_is_suspended_is_so_by_every_name(alice: User, alias_domain: Domain) -> None:
    services.suspend_user("alice@example.test")

    with pytest.raises(MailError):
        sign_in("alice@alias.test")


def test_after_a_domain_was_renamed_the_old_names_go_on(alice: User) -> None:
    renaming.rename_domain("example.test", "new.test")

    assert sign_in("alice@example.test") == sign_in("alice@new.test") == alice.pk
    with pytest.raises(AuthenticationFailed):
        sign_in("alice@example.test", "wrong")
    renaming.rename_domain("new.test", "third.test", keeps_alias=False)
    assert sign_in("alice@example.test") == alice.pk
    with pytest.raises(AuthenticationFailed):
        sign_in("alice@new.test")


def test_a_user_of_that_very_name_comes_first(alice: User) -> None:
    operator, _ = services.create_operator("alice@alias.test", "another battery staple")
    services.add_domain("alias.test", alias_of="example.test")

    assert sign_in("alice@alias.test", "another battery staple") == operator.pk
    with pytest.raises(AuthenticationFailed):
        sign_in("alice@alias.test", PASSWORD)


def test_an_account_has_one_budget_of_guesses_under_all_its_names(
    alice: User, alias_domain: Domain
) -> None:
    names = ("alice@example.test", "alice@alias.test")
    for number in range(throttle.BUDGET):
        for place, name in enumerate(names):
            network = f"192.0.{2 + place}.{number}"
            with pytest.raises(AuthenticationFailed):
                authentication.authenticate(
                    username=name, password=f"wrong {number}", address=network, door="imap"
                )
    outcomes = []
    for number in range(30):
        try:
            authentication.authenticate(
                username=names[number % 2],
                password=f"wrong again {number}",
                address=f"198.51.100.{number}",
                door="imap",
            )
        except MailError as error:
            outcomes.append(type(error))
    assert outcomes.count(Throttled) >= 30 - 2 * throttle.FRESH_PACE


def test_known_and_unknown_names_cost_the_same_statements(
    alice: User, alias_domain: Domain
) -> None:
    def statements(name: str) -> int:
        with CaptureQueriesContext(connection) as captured, pytest.raises(AuthenticationFailed):
            sign_in(name, "wrong")
        # The history is written behind, by another thread, where no test's transaction is open.
        asked = [one["sql"] for one in captured if "directory_user" in one["sql"]]
        return sum("signin" not in one for one in asked)

    counts = {
        statements(name)
        for name in ("alice@example.test", "alice@alias.test", "bob@alias.test", "x@far.test")
    }
    assert counts == {1}


def test_no_alias_domain_tells_by_time_who_exists(alice: User, alias_domain: Domain) -> None:
    """What is remembered of one name is not of the other: a wrong password that is tried under both
    is hashed twice, and counted twice, whoever exists."""
    counted = []
    wrong = uuid4().hex  # what was wrong in another test is remembered in this process
    for local, address in (("alice", "192.0.2.7"), ("nobody", "192.0.2.8")):
        for domain in ("example.test", "alias.test", "alias.test"):
            with pytest.raises(AuthenticationFailed):
                authentication.authenticate(
                    username=f"{local}@{domain}", password=wrong, address=address, door="imap"
                )
        counted.append(cache.get(f"auth:failed:{address}"))
    assert counted == [2, 2]
