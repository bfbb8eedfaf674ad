"""What the findings come to, for each reader. Pure.

One order of precedence (docs/spam.md, decision 0029): what a finding demands; the lists and "off"
of user, domain and server, which `standings` weighs; what the door ruled; points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import fsum
from typing import Any, Final

from apps.scan.base import Action, Finding

ELSEWHERE = 0
"""In the place of a reader: all recipients who are not ours."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one reader wants, once all lists and thresholds of server, domain and user are weighed.

    Args:
        junk, refuse, hold: points from which a message goes to Junk, is refused, or is held (mail
            that is sent from here); None: never.
        allowed, blocked: the entry of a list that decides, in words; "" if none does.
        unproven: an entry that would allow it, and does not count: nothing proves the sender.
        is_off: mail for this reader is not filtered for spam.
        is_role: postmaster or abuse, who refuse nothing as spam (RFC 5321 section 4.5.1, RFC 2142).
        ruled: why the door wants it in Junk (`reception.judging`), "" if it does not.
    """

    junk: float | None = 5.0
    refuse: float | None = 15.0
    hold: float | None = None
    allowed: str = ""
    blocked: str = ""
    unproven: str = ""
    is_off: bool = False
    is_role: bool = False
    ruled: str = ""

    def as_data(self) -> dict[str, Any]:
        """As JSON; what says nothing is left out."""
        return {name: value for name, value in asdict(self).items() if value != _USUAL[name]}


_USUAL: Final = asdict(Standing())


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
        opinions: by user id; under `ELSEWHERE` for those who are not ours, and of mail that a user
            of ours sends for the message as a whole: from QUARANTINE on it is held.
        given: what was looked up, by the name of the check.
        failed: checks that could not be asked.
    """

    findings: tuple[Finding, ...] = ()
    opinions: Mapping[int, Opinion] = field(default_factory=dict)
    standings: Mapping[int, Standing] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    def as_summary(self) -> dict[str, Any]:
        """For the trace, as JSON: what the strictest reader wants. All of it is kept elsewhere."""
        worst = max(
            self.opinions.values(), key=lambda one: (one.action, one.points), default=Opinion()
        )
        return worst.as_data()

    def as_data(self) -> dict[str, Any]:
        """As JSON, without what it was computed from."""
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
        return {str(reader): one.as_data() for reader, one in self.standings.items()}

    def opinion(self, user_id: int | None) -> Opinion:
        """For one reader; for those elsewhere if None."""
        return self.opinions.get(user_id or ELSEWHERE, Opinion())

    def decided_by(self, user_id: int) -> str:
        """What speaks loudest against one reader's copy: their `list`, the `door`, a `rule` that
        demands something, or all the `points` together."""
        why, standing = self.opinion(user_id).why, self.standings.get(user_id, Standing())
        if why and why == standing.blocked:
            return "list"
        if why and why == standing.ruled:
            return "door"
        is_demanded = any(
            one.action is not Action.NONE and one.words == why for one in self.findings
        )
        return "rule" if is_demanded else "points"

    def standing(self, user_id: int | None) -> Standing:
        """What one reader wants, or those elsewhere if None."""
        return self.standings.get(user_id or ELSEWHERE, Standing())

    def findings_of(self, user_id: int | None) -> list[Finding]:
        """What was found for all, and for one reader, or for those elsewhere if None."""
        return [one for one in self.findings if one.reader in {None, user_id or ELSEWHERE}]


POSITIVE_MOST: Final = 8.0
"""Points that all findings of one kind count together, unless one of them alone has more: no one
kind of reason gets a message refused."""
NEGATIVE_MOST: Final = -6.0
"""The same for what speaks for a message."""
NEGATIVE_SUM: Final = -10.0
"""What all that speaks for it counts together: it must not drown what is certain."""
REASONS: Final = 3

CARELESS: Final = frozenset(
    {
        *("AUTH_NOTHING", "CLIENT_DOUBTFUL", "FROM_NONE", "FROM_NO_NAME"),
        *("HEADER_NONE", "HEADER_NO_DATE", "HEADER_NO_ID", "HEADER_NO_TO"),
        *("BODY_EMPTY", "BODY_HTML_ALONE", "BODY_ONLY_LINK"),
    }
)
"""Rules about what a message lacks. Spam lacks much, and so does what devices and scripts write."""
CARELESS_MOST: Final = 4.0
"""Points of these together: to lack everything is no reason for Junk yet."""


def kind_of(rule: str) -> str:
    """What findings are counted together by: the first word of the rule's name; CARELESS for those
    about what a message lacks."""
    return "CARELESS" if rule in CARELESS else rule.partition("_")[0]


def weigh(findings: Sequence[Finding]) -> tuple[float, dict[str, float]]:
    """The points of findings together, and what each kind of them counts where that is less than
    its sum."""
    kinds: dict[str, tuple[list[float], list[float]]] = {}
    for one in findings:
        pair = kinds.setdefault(kind_of(one.rule), ([], []))
        pair[one.points < 0].append(one.points)
    bounded: dict[str, float] = {}
    positive, negative = [0.0], [0.0]
    for kind, (more, less) in kinds.items():
        most = CARELESS_MOST if kind == "CARELESS" else POSITIVE_MOST
        up = min(fsum(more), max(most, *more, 0.0))
        down = max(fsum(less), min(NEGATIVE_MOST, *less, 0.0))
        if up + down != fsum(more) + fsum(less):
            bounded[kind] = round(up + down, 3)
        positive.append(up)
        negative.append(down)
    return round(fsum(positive) + max(fsum(negative), NEGATIVE_SUM), 3), bounded


def combine(findings: Sequence[Finding], standings: Mapping[int, Standing]) -> dict[int, Opinion]:
    """One opinion for each reader."""
    shared = [one for one in findings if one.reader is None]
    own: dict[int, list[Finding]] = {}
    for one in findings:
        if one.reader is not None:
            own.setdefault(one.reader, []).append(one)
    return {
        reader: _opinion([*shared, *own.get(reader, ())], standing)
        for reader, standing in standings.items()
    }


def _opinion(findings: Sequence[Finding], standing: Standing) -> Opinion:
    points, _ = weigh(findings)
    demanding = max(findings, key=lambda one: one.action, default=None)
    if demanding is not None and demanding.action > Action.JUNK:
        is_harmful = demanding.action >= Action.QUARANTINE
        return Opinion(points, demanding.action, demanding.words, is_harmful)
    action, why = _as_spam(findings, standing, points)
    if action is Action.REFUSE and standing.is_role:
        action = Action.JUNK
    if demanding is not None and demanding.action > action:
        action, why = demanding.action, demanding.words
    return Opinion(points, action, why)


def _as_spam(findings: Sequence[Finding], standing: Standing, points: float) -> tuple[Action, str]:
    """Lists, then the door, then points."""
    if standing.allowed:
        return Action.NONE, standing.allowed
    if standing.blocked:
        return Action.REFUSE, standing.blocked
    if standing.is_off:
        return Action.NONE, ""
    if standing.hold is not None and points >= standing.hold:
        return Action.QUARANTINE, _reasons(findings)
    if standing.refuse is not None and points >= standing.refuse:
        return Action.REFUSE, _reasons(findings)
    if standing.ruled:
        return Action.JUNK, standing.ruled
    if standing.junk is not None and points >= standing.junk:
        return Action.JUNK, _reasons(findings)
    return Action.NONE, ""


def _reasons(findings: Sequence[Finding]) -> str:
    """What weighs most, in words."""
    worst = sorted((one for one in findings if one.points > 0), key=lambda one: -one.points)
    return "; ".join(one.words for one in worst[:REASONS])
