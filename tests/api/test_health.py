"""The audit log, checks and figures, read by programs."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import AuditRecord
from apps.directory.models import Domain
from apps.provisioning.health import report
from apps.provisioning.health.checks import Check, State
from apps.trace.flow import EVERYTHING, HOUR, MICROSECONDS
from apps.trace.models import Flow
from tests.api.conftest import Program, faults
from tests.console.test_audit_log import WILD, made


@pytest.fixture(autouse=True)
def _ask_anew() -> Iterator[None]:
    report.forget()
    yield
    report.forget()


def acts(asks: Program, query: str = "") -> list[dict[str, Any]]:
    answer = asks.get(f"audit?{query}")
    assert answer.status_code == 200, answer.content
    return [one for one in answer.json()["items"] if one["door"] == "test"]


def test_acts_are_found_and_turned_by_pages(
    operator: Program, admin: Program, domain: Domain, other_domain: Domain
) -> None:
    for days in (9, 3, 0):
        made(days, door="test", subject=f"d{days}.test", domain_id=domain.pk, user_id=7)
    theirs = made(door="test", action="domain.add", subject="other.test", domain_id=other_domain.pk)

    def found(asks: Program, query: str = "") -> list[str]:
        return [one["subject"] for one in acts(asks, query)]

    assert found(operator) == ["other.test", "d0.test", "d3.test", "d9.test"]
    assert found(admin) == ["d0.test", "d3.test", "d9.test"]
    since = (timezone.now() - timedelta(days=4)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found(admin, f"since={since}&until={since}") == []
    assert found(admin, f"since={since}&actor=OLGA&text=d3&action=user.&subject=d3") == ["d3.test"]
    assert found(operator, f"domain={other_domain.pk}") == ["other.test"]
    assert found(operator, "user=7&organization=1") == []
    assert found(admin, f"domain={other_domain.pk}") == []
    page = admin.get("audit?user=7&limit=2").json()
    assert found(admin, f"user=7&cursor={page['next']}") == ["d9.test"]
    assert faults(admin.get("audit?cursor=x&limit=0")) == [("?limit", "min_value")]
    assert faults(admin.get("audit?cursor=x")) == [("?cursor", "invalid")]
    assert admin.get(f"audit/{theirs.pk}").status_code == 404
    assert admin.get(f"audit/{10**30}").status_code == 404


def test_an_act_is_told_with_its_sentence_and_details(operator: Program) -> None:
    row = made(door="test", via="robot", subject=WILD[:100], detail={"quota": 5})
    told = operator.get(f"audit/{row.pk}").json()
    assert (told["action"], told["token"], told["detail"]) == (
        "user.suspend",
        "robot",
        {"quota": 5},
    )
    assert told["sentence"].startswith("suspended the user ")


def test_reading_costs_the_same_however_much_there_is(
    operator: Program, django_assert_max_num_queries: Any
) -> None:
    AuditRecord.objects.bulk_create(
        AuditRecord(at=timezone.now(), actor_kind="user", actor="olga", action="user.add")
        for _ in range(30)
    )
    with django_assert_max_num_queries(6):
        assert len(operator.get("audit").json()["items"]) >= 30


def test_checks_are_told_to_operators_alone(
    operator: Program, admin: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Check("scanner.clamd", "clamd", State.BAD, "Nobody listens.", "Start it.")
    groups = {"Filtering": (("Other scanners", lambda: [check], False),)}
    monkeypatch.setattr(report, "_asker", report._Asker(groups))

    told = operator.get("health").json()

    assert (told["state"], told["checks"][0]["key"], told["checks"][0]["group"]) == (
        "bad",
        "scanner.clamd",
        "Filtering",
    )
    assert operator.get("health/figures").json()["domains"] == 1
    for path in ("health", "health/figures"):
        assert admin.get(path).json()["code"] == "not_permitted"


def test_mail_flow_is_of_what_is_in_sight(
    operator: Program, admin: Program, domain: Domain, other_domain: Domain
) -> None:
    hour = int(timezone.now().timestamp()) // HOUR * HOUR * MICROSECONDS
    for scope, count in ((EVERYTHING, 9), (domain.pk, 2), (other_domain.pk, 5)):
        Flow.objects.create(span=HOUR, domain_id=scope, at=hour, received=count, took_3=count)

    def received(asks: Program, query: str = "") -> tuple[str, int]:
        told = asks.get(f"health/flow?{query}").json()
        return told["unit"], sum(one["received"] for one in told["steps"])

    assert received(operator) == ("messages", 9)
    assert received(admin) == received(admin, f"domain={domain.pk}") == ("recipients", 2)
    assert received(operator, f"domain={other_domain.pk}&period=24h") == ("recipients", 5)
    assert received(admin, "period=90d") == ("recipients", 0)
    told = admin.get("health/flow").json()
    assert (len(told["steps"]), told["step"], told["steps"][-1]["half_within"]) == (24, HOUR, 0.75)
    wrong = admin.get(f"health/flow?domain={other_domain.pk}")
    assert (wrong.status_code, faults(wrong)) == (400, [("?domain", "not_found")])
