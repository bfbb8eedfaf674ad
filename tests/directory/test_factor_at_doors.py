"""Who has a second factor, or has to have one, opens mail programs with app passwords alone."""

import asyncio
import base64
import gc
import logging
import secrets
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.directory import authentication, scram, throttle
from apps.directory.authentication import Principal
from apps.directory.demands import Due, factor_demand
from apps.directory.models import Demand, Domain, Means, SignIn, User
from apps.directory.services import apppasswords, signinrules, tokens, users
from apps.directory.services.signinrules import SignInRules
from apps.directory.signedin import still_in
from apps.directory.signin import SignIn as Exchange
from apps.provisioning import services as provisioning
from apps.wire.errors import AuthenticationFailed, InUse, InvalidName, Throttled
from apps.wire.sasl import Challenge
from tests.support.channel import xoauth2
from tests.support.scram_client import ScramClient

PASSWORD = "correct horse battery"
ALICE = "alice@example.test"
HOME, HOTEL = "192.0.2.1", "198.51.100.7"
DOORS = ("imap", "pop3", "submission", "managesieve")


def sign_in(
    password: str = PASSWORD, *, door: str = "imap", address: str = HOME, username: str = ALICE
) -> Principal:
    return authentication.authenticate(
        username=username, password=password, address=address, door=door
    )


def refused(password: str = PASSWORD, **where: Any) -> AuthenticationFailed:
    with pytest.raises(AuthenticationFailed) as refusal:
        sign_in(password, **where)
    return refusal.value


def demand(who: Demand, due_at: datetime | None = None) -> None:
    signinrules.change(
        name="example.test", rules=SignInRules(factor_demand=who, factor_due_at=due_at)
    )


def outcomes(user: User) -> set[tuple[str, str, str, int]]:
    rows = SignIn.objects.filter(user=user)
    return set(rows.values_list("outcome", "door", "means", "times"))


# -- who has one ----------------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_the_main_password_opens_no_mail_program(alice: User, door: str) -> None:
    assert sign_in(door=door).user_id == alice.pk
    users.set_has_factor(user_id=alice.pk, value=True)

    refusal = refused(door=door)
    wrong = refused("wrong", door=door)
    assert type(refusal) is type(wrong)
    assert refusal.reply == wrong.reply
    assert refusal.imap_code == wrong.imap_code
    assert str(refusal.reply) == str(wrong.reply)


def test_the_web_takes_it_as_a_first_step(alice: User) -> None:
    assert sign_in(door="web").has_factor is False
    users.set_has_factor(user_id=alice.pk, value=True)
    principal = sign_in(door="web")
    assert principal.has_factor is True
    assert principal.must_change is False


@pytest.mark.parametrize("door", DOORS)
def test_a_temporary_password_opens_no_mail_program(alice: User, door: str) -> None:
    """Who made it knows it: a helpdesk would read the mail of whoever never comes to the web."""
    temporary = provisioning.set_password(alice, must_change=True)
    assert temporary is not None
    refusal, wrong = refused(temporary, door=door), refused("wrong", door=door)
    assert refusal.reply == wrong.reply
    assert sign_in(temporary, door="web").must_change

    _, text = apppasswords.create(user=alice, name="Phone")
    if door != "managesieve":
        assert sign_in(text, door=door).means == Means.APP_PASSWORD
    provisioning.set_password(alice, "a quite new sentence")
    assert sign_in("a quite new sentence", door=door).user_id == alice.pk


def test_a_first_step_makes_no_network_a_known_one(alice: User) -> None:
    users.set_has_factor(user_id=alice.pk, value=True)
    sign_in(door="web", address=HOTEL)
    assert not throttle.admit(alice.key, HOTEL).known
    throttle.welcome(alice.key, HOTEL)
    assert throttle.admit(alice.key, HOTEL).known


def test_app_passwords_go_on_for_what_they_are_for(alice: User) -> None:
    _, text = apppasswords.create(user=alice, name="Phone", protocols=["imap"])
    users.set_has_factor(user_id=alice.pk, value=True)

    assert sign_in(text, door="imap").means == Means.APP_PASSWORD
    for door in ("pop3", "submission", "managesieve", "web"):
        refused(text, door=door)
    assert ("refused", "pop3", "app_password", 1) in outcomes(alice)


def test_it_opens_them_again_once_the_factor_is_gone(alice: User) -> None:
    users.set_has_factor(user_id=alice.pk, value=True)
    refused()
    users.set_has_factor(user_id=alice.pk, value=False)
    assert sign_in().user_id == alice.pk


def test_a_password_that_the_web_has_just_seen_opens_nothing_else(alice: User) -> None:
    users.set_has_factor(user_id=alice.pk, value=True)
    sign_in(door="web")
    refused(door="imap")
    sign_in(door="web")


# -- what a guesser learns -------------------------------------------------------------------------


@pytest.mark.real_passwords
def test_right_and_wrong_cost_the_same(alice: User) -> None:
    users.set_has_factor(user_id=alice.pk, value=True)
    sign_in(door="web")  # right, and remembered as such

    def cost(password: str, number: int) -> float:
        before = time.thread_time()
        refused(password, address=f"203.0.113.{number}")
        return time.thread_time() - before

    gc.collect()  # what others have left to collect may cost more than a hash: it is asked but once
    right = cost(PASSWORD, 1)
    wrong = statistics.median(cost(f"wrong {number}", number) for number in range(2, 7))
    assert 0.4 < right / wrong < 2.5

    # A second time neither is hashed.
    again = statistics.median(cost(PASSWORD, number) for number in range(11, 41))
    wrong_again = statistics.median(cost("wrong 2", number) for number in range(51, 81))
    assert again < right / 4
    assert wrong_again < wrong / 4


def test_right_and_wrong_ask_the_database_the_same(alice: User) -> None:
    users.set_has_factor(user_id=alice.pk, value=True)
    asked = []
    for password in (PASSWORD, "wrong"):
        with CaptureQueriesContext(connection) as queries:
            refused(password)
        asked.append([one["sql"].split()[0] for one in queries])
    assert asked[0] == asked[1]


def test_right_and_wrong_are_counted_the_same(alice: User) -> None:
    users.set_has_factor(user_id=alice.pk, value=True)
    for number in range(9):
        refused(f"guess {number}", address=HOTEL)
    refused(PASSWORD, address=HOTEL)  # the tenth
    refused("one passes", address=HOTEL)
    with pytest.raises(Throttled):
        sign_in("the next one waits", address=HOTEL)


def test_a_forgotten_telephone_uses_up_nothing(alice: User) -> None:
    _, text = apppasswords.create(user=alice, name="Laptop")
    sign_in(text)
    users.set_has_factor(user_id=alice.pk, value=True)
    for _ in range(200):
        refused(PASSWORD)
    assert sign_in(text).user_id == alice.pk
    assert not throttle._store.get(f"auth:failed:{HOME}")[0]  # of the network, for all others


def test_the_owner_is_told_why(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    users.set_has_factor(user_id=alice.pk, value=True)
    for _ in range(3):
        refused(PASSWORD)
    refused("wrong")
    assert outcomes(alice) == {
        ("refused", "imap", "password", 3),
        ("wrong", "imap", "password", 1),
    }
    details = {getattr(record, "detail", "") for record in caplog.records}
    assert details == {authentication.BARRED, authentication.WRONG}
    assert PASSWORD not in caplog.text


# -- a demand --------------------------------------------------------------------------------------


def test_a_demand_that_is_due_shuts_main_passwords_out(alice: User, eve: User) -> None:
    demand(Demand.EVERYBODY)
    refused()
    assert sign_in(username="eve@other.test").user_id == eve.pk
    demand(Demand.NOBODY)
    assert sign_in().user_id == alice.pk  # though the same password was refused just now


def test_a_demand_begins_by_itself(alice: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        demand(Demand.EVERYBODY, timezone.now() + timedelta(hours=1))
        principal = sign_in()
        assert still_in([principal]) == {principal}
        clock.shift(3_601)
        assert still_in([principal]) == set()
        refused()


@pytest.mark.django_db(transaction=True)
def test_a_demand_leaves_app_passwords_and_tokens_alone(alice: User) -> None:
    _, text = apppasswords.create(user=alice, name="Phone")
    _, token = tokens.issue(user=alice, name="Backup")
    principals = {sign_in(text), by_token(token)}
    demand(Demand.EVERYBODY)
    assert still_in(principals) == principals
    assert sign_in(text).user_id == by_token(token).user_id == alice.pk


def by_token(token: str) -> Principal:
    exchange = Exchange("XOAUTH2", address=HOME, door="imap", secure=True)
    answer = asyncio.run(exchange.start(xoauth2(ALICE, token).encode()))
    assert isinstance(answer, Principal)
    return answer


def test_administrators_are_whoever_holds_a_role(alice: User, bob: User) -> None:
    provisioning.make_domain_admin(alice)
    demand(Demand.ADMINISTRATORS)
    refused()
    assert sign_in(username="bob@example.test").user_id == bob.pk
    assert factor_demand(User.objects.get(pk=alice.pk)) == Due(True)
    assert factor_demand(User.objects.get(pk=bob.pk)) == Due(False)


@pytest.mark.parametrize(
    ("of_all", "of_domain", "alice_in", "bob_in"),
    [
        ("optional", Demand.NOBODY, True, True),
        ("administrators", Demand.NOBODY, False, True),
        ("administrators", Demand.EVERYBODY, False, False),
        ("optional", Demand.ADMINISTRATORS, False, True),
        ("everybody", Demand.NOBODY, False, False),
    ],
)
def test_the_stricter_demand_wins(
    alice: User,
    bob: User,
    settings: Settings,
    of_all: str,
    of_domain: Demand,
    alice_in: bool,
    bob_in: bool,
) -> None:
    provisioning.make_domain_admin(alice)
    demand(of_domain)
    settings.SECOND_FACTOR = of_all
    for user, gets_in in ((alice, alice_in), (bob, bob_in)):
        assert factor_demand(User.objects.get(pk=user.pk)).is_due is not gets_in
        if gets_in:
            principal = sign_in(username=user.key)
            assert still_in([principal]) == {principal}
        else:
            refused(username=user.key)


def test_the_setting_holds_outside_hosted_domains(db: None, settings: Settings) -> None:
    root, _ = provisioning.create_operator("root@outside.test", PASSWORD)
    assert sign_in(username=root.key).user_id == root.pk
    settings.SECOND_FACTOR = "administrators"
    refused(username=root.key)
    assert factor_demand(root) == Due(True)


def test_a_demand_is_told_before_it_is_due(alice: User) -> None:
    later = timezone.now() + timedelta(days=7)
    demand(Demand.EVERYBODY, later)
    due = factor_demand(User.objects.get(pk=alice.pk))
    assert (due.is_demanded, due.due_at, due.is_due) == (True, later, False)


def test_rules_are_checked(alice: User) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")
    with pytest.raises(InUse):
        signinrules.change(name="alias.test", rules=SignInRules(factor_demand=Demand.EVERYBODY))
    for length in (-1, 7, 65):
        with pytest.raises(InvalidName):
            signinrules.change(name="example.test", rules=SignInRules(password_length=length))
    signinrules.change(name="example.test", rules=SignInRules(password_length=12))
    demand(Demand.ADMINISTRATORS, timezone.now())
    demand(Demand.NOBODY, timezone.now())
    domain = Domain.objects.get(name="example.test")
    assert (domain.factor_demand, domain.factor_due_at) == ("nobody", None)
    assert domain.password_length == 12
    signinrules.change(name="example.test", rules=SignInRules(password_length=0))
    assert Domain.objects.get(name="example.test").password_length is None


# -- SCRAM -----------------------------------------------------------------------------------------


def begin(address: str = HOME) -> scram.Begun:
    return scram.begin(username=ALICE, address=address, door="imap", secure=True)


def not_proven(begun: scram.Begun, place: int | None) -> AuthenticationFailed:
    with pytest.raises(AuthenticationFailed) as refusal:
        scram.finish(begun, place)
    return refusal.value


async def prove(password: str) -> Principal:
    client = ScramClient(ALICE, password, secrets.token_hex(9))
    exchange = Exchange("SCRAM-SHA-256", address=HOME, door="imap", secure=True)
    offered = await exchange.start(base64.b64encode(client.first()))
    assert isinstance(offered, Challenge)
    final = await exchange.step(base64.b64encode(client.final(offered.data)))
    assert isinstance(final, Challenge)
    assert client.is_convinced(final.data)
    principal = await exchange.step(b"")
    assert isinstance(principal, Principal)
    return principal


@pytest.mark.django_db(transaction=True)
def test_scram_refuses_a_temporary_password(alice: User) -> None:
    temporary = provisioning.set_password(alice, must_change=True)
    assert temporary is not None
    with pytest.raises(AuthenticationFailed):
        asyncio.run(prove(temporary))


@pytest.mark.django_db(transaction=True)
def test_scram_signs_in_with_app_passwords_alone(alice: User) -> None:
    row, text = apppasswords.create(user=alice, name="Phone")
    assert asyncio.run(prove(PASSWORD)).app_password is None
    users.set_has_factor(user_id=alice.pk, value=True)
    # The exchange ends before the server proves that it knows the password.
    with pytest.raises(AuthenticationFailed):
        asyncio.run(prove(PASSWORD))
    assert asyncio.run(prove(text)).app_password == row.pk


def test_scram_offers_the_same_whether_or_not_there_is_a_factor(alice: User) -> None:
    before = begin()
    users.set_has_factor(user_id=alice.pk, value=True)
    after = begin()
    assert (before.basis, len(before.keys)) == (after.basis, len(after.keys))
    right, wrong = not_proven(after, 0), not_proven(begin(), None)
    assert (type(right), right.reply) == (type(wrong), wrong.reply)
    assert outcomes(alice) == {
        ("refused", "imap", "password", 1),
        ("wrong", "imap", "password", 1),
    }


@pytest.mark.parametrize("place", [0, None])
def test_scram_counts_right_and_wrong_the_same_for_strangers(
    alice: User, place: int | None
) -> None:
    users.set_has_factor(user_id=alice.pk, value=True)
    for _ in range(throttle.BUDGET):
        not_proven(begin(HOTEL), place)
    begin(HOTEL)
    with pytest.raises(Throttled):
        begin(HOTEL)


@pytest.mark.parametrize("place", [0, None])
def test_scram_lets_a_forgotten_telephone_use_up_nothing(alice: User, place: int | None) -> None:
    _, text = apppasswords.create(user=alice, name="Laptop")
    sign_in(text)
    users.set_has_factor(user_id=alice.pk, value=True)
    for _ in range(5 * throttle.BUDGET):
        not_proven(begin(), place)
    assert sign_in(text).user_id == alice.pk


# -- who is signed in ------------------------------------------------------------------------------


def by_password(user: User, text: str) -> Principal:
    return sign_in()


def by_app_password(user: User, text: str) -> Principal:
    return sign_in(text)


@pytest.mark.parametrize("enter", [by_password, by_app_password])
def test_a_new_factor_ends_what_is_signed_in(
    alice: User, enter: Callable[[User, str], Principal]
) -> None:
    _, text = apppasswords.create(user=alice, name="Phone")
    principal = enter(alice, text)
    assert still_in([principal]) == {principal}
    assert users.set_has_factor(user_id=alice.pk, value=True) == principal.credential_version + 1
    assert still_in([principal]) == set()  # whoever may come back does so at once
    assert still_in([sign_in(text)]) != set()
