"""All scanners that are set, asked at once, as one check. Those that are away are never passed over
in silence: the verdict names them, and so does the message, or it waits for them (SCANNERS_DEAD).
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from django.conf import settings

from apps.runtime import aside, clock
from apps.scan.base import Action, Case, Finding, Given
from apps.scan.servers import clamd, rspamd, rules, spamd
from apps.scan.servers.answers import AWAY, BUSY, MISSED, SKIPPED, Answer, failed
from apps.scan.servers.asking import PING_SECONDS, Asking, Scanner
from apps.scan.servers.guard import Guard
from apps.scan.servers.weight import weighed

log = logging.getLogger(__name__)

MARK: Final = "X-Not-Scanned"
"""The field of a delivered message that names the scanners which did not look at it."""

SECONDS: Final = 8.0
"""For a batch; the door waits for no longer than SCAN_WAIT_SECONDS, 10."""
MOST_SECONDS: Final = 40.0
"""For one large message."""

BUSY_SECONDS: Final = 300
"""So long a message waits for the turn of a scanner that has too much to do."""
MISSED_SECONDS: Final = 3_600
"""So long it is tried again with one that has no answer for it, where SCANNERS_DEAD is `defer`: it
may be for ever, and the message must not wait for ever."""

_RULES: Final = {
    AWAY: (rules.SCANNER_AWAY, "does not answer"),
    BUSY: (rules.SCANNER_BUSY, "has too much to do"),
    MISSED: (rules.SCANNER_MISSED, "could not look at it"),
    SKIPPED: (rules.SCANNER_SKIPPED, "was not asked"),
}
_MARKED: Final = frozenset(
    one.name for one in (rules.SCANNER_AWAY, rules.SCANNER_BUSY, rules.SCANNER_MISSED)
)
_SCALES: Final = {"rspamd": 15.0, "spamd": 5.0}
"""Our points for as many as they need to act: rspamd to refuse a message, SpamAssassin to call it
spam."""


class Servers:
    """The check."""

    name: ClassVar[str] = "servers"
    takes_unscannable: ClassVar[bool] = True  # no text is looked into here

    def gather(self, cases: Sequence[Case]) -> list[Given]:
        """What each scanner answers: `answers` by its name. `age` of the message in seconds, and
        what is to be done when one is `dead`, decide about what is missing."""
        scanners = configured()
        if not scanners:
            return [None] * len(cases)
        by_scanner = _ask(scanners, cases, seconds_for(cases))
        now = clock.now_us()
        return [
            {
                "answers": {name: answers[number] for name, answers in by_scanner.items()},
                "age": max(0, (now - case.received_at_us) // 1_000_000),
                "dead": settings.SCANNERS_DEAD,
            }
            for number, case in enumerate(cases)
        ]

    def judge(self, case: Case, given: Given) -> list[Finding]:
        """What they find, and which of them did not look."""
        return list(_findings(given)) if given else []


def configured() -> list[Scanner]:
    """The scanners that the settings name."""
    found: list[Scanner] = []
    if settings.RSPAMD_URL:
        found.append(rspamd.Rspamd(settings.RSPAMD_URL, settings.MAIL_HOSTNAME))
    if settings.SPAMD:
        found.append(spamd.Spamd(settings.SPAMD, settings.MAIL_HOSTNAME))
    if settings.CLAMD:
        found.append(clamd.Clamd(settings.CLAMD, settings.MAIL_HOSTNAME))
    return found


def most_at_once(most: int) -> int:
    """How many messages are best claimed together: all of them wait for the slowest.

    Args:
        most: without a scanner.
    """
    return min(most, 16) if settings.SPAMD else most


def mark(findings: Iterable[Finding]) -> str:
    """The value of the field `MARK`, printable ASCII; "" if all scanners looked at the message."""
    missing = "; ".join(one.words for one in findings if one.rule in _MARKED)
    return missing.encode("ascii", "replace").decode()


def seconds_for(cases: Sequence[Case]) -> float:
    """How long a batch may take: large mail comes alone, and takes longer."""
    if len(cases) > 1:
        return SECONDS
    return min(SECONDS + len(cases[0].raw) / 1_000_000, MOST_SECONDS)


# By scanner and place, on the loop of this process only.
_guards: dict[str, Guard] = {}


def _ask(
    scanners: Sequence[Scanner], cases: Sequence[Case], seconds: float
) -> Mapping[str, Sequence[Answer]]:
    async def ask() -> list[list[Answer]]:
        until = asyncio.get_running_loop().time() + seconds
        return await asyncio.gather(
            *(Asking(one, guard_of(one), until).all(cases) for one in scanners)
        )

    try:
        answers = aside.run(ask(), seconds + 2 * PING_SECONDS + 1)
    except Exception:  # whatever it is, it must not pass for "nothing found"
        log.exception("the scanners could not be asked")
        answers = [[failed(AWAY, "it could not be asked")] * len(cases) for _ in scanners]
    return {one.name: found for one, found in zip(scanners, answers, strict=True)}


def guard_of(scanner: Scanner) -> Guard:
    """The memory of whether it is there."""
    return _guards.setdefault(scanner.name, Guard(scanner.name))


def _findings(given: Mapping[str, Any]) -> Iterator[Finding]:
    for name, answer in given["answers"].items():
        if name == clamd.Clamd.name:
            yield from clamd.findings(answer)
        else:
            yield from weighed(answer, name, _SCALES[name])
        if answer["state"] in _RULES:
            rule, words = _RULES[answer["state"]]
            found = rule.found(f"{name} {words}: {answer['why']}")
            waits = _is_to_wait(answer["state"], given)
            yield replace(found, action=Action.DEFER) if waits else found


def _is_to_wait(state: str, given: Mapping[str, Any]) -> bool:
    if state == BUSY:  # it will have its turn: there is nothing to decide about a dead one
        return bool(given["age"] < BUSY_SECONDS)
    is_too_old = state == MISSED and given["age"] >= MISSED_SECONDS
    return state in {AWAY, MISSED} and given["dead"] == "defer" and not is_too_old
