"""The runner combines, and never lets a check stop mail."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar
from uuid import uuid4

import pytest
from django.db import OperationalError

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


class Miscounts(Says):
    """A check that gives too few answers."""

    name: ClassVar[str] = "miscounts"

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        return []


class Sealed(Says):
    """A check that does not look into messages."""

    name: ClassVar[str] = "sealed"
    takes_unscannable = True


def test_it_goes_on_when_a_check_does_not_answer_for_all() -> None:
    found = run([CASE, CASE], [Miscounts(), Says(Finding("CHEAP", 6, "it offers watches"))])
    assert [one.failed for one in found] == [("miscounts",)] * 2
    assert [one.opinion(7).action for one in found] == [Action.JUNK] * 2


class Stumbles(Says):
    """A check that fails over one message."""

    name: ClassVar[str] = "stumbles"

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        if any(b"poison" in case.raw for case in cases):
            raise ValueError("poison")
        return super().gather(cases)


class Away(Says):
    """A check whose database is away."""

    name: ClassVar[str] = "away"
    asked = 0

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        self.asked += 1
        raise OperationalError("gone")


def test_it_spares_no_message_a_check_that_fails_over_another() -> None:
    poison = replace(CASE, raw=b"Subject: poison\r\n\r\n")
    found = run([CASE, poison, CASE], [Stumbles(Finding("VIRUS", 0, "x", action=Action.REFUSE))])
    assert [one.failed for one in found] == [(), ("stumbles",), ()]
    assert [len(one.findings) for one in found] == [1, 0, 1]


def test_it_asks_a_database_that_is_away_once() -> None:
    away = Away()
    found = run([CASE, CASE], [away])
    assert [one.failed for one in found] == [("away",)] * 2
    assert away.asked == 1


def test_it_lets_nothing_look_into_what_a_worker_died_over() -> None:
    bomb = replace(CASE, unscannable="a worker died over it")
    sealed = Sealed(Finding("UNSCANNABLE", 0, "nobody can look into it", action=Action.QUARANTINE))
    cheap = Finding("CHEAP", 20, "it offers watches")
    first, second = run([bomb, CASE], [Says(cheap), sealed])
    assert [one.rule for one in first.findings] == ["UNSCANNABLE"]
    assert [one.rule for one in second.findings] == ["CHEAP", "UNSCANNABLE"]
    assert first.given.keys() == {"sealed"}


@pytest.mark.parametrize(
    ("points", "counted"), [(float("nan"), 0), (float("inf"), 0), (1e9, 100), (-1e9, -20)]
)
def test_it_bounds_points_and_words(points: float, counted: float) -> None:
    said = Finding("X", points, "a\r\n\0b" + "c" * 10_000)
    (verdict,) = run([CASE], [Says(said)])
    assert verdict.findings[0].points == counted
    assert verdict.findings[0].words == "ab" + "c" * 498


def test_it_keeps_what_matters_of_too_many_findings() -> None:
    many = [Finding(f"A{number}", number / 1000, "words") for number in range(500)]
    virus = Finding("VIRUS", 0, "it has a virus", action=Action.REFUSE)
    (verdict,) = run([CASE], [Says(*many, virus)])
    assert len(verdict.findings) == 300
    assert virus in verdict.findings
    assert verdict.findings[0].rule == "A201"


def test_it_forgets_no_reader_of_many() -> None:
    own = [Finding("BAYES_SPAM", 6.0, "it is like spam", reader=number) for number in range(1, 501)]
    (verdict,) = run([CASE], [Says(*own)])
    assert {one.reader for one in verdict.findings} == set(range(1, 501))


def test_it_judges_nothing_for_nothing() -> None:
    assert run([]) == []
