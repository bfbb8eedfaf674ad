"""The runner combines, and never lets a check stop mail."""

from collections.abc import Sequence
from typing import ClassVar
from uuid import uuid4

import pytest

from apps.scan.base import Action, Case, Finding, Given, Reader
from apps.scan.runner import run

pytestmark = pytest.mark.django_db

ALICE = Reader(7, "alice@example.test", "alice@example.test", "example.test", 1)
CASE = Case(
    id=uuid4(),
    trace_id=uuid4(),
    raw=b"Subject: x\r\n\r\n",
    sender="",
    recipients=("alice@example.test",),
    readers=(ALICE,),
    door="mx",
    received_at_us=0,
)


class Says:
    """A check that finds what it is told."""

    name: ClassVar[str] = "says"

    def __init__(self, *findings: Finding) -> None:
        self._findings = findings

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        return [None for _ in cases]

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        return self._findings


class Fails(Says):
    """A check that cannot."""

    name: ClassVar[str] = "fails"

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        raise ValueError("no such codec")


def test_it_passes_everything_without_checks() -> None:
    (verdict,) = run([CASE], ())
    assert verdict.opinion(7).action is Action.NONE
    assert verdict.findings == ()


def test_it_adds_points_and_takes_the_hardest_action() -> None:
    cheap = Finding("CHEAP", 4.5, "it offers watches")
    forged = Finding("FORGED", 4.0, "the sender is not who it says")
    (verdict,) = run([CASE], [Says(cheap, forged)])
    opinion = verdict.opinion(7)
    assert opinion.points == pytest.approx(8.5)
    assert opinion.action is Action.JUNK
    assert opinion.why == "it offers watches; the sender is not who it says"


def test_it_goes_on_when_a_check_fails() -> None:
    (verdict,) = run([CASE], [Fails(), Says(Finding("CHEAP", 6, "it offers watches"))])
    assert verdict.failed == ("fails",)
    assert verdict.opinion(7).action is Action.JUNK
