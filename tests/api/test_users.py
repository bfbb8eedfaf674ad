"""Users: added, changed, renamed, suspended and removed by programs."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.audit.models import AuditRecord
from apps.directory import passwords
from apps.directory.models import Domain, Organization, User
from apps.directory.passwords import is_right, prepare
from apps.directory.services import domains
from apps.mailqueue.models import QueuedMessage
from apps.mailstore.models import Mailbox
from apps.provisioning import services as provisioning
from tests.api.conftest import Program, faults, program
from tests.console.conftest import PASSWORD, holder
from tests.console.test_plans import MOST, crowd
from tests.support.reading import Reading

GOOD = "a gull over Rockall"


def make(asks: Program, address: str = "new@example.test", **more: Any) -> Any:
    return asks.post("users", {"address": address, **more})


def test_who_is_added_without_a_password_gets_a_temporary_one(
    admin: Program, domain: Domain
) -> None:
    made = make(admin, "Zoë.New@example.test", name="Zoë", quota=5_000_000)

    assert made.status_code == 201, made.content
    body = made.json()
    user = User.objects.get(pk=body["id"])
    assert is_right(prepare(body["password"]) or "", user.password)
    assert (body["address"], body["domain"], body["quota"]) == (
        "Zoë.New@example.test",
        domain.pk,
        5_000_000,
    )
    assert body["must_change_password"] is True
    shown = admin.get(made["Location"])
    assert "password" not in shown.json()
    assert Mailbox.objects.filter(user=user, name="INBOX").exists()
    assert AuditRecord.objects.filter(action="user.add", door="api", user_id=user.pk).exists()


def test_a_password_that_was_sent_is_not_asked_for_again(admin: Program) -> None:
    made = make(admin, password=GOOD)
    assert (made.status_code, made.json()["password"]) == (201, None)
    user = User.objects.get(key="new@example.test")
    assert is_right(GOOD, user.password)
    assert user.must_change_password is False
    assert GOOD.encode() not in made.content


def test_who_is_invited_gets_a_letter_and_nobody_a_password(admin: Program) -> None:
    made = make(admin, invite="me@elsewhere.test")
    assert (made.status_code, made.json()["password"]) == (201, None)
    assert QueuedMessage.objects.count() == 1


def test_a_resource_signs_in_nowhere(admin: Program) -> None:
    made = make(admin, "room@example.test", kind="resource")
    assert (made.json()["kind"], made.json()["password"]) == ("resource", None)
    answer = make(admin, "beamer@example.test", kind="resource", password=GOOD)
    assert faults(answer) == [("/password", "persons_only")]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({}, 422, [("/address", "required")]),
        ({"address": "no address"}, 422, [("/address", "invalid_address")]),
        ({"address": "*@example.test"}, 422, [("/address", "invalid_address")]),
        ({"address": "new@other.test"}, 422, [("/address", "not_found")]),
        ({"address": "new@nothing.test"}, 422, [("/address", "not_found")]),
        ({"address": "ann@example.test"}, 409, [("/address", "already_exists")]),
        ({"address": "sales@example.test"}, 409, [("/address", "already_exists")]),
        ({"address": "new@alias.test"}, 409, [("/address", "in_use")]),
        ({"address": "new+x@example.test"}, 422, [("/address", "invalid_address")]),
        ({"address": "new@example.test", "name": "a\nb"}, 422, [("/name", "invalid_name")]),
        ({"address": "new@example.test", "quota": -1}, 422, [("/quota", "min_value")]),
        ({"address": "new@example.test", "password": "x"}, 422, [("/password", "weak_password")]),
        ({"address": "new@example.test", "invite": "x"}, 422, [("/invite", "invalid_address")]),
        ({"address": "new@example.test", "kind": "shared"}, 422, [("/kind", "invalid_choice")]),
        (
            {"address": "new@example.test", "is_operator": 1},
            422,
            [("/is_operator", "unknown_field")],
        ),
        ({"address": "a\ud800@example.test"}, 422, [("/address", "surrogate")]),
        (
            {"address": "new@example.test", "password": GOOD, "invite": "a@b.test"},
            422,
            [("/invite", "one_of")],
        ),
    ],
)
def test_what_cannot_be_added_is_told_by_its_field(
    body: dict[str, Any],
    status: int,
    told: list[tuple[str, str]],
    admin: Program,
    ann: Program,
    other_domain: Domain,
) -> None:
    provisioning.add_alias("sales@example.test", ["ann@example.test"])
    provisioning.add_domain("alias.test", alias_of="example.test")
    before = User.objects.count()
    answer = admin.post("users", body)
    assert (answer.status_code, sorted(set(faults(answer)))) == (status, told), answer.content
    assert User.objects.count() == before


def test_what_is_refused_costs_no_hash(
    admin: Program, ann: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    helpdesk = program(holder("help@elsewhere.test", "operator"))  # type: ignore[arg-type]

    def seal(password: str | None) -> None:
        raise AssertionError("hashes cost time")

    monkeypatch.setattr(passwords, "seal", seal)
    assert make(admin, "new@nothing.test").status_code == 422
    assert make(admin, "ann@example.test").status_code == 409
    assert make(admin, password="x").status_code == 422
    assert make(helpdesk, "new@example.test", name="a\nb").status_code == 422


def test_an_organisation_holds_no_more_than_it_may(admin: Program, domain: Domain) -> None:
    mine = Organization.objects.filter(pk=domain.organization_id)
    mine.update(max_storage=1_000)
    assert faults(make(admin, quota=2_000)) == [("/quota", "limit_reached")]
    mine.update(max_storage=None, max_users=1)
    assert faults(make(admin, quota=2_000)) == [("/address", "limit_reached")]


def test_a_repeated_request_adds_one_user_and_shows_the_same_password(admin: Program) -> None:
    new = {"address": "new@example.test"}
    once, again = (admin.post("users", new, Idempotency_Key="k1") for _ in range(2))
    assert once.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert User.objects.filter(key="new@example.test").count() == 1


def test_lists_are_of_what_is_asked_for(
    operator: Program, domain: Domain, other_domain: Domain
) -> None:
    for name in ("ann", "bob"):
        provisioning.add_user(f"{name}@example.test", PASSWORD, f"{name} of A")
    provisioning.add_user("eve@other.test", PASSWORD)
    provisioning.suspend_user("bob@example.test")
    User.objects.filter(key="ann@example.test").update(
        created_at=timezone.now() - timedelta(days=40)
    )

    def found(query: str) -> list[str]:
        items = operator.get(f"users?{query}").json()["items"]
        return [one["address"].partition("@")[0] for one in items]

    assert found("kind=person") == ["ann", "bob", "eve", "root"]
    assert found("address=ANN@example.test") == ["ann"]
    assert found("begins=bo") == ["bob"]
    assert found("text=of+A") == ["ann", "bob"]
    assert found(f"domain={other_domain.pk}&kind=person") == ["eve"]
    assert found(f"organization={domain.organization_id}&kind=person") == ["ann", "bob"]
    assert found("state=suspended") == ["bob"]
    assert found("role=operator") == ["root"]
    assert found("role=none&kind=person") == ["ann", "bob", "eve"]
    assert found("has_factor=true") == []
    assert found("idle_days=30") == ["ann"]
    assert found("kind=person&sort=idle")[0] == "ann"
    assert found("kind=person&sort=name")[-2:] == ["ann", "bob"]
    assert operator.get("users?address=a%00b").status_code == 400
    assert operator.get("users?sort=quota").status_code == 400


def test_a_page_costs_the_same_however_long_it_is(
    operator: Program, domain: Domain, django_assert_max_num_queries: Any
) -> None:
    User.objects.bulk_create(
        User(key=f"u{n:02}@example.test", address=f"u{n:02}@example.test", domain=domain)
        for n in range(30)
    )
    seen: list[str] = []
    path = "users?kind=person&limit=20"
    while path:
        with django_assert_max_num_queries(6):
            answer = operator.get(path)
        seen += [one["address"] for one in answer.json()["items"]]
        cursor = answer.json()["next"]
        path = f"users?kind=person&limit=20&cursor={cursor}" if cursor else ""
    assert seen == sorted(seen)
    assert len(seen) == 31
    assert connection.in_atomic_block


def test_a_user_is_changed_as_a_whole_or_not_at_all(admin: Program, ann: Program) -> None:
    user = User.objects.get(key="ann@example.test")
    path = f"users/{user.pk}"
    changed = admin.patch(
        path, {"name": "Ann", "quota": 7, "state": "locked", "must_change_password": True}
    )
    assert changed.status_code == 200, changed.content
    assert (changed.json()["name"], changed.json()["quota"]) == ("Ann", 7)
    assert (changed.json()["state"], changed.json()["must_change_password"]) == ("locked", True)

    refused = admin.patch(path, {"state": "active", "name": "a\nb"})
    assert faults(refused) == [("/name", "invalid_name")]
    refused = admin.patch(path, {"state": "removed"})
    assert faults(refused) == [("/state", "invalid_choice")]
    assert faults(admin.patch(path, {"must_change_password": False})) == [
        ("/must_change_password", "not_taken_back")
    ]
    assert admin.get(path).json() == changed.json()
    assert admin.patch(path, {}).json() == changed.json()


def test_a_change_of_another_state_is_none(admin: Program, ann: Program) -> None:
    path = f"users/{User.objects.get(key='ann@example.test').pk}"
    seen = admin.get(path)["ETag"]
    assert admin.patch(path, {"name": "Ann"}, If_Match=seen).status_code == 200
    assert admin.patch(path, {"name": "Bob"}, If_Match=seen).status_code == 412
    assert admin.delete(path, If_Match=seen).status_code == 412
    assert admin.get(path).json()["name"] == "Ann"


def test_nobody_does_to_oneself_what_locks_one_out(admin: Program) -> None:
    me = User.objects.get(key="admin@example.test")
    assert admin.patch(f"users/{me.pk}", {"state": "suspended"}).status_code == 403
    assert admin.delete(f"users/{me.pk}").status_code == 403


def test_it_is_renamed_and_removed(admin: Program, ann: Program, other_domain: Domain) -> None:
    user = User.objects.get(key="ann@example.test")
    path = f"users/{user.pk}"
    renamed = admin.post(f"{path}/rename", {"address": "anna@example.test"})
    assert (renamed.status_code, renamed.json()["address"]) == (200, "anna@example.test")
    for address, code in (
        ("x", "invalid_address"),
        ("admin@example.test", "already_exists"),
        ("ann@other.test", "not_found"),
    ):
        answer = admin.post(f"{path}/rename", {"address": address})
        assert faults(answer) == [("/address", code)]

    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404
    assert make(admin, "anna@example.test", password=GOOD).status_code == 201


def test_a_longer_password_is_asked_for_where_the_domain_says_so(
    admin: Program, domain: Domain
) -> None:
    Domain.objects.filter(pk=domain.pk).update(password_length=40)
    assert faults(make(admin, password=GOOD)) == [("/password", "weak_password")]
    assert domains.find("example.test").password_length == 40


def test_a_page_reads_a_page_however_many_there_are(
    operator: Program, admin: Program, domain: Domain
) -> None:
    crowd(domain)
    for query in (
        "users?limit=50",
        "users?limit=50&cursor=u2000@example.test",
        "users?limit=50&begins=u20",
        "users?address=u2000@example.test",
        "users?limit=50&sort=name",
        "users?limit=50&sort=idle",
        "users?limit=50&kind=shared",
        f"users?limit=50&domain={domain.pk}",
        "usage?limit=50",
        "shared-mailboxes?limit=50",
        "removed-users?limit=50",
        "removed-users?address=u0001@example.test",
    ):
        for asks in (operator, admin):
            reading = Reading(("directory_user", "mailstore_usage"))
            with connection.execute_wrapper(reading):
                answer = asks.get(query)
            # Those of the crowd were removed before the domain was hosted: operators see them.
            assert answer.json()["items"] or (asks is admin and "removed" in query), query
            assert reading.beyond(MOST) == [], query
