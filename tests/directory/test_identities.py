"""Which addresses are a person's own."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.identities import own, own_many, own_of
from apps.directory.models import Alias, State, User
from apps.directory.services import aliases
from apps.directory.services.aliases import Pattern
from apps.provisioning import services as provisioning
from apps.wire.errors import NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _aliases(alice: User, bob: User, eve: User) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    provisioning.add_alias("a.liddell@example.test", ["Alice@example.test"])
    provisioning.add_alias("sales@example.test", ["alice@example.test", "bob@example.test"])
    provisioning.add_alias("alice-*@example.test", ["alice@example.test"])
    provisioning.add_domain("stranger.test", organization="Strangers")
    provisioning.add_alias("guest@stranger.test", ["alice@example.test"])


def test_the_main_address_comes_first_then_second_names_and_aliases(alice: User) -> None:
    with CaptureQueriesContext(connection) as asked:
        found = own(alice)
    assert list(found) == ["alice@example.test", "alice@alias.test", "a.liddell@example.test"]
    assert len(asked) == 1
    assert own_of(alice.pk) == found


@pytest.mark.parametrize(
    "key", ["alice@example.test", "alice+shop@example.test", "a.liddell+x@example.test"]
)
def test_a_detail_is_the_same_person(alice: User, key: str) -> None:
    assert key in own(alice)


@pytest.mark.parametrize(
    "key",
    [
        *("bob@example.test", "sales@example.test", "alice-shop@example.test", "", "+", "@"),
        *(
            "guest@stranger.test",
            "+alice@example.test",
            "alice@example.test+x",
            "alicex@example.test",
        ),
    ],
)
def test_others_shared_ones_patterns_and_foreign_aliases_are_not(alice: User, key: str) -> None:
    assert key not in own(alice)


def test_an_alias_that_is_off_or_shared_with_somebody_since_is_not(alice: User) -> None:
    provisioning.add_alias("al@example.test", ["alice@example.test"])
    aliases.add_targets(
        pattern=Pattern.parse("a.liddell@example.test"), targets=["bob@example.test"]
    )
    assert "al@example.test" in own(alice)
    assert "a.liddell@example.test" not in own(alice)
    Alias.objects.filter(local="al").update(state=State.SUSPENDED)
    assert "al@example.test" not in own(alice)


def test_they_are_bounded(alice: User) -> None:
    for number in range(60):
        provisioning.add_alias(f"a{number}@example.test", ["alice@example.test"])
    assert len(own(alice)) == 52


def test_who_has_no_domain_here_has_one_address(alice: User) -> None:
    alice.domain = None
    assert list(own(alice)) == ["alice@example.test"]
    with pytest.raises(NotFound):
        own_of(0)


def test_many_are_told_the_same_in_three_queries(alice: User, bob: User, eve: User) -> None:
    users = [alice, bob, eve]
    with CaptureQueriesContext(connection) as asked:
        found = own_many(users)
    assert len(asked) == 3
    assert found == {user.pk: own(user) for user in users}
    assert own_many([]) == {}
    homeless = User(pk=99, key="root@nowhere.test", address="root@nowhere.test")
    assert own_many([homeless, alice])[99] == own(homeless)
