"""Aliases and groups: added, found, changed and removed by programs."""

from typing import Any

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import Alias, Domain, Role, State
from apps.provisioning import services as provisioning
from tests.api.conftest import Program, faults, program
from tests.console.conftest import holder


def make(asks: Program, address: str = "sales@example.test", *targets: str) -> Any:
    return asks.post(
        "aliases", {"address": address, "targets": list(targets) or ["ann@elsewhere.test"]}
    )


def test_it_is_added_changed_and_removed(admin: Program, domain: Domain) -> None:
    made = make(admin, "Sales@Example.test", "ann@elsewhere.test")
    assert made.status_code == 201, made.content
    assert made.json() == {
        "id": made.json()["id"],
        "address": "sales@example.test",
        "domain": domain.pk,
        "kind": "alias",
        "state": "active",
        "targets": ["ann@elsewhere.test"],
        "created_at": made.json()["created_at"],
    }
    path = made["Location"]
    assert admin.get(path).json() == made.json()

    change = {"targets": ["bob@elsewhere.test", "ANN@elsewhere.test"], "state": "suspended"}
    changed = admin.patch(path, change).json()
    assert (changed["kind"], changed["state"]) == ("group", "suspended")
    # What it had stays as it was written, and where it was.
    assert changed["targets"] == ["ann@elsewhere.test", "bob@elsewhere.test"]

    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404
    acts = AuditRecord.objects.filter(action__startswith="alias.", door="api").order_by("pk")
    assert list(acts.values_list("action", flat=True)) == [
        *("alias.add", "alias.change", "alias.suspend", "alias.remove")
    ]


def test_a_change_that_changes_nothing_is_not_recorded(admin: Program, domain: Domain) -> None:
    path = make(admin)["Location"]
    assert admin.patch(path, {"targets": ["Ann@elsewhere.test"]}).status_code == 200
    assert admin.patch(path, {}).status_code == 200
    assert not AuditRecord.objects.filter(action="alias.change").exists()


def test_who_sees_them_alone_changes_none(admin: Program, domain: Domain) -> None:
    path = make(admin)["Location"]
    helpdesk = program(holder("helen@example.test", Role.HELPDESK, domain))
    assert len(helpdesk.get("aliases").json()["items"]) == 1
    for answer in (
        make(helpdesk, "more@example.test"),
        helpdesk.patch(path, {"targets": ["helen@example.test"]}),
        helpdesk.post(f"{path}/targets", {"targets": ["helen@example.test"]}),
        helpdesk.delete(f"{path}/targets/ann@elsewhere.test"),
        helpdesk.delete(path),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


def test_a_change_of_another_state_is_none(admin: Program, domain: Domain) -> None:
    path = make(admin)["Location"]
    seen = admin.get(path)["ETag"]
    assert admin.post(f"{path}/targets", {"targets": ["x@elsewhere.test"]}).status_code == 200
    assert admin.patch(path, {"state": "suspended"}, If_Match=seen).status_code == 412
    assert admin.delete(path, If_Match=seen).status_code == 412
    assert admin.delete(path, If_Match=admin.get(path)["ETag"]).status_code == 204


def test_members_come_and_go(admin: Program, domain: Domain) -> None:
    path = make(admin)["Location"]
    more = admin.post(f"{path}/targets", {"targets": ["Bob@elsewhere.test", "ann@elsewhere.test"]})
    assert more.json()["targets"] == ["ann@elsewhere.test", "Bob@elsewhere.test"]

    assert admin.delete(f"{path}/targets/bob@ELSEWHERE.test").status_code == 204
    assert admin.delete(f"{path}/targets/bob@elsewhere.test").status_code == 404
    last = admin.delete(f"{path}/targets/ann@elsewhere.test")
    assert (last.status_code, last.json()["code"]) == (409, "in_use")
    assert admin.delete(f"{path}/targets/no address").status_code == 422
    assert admin.get(path).json()["targets"] == ["ann@elsewhere.test"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, [("/address", "required"), ("/targets", "required")]),
        ({"address": "x", "targets": ["a@b.test"]}, [("/address", "invalid_address")]),
        ({"address": "x@nothing.test", "targets": ["a@b.test"]}, [("/address", "not_found")]),
        ({"address": "x@other.test", "targets": ["a@b.test"]}, [("/address", "not_found")]),
        (
            {"address": "admin@example.test", "targets": ["a@b.test"]},
            [("/address", "already_exists")],
        ),
        (
            {"address": "/(a+)+$/@example.test", "targets": ["a"]},
            [("/targets/0", "invalid_address")],
        ),
        (
            {"address": "/(a/@example.test", "targets": ["a@b.test"]},
            [("/address", "invalid_address")],
        ),
        ({"address": "x@example.test", "targets": []}, [("/targets", "min_length")]),
        (
            {"address": "x@example.test", "targets": ["a@b.test", "*@b.test"]},
            [("/targets/1", "invalid_address")],
        ),
        (
            {"address": "x@example.test", "targets": ["a@b.test", "a\0@b.test"]},
            [("/targets/1", "invalid_address")],
        ),
        (
            {"address": "x@example.test", "targets": ["a@b.test"] * 101},
            [("/targets", "max_length")],
        ),
        ({"address": "x@example.test", "targets": "a@b.test"}, [("/targets", "not_a_list")]),
    ],
)
def test_what_cannot_be_is_told_by_its_field(
    body: dict[str, Any],
    told: list[tuple[str, str]],
    admin: Program,
    other_domain: Domain,
) -> None:
    answer = admin.post("aliases", body)
    assert (answer.status_code in {409, 422}, faults(answer)) == (True, told)
    assert not Alias.objects.exists()


def test_lists_are_of_what_is_asked_for(
    operator: Program, admin: Program, domain: Domain, other_domain: Domain
) -> None:
    make(admin, "sales@example.test", "ann@elsewhere.test")
    make(admin, "team@example.test", "Ann@elsewhere.test", "bob@elsewhere.test")
    make(admin, "help-*@example.test", "x@elsewhere.test")
    make(admin, "/desk[0-9]+/@example.test", "x@elsewhere.test")
    make(operator, "*@other.test", "x@bücher.test")
    Alias.objects.filter(local="team").update(state=State.SUSPENDED)

    def addresses(query: str, asks: Program = operator) -> list[str]:
        answer = asks.get(f"aliases?{query}")
        assert answer.status_code == 200, answer.content
        return [one["address"] for one in answer.json()["items"]]

    mine = [
        "/desk[0-9]+/@example.test",
        *(f"{one}@example.test" for one in ("help-*", "sales", "team")),
    ]
    assert addresses("") == [*mine, "@other.test"]
    assert addresses("", admin) == mine
    assert addresses("address=SALES@example.test") == ["sales@example.test"]
    assert addresses("address=*@other.test") == ["@other.test"]
    assert addresses("address=*@other.test", admin) == []
    assert addresses("begins=te") == ["team@example.test"]
    assert addresses("begins=sales@ex") == ["sales@example.test"]
    assert addresses("target=ANN@elsewhere.test") == ["sales@example.test", "team@example.test"]
    assert addresses("target=x@B%C3%BCcher.test") == ["@other.test"]
    assert addresses(f"domain={other_domain.pk}") == ["@other.test"]
    assert addresses(f"domain={other_domain.pk}", admin) == []
    assert addresses("kind=group") == addresses("state=suspended") == ["team@example.test"]
    assert addresses("kind=alias") == ["sales@example.test"]
    assert addresses("kind=pattern") == mine[:2]
    assert addresses("kind=catch_all") == ["@other.test"]
    assert faults(operator.get("aliases?address=none")) == [("?address", "invalid_address")]

    first = operator.get("aliases?limit=3").json()
    second = operator.get(f"aliases?limit=3&cursor={first['next']}").json()
    assert [one["address"] for one in first["items"] + second["items"]] == [*mine, "@other.test"]
    assert second["next"] is None


def test_a_page_costs_the_same_however_long_it_is(
    admin: Program, domain: Domain, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        provisioning.add_alias(f"a{number}@example.test", ["x@elsewhere.test", "y@elsewhere.test"])
    with django_assert_max_num_queries(8):
        assert len(admin.get("aliases").json()["items"]) == 12


def test_many_are_added_by_lines_and_none_hurts_another(
    admin: Program, domain: Domain, other_domain: Domain
) -> None:
    names = ["sales@Example.test", "*@example.test", "sales@example.test", "x@other.test", "none"]
    sent: list[Any] = [{"address": one, "targets": ["ann@elsewhere.test"]} for one in names]
    sent += [{"address": "team@example.test", "targets": ["a@b.test", "c@d.test"]}, {}]

    *said, end = admin.lines("aliases/bulk", sent, Idempotency_Key="once")
    assert [one["status"] for one in said] == [201, 201, 409, 422, 422, 201, 422]
    assert end == {"done": 3, "failed": 4, "problem": None}
    assert said[5]["result"] == admin.get(f"aliases/{said[5]['result']['id']}").json()
    assert {one["problem"]["errors"][0]["pointer"] for one in said if "problem" in one} == {
        "/address"
    }
    again = admin.lines("aliases/bulk", sent, Idempotency_Key="once")
    assert again[0] == {**said[0], "is_replayed": True}
    assert Alias.objects.count() == 3
