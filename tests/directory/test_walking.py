"""Walks through any graph of aliases and forwards: they end, and lose nothing."""

from hypothesis import given
from hypothesis import strategies as st

from apps.directory.forwards import Onward
from apps.directory.homes import LocalUser
from apps.directory.matching import Answer, Rule, Status
from apps.directory.routing import result_of
from apps.directory.walking import MAX_DEPTH, Walk
from apps.mime.address import Address

ADDRESSES = [Address(f"n{number}", "example.test") for number in range(7)]
OUTSIDE = Address("out", "elsewhere.test")
PLACES = st.lists(st.sampled_from([*ADDRESSES, OUTSIDE]), max_size=4).map(tuple)


def user_of(address: Address) -> LocalUser:
    return LocalUser(ADDRESSES.index(address), str(address))


@st.composite
def worlds(draw: st.DrawFn) -> dict[Address, Answer]:
    """What each address is: a user with or without forwards, an alias, nobody."""
    world = {OUTSIDE: Answer(Status.REMOTE, Rule.OUTSIDE)}
    for address in ADDRESSES:
        kind = draw(st.sampled_from(["user", "forwarder", "alias", "nobody", "suspended"]))
        targets = draw(PLACES)
        if kind == "alias":
            world[address] = Answer(Status.LOCAL, Rule.ALIAS, targets=targets)
        elif kind in {"user", "forwarder"}:
            user = user_of(address)
            onward = {user.user_id: Onward(targets, draw(st.booleans()))}
            world[address] = Answer(
                Status.LOCAL,
                Rule.USER,
                users=[user],
                onward=onward if kind == "forwarder" and targets else {},
            )
        else:
            status = Status.UNKNOWN if kind == "nobody" else Status.SUSPENDED
            world[address] = Answer(status, Rule.NONE)
    return world


def walked(root: Address, world: dict[Address, Answer]) -> Walk:
    one = Walk(root)
    for _ in range(MAX_DEPTH + 1):
        one.take(world)
    return one


def reaches(address: Address, world: dict[Address, Answer]) -> set[Address]:
    """All that an address leads to, itself included."""
    found, queue = {address}, [address]
    for one in queue:
        answer = world[one]
        targets = [*answer.targets, *(t for on in answer.onward.values() for t in on.targets)]
        for target in targets:
            if target not in found:
                found.add(target)
                queue.append(target)
    return found


@given(worlds())
def test_it_ends_and_gives_each_one_copy(world: dict[Address, Answer]) -> None:
    for root in ADDRESSES:
        one = walked(root, world)
        users, remote = one.users(), one.remote()
        assert not one.is_endless
        assert len({user.user_id for user in users}) == len(users)
        assert len(set(remote)) == len(remote)


@given(worlds())
def test_it_loses_no_mail_of_a_user(world: dict[Address, Answer]) -> None:
    """Each user who is met gets a copy, or somebody does to whom that user's mail goes on."""
    for root in ADDRESSES:
        one = walked(root, world)
        served = {ADDRESSES[user.user_id] for user in one.users()}
        served |= {OUTSIDE} if one.remote() else set()
        for met in reaches(root, world) - {OUTSIDE}:
            answer = world[met]
            if not answer.users:
                continue
            keeps = all(onward.keeps_copy for onward in answer.onward.values())
            assert met in served or (not keeps and reaches(met, world) - {met} & served)
            assert keeps is False or met in served


@given(worlds())
def test_it_sends_to_nobody_who_was_not_named(world: dict[Address, Answer]) -> None:
    for root in ADDRESSES:
        one = walked(root, world)
        allowed = reaches(root, world)
        assert {ADDRESSES[user.user_id] for user in one.users()} <= allowed
        assert not one.remote() or OUTSIDE in allowed


@given(worlds())
def test_it_names_who_has_it_sent_on(world: dict[Address, Answer]) -> None:
    """Only who is met and leads there, and nobody where aliases alone lead there in one step."""
    for root in ADDRESSES:
        one = walked(root, world)
        forwarders = one.forwarders()
        assert forwarders.keys() <= set(one.remote())
        for user in forwarders.values():
            address = ADDRESSES[user.user_id]
            assert address in reaches(root, world)
            assert OUTSIDE in reaches(address, world)
            assert world[address].onward
        if OUTSIDE in world[root].targets:
            assert forwarders == {}


@given(worlds())
def test_it_owns_nothing_by_forwards(world: dict[Address, Answer]) -> None:
    without = {
        address: Answer(answer.status, answer.rule, users=answer.users, targets=answer.targets)
        for address, answer in world.items()
    }
    for root in ADDRESSES:
        assert {user.user_id for user in walked(root, world).owners()} == {
            user.user_id for user in walked(root, without).owners()
        }


@given(worlds())
def test_it_says_loop_or_unknown_only_when_nobody_gets_it(world: dict[Address, Answer]) -> None:
    for root in ADDRESSES:
        one = walked(root, world)
        result = result_of(one)
        is_served = bool(one.users() or one.remote())
        assert (result.status is Status.LOCAL) == is_served
