"""The check of attachments: looks at files, asks for the policies of domains, says what to do.

A message of which nothing need be opened is looked at here; all others in the cage.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from apps.mime.address import take_apart
from apps.scan.attachments import kinds, names, policy, queries, rules
from apps.scan.attachments.cage import CAGE, Cage
from apps.scan.attachments.caged import look_at
from apps.scan.attachments.findings import findings
from apps.scan.attachments.walker import Facts
from apps.scan.attachments.wording import file_name
from apps.scan.base import Action, Case, Finding, Given
from apps.scan.letter import Letter
from apps.scan.letter.parts import Part
from apps.scan.verdict import ELSEWHERE

log = logging.getLogger(__name__)

SECONDS: Final = 14.0
"""For a whole batch. Who is late waits for the next one: a bomb takes its own time, not others'."""
_PLAIN_MOST: Final = 512 * 1024  # octets of a message that may be looked at outside the cage
_UNSCANNABLE: Final = f"{policy.What.CONDITION} {policy.UNSCANNABLE}"
_DOING: Final = {
    Action.JUNK: "goes to Junk",
    Action.QUARANTINE: "is kept in quarantine",
    Action.REFUSE: "is refused",
}


class Attachments:
    """See above."""

    name: ClassVar[str] = "attachments"
    takes_unscannable: ClassVar[bool] = True  # it then says so, and looks at nothing

    def __init__(self, cage: Cage = CAGE, seconds: float = SECONDS) -> None:
        self._cage = cage
        self._seconds = seconds

    def gather(self, cases: Sequence[Case]) -> list[Given]:
        """Facts of each message's files, and what the domains concerned want done with such."""
        until = time.monotonic() + self._seconds
        found = [self._facts(case, number, until) for number, case in enumerate(cases)]
        told = [case for case, facts in zip(cases, found, strict=True) if facts is not None]
        kept = queries.entries({domain for case in told for domain in _domains(case)})
        return [
            None if facts is None else {"facts": facts, "policy": _concerned(kept, case)}
            for case, facts in zip(cases, found, strict=True)
        ]

    def judge(self, case: Case, given: Given) -> list[Finding]:
        """What is wrong with its files, and what each reader's domain says to that."""
        if given is None:
            return []
        facts: Facts = given["facts"]
        if facts.get("waits"):
            return [rules.WAITS.found("other mail took so long that its files must wait")]
        facts = whole(facts)
        return [*findings(facts), *rulings(facts, given["policy"], _readers(case))]

    def _facts(self, case: Case, number: int, until: float) -> Facts | None:
        """What is known of its files; None if there is nothing to say."""
        if case.unscannable:
            return {"failed": case.unscannable}
        try:
            return self._looked(case, number, until)
        except Exception:
            # Whoever finds what we stumble over must not bring a virus past us by it.
            log.exception("files cannot be looked at", extra={"trace_id": str(case.trace_id)})
            return {"failed": "what reads it failed over it"}

    def _looked(self, case: Case, number: int, until: float) -> Facts | None:
        if is_plain(case.letter):
            facts = look_at(case.raw, opens=False)
        elif number and time.monotonic() > until:
            return {"waits": True}
        else:
            facts = self._cage.look(case.raw)
        return facts if facts.get("files") or len(facts) > 2 or "failed" in facts else None


def is_plain(letter: Letter) -> bool:
    """Whether nothing in it need be opened, and it is small enough to be looked at at once."""
    if len(letter.raw) > _PLAIN_MOST:
        return False
    return not any(_holds(part) for part in letter.parts)


def _holds(part: Part) -> bool:
    if part.is_text:  # it says so
        return kinds.kind_of(part.content(_PLAIN_MOST)) in kinds.NEVER_SHOWN
    return _kind(part) in kinds.HOLDERS


def _kind(part: Part) -> str:
    endings = [ending for name in part.names for ending in names.endings(name)]
    return kinds.kind_named(part.content(_PLAIN_MOST), endings, part.type)


def whole(facts: Facts) -> Facts:
    """What failed as a whole is told as of one file that could not be looked at."""
    if "failed" not in facts:
        return facts
    return {"files": [{"path": ["the message"], "kind": "mail", "why_not": facts["failed"]}]}


def _domains(case: Case) -> set[str]:
    """Whose policies are asked: those of the readers, and the sender's for mail that leaves."""
    found = {reader.domain for reader in case.readers}
    return found | {_sending(case)} if case.is_outgoing else found


def _sending(case: Case) -> str:
    return take_apart(case.sender)[1].lower()


def _concerned(kept: Mapping[str, list[list[str]]], case: Case) -> dict[str, list[list[str]]]:
    """Of the entries of many domains those that this message was judged by; "" is the server."""
    return {name: kept[name] for name in sorted({"", *_domains(case)}) if name in kept}


def _readers(case: Case) -> dict[int | None, str]:
    """Whose domain decides for whom: for mail that leaves, the sender's."""
    found: dict[int | None, str] = {reader.user_id: reader.domain for reader in case.readers}
    if len(found) < len(case.recipients) or case.is_outgoing or not found:
        found[ELSEWHERE] = _sending(case) if case.is_outgoing else ""
    return found


def rulings(
    facts: Facts, kept: Mapping[str, list[list[str]]], readers: Mapping[int | None, str]
) -> Iterator[Finding]:
    """One finding for all if all domains agree, else one for each reader whom it concerns."""
    answers = {domain: _answer(facts, kept, domain) for domain in set(readers.values())}
    if len(set(answers.values())) == 1:
        yield from _found(next(iter(answers.values())), None)
        return
    for reader, domain in readers.items():
        yield from _found(answers[domain], reader)


_Answer = tuple[Action, str]


def _answer(facts: Facts, kept: Mapping[str, list[list[str]]], domain: str) -> _Answer:
    """The hardest that a domain asks for, in words."""
    levels = [policy.level(kept.get(name, ())) for name in dict.fromkeys((domain, ""))]
    hardest: _Answer = (Action.NONE, "")
    for fact in _asked(facts):
        action, entry = policy.ruling(fact, levels)
        if action > hardest[0]:
            why = f" ({fact['why_not']})" if entry == _UNSCANNABLE else ""
            hardest = (action, f"{file_name(fact)} {_DOING[action]}: the policy for {entry}{why}")
    return hardest


def _asked(facts: Facts) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = facts["files"]
    if "too_much" not in facts:
        return files
    return [*files, {"path": ["the message"], "kind": "mail", "why_not": facts["too_much"]}]


def _found(answer: _Answer, reader: int | None) -> Iterator[Finding]:
    action, words = answer
    if action is not Action.NONE:
        name, points = rules.FORBIDDEN.name, rules.FORBIDDEN.points
        yield Finding(name, points, words, reader, action)
