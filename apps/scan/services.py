"""The runner: asks every check and combines what they say.

A check that fails says nothing and is logged; it never stops mail. With no check registered, every
message passes, and its trace says so.
"""

import logging
from collections.abc import Sequence

from apps.scan.base import Action, Check, Finding, Subject, Verdict

log = logging.getLogger(__name__)

CHECKS: tuple[Check, ...] = ()


def run(subject: Subject, checks: Sequence[Check] = CHECKS) -> Verdict:
    """Judge a message: points add up, the hardest action wins."""
    findings = [found for check in checks if (found := _ask(check, subject)) is not None]
    if not findings:
        return Verdict()
    return Verdict(
        action=max((finding.action for finding in findings), default=Action.NONE),
        points=sum(finding.points for finding in findings),
        findings=tuple(findings),
    )


def _ask(check: Check, subject: Subject) -> Finding | None:
    try:
        return check(subject)
    except Exception:
        log.exception("a check failed", extra={"check": getattr(check, "__name__", "?")})
        return None
