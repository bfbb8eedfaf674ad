"""A verdict that was kept is computed again: exactly, whatever was looked up."""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import given as supposing
from hypothesis import settings
from hypothesis import strategies as st

from apps.directory.models import User
from apps.scan import queries, record, replay, runner
from apps.scan.base import Action, Case, Check, Finding, Given
from apps.scan.models import Verb
from apps.scan.scopes import Scope
from apps.scan.services import lists, verdicts
from apps.scan.verdict import Standing
from tests.scan.cases import case, reader

SOURCE = UUID(int=9)


class LooksUp:
    """A check that finds what it was told, and shows the form it has."""

    name: ClassVar[str] = "looks-up"

    def __init__(self, *answers: Any) -> None:
        self._answers = answers

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        return [self._answers[number % len(self._answers)] for number, _ in enumerate(cases)]

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        if given is None:
            return []
        words = f"{given!r} in {len(case.raw)} octets of {case.letter.author.address}"
        points = [one for one in given if isinstance(one, float)]
        return [Finding("LOOKED_UP", sum(points), words), Finding("THIRD", 1 / 3, words)]


class Fails(LooksUp):
    """A check that cannot look things up."""

    name: ClassVar[str] = "fails"

    def gather(self, cases: Sequence[Case]) -> Sequence[Given]:
        raise OSError("nobody answers")


class Stumbles(LooksUp):
    """A check that fails when it shall judge."""

    name: ClassVar[str] = "stumbles"

    def judge(self, case: Case, given: Given) -> Sequence[Finding]:
        raise ValueError("what is this?")


CHECKS: tuple[Check, ...] = (
    Fails(None),
    LooksUp([0.1, 0.2, 0.7], (1, ("a", {"b": ()})), None, {"x": "\ud800\u202e", "y": 1e300}),
    Stumbles([]),
)


@pytest.mark.django_db
def test_a_kept_verdict_is_computed_again_exactly(alice: User, bob: User) -> None:
    lists.add(Verb.BLOCK, "friend.test", Scope(user_id=bob.pk))
    cases = [case(reader(alice), reader(bob)) for _ in range(8)]
    judged = runner.run(cases, CHECKS)
    verdicts.keep(
        [
            (verdicts.prepare(one, verdict, blob_id=SOURCE), [])
            for one, verdict in zip(cases, judged, strict=True)
        ]
    )
    lists.remove("friend.test", Scope(user_id=bob.pk))  # what readers wanted then is kept, too
    for one, verdict in zip(cases, judged, strict=True):
        kept = queries.of_id(one.id)
        assert kept is not None
        assert kept.record.verdict == verdict
        assert replay.again(kept.record, one.raw, checks=CHECKS) == verdict
        assert verdict.failed == ("fails", "stumbles")
        assert verdict.opinion(bob.pk).action is Action.REFUSE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)


@settings(max_examples=40)
@supposing(answer=st.lists(JSON), points=st.floats())
def test_no_number_and_no_word_is_lost(answer: list[Any], points: float) -> None:
    class Says(LooksUp):
        def judge(self, case: Case, given: Given) -> Sequence[Finding]:
            return [Finding("SAYS", points, repr(given), reader=7)]

    one = case()
    (gathered,) = runner._gather(Says(answer), [one]) or [None]
    standings = {7: Standing(junk=points)}
    verdict = runner.judge(one, {"looks-up": gathered}, standings, [Says()])
    kept = record.unpack(record.pack(record.record_of(one, verdict)))
    again = replay.again(kept, one.raw, checks=[Says()])
    assert again.findings == verdict.findings
    assert again.opinions == verdict.opinions
