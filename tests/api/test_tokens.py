"""Tokens that programs make: none is stronger than the one that asks for it."""

from typing import Any

import pytest

from apps.audit import queries
from apps.audit.acting import Actor, acting
from apps.audit.models import AuditRecord
from apps.audit.services import record
from apps.directory.models import ApiToken, Domain, Role
from tests.api.conftest import Program, faults, program
from tests.console.conftest import holder

SCOPES = ["tokens:write", "users:read", "domains:write"]


@pytest.fixture
def asks(domain: Domain) -> Program:
    return program(holder("admin@example.test", Role.DOMAIN_ADMIN, domain), SCOPES)


def make(asks: Program, **more: Any) -> Any:
    return asks.post("tokens", {"name": "new", "scopes": ["users:read"], **more})


def test_a_token_is_shown_once(asks: Program, domain: Domain) -> None:
    made = make(asks, places=[{"domain": domain.pk}], networks=["192.0.2.0/24"])

    assert made.status_code == 201, made.content
    text = made.json()["token"]
    assert Program(text).get("tokens").json()["code"] == "scope_missing"
    shown = asks.get(made["Location"])
    assert text not in shown.content.decode()
    assert shown.json()["hint"] == text[-4:]
    assert shown.json()["places"] == [{"organization": None, "domain": domain.pk}]
    assert text.encode() not in b"".join(
        bytes(row) for row in ApiToken.objects.values_list("digest", flat=True)
    )


def test_a_revoked_token_works_no_more(asks: Program) -> None:
    made = make(asks, scopes=["tokens:write"])
    used = Program(made.json()["token"])
    assert used.get("tokens").status_code == 200
    assert asks.delete(made["Location"]).status_code == 204
    assert used.get("tokens").status_code == 401


@pytest.mark.parametrize("scope", ["users:write", "mail:read", "organizations:read"])
def test_none_gets_a_scope_that_its_maker_has_not(scope: str, asks: Program) -> None:
    assert make(asks, scopes=[scope]).json()["code"] == "not_permitted"


def test_none_gets_a_place_out_of_sight(asks: Program, other_domain: Domain) -> None:
    answer = make(asks, places=[{"domain": other_domain.pk}])
    assert (answer.status_code, faults(answer)) == (422, [("/places", "not_found")])


def test_one_that_is_bound_makes_none_that_is_not(domain: Domain) -> None:
    holder_of_it = holder("root@elsewhere.test", Role.OPERATOR)
    bound = program(holder_of_it, SCOPES, [domain])
    assert make(bound).json()["code"] == "not_permitted"
    assert make(bound, places=[{"domain": domain.pk}]).status_code == 201


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"name": "\u0007"}, [("/name", "invalid_name")]),
        ({"name": "program 0"}, [("/name", "invalid_name")]),
        ({"scopes": []}, [("/scopes", "min_length")]),
        ({"scopes": ["everything"]}, [("/scopes/0", "invalid_choice")]),
        ({"places": [{}]}, [("/places/0", "one_of")]),
        ({"networks": ["nowhere"]}, [("/networks", "invalid_name")]),
        ({"expires_at": "2001-01-01T00:00:00Z"}, [("/expires_at", "invalid_name")]),
        ({"user": 1}, [("/user", "unknown_field")]),
    ],
)
def test_what_cannot_be_is_told_by_its_field(
    more: dict[str, Any], told: list[tuple[str, str]], asks: Program
) -> None:
    assert faults(make(asks, **more)) == told


def test_the_audit_log_names_the_token(operator: Program) -> None:
    """Which one acted is known when it is revoked, too; people have none."""
    made = operator.post("organizations", {"name": "By a program"})
    assert made.status_code == 201, made.content

    one = AuditRecord.objects.get(action="organization.add", subject="By a program")
    (token,) = ApiToken.objects.all()
    assert one.via == f"program 0 (…{token.hint})"
    token.delete()
    (row,) = queries.page(queries.Wanted(text=one.via)).rows
    assert row.via == one.via
    with acting(Actor("user", 1, "olga@example.test", "web")):
        record("organization.add", subject="By hand")
    assert AuditRecord.objects.get(subject="By hand").via == ""
