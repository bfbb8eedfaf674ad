"""One's own account, as its programs see and change it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.directory.models import AppPassword, Domain, Forward, User
from apps.directory.services import apitokens
from apps.provisioning import services as provisioning
from apps.sieve.queries import of_user
from tests.api.conftest import Program, faults, program


@pytest.fixture
def owner(domain: Domain) -> User:
    return provisioning.add_user("ann@example.test", "correct horse battery", "Ann Archer")[0]


@pytest.fixture
def ann(owner: User) -> Program:
    return program(owner)


def test_an_account_tells_who_it_is_and_what_it_holds(ann: Program, owner: User) -> None:
    provisioning.add_alias("sales@example.test", [owner.address])
    shown = ann.get("account").json()
    assert (shown["address"], shown["name"], shown["organization"]) == (
        "ann@example.test",
        "Ann Archer",
        "A",
    )
    assert shown["addresses"] == ["ann@example.test", "sales@example.test"]
    assert (shown["used"], shown["messages"]) == (0, 0)


def test_an_absence_reply_is_set_and_turned_off(ann: Program, owner: User) -> None:
    before = ann.get("account/vacation")
    assert before.json()["is_on"] is False
    wish = {"text": "Away", "ends_at": "2099-01-01T00:00:00Z", "days": 3}
    done = ann.put("account/vacation", wish, If_Match=before["ETag"])
    assert (done.json()["text"], done.json()["ends_at"]) == ("Away", wish["ends_at"])
    assert of_user(owner.pk).is_on
    late = ann.put("account/vacation", {"text": "Other"}, If_Match=before["ETag"])
    assert late.status_code == 412
    assert ann.delete("account/vacation").status_code == 204
    kept = of_user(owner.pk)
    assert (kept.is_on, kept.text) == (False, "Away")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/text"),
        ({"text": "x", "days": 2}, "/days"),
        ({"text": "x", "audience": "friends"}, "/audience"),
        (
            {"text": "x", "starts_at": "2050-01-02T00:00:00Z", "ends_at": "2050-01-01T00:00:00Z"},
            "/ends_at",
        ),
        ({"text": "x", "ends_at": "9999-01-01T00:00:00Z"}, "/ends_at"),
        ({"text": "x" * 5_001}, "/text"),
    ],
)
def test_a_reply_that_cannot_be_is_refused_at_its_field(
    ann: Program, body: dict[str, Any], pointer: str
) -> None:
    answer = ann.put("account/vacation", body)
    assert answer.status_code in (400, 422)
    assert faults(answer)[0][0] == pointer


def test_a_forward_waits_for_its_target_and_is_ended(ann: Program, owner: User) -> None:
    made = ann.post("account/forwards", {"address": "me@out.test"})
    assert made.status_code == 201, made.content
    assert made.json()["has_agreed"] is False
    again = ann.post("account/forwards", {"address": "me@out.test"})
    assert (again.status_code, faults(again)[0][0]) == (429, "/address")
    own = ann.post("account/forwards", {"address": "ann@example.test"})
    assert (own.status_code, faults(own)) == (422, [("/address", "invalid_address")])
    assert ann.get(made["Location"]).json() == made.json()
    assert ann.delete(made["Location"]).status_code == 204
    assert ann.get("account/forwards").json() == {"items": []}
    assert not Forward.objects.filter(confirmed_at__isnull=False).exists()


def test_an_app_password_is_shown_once_and_revoked(ann: Program, owner: User) -> None:
    made = ann.post("account/app-passwords", {"name": "Telephone", "protocols": ["imap"]})
    assert made.status_code == 201
    password = made.json()["password"]
    shown = ann.get(made["Location"])
    assert password not in shown.content.decode()
    assert shown.json()["protocols"] == ["imap"]
    twice = ann.post("account/app-passwords", {"name": "Telephone"})
    assert faults(twice)[0][0] == "/name"
    wrong = ann.post("account/app-passwords", {"name": "x", "networks": ["words"]})
    assert faults(wrong)[0][0] == "/networks"
    past = {"name": "x", "expires_at": "2001-01-01T00:00:00Z"}
    assert faults(ann.post("account/app-passwords", past))[0][0] == "/expires_at"
    assert ann.delete(made["Location"]).status_code == 204
    assert ann.delete(made["Location"]).status_code == 404


@pytest.mark.parametrize(
    ("scopes", "body", "pointer"),
    [
        ([], {"protocols": ["imap"]}, "/protocols"),
        (["mail:read"], {"protocols": ["pop3"]}, "/protocols"),
        (["mail:write"], {}, "/protocols"),  # all three, and one of them sends
        (["mail:write"], {"protocols": ["imap"]}, "/networks"),
        (["mail:write"], {"protocols": ["imap"], "networks": ["192.0.2.0/23"]}, "/networks"),
        (["mail:write"], {"protocols": ["imap"], "networks": ["192.0.2.8"]}, "/expires_at"),
    ],
)
def test_an_app_password_opens_no_more_than_the_token_that_made_it(
    owner: User, scopes: list[str], body: dict[str, Any], pointer: str
) -> None:
    _, text = apitokens.issue(
        user=owner,
        name="Weak",
        scopes=["account:write", *scopes],
        networks=["192.0.2.0/24"],
        expires_at=timezone.now() + timedelta(days=1),
    )
    answer = Program(text).post("account/app-passwords", {"name": "Telephone", **body})
    assert (answer.status_code, faults(answer)[0][0]) == (403, pointer)
    assert not AppPassword.objects.exists()
