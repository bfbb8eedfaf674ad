"""A password makes a program's first token, and does nothing else."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import AuditRecord
from apps.directory.models import ApiToken, Demand, Domain, Means, Outcome, SignIn, User
from apps.directory.services import apppasswords, history, signinrules
from apps.directory.services.signinrules import SignInRules
from apps.mailqueue.models import QueuedMessage
from apps.provisioning import services as provisioning
from tests.api.conftest import Program
from tests.console.conftest import PASSWORD

ANN = "ann@example.test"
TOKEN = {"name": "first", "scopes": ["mail:read"]}


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def first(
    username: str = ANN, password: str = PASSWORD, address: str = "192.0.2.1", **headers: str
) -> Any:
    """Ask for a token with a password."""
    asks = Program(address=address)
    return asks.post("tokens", TOKEN, Authorization=basic(username, password), **headers)


def sign_ins() -> list[tuple[str, str, str]]:
    history.write_waiting()
    rows = SignIn.objects.order_by("pk").values_list("outcome", "door", "means")
    return [(str(outcome), door, str(means)) for outcome, door, means in rows]


@pytest.fixture
def user(domain: Domain) -> User:
    return provisioning.add_user(ANN, PASSWORD)[0]


def test_an_address_and_its_password_make_a_token(user: User) -> None:
    made = first(username="Ann@EXAMPLE.test")

    assert made.status_code == 201, made.content
    assert Program(made.json()["token"]).get("tokens").json()["code"] == "scope_missing"
    record = AuditRecord.objects.get(action="apitoken.issue")
    assert (record.actor, record.door, record.via) == (ANN, "api", "")
    assert sign_ins() == [(Outcome.OK, "api", Means.PASSWORD)]


def test_it_is_told_when_a_sign_in_comes_from_a_new_place(user: User) -> None:
    """The letter is that of a sign-in at the web."""
    first()
    history.write_waiting()
    before = QueuedMessage.objects.count()
    SignIn.objects.update(first_at=timezone.now() - timedelta(days=1))
    assert first(address="198.51.100.9", Idempotency_Key="1").json()["code"] == "invalid_name"
    assert QueuedMessage.objects.count() == before + 1


def test_sent_again_with_its_key_it_makes_one_token(user: User) -> None:
    answers = [first(Idempotency_Key="sign-up") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    "sent",
    [
        basic(ANN, "wrong"),
        basic("nobody@example.test", PASSWORD),
        basic("nobody", PASSWORD),
        basic("", ""),
        basic(ANN, ""),
        basic(ANN, "\0"),
        basic(ANN, "x" * 100_000),
        "Basic",
        "Basic %%%",
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(ANN.encode()).decode(),
    ],
)
def test_what_is_wrong_is_refused_in_the_same_words(sent: str, user: User) -> None:
    answer = Program().post("tokens", TOKEN, Authorization=sent)
    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")
    assert answer["WWW-Authenticate"].startswith("Bearer ")
    assert "Basic realm=" in answer["WWW-Authenticate"]
    assert ANN not in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_guesses_are_slowed_as_everywhere(user: User) -> None:
    answers = [first(password=f"guess {number}") for number in range(12)]
    assert [one.status_code for one in answers[:10]] == [401] * 10
    assert answers[-1].status_code == 429
    assert answers[-1].json()["code"] == "throttled"
    assert int(answers[-1]["Retry-After"]) > 0
    assert first().status_code == 429  # the right one is not looked at either
    assert sign_ins() == [(Outcome.WRONG, "api", Means.PASSWORD)]


def test_an_app_password_makes_none(user: User) -> None:
    _, text = apppasswords.create(user=user, name="phone")
    assert first(password=text).status_code == 401
    assert sign_ins() == [(Outcome.REFUSED, "api", Means.APP_PASSWORD)]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"has_factor": True}, "second_factor_needed"),
        ({"must_change_password": True}, "password_change_needed"),
    ],
)
def test_who_has_to_show_or_to_do_more_is_led_to_the_web(
    state: dict[str, Any], code: str, user: User
) -> None:
    User.objects.filter(pk=user.pk).update(**state)
    answer = first()
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert "on the web" in answer.json()["detail"]
    assert not ApiToken.objects.exists()
    assert first(password="wrong").status_code == 401  # only who knows the password is told
    assert sign_ins()[0] == (Outcome.REFUSED, "api", Means.PASSWORD)


def test_whose_domain_demands_a_second_factor_is_led_to_the_web(user: User) -> None:
    rules = SignInRules(factor_demand=Demand.EVERYBODY, factor_due_at=None)
    signinrules.change(name="example.test", rules=rules)
    assert first().json()["code"] == "second_factor_needed"


def test_who_is_suspended_makes_none(user: User) -> None:
    provisioning.suspend_user(ANN)
    answer = first()
    assert (answer.status_code, answer.json()["code"]) == (403, "account_suspended")
    assert first(password="wrong").status_code == 401


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        *(("GET", "tokens"), ("GET", "tokens/1"), ("DELETE", "tokens/1")),
        *(("GET", "domains"), ("POST", "domains")),
    ],
)
def test_a_password_opens_no_other_door(verb: str, path: str, user: User) -> None:
    answer = Program().ask(verb, path, {}, Authorization=basic(ANN, PASSWORD))
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert "Basic" not in answer["WWW-Authenticate"]
    assert sign_ins() == []
