"""What administrators' programs do for users: absence replies, forwards, space, limits, mail that
was deleted, and users who were removed."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.delivery.accept import accept
from apps.directory.models import Domain, Role, User
from apps.directory.services import forwards
from apps.mailqueue.models import QueuedMessage
from apps.mailstore.models import Mailbox, Usage
from apps.mailstore.origin import Origin
from apps.mailstore.services import mailboxes
from apps.provisioning import services as provisioning
from tests.api.conftest import Program, faults, program
from tests.console.conftest import PASSWORD, holder
from tests.support.mail import drain, local, submission


@pytest.fixture
def person(ann: Program) -> User:
    return User.objects.get(key="ann@example.test")


def test_a_reply_is_turned_on_and_off(admin: Program, person: User) -> None:
    path = f"users/{person.pk}/vacation"
    assert admin.get(path).json()["is_on"] is False

    seen = admin.get(path)["ETag"]
    sent = {
        "subject": " Away  now ",
        "text": "I am away.\n",
        "ends_at": "2030-01-01T00:00:00+01:00",
    }
    answer = admin.put(path, sent, If_Match=seen)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "is_on": True,
        "subject": "Away now",
        "text": "I am away.",
        "outside_text": "",
        "audience": "everyone",
        "starts_at": None,
        "ends_at": "2029-12-31T23:00:00Z",
    }
    assert admin.put(path, sent, If_Match=seen).status_code == 412
    assert admin.delete(path).status_code == 204
    assert admin.get(path).json() == {**answer.json(), "is_on": False}
    assert QueuedMessage.objects.count() == 2  # the user is told each time


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, ("/text", "required")),
        ({"text": " \n"}, ("/text", "refused")),
        ({"text": "x" * 5_001}, ("/text", "max_length")),
        ({"text": "x", "subject": "a\0b"}, ("/subject", "null_characters_not_allowed")),
        ({"text": "x", "starts_at": "1969-01-01T00:00:00Z"}, ("/ends_at", "refused")),
        ({"text": "x", "ends_at": "9999-12-31T23:59:59-11:00"}, ("/ends_at", "overflow")),
        ({"text": "x", "ends_at": "2200-01-01T00:00:00Z"}, ("/ends_at", "refused")),
    ],
)
def test_a_reply_that_cannot_be_is_told_by_its_field(
    body: dict[str, Any], told: tuple[str, str], admin: Program, person: User
) -> None:
    answer = admin.put(f"users/{person.pk}/vacation", body)
    assert (answer.status_code in {400, 422}, faults(answer)) == (True, [told]), answer.content


def test_only_a_person_is_away(admin: Program, domain: Domain) -> None:
    box = User.objects.get(key="postmaster@example.test")
    answer = admin.put(f"users/{box.pk}/vacation", {"text": "x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_name")


def test_forwards_are_seen_and_ended_and_never_made(admin: Program, person: User) -> None:
    path = f"users/{person.pk}/forwards"
    forwards.add(user=person, target="ann@elsewhere.test", keeps_copy=False)
    (one,) = admin.get(path).json()["items"]
    assert (one["address"], one["has_agreed"], one["keeps_copy"]) == (
        "ann@elsewhere.test",
        True,
        False,
    )
    assert admin.get(f"users/{person.pk}").json()["forwarding"] == "away"
    assert admin.post(path, {"address": "me@elsewhere.test"}).status_code == 405
    assert admin.delete(f"{path}/{one['id']}").status_code == 204
    assert admin.delete(f"{path}/{one['id']}").status_code == 404
    assert admin.get(path).json() == {"items": []}


def mail(to: User, number: int = 1) -> None:
    raw = f"From: x@elsewhere.test\r\nSubject: {number}\r\n\r\nSecret {number}\r\n".encode()
    accept([submission(local(to), raw)])
    drain()


def test_what_users_keep_is_told_and_nothing_of_it(
    admin: Program, person: User, django_assert_max_num_queries: Any
) -> None:
    mail(person)
    used = Usage.objects.get(user=person).size
    with django_assert_max_num_queries(8):
        items = admin.get("usage?kind=person").json()["items"]
    assert [(one["user"], one["used"], one["messages"]) for one in items if one["used"]] == [
        (person.pk, used, 1)
    ]
    one = admin.get(f"users/{person.pk}/usage").json()
    assert {**one, "sending": None} == {**next(x for x in items if x["used"]), "sending": None}
    assert {meter["per"] for meter in one["sending"]} <= {"hour", "day"}


def test_limits_are_set_by_operators_alone(operator: Program, admin: Program, person: User) -> None:
    path = f"users/{person.pk}/limits"
    assert admin.patch(path, {"messages_per_day": 5}).status_code == 403
    assert operator.patch(path, {"messages_per_day": 5}).json()["messages_per_day"] == 5
    assert admin.get(path).json()["messages_per_day"] == 5
    assert faults(operator.patch(path, {"messages_per_hour": -1})) == [
        ("/messages_per_hour", "min_value")
    ]
    days = {one["per"]: one for one in operator.get(f"users/{person.pk}/usage").json()["sending"]}
    assert days["day"]["most_messages"] == 5


def test_what_was_deleted_comes_back_unread(admin: Program, person: User) -> None:
    mail(person)
    mailboxes.create(user_id=person.pk, name="Plans")
    before = (timezone.now() - timedelta(hours=1)).isoformat()
    mailboxes.delete(user_id=person.pk, name="Plans", origin=Origin("imap", person.pk))
    path = f"users/{person.pk}/deleted-mail"

    found = admin.ask("GET", f"{path}?since={before.replace('+', '%2B')}")
    assert (found.status_code, found.json()["folders"]) == (200, 1)
    assert b"Plans" not in found.content
    assert admin.get(path).status_code == 400
    assert admin.get(f"{path}?since=soon").status_code == 400

    done = admin.post(path, {"since": before})
    assert done.status_code == 200, done.content
    assert Mailbox.objects.filter(user=person, name="Plans", deleted_at=None).exists()
    assert faults(admin.post(path, {})) == [("/since", "required")]


def test_who_was_removed_is_found_and_brought_back(
    operator: Program, admin: Program, person: User, other_domain: Domain
) -> None:
    admin.delete(f"users/{person.pk}")
    provisioning.add_user("eve@other.test", PASSWORD)
    provisioning.remove_user("eve@other.test")

    (one,) = admin.get("removed-users").json()["items"]
    assert (one["id"], one["address"]) == (person.pk, "ann@example.test")
    assert [x["address"] for x in operator.get("removed-users").json()["items"]] == [
        "eve@other.test",
        "ann@example.test",
    ]
    assert len(operator.get("removed-users?address=ANN@example.test").json()["items"]) == 1
    assert operator.get("removed-users?address=an@example.test").json()["items"] == []
    assert len(operator.get("removed-users?begins=e").json()["items"]) == 1
    assert admin.get(f"removed-users/{person.pk}").json() == one

    back = admin.post(f"removed-users/{person.pk}/restore")
    assert (back.status_code, back["Location"]) == (201, f"/api/v1/users/{person.pk}")
    assert admin.post(f"removed-users/{person.pk}/restore").status_code == 404
    assert admin.get("removed-users").json()["items"] == []


def test_a_removed_user_whose_address_is_taken_stays_removed(admin: Program, person: User) -> None:
    provisioning.remove_user(person.key)
    provisioning.add_user("ann@example.test", PASSWORD)
    answer = admin.post(f"removed-users/{person.pk}/restore")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")


def test_a_helpdesk_is_not_shown_what_it_may_not_change(person: User, domain: Domain) -> None:
    helpdesk = program(holder("help@example.test", Role.HELPDESK, domain))
    for what in ("vacation", "forwards", "deleted-mail?since=2026-01-01T00:00:00Z"):
        assert helpdesk.get(f"users/{person.pk}/{what}").status_code == 403
    assert helpdesk.get("removed-users").status_code == 403
