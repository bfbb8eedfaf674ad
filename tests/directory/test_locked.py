"""Locked is neither active nor suspended: nobody signs in, and mail comes."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory import authentication
from apps.directory.backends import MailhostBackend
from apps.directory.models import Domain, Organization, SignIn, State, User, UserState
from apps.directory.routing import LocalUser, Resolution, Status, owners, resolve
from apps.directory.services import apppasswords, delegations
from apps.directory.signedin import still_in
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.wire.errors import AccountSuspended, AuthenticationFailed

PASSWORD = "correct horse battery"
ALICE = "alice@example.test"
PLACES = ("user", "domain", "organization")


def put(place: str, state: State) -> None:
    """Of Alice, of her domain, of its organisation."""
    match place:
        case "user":
            User.objects.filter(key=ALICE).update(state=state)
        case "domain":
            Domain.objects.filter(name="example.test").update(state=state)
        case _:
            Organization.objects.filter(domains__name="example.test").update(state=state)


def sign_in(password: str = PASSWORD) -> authentication.Principal:
    return authentication.authenticate(
        username=ALICE, password=password, address="192.0.2.1", door="imap"
    )


def route(text: str) -> Resolution:
    return resolve(Address.parse(text))


@pytest.mark.parametrize("place", PLACES)
def test_it_receives_in_one_statement(alice: User, place: str) -> None:
    put(place, State.LOCKED)
    with CaptureQueriesContext(connection) as queries:
        assert route(ALICE) == Resolution(Status.LOCAL, (LocalUser(alice.pk, ALICE),))
    assert len(queries) == 1


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", ["alice+tag@example.test", "sales@example.test", "a@alias.test"])
def test_it_receives_by_every_other_way(alice: User, place: str, text: str) -> None:
    provisioning.add_alias("sales@example.test", [ALICE])
    provisioning.add_alias("@example.test", [ALICE])
    provisioning.add_domain("alias.test", alias_of="example.test")
    put(place, State.LOCKED)
    assert [user.user_id for user in route(text).users] == [alice.pk]


@pytest.mark.parametrize("place", PLACES)
def test_nobody_signs_in(alice: User, place: str) -> None:
    _, text = apppasswords.create(user=alice, name="Phone")
    principals = {sign_in(), sign_in(text)}
    assert MailhostBackend().get_user(alice.pk) == alice
    put(place, State.LOCKED)
    for password in (PASSWORD, text):  # told as one who is suspended, and only by the right one
        with pytest.raises(AccountSuspended):
            sign_in(password)
    with pytest.raises(AuthenticationFailed):
        sign_in("wrong")
    assert still_in(principals) == set()
    assert MailhostBackend().get_user(alice.pk) is None
    assert SignIn.objects.filter(user=alice, outcome="suspended").count() == 2


@pytest.mark.parametrize("other", PLACES)
@pytest.mark.parametrize("place", PLACES)
def test_the_stricter_wins(alice: User, place: str, other: str) -> None:
    put(place, State.LOCKED)
    put(other, State.SUSPENDED)
    assert route(ALICE).status is Status.SUSPENDED
    put(other, State.ACTIVE)
    receives = route(ALICE).status is Status.LOCAL
    assert receives


def test_its_address_stays_its_own(alice: User, bob: User) -> None:
    """Whoever stands in for one who is away for long may go on; for one suspended not."""
    delegations.grant(owner=alice, delegate=bob, send_as=True, send_on_behalf=False)
    put("user", State.LOCKED)
    assert [one.user_id for one in owners(Address.parse(ALICE))] == [alice.pk]
    put("user", State.SUSPENDED)
    assert owners(Address.parse(ALICE)) == ()


def test_mail_to_a_role_goes_to_who_can_read_it(alice: User, bob: User) -> None:
    for user in (alice, bob):
        provisioning.make_domain_admin(user)
    put("user", State.LOCKED)
    assert [user.user_id for user in route("abuse@example.test").users] == [bob.pk]


def suspend(address: str) -> User:
    return provisioning.suspend_user(address)


def lock(address: str) -> User:
    return provisioning.suspend_user(address, receives=True)


@pytest.mark.parametrize(("act", "state"), [(suspend, "suspended"), (lock, "locked")])
def test_it_is_set_and_lifted(alice: User, act: Callable[[str], User], state: str) -> None:
    principal = sign_in()
    assert act(ALICE).state == state
    assert still_in([principal]) == set()
    assert provisioning.resume_user(ALICE).state == UserState.ACTIVE
    assert sign_in().credential_version == principal.credential_version + 2


def test_a_domain_is_locked_and_lifted(alice: User) -> None:
    assert provisioning.suspend_domain("example.test", receives=True).state == State.LOCKED
    assert route(ALICE).status is Status.LOCAL
    assert provisioning.resume_domain("example.test").state == State.ACTIVE
    assert sign_in()
