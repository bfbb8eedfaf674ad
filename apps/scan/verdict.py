"""What the findings come to, for each reader. Pure.

One order of precedence (docs/spam.md, decision 0029): what a finding demands; the lists and `off`
of the reader, the domain, the server; what the door ruled; points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from apps.scan.base import Action, Case, Finding

ELSEWHERE = 0
"""In the place of a reader: all recipients who are not ours."""

SENDER = -1
"""In the place of a reader: the user of ours who sends it; from QUARANTINE on it is held."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one reader wants, once all lists and thresholds of server, domain and user are weighed.

    Args:
        junk, refuse: points from which a message goes to Junk, or is refused; None: never. For
            `SENDER`, `refuse` is from where it is held.
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
    """What becomes of one reader's copy, and why, in one sentence without a full stop.

    Args:
        is_harmful: a virus or what a policy forbids asks for it, not spam.
    """

    points: float = 0.0
    action: Action = Action.NONE
    why: str = ""
    is_harmful: bool = False

    @property
    def later(self) -> Action:
        """What is done where nobody waits for an answer, or others take the message."""
        if self.action is not Action.REFUSE:
            return self.action
        return Action.QUARANTINE if self.is_harmful else Action.JUNK

    def as_data(self) -> dict[str, Any]:
        """As JSON; what says nothing is left out."""
        return {
            "points": self.points,
            "action": self.action.name.lower(),
            **({"why": self.why} if self.why else {}),
            **({"harmful": True} if self.is_harmful else {}),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Opinion":
        """Read what `as_data` made."""
        return cls(
            data["points"],
            Action[data["action"].upper()],
            data.get("why", ""),
            data.get("harmful", False),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that was found, and what it comes to.

    Args:
        opinions: by user id; under `ELSEWHERE` for those who are not ours; under `SENDER` for
            the message as a whole, if a user of ours sends it.
        given: what was looked up, by the name of the check.
        failed: checks that could not be asked.
    """

    findings: tuple[Finding, ...] = ()
    opinions: Mapping[int, Opinion] = field(default_factory=dict)
    standings: Mapping[int, Standing] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """For the trace, as JSON: without what it was computed from."""
        return {
            "findings": [one.as_data() for one in self.findings],
            "opinions": {str(reader): one.as_data() for reader, one in self.opinions.items()},
            **({"failed": list(self.failed)} if self.failed else {}),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Verdict":
        """Read what `as_data` made, with or without `standings` and `given`."""
        return cls(
            tuple(Finding.from_data(one) for one in data["findings"]),
            {int(reader): Opinion.from_data(one) for reader, one in data["opinions"].items()},
            {int(reader): Standing(**one) for reader, one in data.get("standings", {}).items()},
            data.get("given", {}),
            tuple(data.get("failed", ())),
        )

    def standings_data(self) -> dict[str, Any]:
        """The standings as JSON; `from_data` reads it."""
        return {str(reader): asdict(one) for reader, one in self.standings.items()}

    def opinion(self, user_id: int | None) -> Opinion:
        """For one reader; for those elsewhere if None."""
        return self.opinions.get(user_id or ELSEWHERE, Opinion())

    @property
    def hold(self) -> Opinion | None:
        """Why a message that a user of ours sends is not to leave; None if it may."""
        found = self.opinions.get(SENDER)
        return found if found is not None and found.action >= Action.DEFER else None


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
        is_harmful = demanding.action >= Action.QUARANTINE
        return Opinion(points, demanding.action, demanding.words, is_harmful)
    if standing.is_off:
        return Opinion(points)
    why = "; ".join(one.words for one in sorted(findings, key=lambda one: -one.points)[:3])
    if standing.refuse is not None and points >= standing.refuse:
        return Opinion(points, Action.REFUSE, why)
    if standing.junk is not None and points >= standing.junk:
        return Opinion(points, Action.JUNK, why)
    return Opinion(points)
