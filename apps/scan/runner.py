"""The runner: asks every check and combines what they say.

A check that fails is logged and named in the verdict; it never stops mail. What checks look up is
looked up for a whole batch; `judge` alone then makes the verdict, so it can be made again.
"""

import json
import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from django.db import InterfaceError, OperationalError

from apps.mime.headers import clean
from apps.scan import points
from apps.scan import standings as wishes
from apps.scan.base import Case, Check, Finding, Given
from apps.scan.checks import CHECKS
from apps.scan.verdict import Standing, Verdict, combine

log = logging.getLogger(__name__)

WORDS_MOST: Final = 500  # characters of one reason
FINDINGS_MOST: Final = 300
"""Of one message: for all its readers, and for each of them. A check has its own bounds; this is
for one that forgot."""
POINTS: Final = (-20.0, 100.0)


def run(cases: Sequence[Case], checks: Sequence[Check] | None = None) -> list[Verdict]:
    """Judge a batch of messages; one verdict for each, in order.

    Never raises for what a check does; what the database does not answer is raised, since without
    it nothing can be delivered either.

    Args:
        checks: None are all.
    """
    if not cases:
        return []
    checks = CHECKS if checks is None else checks
    standings = wishes.of(cases)
    known = points.look_up()
    given: list[dict[str, Given]] = [{points.NAME: known} if known else {} for _ in cases]
    failed: list[list[str]] = [[] for _ in cases]
    for check in checks:
        places = [number for number, case in enumerate(cases) if _may_look(check, case)]
        found = _gather(check, [cases[number] for number in places])
        for place, number in enumerate(places):
            if found[place] is _MISSED:
                failed[number].append(check.name)
            else:
                given[number][check.name] = found[place]
    return [
        judge(case, facts, standing, checks, missed)
        for case, facts, standing, missed in zip(cases, given, standings, failed, strict=True)
    ]


def _may_look(check: Check, case: Case) -> bool:
    """Whether a check may look at a message: at one that a worker died over only those may that do
    not look into it."""
    return not case.unscannable or bool(getattr(check, "takes_unscannable", False))


_MISSED: Final = object()


def _gather(check: Check, cases: Sequence[Case]) -> list[Given]:
    """What a check looks up, as it will be read again later; `_MISSED` where it cannot.

    A message that it fails over must not spare others the check: each is then looked at alone.
    """
    try:
        return _asked(check, cases) if cases else []
    except Exception as error:
        log.exception("a check could not look things up", extra={"check": check.name})
        # A database that is away is no message's fault, and is not asked a hundred times.
        if len(cases) == 1 or isinstance(error, InterfaceError | OperationalError):
            return [_MISSED] * len(cases)
    return [found for case in cases for found in _gather(check, [case])]


def _asked(check: Check, cases: Sequence[Case]) -> list[Given]:
    found = check.gather(cases)
    if len(found) != len(cases):
        raise ValueError(f"{len(found)} answers for {len(cases)} cases")
    # As a verdict that is computed again will see it: a tuple is a list there.
    return [None if one is None else json.loads(json.dumps(one)) for one in found]


def judge(
    case: Case,
    given: Mapping[str, Given],
    standings: Mapping[int, Standing],
    checks: Sequence[Check] | None = None,
    failed: Sequence[str] = (),
) -> Verdict:
    """Make the verdict from what was looked up: the same every time."""
    findings: list[Finding] = []
    missed = list(failed)
    for check in CHECKS if checks is None else checks:
        if check.name not in given:
            continue
        try:
            findings.extend(map(_bounded, check.judge(case, given[check.name])))
        except Exception:
            log.exception(
                "a check failed", extra={"check": check.name, "trace_id": str(case.trace_id)}
            )
            missed.append(check.name)
    findings = _most_important(points.counted(findings, given.get(points.NAME, {})))
    opinions = combine(findings, standings)
    return Verdict(tuple(findings), opinions, dict(standings), dict(given), tuple(missed))


def _bounded(finding: Finding) -> Finding:
    """Words quote strangers, and points come from other programs too."""
    words = clean(finding.words[: 2 * WORDS_MOST])[:WORDS_MOST]
    value: Any = finding.points
    value = min(max(float(value), POINTS[0]), POINTS[1]) if math.isfinite(value) else 0.0
    if words == finding.words and value == finding.points:
        return finding
    return replace(finding, words=words, points=value)


def _most_important(findings: list[Finding]) -> list[Finding]:
    if len(findings) <= FINDINGS_MOST:
        return findings
    kept: Counter[int | None] = Counter()
    chosen = set()
    for one in sorted(findings, key=lambda one: (-one.action, -abs(one.points))):
        kept[one.reader] += 1
        if kept[one.reader] <= FINDINGS_MOST:
            chosen.add(id(one))
    return [one for one in findings if id(one) in chosen]
