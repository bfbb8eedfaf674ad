"""What the findings come to, for each reader. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.scan.base import Action, Case, Finding

ELSEWHERE = 0
"""In the place of a reader: all recipients who are not ours."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one reader wants, once all lists and thresholds of server, domain and user are weighed.

    Args:
        junk, refuse: points from which a message goes to Junk, or is refused; None: never.
        allowed, blocked: the entry of a list that decides, in words; "" if none does.
        is_off: mail for this reader is not filtered for spam.
    """

    junk: float | None = 5.0
    refuse: float | None = 15.0
    allowed: str = ""
    blocked: str = ""
    is_off: bool = False


@dataclass(frozen=True, slots=True)
class Opinion:
    """What becomes of one reader's copy, and why, in one sentence without a full stop."""

    points: float = 0.0
    action: Action = Action.NONE
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that was found, and what it comes to.

    Args:
        opinions: by user id; under `ELSEWHERE` for those who are not ours.
        given: what was looked up, by the name of the check.
        failed: checks that could not be asked.
    """

    findings: tuple[Finding, ...] = ()
    opinions: Mapping[int, Opinion] = field(default_factory=dict)
    standings: Mapping[int, Standing] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """For the trace, as JSON."""
        return {
            "findings": [one.as_data() for one in self.findings],
            "opinions": {
                str(reader): {
                    "points": one.points,
                    "action": one.action.name.lower(),
                    **({"why": one.why} if one.why else {}),
                }
                for reader, one in self.opinions.items()
            },
            **({"failed": list(self.failed)} if self.failed else {}),
        }

    def opinion(self, user_id: int | None) -> Opinion:
        """For one reader; for those elsewhere if None."""
        return self.opinions.get(user_id or ELSEWHERE, Opinion())


def combine(
    case: Case, findings: Sequence[Finding], standings: Mapping[int, Standing]
) -> dict[int, Opinion]:
    """Points add up; the hardest action wins."""
    return {
        reader: _opinion([one for one in findings if one.reader in {None, reader}], standing)
        for reader, standing in standings.items()
    }


def _opinion(findings: Sequence[Finding], standing: Standing) -> Opinion:
    points = round(sum(one.points for one in findings), 3)
    demanding = max(findings, key=lambda one: one.action, default=None)
    if demanding is not None and demanding.action > Action.JUNK:
        return Opinion(points, demanding.action, demanding.words)
    if standing.is_off:
        return Opinion(points)
    why = "; ".join(one.words for one in sorted(findings, key=lambda one: -one.points)[:3])
    if standing.refuse is not None and points >= standing.refuse:
        return Opinion(points, Action.REFUSE, why)
    if standing.junk is not None and points >= standing.junk:
        return Opinion(points, Action.JUNK, why)
    return Opinion(points)
