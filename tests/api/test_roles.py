"""Roles: given, seen and taken back by programs, as far as their own reach."""

from typing import Any

import pytest

from apps.audit.models import AuditRecord
from apps.directory.models import Domain, Role, RoleGrant
from apps.provisioning import services as provisioning
from tests.api.conftest import Program, faults, program
from tests.console.conftest import PASSWORD, holder


@pytest.fixture
def ben(domain: Domain) -> str:
    return provisioning.add_user("ben@example.test", PASSWORD)[0].address


def give(asks: Program, address: str, role: str = "helpdesk", **more: Any) -> Any:
    return asks.post("roles", {"address": address, "role": role, **more})


def test_a_role_is_given_and_taken_back(admin: Program, ben: str, domain: Domain) -> None:
    made = give(admin, "Ben@example.test", domain=domain.pk, may_reset=True)
    assert made.status_code == 201, made.content
    assert made.json() == {
        "id": made.json()["id"],
        "user": RoleGrant.objects.get(user__key=ben).user_id,
        "address": ben,
        "role": "helpdesk",
        "organization": None,
        "domain": domain.pk,
        "place": "example.test",
        "may_reset": True,
        "may_revoke": True,
    }
    again = give(admin, ben, domain=domain.pk)
    assert (again.json()["id"], again.json()["may_reset"]) == (made.json()["id"], False)

    assert admin.delete(made["Location"]).status_code == 204
    assert admin.get(made["Location"]).status_code == 404
    assert AuditRecord.objects.filter(action="role.revoke", door="api").exists()


def test_what_cannot_be_is_told_by_its_field(
    operator: Program, admin: Program, ben: str, domain: Domain, other_domain: Domain
) -> None:
    mirror = provisioning.add_domain("mirror.test", alias_of="example.test")
    here = {"domain": domain.pk}
    for asks, role, more, told in (
        (operator, "king", here, ("/role", "invalid_choice")),
        (operator, "helpdesk", {}, ("/role", "invalid_name")),
        (operator, "helpdesk", {"domain": 0}, ("/domain", "min_value")),
        (operator, "helpdesk", {"domain": 2**63}, ("/domain", "max_value")),
        (operator, "helpdesk", {"domain": 2**63 - 1}, ("/domain", "not_found")),
        (operator, "helpdesk", {"domain": mirror.pk}, ("/domain", "in_use")),
        (operator, "helpdesk", {"organization": 999_999}, ("/organization", "not_found")),
        (operator, "domain_admin", {**here, "may_reset": True}, ("/may_reset", "invalid_name")),
        (admin, "helpdesk", {"domain": other_domain.pk}, ("/domain", "not_found")),
    ):
        answer = give(asks, ben, role, **more)
        assert answer.status_code in {409, 422}, (role, more, answer.content)
        assert faults(answer) == [told]
    assert not RoleGrant.objects.filter(user__key=ben).exists()


def test_nobody_gives_or_takes_more_than_they_have(
    operator: Program, admin: Program, ben: str, domain: Domain, other_domain: Domain
) -> None:
    for role, more in (
        ("operator", {}),
        ("reseller", {"organization": 1}),
        ("domain_admin", {"domain": other_domain.pk}),
    ):
        assert give(admin, ben, role, **more).status_code in {403, 422}, role
    assert give(admin, "admin@example.test", domain=domain.pk).status_code == 403
    assert faults(give(admin, "nobody@other.test", domain=domain.pk)) == [("/address", "not_found")]
    helpdesk = program(holder("helen@example.test", Role.HELPDESK, domain))
    assert give(helpdesk, ben, domain=domain.pk).status_code == 403
    assert helpdesk.get("roles").json()["items"] == []
    assert not RoleGrant.objects.filter(user__key=ben).exists()

    elsewhere = give(operator, ben, "domain_admin", domain=other_domain.pk).json()["id"]
    assert admin.get(f"roles/{elsewhere}").status_code == 404
    assert admin.delete(f"roles/{elsewhere}").status_code == 404


def test_the_last_operator_stays(operator: Program) -> None:
    (only,) = operator.get("roles?role=operator").json()["items"]
    answer = operator.delete(f"roles/{only['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")


def test_lists_are_of_what_is_asked_for(
    operator: Program, reseller: Program, admin: Program, domain: Domain, other_domain: Domain
) -> None:
    holder("ann@other.test", Role.DOMAIN_ADMIN, domain)
    holder("bob@other.test", Role.HELPDESK, other_domain.organization)

    def held(query: str, asks: Program = operator) -> list[str]:
        return [one["address"] for one in asks.get(f"roles?{query}").json()["items"]]

    here = ["reseller@example.test", "admin@example.test", "ann@other.test"]
    assert held("") == ["root@elsewhere.test", *here, "bob@other.test"]
    assert held("", reseller) == here
    assert held("", admin) == here[1:]
    assert held("role=helpdesk") == held(f"organization={other_domain.organization_id}")
    assert held("address=ANN@other.test") == held(f"domain={domain.pk}", reseller)[1:]
    assert held(f"organization={domain.organization_id}", admin) == []

    # Who is out of sight has an address, and nothing more.
    (ann,) = admin.get("roles?address=ann@other.test").json()["items"]
    assert (ann["user"], ann["domain"], ann["may_revoke"]) == (None, domain.pk, True)
    number = RoleGrant.objects.get(user__key="ann@other.test").user_id
    assert held(f"user={number}", admin) == []
    assert held(f"user={number}") == ["ann@other.test"]
