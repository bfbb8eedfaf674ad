"""Trials: how the checks do on mail of which somebody knows what it is.

Cross-validation: the mail is dealt into parts, and the messages of each are judged after the others
alone were learned. The verdicts are the runner's, with all checks that ask nobody else. What the
door would have known of a sender (SPF, DKIM, the client) no file tells: that evidence is missing.
"""

import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from apps.mime.dates import parse_date
from apps.runtime.clock import now
from apps.scan import runner
from apps.scan.base import Action, Case, Check, Reader
from apps.scan.bayes.check import Bayes
from apps.scan.bayes.memory import ORGANIZATION, Memory
from apps.scan.bayes.tokens import tokens
from apps.scan.checks import CHECKS
from apps.scan.corpus import Place, parts
from apps.scan.letter import Letter, read
from apps.scan.verdict import Verdict

BATCH: Final = 16
ASKS_OTHERS: Final = frozenset({"servers", "url-lists"})
"""Checks that ask other programs and the DNS, which a trial of thousands is not to bother."""
NOBODY: Final = 2**40
"""A user who does not exist: the server's thresholds hold."""


@dataclass(slots=True)
class Score:
    """What became of the mail of one kind.

    Args:
        junk, refused: of `messages`, those that went into Junk (the refused among them).
        forbidden: of `junk`, those whose points were not enough: a policy about attachments asked
            for it, whatever the filter thinks of them.
        hits: how many messages each rule named.
        wrong: those that are not as they should be: spam that passed, ham that did not, with
            points and the reason.
    """

    messages: int = 0
    junk: int = 0
    refused: int = 0
    forbidden: int = 0
    octets: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, float, str]] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """A trial's result. Seconds are of the processor: `seconds` for judging every message once,
    `learning_seconds` for learning every one once.

    Args:
        tokens: different ones that the largest of the parts' lessons had.
    """

    ham: Score = field(default_factory=Score)
    spam: Score = field(default_factory=Score)
    seconds: float = 0.0
    learning_seconds: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class _Known:
    """A message, its kind, and the part that it was dealt into."""

    place: Place
    is_spam: bool
    part: int
    tokens: Sequence[int]


def trial(
    ham: Sequence[Place],
    spam: Sequence[Place],
    *,
    folds: int,
    told: Callable[[int], None] = lambda count: None,
) -> Outcome:
    """Judge every message after learning from all that are not in its part.

    Args:
        folds: parts; 2 are halves.
        told: called with the number of messages judged so far.

    Raises:
        OSError: a file is gone.
    """
    began = time.process_time()
    known = [*_deal(ham, folds, is_spam=False), *_deal(spam, folds, is_spam=True)]
    outcome = Outcome(learning_seconds=time.process_time() - began)
    done = 0
    for part in range(folds):
        began = time.process_time()
        memory = _taught([one for one in known if one.part != part])
        outcome.learning_seconds += (time.process_time() - began) / (folds - 1)
        outcome.tokens = max(outcome.tokens, len(memory))
        checks = [Bayes(memory) if one.name == Bayes.name else one for one in CHECKS]
        checks = [one for one in checks if one.name not in ASKS_OTHERS]
        for batch in _batches([one for one in known if one.part == part]):
            _judge(batch, checks, outcome)
            done += len(batch)
            told(done)
    return outcome


def _deal(places: Sequence[Place], folds: int, *, is_spam: bool) -> Iterator[_Known]:
    """Dealt into parts, and cut into tokens once for all of them."""
    for place, part in zip(places, parts(len(places), folds), strict=True):
        yield _Known(place, is_spam, part, array("i", tokens(read(place.read()))))


def _taught(lessons: Sequence[_Known]) -> Memory:
    memory = Memory()
    for one in lessons:
        memory.learn(one.tokens, is_spam=one.is_spam)
    return memory


def _batches(known: Sequence[_Known]) -> Iterator[Sequence[_Known]]:
    for first in range(0, len(known), BATCH):
        yield known[first : first + BATCH]


def _judge(batch: Sequence[_Known], checks: Sequence[Check], outcome: Outcome) -> None:
    cases = [_case(one.place.read()) for one in batch]
    began = time.process_time()
    verdicts = runner.run(cases, checks)
    outcome.seconds += time.process_time() - began
    for one, case, verdict in zip(batch, cases, verdicts, strict=True):
        score = outcome.spam if one.is_spam else outcome.ham
        _count(score, one, case, verdict)


def _count(score: Score, one: _Known, case: Case, verdict: Verdict) -> None:
    opinion = verdict.opinion(NOBODY)
    is_junk = opinion.action >= Action.JUNK
    score.messages += 1
    score.octets += len(case.raw)
    score.junk += is_junk
    score.refused += opinion.action is Action.REFUSE
    enough = verdict.standings[NOBODY].junk
    score.forbidden += is_junk and (enough is None or opinion.points < enough)
    score.hits.update({finding.rule for finding in verdict.findings})
    if is_junk != one.is_spam:
        rules = sorted(verdict.findings, key=lambda finding: -abs(finding.points))
        reasons = " ".join(f"{finding.rule}={finding.points:g}" for finding in rules)
        score.wrong.append((str(one.place), opinion.points, reasons))


def _case(raw: bytes) -> Case:
    letter = read(raw)
    reader = Reader(NOBODY, "nobody@invalid", "nobody@invalid", "invalid", ORGANIZATION)
    sender = (letter.header.first(b"return-path") or b"").strip(b" <>").decode("ascii", "replace")
    return Case(
        id=UUID(int=0),
        trace_id=UUID(int=0),
        raw=raw,
        sender=sender,
        recipients=(reader.address,),
        readers=(reader,),
        door="mx",
        received_at_us=_arrival(letter) * 1_000_000,
    )


def _arrival(letter: Letter) -> int:
    """When it came, as the last host to have it says; else when it says it was written."""
    received = letter.header.first(b"received") or b""
    found = parse_date(received.rpartition(b";")[2]) or letter.date
    return _seconds(found.utc) if found else now()


def _seconds(moment: datetime) -> int:
    return max(int(moment.timestamp()), 0)
