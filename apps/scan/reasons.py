"""Why a copy was set aside, for administrators: each rule with its points, and what it adds up to;
and what our doors found out about its sender. Pure.

That a sender is in somebody's address book is that person's own matter: of a rule that knows of it
is told what it means in general, and not what was seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from apps.mailauth import reading
from apps.mime.headers import printable, scan
from apps.scan.base import Finding
from apps.scan.catalogue import RULES
from apps.scan.history import rules as history

MOST: Final = 200
METHODS: Final = {"spf": "SPF", "dkim": "DKIM", "dmarc": "DMARC", "arc": "ARC"}
_OF_THE_READER: Final = frozenset({history.KNOWN_CORRESPONDENT.name, history.KNOWN_UNPROVEN.name})
_MEANS: Final = {rule.name: rule.means for rule in RULES}
_LOOKS: Final = {"pass": "ok", "fail": "bad", "softfail": "warn", "temperror": "warn"}


@dataclass(frozen=True, slots=True)
class Counted:
    """One rule that counted: `total` is the sum so far, where that is told; `demands` says that it
    asks for more than points do."""

    rule: str
    words: str
    points: float
    total: float = 0.0
    demands: bool = False

    @property
    def sign(self) -> str:
        """The points as people write them."""
        return signed(self.points)


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found out about who sent it: `SPF pass, example.org`; `look` is ok, bad, warn or
    neutral."""

    method: str
    result: str
    named: str
    look: str


def signed(points: float) -> str:
    """Points as people write them, with their sign."""
    return f"{points:+.1f}".replace("-", "\u2212")


def reasons(findings: Sequence[Finding]) -> tuple[Counted, ...]:
    """What counted, the gravest first; what asks for more than points stands on top."""
    told: list[Counted] = []
    total = 0.0
    for one in sorted(findings, key=lambda one: (-one.action, -one.points))[:MOST]:
        if not one.points and not one.action:
            continue
        total += one.points
        told.append(Counted(one.rule, _words(one), one.points, total, one.action > 0))
    return tuple(told)


def proofs(prefix: bytes) -> tuple[Proof, ...]:
    """The results in the Authentication-Results that we wrote; a stranger's are in the message, and
    read by nobody."""
    value = scan(prefix).first(b"authentication-results") if prefix else None
    found = reading.read(value) if value is not None else None
    return () if found is None else tuple(_proofs(found.results))


def _proofs(results: Sequence[reading.Finding]) -> Iterator[Proof]:
    for one in results:
        if one.method not in METHODS:
            continue
        named = one.get("header", "d") or one.get("header", "from") or one.get("smtp", "mailfrom")
        yield Proof(
            METHODS[one.method],
            one.result,
            printable(reading.domain_of(named) or named[:200]),
            _LOOKS.get(one.result, "neutral"),
        )


def sentence(words: str) -> str:
    """Words of a finding as a sentence begins. A name that stands first stays as it is: another
    letter makes another file or host of it."""
    first = words.partition(" ")[0]
    is_name = any(sign in first for sign in ".@")
    return printable(words if is_name else words[:1].upper() + words[1:])


def _words(one: Finding) -> str:
    return sentence(_MEANS.get(one.rule, one.rule) if one.rule in _OF_THE_READER else one.words)
