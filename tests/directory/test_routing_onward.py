"""Where mail goes on from here: forwards, relay domains, rewritten senders, expressions, owners."""

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.models import Domain, RelayCheck, User
from apps.directory.routing import (
    LocalUser,
    Resolution,
    Status,
    forwarders_of,
    owners,
    resolve,
    resolve_many,
)
from apps.directory.services import forwards, relay
from apps.mailauth import srs
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.runtime import sealing

PASSWORD = "correct horse battery"
OUT = "out@elsewhere.test"


def route(text: str) -> Resolution:
    return resolve(Address.parse(text))


def local(*users: User, remote: tuple[str, ...] = (), lost: tuple[str, ...] = ()) -> Resolution:
    named = tuple(LocalUser(user.pk, user.address) for user in users)
    return Resolution(Status.LOCAL, named, remote, lost)


def alias(pattern: str, *targets: str) -> None:
    provisioning.add_alias(pattern, targets)


def send_on(user: User, target: str, *, keeps_copy: bool = False) -> None:
    forwards.add(user=user, target=target, keeps_copy=keeps_copy)


# -- forwards --


def test_it_sends_on_and_keeps_a_copy(alice: User) -> None:
    send_on(alice, OUT, keeps_copy=True)

    assert route("alice@example.test") == local(alice, remote=(OUT,))
    assert route("ALICE+x@example.test") == local(alice, remote=(OUT,))


def test_it_says_who_has_it_sent_on(alice: User, bob: User) -> None:
    send_on(alice, "bob@example.test", keeps_copy=True)
    send_on(alice, "own@elsewhere.test")
    send_on(bob, OUT)
    alias("team@example.test", "Alice+x@example.test", "list@elsewhere.test")
    addresses = [
        Address.parse(text)
        for text in ("alice@example.test", "bob@example.test", "team@example.test", OUT, "x@n.test")
    ]

    hers, his = LocalUser(alice.pk, alice.address), LocalUser(bob.pk, bob.address)
    assert [forwarders_of(addresses)[one] for one in addresses] == [
        {OUT: his, "own@elsewhere.test": hers},
        {OUT: his},
        {OUT: his, "own@elsewhere.test": hers},
        {},
        {},
    ]


def test_it_sends_on_without_a_copy(alice: User, bob: User) -> None:
    send_on(alice, OUT)
    send_on(alice, "bob@example.test")

    assert route("alice@example.test") == local(bob, remote=(OUT,))


def test_it_keeps_a_copy_if_one_forward_wants_it(alice: User) -> None:
    send_on(alice, OUT)
    send_on(alice, "two@elsewhere.test", keeps_copy=True)

    assert route("alice@example.test") == local(alice, remote=(OUT, "two@elsewhere.test"))


def test_it_sends_nothing_to_who_has_not_agreed(alice: User) -> None:
    forwards.ask(user=alice, target=OUT, keeps_copy=False)

    assert route("alice@example.test") == local(alice)


def test_it_follows_forwards_behind_aliases(alice: User, bob: User) -> None:
    send_on(alice, OUT)
    alias("team@example.test", "alice@example.test", "bob@example.test")

    assert route("team@example.test") == local(bob, remote=(OUT,))


def test_it_follows_forwards_of_forwards(alice: User, bob: User, eve: User) -> None:
    send_on(alice, "bob@example.test")
    send_on(bob, "eve@other.test")
    send_on(eve, OUT, keeps_copy=True)

    assert route("alice@example.test") == local(eve, remote=(OUT,))


def test_it_gives_each_one_copy_when_forwards_go_round(alice: User, bob: User) -> None:
    send_on(alice, "bob@example.test")
    send_on(bob, "alice@example.test")

    assert route("alice@example.test") == local(alice, bob)
    assert route("bob@example.test") == local(bob, alice)


def test_it_gives_one_copy_when_copies_go_round(alice: User, bob: User) -> None:
    send_on(alice, "bob@example.test", keeps_copy=True)
    send_on(bob, "alice+back@example.test", keeps_copy=True)

    assert route("alice@example.test") == local(alice, bob)


def test_it_gives_one_copy_when_a_forward_leads_into_its_alias(alice: User) -> None:
    alias("team@example.test", "alice@example.test", OUT)
    send_on(alice, "team@example.test")

    assert route("team@example.test") == local(remote=(OUT,))


def test_it_loses_nothing_when_a_forward_leads_nowhere(alice: User, bob: User) -> None:
    send_on(alice, "gone@example.test")
    alias("team@example.test", "alice@example.test", "bob@example.test")

    assert route("alice@example.test") == local(alice, lost=("gone@example.test",))
    assert route("team@example.test") == local(alice, bob, lost=("gone@example.test",))


def test_it_loses_nothing_when_a_target_is_suspended(alice: User, bob: User) -> None:
    send_on(alice, "bob@example.test")
    provisioning.suspend_user("bob@example.test")

    assert route("alice@example.test") == local(alice, lost=("bob@example.test",))


def test_it_sends_nothing_on_for_who_is_suspended(alice: User) -> None:
    send_on(alice, OUT, keeps_copy=True)
    provisioning.suspend_user("alice@example.test")

    assert route("alice@example.test") == Resolution(Status.SUSPENDED)


def test_it_follows_forwards_of_those_who_hold_a_role(domain: Domain) -> None:
    admin, _ = provisioning.add_user("carol@example.test", PASSWORD, is_admin=True)
    send_on(admin, OUT)
    assert route("postmaster@example.test") == local(remote=(OUT,))

    forwards.remove(user=admin, target=OUT)
    send_on(admin, "gone@example.test")
    assert route("abuse@example.test") == local(admin, lost=("gone@example.test",))


def test_it_refuses_forwards_that_are_too_deep(domain: Domain) -> None:
    users = [provisioning.add_user(f"u{number}@example.test", PASSWORD)[0] for number in range(12)]
    for one, following in pairwise(users):
        send_on(one, following.address)

    assert route("u1@example.test") == local(users[11])
    assert route("u0@example.test") == Resolution(Status.LOOP)


def test_it_asks_no_more_for_those_who_do_not_forward(alice: User, bob: User) -> None:
    send_on(bob, OUT)
    with CaptureQueriesContext(connection) as queries:
        route("alice@example.test")
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        route("bob@example.test")
    assert len(queries) <= 6


# -- owners --


def test_it_knows_whose_an_address_is(alice: User, bob: User, eve: User) -> None:
    send_on(alice, "eve@other.test")
    send_on(bob, OUT)
    alias("team@example.test", "alice@example.test", "bob@example.test", "x@elsewhere.test")
    alias("far@example.test", "x@elsewhere.test")
    alias("loop@example.test", "loop@example.test")

    def who(text: str) -> list[str]:
        return [user.address for user in owners(Address.parse(text))]

    assert who("alice@example.test") == ["alice@example.test"]
    assert who("eve@other.test") == ["eve@other.test"]
    assert who("team@example.test") == ["alice@example.test", "bob@example.test"]
    assert who("postmaster@example.test") == ["postmaster@example.test"]
    for text in ("far@example.test", "loop@example.test", OUT, "nobody@example.test"):
        assert who(text) == []
    provisioning.suspend_user("alice@example.test")
    assert who("alice@example.test") == []


def test_it_gives_no_rewritten_sender_to_anybody(alice: User) -> None:
    ours = rewritten(alice.address)

    assert route(str(ours)) == local(alice)
    assert owners(ours) == ()


def test_it_gives_a_role_that_leads_outside_to_nobody(domain: Domain) -> None:
    alias("postmaster@example.test", OUT)

    assert owners(Address.parse("postmaster@example.test")) == ()


# -- relay domains --


def set_relay(domain: Domain, check: RelayCheck, *recipients: str) -> None:
    relay.set_relay(domain=domain, check=check)
    if recipients:
        relay.add(domain=domain, recipients=recipients)


def relayed(address: str, *, is_asked: bool = False) -> Resolution:
    return Resolution(Status.LOCAL, remote=(address,), is_relayed=True, is_asked=is_asked)


def test_it_relays_what_is_on_the_list(domain: Domain) -> None:
    set_relay(domain, RelayCheck.LIST, "There", "jörg@example.test")

    assert route("There@example.test") == relayed("There@example.test")
    assert route("there+x@example.test") == relayed("there+x@example.test")
    assert route("JÖRG@example.test") == relayed("JÖRG@example.test")
    assert route("nobody@example.test") == Resolution(Status.UNKNOWN)
    assert route("There@example.test").is_elsewhere


def test_it_relays_anything_where_it_may(domain: Domain) -> None:
    set_relay(domain, RelayCheck.ANY)

    assert route("Nobody@example.test") == relayed("Nobody@example.test")
    assert route("postmaster@example.test") == relayed("postmaster@example.test")


@pytest.mark.parametrize("check", [RelayCheck.ANY, RelayCheck.CALL_AHEAD])
@pytest.mark.parametrize(
    "local", ["v%victim.test", '"v@victim.test"', "victim.test!v", "a%b%c.test"]
)
def test_it_makes_no_open_relay_of_the_other_server(
    domain: Domain, check: RelayCheck, local: str
) -> None:
    set_relay(domain, check)

    assert route(f"{local}@example.test") == Resolution(Status.UNKNOWN)


def test_it_relays_odd_addresses_that_are_on_the_list(domain: Domain) -> None:
    set_relay(domain, RelayCheck.LIST, "a%b")

    assert route("a%b@example.test") == relayed("a%b@example.test")
    assert route("a%c@example.test") == Resolution(Status.UNKNOWN)
    assert route("a%b+x%victim.test@example.test") == Resolution(Status.UNKNOWN)


def test_it_says_that_the_other_server_must_be_asked(domain: Domain) -> None:
    set_relay(domain, RelayCheck.CALL_AHEAD)

    assert route("x@example.test") == relayed("x@example.test", is_asked=True)


def test_it_finds_who_is_here_before_it_relays(alice: User, domain: Domain) -> None:
    """While people move from one server to another, some are here and some still there."""
    set_relay(domain, RelayCheck.ANY)
    alias("team@example.test", "alice@example.test", "there@example.test")

    assert route("alice@example.test") == local(alice)
    assert route("team@example.test") == local(alice, remote=("there@example.test",))
    assert not route("team@example.test").is_elsewhere


def test_it_relays_an_alias_domain_under_the_name_that_is_known_there(domain: Domain) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    set_relay(domain, RelayCheck.LIST, "there")

    assert route("There@alias.test") == relayed("There@example.test")


@pytest.mark.parametrize("check", [RelayCheck.LIST, RelayCheck.CALL_AHEAD])
@pytest.mark.parametrize("role", ["postmaster", "abuse", "Abuse+x"])
def test_it_keeps_the_roles_of_a_relay_domain_here(
    domain: Domain, check: RelayCheck, role: str
) -> None:
    set_relay(domain, check)

    assert [user.address for user in route(f"{role}@example.test").users] == [
        "postmaster@example.test"
    ]


def test_it_relays_a_role_that_is_on_the_list(domain: Domain) -> None:
    set_relay(domain, RelayCheck.LIST, "abuse")

    assert route("abuse@example.test") == relayed("abuse@example.test")


def test_it_relays_nothing_for_a_suspended_domain(domain: Domain) -> None:
    set_relay(domain, RelayCheck.ANY)
    provisioning.suspend_domain("example.test")

    assert route("x@example.test") == Resolution(Status.SUSPENDED)
    assert len(route("postmaster@example.test").users) == 1


# -- rewritten senders --


def rewritten(sender: str, *, at: float | None = None, key: bytes | None = None) -> Address:
    return srs.forward(
        Address.parse(sender),
        "example.test",
        key=key or sealing.derived(srs.PURPOSE)[0],
        now=int(time.time() if at is None else at),
    )


def test_it_returns_mail_for_a_rewritten_sender(alice: User) -> None:
    alias("@example.test", "alice@example.test")
    address = rewritten("Carol@elsewhere.test")

    assert resolve(address) == local(remote=("Carol@elsewhere.test",))
    assert route(str(address).lower()).remote == ("carol@elsewhere.test",)


@pytest.mark.parametrize(
    "address",
    [
        lambda: rewritten("carol@elsewhere.test", key=b"k" * 32),
        lambda: rewritten("carol@elsewhere.test", at=time.time() - 60 * 86_400),
        lambda: Address.parse("SRS0=AAAAAAAA=AA=elsewhere.test=carol@example.test"),
        lambda: Address.parse("srs1=x@example.test"),
        lambda: Address.parse("SRS0=@example.test"),
    ],
    ids=["forged", "expired", "made-up", "cut", "empty"],
)
def test_it_relays_to_nobody_by_a_sender_that_it_did_not_make(
    alice: User, address: Callable[[], Address]
) -> None:
    alias("@example.test", "alice@example.test")

    assert resolve(address()) == Resolution(Status.UNKNOWN)


def test_it_lets_a_user_have_a_name_like_that(domain: Domain) -> None:
    user, _ = provisioning.add_user("srs0=fan@example.test", PASSWORD)

    assert route("SRS0=fan@example.test") == local(user)


# -- expressions --


def test_it_tries_expressions_after_wildcards_and_before_the_catch_all(
    alice: User, bob: User, eve: User
) -> None:
    alias("@example.test", "eve@other.test")
    alias(r"/x-.*/@example.test", "bob@example.test")
    alias(r"/x-\d+/@example.test", "eve@other.test")
    alias("x-1*@example.test", "alice@example.test")

    assert route("X-10@example.test") == local(alice)
    assert route("x-20@example.test") == local(bob)
    assert route("y-20@example.test") == local(eve)


def test_it_takes_no_expression_for_an_address(alice: User) -> None:
    alias("/a/@example.test", "alice@example.test")

    assert route("a@example.test") == local(alice)
    assert route('"/a/"@example.test') == Resolution(Status.UNKNOWN)


def test_it_answers_many_at_once_as_one_by_one(alice: User, bob: User, eve: User) -> None:
    send_on(alice, OUT, keeps_copy=True)
    send_on(bob, "eve@other.test")
    alias("/r.*/@example.test", "bob@example.test")
    set_relay(Domain.objects.get(name="other.test"), RelayCheck.CALL_AHEAD)
    addresses = [
        *map(
            Address.parse,
            ["alice@example.test", "bob@example.test", "rx@example.test", "nobody@other.test", OUT],
        ),
        rewritten("carol@elsewhere.test"),
    ]

    assert resolve_many(addresses) == [resolve(address) for address in addresses]
