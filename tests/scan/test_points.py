"""What rules count here: set, kept with the verdict, and never a way to switch a virus off."""

import pytest

from apps.directory.models import User
from apps.scan import points, record, replay, runner
from apps.scan.base import Action, Finding
from apps.scan.catalogue import RULES
from apps.scan.checks import CHECKS as REGISTERED
from apps.scan.models import RulePoints
from apps.scan.services import rulepoints
from apps.wire.errors import InvalidName, LimitReached, NotFound
from tests.provisioning.management.judged import Told
from tests.scan.cases import case, reader

pytestmark = pytest.mark.django_db

CHECKS = (Told(),)


def find(*findings: Finding) -> list[float]:
    Told.findings = [one.as_data() for one in findings]
    return [one.points for one in runner.run([case()], CHECKS)[0].findings]


def test_a_rule_counts_what_is_set() -> None:
    money = Finding("GTUBE", 100, "it asks for it")
    assert find(money) == [100]
    rulepoints.set_points("GTUBE", 3.5)
    assert find(money) == [3.5]
    rulepoints.unset("GTUBE")
    assert find(money) == [100]


def test_of_a_rule_whose_points_vary_it_is_the_most() -> None:
    rulepoints.set_points("BAYES_SPAM", 3)
    rulepoints.set_points("BAYES_HAM", -2)
    spam = [Finding("BAYES_SPAM", number, "words") for number in (1, 6)]
    ham = [Finding("BAYES_HAM", number, "words") for number in (-1, -4)]
    assert find(*spam, *ham) == [1, 3, -1, -2]


def test_rules_of_others_may_be_set_one_by_one() -> None:
    rulepoints.set_points("RSPAMD_FUZZY", 0)
    assert find(Finding("RSPAMD_FUZZY", 4, "words"), Finding("RSPAMD_X", 4, "words")) == [0, 4]
    rulepoints.set_points("RSPAMD_*", 1)
    assert find(Finding("RSPAMD_FUZZY", 4, "words"), Finding("RSPAMD_X", 4, "words")) == [0, 1]


def test_what_a_rule_demands_stays() -> None:
    rulepoints.set_points("VIRUS_EICAR", 0)
    virus = Finding("VIRUS_EICAR", 20, "it has a virus", action=Action.REFUSE)
    Told.findings = [virus.as_data()]
    (verdict,) = runner.run([case(recipients=("x@elsewhere.test",))], CHECKS)
    assert verdict.opinion(None).action is Action.REFUSE


def test_a_verdict_is_computed_again_with_what_was_set_then(alice: User) -> None:
    rulepoints.set_points("GTUBE", 1 / 3)
    Told.findings = [Finding("GTUBE", 100, "it asks for it").as_data()]
    one = case(reader(alice))
    (verdict,) = runner.run([one], CHECKS)
    rulepoints.set_points("GTUBE", 7)
    kept = record.unpack(record.pack(record.record_of(one, verdict)))
    assert replay.again(kept, one.raw, checks=CHECKS) == verdict
    assert verdict.opinion(alice.pk).points == 0.333


@pytest.mark.parametrize("number", [-21, 101, float("nan"), float("inf")])
def test_points_are_bounded(number: float) -> None:
    with pytest.raises(InvalidName):
        rulepoints.set_points("GTUBE", number)


def test_only_rules_that_there_are_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for act in (lambda: rulepoints.set_points("NONE_SUCH", 1), lambda: rulepoints.unset("GTUBE")):
        with pytest.raises(NotFound):
            act()
    monkeypatch.setattr(rulepoints, "MOST", 1)
    rulepoints.set_points("RSPAMD_A", 1)
    rulepoints.set_points("RSPAMD_A", 2)
    with pytest.raises(LimitReached):
        rulepoints.set_points("RSPAMD_B", 1)
    assert RulePoints.objects.get().points == 2


def test_no_rule_is_named_like_what_is_kept_beside_checks() -> None:
    assert all(check.name != points.NAME for check in REGISTERED)
    assert all(rule.name == rule.name.upper() for rule in RULES)
