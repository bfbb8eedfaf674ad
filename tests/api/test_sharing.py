"""Shared mailboxes, their members, and who writes in whose name, set by programs."""

from typing import Any

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import Delegation, Domain, User
from apps.mailstore.models import MailboxRight
from apps.mailstore.origin import Origin
from apps.provisioning import services as provisioning
from apps.provisioning import sharing
from tests.api.conftest import Program, faults
from tests.console.conftest import PASSWORD


@pytest.fixture
def team(admin: Program) -> User:
    made = admin.post("shared-mailboxes", {"address": "team@example.test", "name": "Team"})
    assert made.status_code == 201, made.content
    assert made["Location"] == f"/api/v1/shared-mailboxes/{made.json()['id']}"
    return User.objects.get(pk=made.json()["id"])


def test_a_shared_mailbox_is_made_changed_and_removed(
    admin: Program, operator: Program, team: User, other_domain: Domain
) -> None:
    path = f"shared-mailboxes/{team.pk}"
    seen = admin.get(path)
    assert (seen.json()["kind"], seen.json()["name"]) == ("shared", "Team")
    changed = admin.patch(path, {"name": "Crew", "quota": 9}, If_Match=seen["ETag"])
    assert (changed.json()["name"], changed.json()["quota"]) == ("Crew", 9)
    assert admin.patch(path, {"name": "X"}, If_Match=seen["ETag"]).status_code == 412

    def found(query: str) -> list[int]:
        return [one["id"] for one in operator.get(f"shared-mailboxes?{query}").json()["items"]]

    assert found("") == [team.pk]
    assert (
        found("address=TEAM@example.test") == found("begins=te") == found("text=crew") == [team.pk]
    )
    assert found(f"domain={other_domain.pk}") == []

    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404
    assert len(admin.get("removed-users").json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, ("/address", "required")),
        ({"address": "x"}, ("/address", "invalid_address")),
        ({"address": "x@other.test"}, ("/address", "not_found")),
        ({"address": "admin@example.test"}, ("/address", "already_exists")),
        ({"address": "x@example.test", "name": "a\nb"}, ("/name", "invalid_name")),
        ({"address": "x@example.test", "password": "a"}, ("/password", "unknown_field")),
    ],
)
def test_what_cannot_be_made_is_told_by_its_field(
    body: dict[str, Any], told: tuple[str, str], admin: Program, other_domain: Domain
) -> None:
    answer = admin.post("shared-mailboxes", body)
    assert (answer.status_code in {409, 422}, faults(answer)) == (True, [told])


def test_a_person_is_no_shared_mailbox(admin: Program, ann: Program) -> None:
    ann_id = User.objects.get(key="ann@example.test").pk
    for verb in ("GET", "PATCH", "DELETE"):
        assert admin.ask(verb, f"shared-mailboxes/{ann_id}", {}).status_code == 404
    assert admin.get(f"shared-mailboxes/{ann_id}/members").status_code == 404


def test_members_read_and_send_as_far_as_they_were_let(
    admin: Program, ann: Program, team: User
) -> None:
    path = f"shared-mailboxes/{team.pk}/members"
    person = User.objects.get(key="ann@example.test")
    member = {"member": "ann@example.test", "level": "write", "sending": "as"}
    (one,) = admin.post(path, member).json()["items"]
    assert (one["id"], one["level"], one["sending"]) == (person.pk, "write", "as")
    assert MailboxRight.objects.filter(mailbox__user=team, user=person).count() > 1
    assert AuditRecord.objects.filter(action="share.grant", door="api").exists()

    # Again is exactly what is said now.
    (one,) = admin.post(path, {**member, "level": "none", "sending": "on_behalf"}).json()["items"]
    assert (one["level"], one["sending"], one["rights"]) == ("none", "on_behalf", {})
    (one,) = admin.post(path, {"member": "ann@example.test", "level": "read"}).json()["items"]
    assert (one["level"], one["sending"]) == ("read", "none")
    assert not Delegation.objects.exists()

    MailboxRight.objects.filter(mailbox__user=team).order_by("pk").first().delete()  # type: ignore[union-attr]
    assert admin.get(path).json()["items"][0]["level"] == ""
    assert admin.delete(f"{path}/{person.pk}").status_code == 204
    assert admin.delete(f"{path}/{person.pk}").status_code == 404
    assert admin.get(path).json() == {"items": []}

    sharing.grant(team.address, "anyone", "lr", None, origin=Origin("command", None))
    assert [one["id"] for one in admin.get(path).json()["items"]] == [None]
    assert admin.delete(f"{path}/anyone").status_code == 204
    assert admin.delete(f"{path}/anyone").status_code == 404


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"member": "eve@other.test", "level": "read"}, ("/member", "not_found")),
        ({"member": "x", "level": "read"}, ("/member", "invalid_address")),
        ({"member": "postmaster@example.test", "level": "read"}, ("/member", "invalid_name")),
        ({"member": "ann@example.test", "level": "all"}, ("/level", "invalid_choice")),
        ({"member": "ann@example.test", "level": "none"}, ("/level", "no_part")),
    ],
)
def test_who_cannot_be_a_member_is_told_by_the_field(
    body: dict[str, Any],
    told: tuple[str, str],
    admin: Program,
    ann: Program,
    team: User,
    other_domain: Domain,
) -> None:
    provisioning.add_user("eve@other.test", PASSWORD)
    answer = admin.post(f"shared-mailboxes/{team.pk}/members", body)
    assert (answer.status_code, faults(answer)) == (422, [told])
    assert not MailboxRight.objects.exists()


def test_delegates_write_in_a_name_until_it_is_taken_back(
    admin: Program, ann: Program, other_domain: Domain
) -> None:
    provisioning.add_user("eve@other.test", PASSWORD)
    owner = User.objects.get(key="ann@example.test")
    me = User.objects.get(key="admin@example.test")
    path = f"users/{owner.pk}"
    delegate = {"delegate": "admin@example.test", "sending": "on_behalf"}
    assert admin.post(f"{path}/delegates", delegate).json()["delegates"] == [
        {"id": me.pk, "delegate": me.pk, "address": "admin@example.test", "sending": "on_behalf"}
    ]
    (back,) = admin.get(f"users/{me.pk}/sharing").json()["writes_for"]
    assert back["address"] == "ann@example.test"
    refused = admin.post(f"{path}/delegates", {**delegate, "delegate": "eve@other.test"})
    assert faults(refused) == [("/delegate", "not_found")]

    assert admin.delete(f"{path}/delegates/{me.pk}").status_code == 204
    assert admin.delete(f"{path}/delegates/{me.pk}").status_code == 404
    assert admin.get(f"{path}/sharing").json() == {
        "delegates": [],
        "writes_for": [],
        "shared_with": [],
        "reads_of": [],
        "is_whole": True,
    }


def test_shares_are_counted_and_taken_back_and_never_given(admin: Program, ann: Program) -> None:
    owner = User.objects.get(key="ann@example.test")
    sharing.grant(owner.address, "admin@example.test", "lr", "INBOX")
    path = f"users/{owner.pk}"
    assert admin.get(f"{path}/sharing").json()["shared_with"] == [
        {"address": "admin@example.test", "folders": 1}
    ]
    assert admin.post(f"{path}/shares", {"address": "admin@example.test"}).status_code == 405
    assert admin.delete(f"{path}/shares").status_code == 400
    assert admin.delete(f"{path}/shares?address=admin@example.test").status_code == 204
    assert admin.delete(f"{path}/shares?address=admin@example.test").status_code == 404
    assert not MailboxRight.objects.exists()
