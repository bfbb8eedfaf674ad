"""Forwards: nothing is sent on before the target has agreed, and nobody is flooded."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.directory.models import Domain, Forward, User
from apps.directory.services import forwards
from apps.provisioning import services as provisioning
from apps.wire.errors import (
    AlreadyExists,
    InvalidAddress,
    LimitReached,
    MailError,
    NotFound,
    Throttled,
)

OUT = "out@elsewhere.test"


def ask(user: User, target: str = OUT, *, keeps_copy: bool = True) -> str:
    return forwards.ask(user=user, target=target, keeps_copy=keeps_copy)[1]


def mode(user: User) -> str:
    user.refresh_from_db()
    return user.forwarding


def let_time_pass(passed: timedelta) -> None:
    for row in Forward.objects.all():
        Forward.objects.filter(pk=row.pk).update(asked_at=row.asked_at - passed)


def test_it_waits_for_the_target_to_agree(alice: User) -> None:
    token = ask(alice, keeps_copy=False)
    question = forwards.find(token)
    assert (question.owner, question.address, question.answered) == (alice.address, OUT, False)
    assert mode(alice) == ""

    assert forwards.agree(token).answered
    assert mode(alice) == "away"
    assert forwards.agree(token).answered
    assert forwards.find(token).answered


def test_it_keeps_only_the_digest_of_the_token(alice: User) -> None:
    secret = ask(alice).partition(".")[2]

    assert len(secret) >= 43
    assert secret.encode() not in bytes(Forward.objects.get().digest)


def test_it_lets_the_target_change_its_mind(alice: User) -> None:
    token = ask(alice)
    forwards.agree(token)

    assert forwards.refuse(token).answered
    assert mode(alice) == ""
    with pytest.raises(NotFound):
        forwards.find(token)


def test_it_says_that_a_copy_is_kept_if_one_is(alice: User) -> None:
    forwards.add(user=alice, target=OUT, keeps_copy=False)
    assert mode(alice) == "away"
    forwards.add(user=alice, target="two@elsewhere.test", keeps_copy=True)
    assert mode(alice) == "copy"
    forwards.add(user=alice, target="TWO@elsewhere.test", keeps_copy=False)
    assert mode(alice) == "away"
    forwards.remove(user=alice, target=OUT)
    forwards.remove(user=alice, target="two@elsewhere.test")
    assert mode(alice) == ""


@pytest.mark.parametrize("end", ["refuse", "remove"])
def test_it_asks_nobody_again_within_a_day(alice: User, end: str) -> None:
    token = ask(alice)
    with pytest.raises(Throttled):
        ask(alice, "OUT@elsewhere.test")
    if end == "refuse":
        forwards.refuse(token)
    else:
        forwards.remove(user=alice, target=OUT)
    with pytest.raises(Throttled):
        ask(alice)

    let_time_pass(timedelta(days=1, minutes=1))
    assert forwards.find(ask(alice)).address == OUT


def test_it_ends_the_old_link_when_it_asks_again(alice: User) -> None:
    token = ask(alice)
    let_time_pass(timedelta(days=2))
    again = ask(alice)

    with pytest.raises(NotFound):
        forwards.agree(token)
    assert forwards.agree(again).answered
    with pytest.raises(AlreadyExists):
        ask(alice)


def test_it_asks_few(alice: User) -> None:
    for number in range(forwards.MAX_FORWARDS):
        ask(alice, f"u{number}@elsewhere.test")
    forwards.remove(user=alice, target="u0@elsewhere.test")
    with pytest.raises(LimitReached):
        ask(alice)

    let_time_pass(timedelta(days=1, minutes=1))
    assert forwards.forget_old() == 1
    ask(alice)


def test_it_forgets_what_nobody_answered(alice: User) -> None:
    token = ask(alice)
    forwards.agree(ask(alice, "yes@elsewhere.test"))
    let_time_pass(forwards.LIFETIME + timedelta(minutes=1))

    with pytest.raises(NotFound):
        forwards.agree(token)
    assert [row.address for row in forwards.living(alice)] == ["yes@elsewhere.test"]
    assert forwards.forget_old() == 1
    assert Forward.objects.get().address == "yes@elsewhere.test"


@pytest.mark.parametrize(
    "broken",
    [
        lambda token: "",
        lambda token: "x",
        lambda token: token[:-1],
        lambda token: token + "x",
        lambda token: token.replace(".", "0.", 1),
        lambda token: "." + token.partition(".")[2],
        lambda token: "\u0661." + token.partition(".")[2],
        lambda token: "9" * 18 + ".x",
        lambda token: "9" * 200,
        lambda token: "1.\ud800",
    ],
)
def test_it_takes_no_other_token(alice: User, broken: Callable[[str], str]) -> None:
    token = ask(alice)

    for use in (forwards.find, forwards.agree, forwards.refuse):
        with pytest.raises(NotFound):
            use(broken(token))
    assert mode(alice) == ""


def test_it_takes_no_token_of_a_wish_that_was_taken_back(alice: User) -> None:
    token = ask(alice)
    forwards.remove(user=alice, target=OUT)

    with pytest.raises(NotFound):
        forwards.agree(token)
    with pytest.raises(NotFound):
        forwards.agree(f"{Forward.objects.get().pk}.")


def test_it_answers_for_nobody_who_was_removed(alice: User) -> None:
    token = ask(alice)
    provisioning.remove_user(alice.address)

    with pytest.raises(NotFound):
        forwards.agree(token)


@pytest.mark.parametrize(
    "target",
    ["", "x", "a@[192.0.2.1]", "alice@example.test", "ALICE+x@example.test", "a b@x.test"],
)
def test_it_refuses_targets_that_cannot_be(alice: User, target: str) -> None:
    with pytest.raises(InvalidAddress):
        ask(alice, target)
    assert not Forward.objects.exists()


def test_it_reads_details_as_the_domain_does(alice: User) -> None:
    Domain.objects.update(detail_separator="")
    alice.refresh_from_db()

    ask(alice, "alice+x@example.test")


def test_it_says_what_is_not_there(alice: User, bob: User) -> None:
    forwards.add(user=bob, target=OUT, keeps_copy=True)
    for user, target in ((alice, OUT), (bob, "other@elsewhere.test")):
        with pytest.raises(MailError):
            forwards.remove(user=user, target=target)
    assert timezone.now() - Forward.objects.get().asked_at < timedelta(minutes=1)
