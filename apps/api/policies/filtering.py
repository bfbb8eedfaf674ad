"""The filter: from how many points on what is done, and what its rules count."""

from contextlib import nullcontext
from typing import Any, Final

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.doors import Door
from apps.api.operations import Gives, Sends, operation
from apps.api.policies.forms import (
    FilterChange,
    FilterRuleForm,
    FilterRuleShown,
    FilterRulesShown,
    FilterShown,
)
from apps.api.problems import about
from apps.provisioning.administration import policies
from apps.scan import queries
from apps.scan.models import Threshold
from apps.scan.models.policies import NEVER
from apps.scan.scopes import Scope
from apps.scan.services.thresholds import UNSET, Change, Points
from apps.scan.standings import Limits
from apps.wire.errors import NotFound, NotPermitted

TAG: Final = "Policies"
_POINTS: Final = ("junk", "refuse", "hold")
_COUNTS: Final = {"junk": 6.0, "refuse": 15.0, "hold": 0.0, "is_filtered": True}
_EXAMPLE: Final = {
    "junk": 6.0,
    "refuse": None,
    "hold": None,
    "is_filtered": None,
    "counts": _COUNTS,
}
_GIVES: Final = Gives(FilterShown, _EXAMPLE)
_SENDS: Final = Sends(FilterChange, {"junk": 6.0, "refuse": None})
_RULE: Final = {
    "rule": "BAYES_SPAM",
    "points": 3.5,
    "usual": "2 to 4",
    "means": "Its words are those of spam",
}


def shown(scope: Scope) -> dict[str, Any]:
    """What is set in a scope, and what counts there."""
    values = {**_told(queries.limits(scope)), "counts": _told(queries.counting(scope))}
    return dict(FilterShown(values).data)


def _told(limits: Limits) -> dict[str, Any]:
    points = {name: _point(getattr(limits, name)) for name in _POINTS}
    return {**points, "is_filtered": None if limits.is_off is None else not limits.is_off}


def _point(value: float | None) -> float | None:
    return 0.0 if value is not None and value >= NEVER else value


class _Filter(Door):
    """What the doors to the three scopes have in common."""

    resource = "policies"
    matches = frozenset({"PATCH"})

    def told(self, **where: int) -> Response:
        return self.shown(shown(policies.seen_scope(self.powers, **where)))

    def changed(self, **where: int) -> Response:
        scope = policies.seen_scope(self.powers, **where)
        policies.scope_of(self.powers, **where)
        asked = self.asked(FilterChange, partial=True).validated_data
        with transaction.atomic():
            rows = Threshold.objects.filter(scope=scope.text)
            self.demand_unchanged(rows, lambda: shown(scope))
            if asked:
                # What protects everybody else's deliveries is set by whoever sets limits.
                with about("/hold", NotPermitted) if "hold" in asked else nullcontext():
                    policies.set_thresholds(powers=self.powers, wanted=_change(asked), **where)
            return self.shown(shown(scope))


def _change(asked: dict[str, Any]) -> Change:
    wanted = asked.get("is_filtered")
    is_off = UNSET if wanted is None else not wanted
    return Change(
        junk=_points(asked, "junk"),
        refuse=_points(asked, "refuse"),
        hold=_points(asked, "hold"),
        is_off=is_off if "is_filtered" in asked else None,
    )


def _points(asked: dict[str, Any], name: str) -> Points:
    """As the service takes them: None for what is not sent."""
    if name not in asked:
        return None
    value: float | None = asked[name]
    return UNSET if value is None else value or NEVER


class Filter(_Filter):
    """Of the whole installation."""

    @operation(
        "policies_filter_show", "Show what the filter does in all domains", tag=TAG, gives=_GIVES
    )
    def get(self, request: Request) -> Response:
        return self.told()

    @operation(
        "policies_filter_change",
        "Say what the filter does in all domains",
        tag=TAG,
        more="Operators do that.",
        sends=_SENDS,
        gives=_GIVES,
    )
    def patch(self, request: Request) -> Response:
        return self.changed()


class DomainFilter(_Filter):
    """Of a domain."""

    @operation(
        "policies_domain_filter_show",
        "Show what the filter does in a domain",
        tag=TAG,
        gives=_GIVES,
    )
    def get(self, request: Request, domain_id: int) -> Response:
        return self.told(domain_id=domain_id)

    @operation(
        "policies_domain_filter_change",
        "Say what the filter does in a domain",
        tag=TAG,
        sends=_SENDS,
        gives=_GIVES,
    )
    def patch(self, request: Request, domain_id: int) -> Response:
        return self.changed(domain_id=domain_id)


class UserFilter(_Filter):
    """Of a user."""

    @operation(
        "policies_user_filter_show",
        "Show what the filter does for a user",
        tag=TAG,
        gives=_GIVES,
    )
    def get(self, request: Request, user_id: int) -> Response:
        return self.told(user_id=user_id)

    @operation(
        "policies_user_filter_change",
        "Say what the filter does for a user",
        tag=TAG,
        sends=_SENDS,
        gives=_GIVES,
    )
    def patch(self, request: Request, user_id: int) -> Response:
        return self.changed(user_id=user_id)


class Rules(Door):
    """What all rules count."""

    resource = "policies"

    @operation(
        "policies_rules_list",
        "List what the filter's rules count",
        tag=TAG,
        more="For operators. All of them: some hundred.",
        gives=Gives(FilterRulesShown, {"items": [_RULE]}),
    )
    def get(self, request: Request) -> Response:
        policies.demand_operator(self.powers)
        return self.shown(dict(FilterRulesShown({"items": queries.rule_points()}).data))


class OneRule(Door):
    """What a rule counts."""

    resource = "policies"

    @operation(
        "policies_rules_set",
        "Let a rule of the filter count something else than is usual",
        tag=TAG,
        more="Operators do that. What it demands whatever its points are stays.",
        sends=Sends(FilterRuleForm, {"points": 3.5}),
        gives=Gives(FilterRuleShown, _RULE),
    )
    def put(self, request: Request, rule: str) -> Response:
        policies.demand_operator(self.powers)
        points = self.asked(FilterRuleForm).validated_data["points"]
        policies.set_points(powers=self.powers, rule=_named(rule), points=points)
        found = next(one for one in queries.rule_points() if one.rule == rule)
        return self.shown(dict(FilterRuleShown(found).data))

    @operation(
        "policies_rules_unset",
        "Let a rule of the filter count what is usual",
        tag=TAG,
    )
    def delete(self, request: Request, rule: str) -> Response:
        policies.set_points(powers=self.powers, rule=_named(rule), points=None)
        return self.gone()


def _named(rule: str) -> str:
    """A name that a statement can carry."""
    if not rule.isascii() or not rule.isprintable():
        raise NotFound("rule", text="There is no such rule")
    return rule
