"""What was found out about a message's sender, and what the filter counted, as one viewer may see
it: of one reader's copy what is said of all and of them; of several copies what is said of all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from apps.delivery.recorder.journey import Journey
from apps.delivery.recorder.reading import data_of, part, points, text, word
from apps.scan import queries as scans
from apps.scan.queries import Judged
from apps.scan.record import BrokenRecordError
from apps.scan.verdict import ELSEWHERE, Opinion, Standing, Verdict

RULES_MOST: Final = 200
CHECKS_MOST: Final = 12
_JUNK, _REFUSE = 5.0, 15.0  # where a gauge's marks stand if no threshold is set
_LOOKS: Final = {
    "pass": "ok",
    "fail": "bad",
    "softfail": "warn",
    "permerror": "warn",
    "temperror": "warn",
    "policy": "warn",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, how it came out in a word, and how that looks."""

    name: str
    word: str
    look: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule that counted; `sign` is its points as people write them."""

    rule: str
    words: str
    points: float

    @property
    def sign(self) -> str:
        return signed(self.points)


@dataclass(frozen=True, slots=True)
class Judgement:
    """All of it.

    Args:
        score: points, None where nothing was counted for who looks.
        junk, refuse: the limits of a gauge.
        checks: SPF and the rest; none for mail that a user of ours handed in.
    """

    score: float | None
    junk: float
    refuse: float
    why: str
    checks: tuple[Check, ...]
    rules: tuple[Rule, ...]

    @property
    def shown(self) -> str:
        return "" if self.score is None else signed(self.score).removeprefix("+")


def signed(value: float) -> str:
    """Points as people write them."""
    return f"{value:+.1f}".replace("-", "\u2212")


def judgement(journey: Journey) -> Judgement:
    """What can be said; one statement."""
    kept = _kept(journey)
    reader = _reader(journey)
    opinion = _opinion(kept, reader)
    summary = next((data_of(one) for one in journey.events if one.kind == "scan.judged"), None)
    score = opinion.points if opinion else points(summary.get("points")) if summary else None
    why = opinion.why if opinion else word(summary, "why") if summary else ""
    standing = kept.standings.get(reader, Standing()) if kept and reader else Standing()
    junk = standing.junk if standing.junk is not None else _JUNK
    refuse = standing.refuse if standing.refuse is not None else max(_REFUSE, junk + 5)
    found = next((data_of(one) for one in journey.events if one.kind == "reception.judged"), {})
    return Judgement(
        score=score,
        junk=junk,
        refuse=max(refuse, junk + 1),
        why=journey.sight.masked(why[:1].upper() + why[1:]),
        checks=(*_checks(part(found.get("authentication"))), *_virus(kept, opinion)),
        rules=tuple(_rules(kept, reader, journey)),
    )


def _kept(journey: Journey) -> Verdict | None:
    """The newest verdict that was kept and can be read."""
    found: list[Judged] = scans.of_traces([journey.trace_id]).get(journey.trace_id, [])
    try:
        return found[-1].record.verdict if found else None
    except BrokenRecordError:
        return None


def _reader(journey: Journey) -> int | None:
    """Whose copy it is, if there is one alone; of what only a sender sees, those elsewhere."""
    owners = journey.owners
    if owners is None:
        owners = frozenset(box.user_id for box in journey.life.boxes.values())
    if len(owners) == 1:
        return next(iter(owners))
    return None if owners else ELSEWHERE


def _opinion(kept: Verdict | None, reader: int | None) -> Opinion | None:
    return kept.opinions.get(reader) if kept is not None and reader is not None else None


def _rules(kept: Verdict | None, reader: int | None, journey: Journey) -> Iterator[Rule]:
    if kept is None:
        return
    may = journey.owners
    readers = {None, reader} if may is not None else {None, *kept.opinions}
    counted = [one for one in kept.findings if one.reader in readers and one.points]
    for one in sorted(counted, key=lambda one: -abs(one.points))[:RULES_MOST]:
        words = journey.sight.masked(text(one.words))
        yield Rule(text(one.rule, 80), words[:1].upper() + words[1:], one.points)


def _checks(found: Any) -> Iterator[Check]:
    """SPF, DKIM, DMARC and ARC as we found them at the door."""
    if not found:
        return
    spf = part(found.get("spf"))
    yield _check("SPF", spf, word(spf, "domain", 100))
    signatures = found.get("dkim")
    signed_by = [part(one) for one in signatures] if isinstance(signatures, list) else []
    for one in signed_by[:CHECKS_MOST]:
        selector, domain = word(one, "selector", 60), word(one, "domain", 100)
        yield _check("DKIM", one, f"{selector}.{domain}" if selector and domain else domain)
    if not signed_by:
        yield Check("DKIM", "none", "neutral")
    dmarc = part(found.get("dmarc"))
    policy = word(dmarc, "policy", 20)
    yield _check("DMARC", dmarc, f"p={policy}" if word(dmarc, "record") and policy else "")
    yield _check("ARC", part(found.get("arc")), "")


def _check(name: str, found: Any, detail: str) -> Check:
    result = word(found, "result", 20) or "none"
    return Check(f"{name}, {detail}" if detail else name, result, _LOOKS.get(result, "neutral"))


def _virus(kept: Verdict | None, opinion: Opinion | None) -> Iterator[Check]:
    if kept is None or ("clamd" not in kept.given and "clamd" not in kept.failed):
        return
    opinions = [opinion] if opinion is not None else kept.opinions.values()
    if "clamd" in kept.failed:
        yield Check("Virus scan", "not done", "warn")
    elif any(one.is_harmful for one in opinions):
        yield Check("Virus scan", "found", "bad")
    else:
        yield Check("Virus scan", "clean", "ok")
