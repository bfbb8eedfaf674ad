"""The runner combines and never lets a check stop mail."""

import pytest

from apps.scan.base import Action, Finding, Subject
from apps.scan.services import run

SUBJECT = Subject(
    raw=b"Subject: x\r\n\r\n", sender="", recipients=("alice@example.test",), door="mx"
)


def test_it_passes_everything_without_checks() -> None:
    verdict = run(SUBJECT)
    assert verdict.action is Action.NONE
    assert verdict.as_data() == {"action": "none", "points": 0.0, "findings": []}


def test_it_adds_points_and_takes_the_hardest_action() -> None:
    def cheap(_: Subject) -> Finding:
        return Finding("cheap", Action.JUNK, 2.5, "offers watches")

    def forged(_: Subject) -> Finding:
        return Finding("forged", Action.REJECT, 4.0, "the sender is not who it says")

    verdict = run(SUBJECT, [cheap, lambda _: None, forged])
    assert verdict.action is Action.REJECT
    assert verdict.points == pytest.approx(6.5)
    assert [finding.check for finding in verdict.findings] == ["cheap", "forged"]


def test_it_goes_on_when_a_check_fails() -> None:
    def broken(_: Subject) -> Finding:
        raise ValueError("no such codec")

    assert run(SUBJECT, [broken]).action is Action.NONE
