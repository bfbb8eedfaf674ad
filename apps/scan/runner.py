"""The runner: asks every check and combines what they say.

A check that fails is logged and named in the verdict; it never stops mail. What checks look up is
looked up for a whole batch; `judge` alone then makes the verdict, so it can be made again.
"""

import logging
from collections.abc import Mapping, Sequence

from apps.scan.base import Case, Check, Finding, Given
from apps.scan.checks import CHECKS
from apps.scan.verdict import ELSEWHERE, Standing, Verdict, combine

log = logging.getLogger(__name__)


def run(cases: Sequence[Case], checks: Sequence[Check] = CHECKS) -> list[Verdict]:
    """Judge a batch of messages; one verdict for each, in order. Never raises."""
    failed: list[str] = []
    given: dict[str, Sequence[Given]] = {}
    for check in checks:
        try:
            given[check.name] = check.gather(cases)
        except Exception:
            log.exception("a check could not look things up", extra={"check": check.name})
            failed.append(check.name)
    return [
        judge(
            case,
            {name: found[number] for name, found in given.items()},
            _standings(case),
            checks,
            failed,
        )
        for number, case in enumerate(cases)
    ]


def judge(
    case: Case,
    given: Mapping[str, Given],
    standings: Mapping[int, Standing],
    checks: Sequence[Check] = CHECKS,
    failed: Sequence[str] = (),
) -> Verdict:
    """Make the verdict from what was looked up: the same every time."""
    findings: list[Finding] = []
    missed = list(failed)
    for check in checks:
        if check.name not in given:
            continue
        try:
            findings.extend(check.judge(case, given[check.name]))
        except Exception:
            log.exception("a check failed", extra={"check": check.name})
            missed.append(check.name)
    opinions = combine(case, findings, standings)
    return Verdict(tuple(findings), opinions, dict(standings), dict(given), tuple(missed))


def _standings(case: Case) -> dict[int, Standing]:
    readers = {reader.user_id: Standing() for reader in case.readers}
    return readers if len(readers) == len(case.recipients) else {**readers, ELSEWHERE: Standing()}
