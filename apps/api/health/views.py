"""How the installation stands, and how much mail goes through it."""

from datetime import UTC, datetime
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.doors import Door
from apps.api.health.forms import (
    COUNTS,
    PERIODS,
    STATES,
    FiguresShown,
    FlowShown,
    FlowSought,
    HealthShown,
)
from apps.api.moments import of_us
from apps.api.operations import Gives, operation
from apps.api.problems import about
from apps.directory import permissions
from apps.directory.permissions import Ability, Powers
from apps.provisioning import figures
from apps.provisioning.administration.policies import demand_operator
from apps.provisioning.administration.sight import demand
from apps.provisioning.health import report
from apps.provisioning.health.checks import Report
from apps.runtime.clock import now_us
from apps.trace import flow
from apps.trace.flow import MICROSECONDS, Flowed
from apps.wire.errors import NotFound

TAG: Final = "Health"
_CHECK: Final = {
    "key": "database",
    "group": "Storage",
    "name": "Database",
    "state": "ok",
    "sentence": "It answers within 1 ms.",
    "advice": "",
}
_STEP: Final = {
    "at": "2026-11-28T10:00:00Z",
    "half_within": 0.4,
    "most_within": 1.8,
    **dict.fromkeys(COUNTS, 0),
    "received": 120,
    "delivered": 117,
    "junk": 3,
}
_FIGURES: Final = {
    "domains": 3,
    "domains_asleep": 0,
    "users": 41,
    "users_asleep": 1,
    "messages": 90_210,
    "used": 5_100_200_300,
    "queue": {
        "messages": {"offered": 0, "accepted": 0, "routed": 2, "held": 0},
        "waiting": 2,
        "oldest": 65.2,
        "closed": 0,
    },
    "quarantine": {"virus": 0, "harmful": 0, "attachment": 1, "phishing": 0, "spam": 8},
}


class Health(Door):
    """All checks; operators alone are told of the installation."""

    resource = "health"

    @operation(
        "health_show",
        "Show how the installation stands",
        tag=TAG,
        more="As the console's page of health does, at most ten seconds old; for operators. It may"
        " take three seconds.",
        gives=Gives(HealthShown, {"state": "ok", "at": "2026-11-28T10:00:00Z", "checks": [_CHECK]}),
    )
    def get(self, request: Request) -> Response:
        demand_operator(self.powers)
        return self.shown(_health(report.report()))


def _health(found: Report) -> dict[str, Any]:
    checks = [
        {
            "key": one.key,
            "group": group.name,
            "name": one.name,
            "state": STATES[one.state],
            "sentence": one.words,
            "advice": one.advice,
        }
        for group in found.groups
        for one in group.checks
    ]
    at = datetime.fromtimestamp(found.at, UTC)
    return dict(HealthShown({"state": STATES[found.worst], "at": at, "checks": checks}).data)


class Figures(Door):
    """The installation in numbers."""

    resource = "health"

    @operation(
        "health_figures_show",
        "Show the installation in numbers",
        tag=TAG,
        more="As they are now; for operators.",
        gives=Gives(FiguresShown, _FIGURES),
    )
    def get(self, request: Request) -> Response:
        demand_operator(self.powers)
        return self.shown(dict(FiguresShown(figures.figures()).data))


class Flow(Door):
    """How much mail goes which way."""

    resource = "health"

    @operation(
        "health_flow_show",
        "Show how much mail went which way",
        tag=TAG,
        more="Of all domains in sight, or of one. It is counted in the background, every minute.",
        seeks=FlowSought,
        gives=Gives(
            FlowShown,
            {
                "unit": "recipients",
                "step": 3_600,
                "counted_until": "2026-11-28T10:00:00Z",
                "steps": [_STEP],
            },
        ),
    )
    def get(self, request: Request) -> Response:
        demand(self.powers, Ability.TRACE_MAIL)
        sought = self.sought(FlowSought)
        step, steps = PERIODS[sought["period"]]
        length = step * MICROSECONDS
        since = now_us() // length * length - (steps - 1) * length
        scopes = _scopes(self.powers, sought.get("domain"))
        course = flow.course(scopes, since_us=since, step=step, steps=steps)
        values = {
            "unit": "messages" if scopes == [flow.EVERYTHING] else "recipients",
            "step": step,
            "counted_until": of_us(flow.counted_until()),
            "steps": [_step(since + length * place, one) for place, one in enumerate(course)],
        }
        return self.shown(dict(FlowShown(values).data))


def _scopes(powers: Powers, domain_id: int | None) -> list[int]:
    if domain_id is None:
        return figures.scopes(powers)
    mine = permissions.domains(powers, Ability.TRACE_MAIL)
    with about("?domain", NotFound):
        if not mine.filter(pk=domain_id).exists():
            raise NotFound(f"domain {domain_id}", text="There is no such domain")
    return [domain_id]


def _step(at_us: int, one: Flowed) -> dict[str, Any]:
    return {
        "at": of_us(at_us),
        "half_within": one.within(0.5),
        "most_within": one.within(0.95),
        **{name: getattr(one, name) for name in COUNTS},
    }
