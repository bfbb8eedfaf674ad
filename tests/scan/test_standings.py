"""Which list and which threshold counts: one order, the same for everything."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.models import Domain, User
from apps.provisioning import services as provisioning
from apps.scan import standings
from apps.scan.base import Case
from apps.scan.entries import read
from apps.scan.models import Verb
from apps.scan.models.policies import NEVER
from apps.scan.scopes import SERVER, Scope
from apps.scan.services import lists, thresholds
from apps.scan.services.thresholds import UNSET, Change
from apps.scan.standings import Limits, Supposed
from apps.scan.verdict import ELSEWHERE, Standing
from tests.scan.cases import FORGED, case, judged, letter, reader

pytestmark = pytest.mark.django_db

ALLOW, BLOCK = Verb.ALLOW, Verb.BLOCK


def of(one: Case, place: int) -> Standing:
    (found,) = standings.of([one])
    return found[place]


def user_scope(user: User) -> Scope:
    return Scope(user_id=user.pk)


def domain_scope(domain: Domain) -> Scope:
    return Scope(domain_id=domain.pk)


def test_it_has_usual_thresholds(alice: User) -> None:
    assert of(case(reader(alice)), alice.pk) == Standing(5, 15)


def test_the_nearest_threshold_counts_each_for_itself(domain: Domain, alice: User) -> None:
    thresholds.change(SERVER, Change(junk=4, refuse=12))
    thresholds.change(domain_scope(domain), Change(junk=6))
    one = case(reader(alice))
    assert of(one, alice.pk) == Standing(6, 12)
    thresholds.change(user_scope(alice), Change(refuse=NEVER))
    assert of(one, alice.pk) == Standing(6, None)
    thresholds.change(user_scope(alice), Change(junk=3, refuse=UNSET))
    assert of(one, alice.pk) == Standing(3, 12)


def test_an_alias_domain_wants_what_its_own_does(domain: Domain, alice: User) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    thresholds.change(domain_scope(domain), Change(junk=6))
    one = reader(alice, "alice@alias.test")
    by_alias = type(one)(one.user_id, one.address, one.written, "alias.test", 0)
    assert of(case(by_alias), alice.pk).junk == 6


def test_others_are_not_concerned(domain: Domain, alice: User, bob: User, eve: User) -> None:
    thresholds.change(user_scope(alice), Change(junk=3))
    thresholds.change(domain_scope(domain), Change(refuse=9))
    lists.add(BLOCK, "friend.test", user_scope(alice))
    (found,) = standings.of([case(reader(alice), reader(bob), reader(eve))])
    assert found[alice.pk].blocked
    assert found[bob.pk] == Standing(5, 9)
    assert found[eve.pk] == Standing()


ORDER = [
    # What is set, weakest first: (scope, verb, value) or (scope, "off" | "on"). Each is added to
    # those before it, and decides from then on.
    ("server", ALLOW, "192.0.2.0/24"),
    ("server", BLOCK, "192.0.2.77"),
    ("server", ALLOW, ".test"),
    ("server", BLOCK, "friend.test"),
    ("server", ALLOW, "friend@friend.test"),
    ("domain", "off", ""),
    ("domain", BLOCK, "192.0.2.0/24"),
    ("domain", ALLOW, "friend.test"),
    ("domain", BLOCK, "friend@friend.test"),
    ("user", "off", ""),
    ("user", ALLOW, "192.0.2.0/24"),
    ("user", BLOCK, ".test"),
    ("user", ALLOW, "friend@friend.test"),
]


def test_there_is_one_order_of_precedence(domain: Domain, alice: User) -> None:
    scopes = {"server": SERVER, "domain": domain_scope(domain), "user": user_scope(alice)}
    one = case(reader(alice))
    for whose, what, value in ORDER:
        if isinstance(what, Verb):
            lists.add(what, value, scopes[whose])
        else:
            thresholds.change(scopes[whose], Change(is_off=True))
        found = of(one, alice.pk)
        said = (bool(found.allowed), bool(found.blocked), found.is_off)
        assert said == (what is ALLOW, what is BLOCK, what == "off"), (whose, what, value)
        assert value.removeprefix(".") in found.allowed + found.blocked


def test_the_order_does_not_depend_on_what_was_said_first(domain: Domain, alice: User) -> None:
    scopes = {"server": SERVER, "domain": domain_scope(domain), "user": user_scope(alice)}
    for whose, what, value in reversed(ORDER):
        if isinstance(what, Verb):
            lists.add(what, value, scopes[whose])
    assert of(case(reader(alice)), alice.pk).allowed.startswith("the reader's list allows")


def test_of_equal_entries_the_one_that_blocks_decides(alice: User) -> None:
    lists.add(ALLOW, "friend@friend.test", SERVER)
    lists.add(BLOCK, "bounces@friend.test", SERVER)
    found = of(case(reader(alice), sender="bounces@friend.test"), alice.pk)
    assert found.blocked == (
        "the server's list blocks bounces@friend.test: it comes from <bounces@friend.test>"
    )


def test_on_of_a_user_ends_off_of_the_domain(domain: Domain, alice: User, bob: User) -> None:
    thresholds.change(domain_scope(domain), Change(is_off=True))
    thresholds.change(user_scope(alice), Change(is_off=False))
    (found,) = standings.of([case(reader(alice), reader(bob))])
    assert (found[alice.pk].is_off, found[bob.pk].is_off) == (False, True)


def test_off_of_a_user_is_stronger_than_what_others_block(domain: Domain, alice: User) -> None:
    lists.add(BLOCK, "friend@friend.test", SERVER)
    lists.add(BLOCK, "friend@friend.test", domain_scope(domain))
    thresholds.change(user_scope(alice), Change(is_off=True))
    assert of(case(reader(alice)), alice.pk) == Standing(is_off=True)


def test_a_forger_gains_nothing_by_an_allowed_name(alice: User) -> None:
    lists.add(ALLOW, "friend.test", user_scope(alice))
    forged = case(reader(alice), sender="x@thief.test", judgement=judged(FORGED))
    found = of(forged, alice.pk)
    assert found.allowed == ""
    assert found.unproven == (
        "the reader's list allows friend.test: From is friend@friend.test, but nothing proves it"
    )
    assert of(case(reader(alice)), alice.pk).allowed == (
        "the reader's list allows friend.test: From is friend@friend.test, proven by the DKIM"
        " signature of friend.test"
    )


def test_a_forger_loses_by_a_blocked_name(alice: User) -> None:
    lists.add(ALLOW, "friend@friend.test", user_scope(alice))
    lists.add(BLOCK, "thief.test", SERVER)
    forged = case(reader(alice), sender="x@thief.test", judgement=judged(FORGED))
    assert of(forged, alice.pk).blocked == (
        "the server's list blocks thief.test: it comes from <x@thief.test>"
    )


def test_postmaster_is_known_by_the_address_that_was_written(alice: User) -> None:
    assert of(case(reader(alice, "Postmaster@example.test")), alice.pk).is_role
    assert not of(case(reader(alice)), alice.pk).is_role


def test_it_tells_what_the_door_ruled(alice: User, bob: User) -> None:
    ruling = judged(FORGED, junk={"example.test": "it fails DMARC"})
    one = case(reader(alice), reader(bob, "bob@alias.test"), judgement=ruling)
    (found,) = standings.of([one])
    assert (found[alice.pk].ruled, found[bob.pk].ruled) == ("it fails DMARC", "")


def test_mail_that_is_sent_from_here_is_held_by_the_senders_own(
    domain: Domain, alice: User, bob: User
) -> None:
    lists.add(BLOCK, "alice@example.test", user_scope(bob))
    lists.add(BLOCK, "alice@example.test", SERVER)
    more: dict[str, Any] = {
        "raw": letter("alice@example.test"),
        "sender": "alice@example.test",
        "user_id": alice.pk,
        "door": "submission",
        "judgement": {},
    }
    (found,) = standings.of([case(reader(bob), **more)])
    assert found[ELSEWHERE] == Standing(junk=None, refuse=None, hold=10)
    assert found[bob.pk].blocked
    thresholds.change(domain_scope(domain), Change(hold=7))
    assert standings.of([case(reader(bob), **more)])[0][ELSEWHERE].hold == 7
    thresholds.change(user_scope(alice), Change(hold=NEVER, is_off=True))
    assert standings.of([case(reader(bob), **more)])[0][ELSEWHERE].hold is None


def test_those_elsewhere_have_the_servers_wishes(alice: User) -> None:
    lists.add(BLOCK, "friend.test", SERVER)
    thresholds.change(SERVER, Change(junk=4))
    one = case(reader(alice), recipients=(alice.address, "x@elsewhere.test"))
    (found,) = standings.of([one])
    assert found[ELSEWHERE].junk == 4
    assert found[ELSEWHERE].blocked
    assert ELSEWHERE not in standings.of([case(reader(alice))])[0]


def test_two_readers_of_one_address_do_not_hide_who_is_elsewhere(alice: User, bob: User) -> None:
    first = reader(alice)
    second = replace(reader(bob), address=first.address)
    (found,) = standings.of([case(first, second, recipients=(first.address, "x@elsewhere.test"))])
    assert found.keys() == {alice.pk, bob.pk, ELSEWHERE}


def test_a_domain_that_is_only_handed_on_has_its_own_wishes(
    domain: Domain, other_domain: Domain
) -> None:
    thresholds.change(domain_scope(other_domain), Change(junk=3))
    alone = case(recipients=("a@other.test", "b@other.test"))
    assert standings.of([alone])[0][ELSEWHERE].junk == 3
    both = case(recipients=("a@other.test", "b@example.test"))
    assert standings.of([both])[0][ELSEWHERE].junk == 5


def test_what_is_supposed_counts_as_if_it_were_set(alice: User) -> None:
    lists.add(BLOCK, "friend.test", SERVER)
    thresholds.change(SERVER, Change(junk=4, refuse=9))
    supposed = Supposed({SERVER: Limits(junk=2)}, [(SERVER, ALLOW, read("friend.test"))])
    (found,) = standings.of([case(reader(alice))], supposed)
    assert (found[alice.pk].junk, found[alice.pk].refuse) == (2, 9)
    assert (bool(found[alice.pk].allowed), found[alice.pk].blocked) == (True, "")


@pytest.mark.parametrize(("has_lists", "most"), [(False, 2), (True, 3)])
def test_many_messages_cost_as_many_questions_as_one(
    domain: Domain, alice: User, bob: User, has_lists: bool, most: int
) -> None:
    if has_lists:
        lists.add(BLOCK, "192.0.2.0/24", SERVER)
        lists.add(ALLOW, "friend@friend.test", user_scope(alice))
    cases = [case(reader(alice), reader(bob)) for _ in range(50)]
    with CaptureQueriesContext(connection) as asked:
        found = standings.of(cases)
    assert len(asked) == most
    assert bool(found[49][alice.pk].allowed) is has_lists
    assert bool(found[49][bob.pk].blocked) is has_lists
