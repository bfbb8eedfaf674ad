"""Whether the scanners that are set work: each is asked who it is, and to judge a letter and what
every scanner of its kind must know, EICAR's test file or GTUBE. Neither is harmful.
"""

import asyncio
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import SMTP
from typing import Final

from apps.runtime import aside, clock
from apps.runtime.ulid import new_ulid
from apps.scan.base import Case
from apps.scan.servers.answers import (
    AWAY,
    CLEAN,
    FOUND,
    SCORED,
    Answer,
    AwayError,
    MissedError,
    told,
)
from apps.scan.servers.asking import Asking, Scanner
from apps.scan.servers.check import configured
from apps.scan.servers.clamd import Clamd
from apps.scan.servers.guard import Guard

SECONDS: Final = 20.0

# In parts: files that hold them whole are taken away by scanners.
_EICAR: Final = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
_GTUBE: Final = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD" + b"-ANTI-UBE-TEST-EMAIL*C.34X"
_LETTER: Final = (
    b"From: Ann <ann@example.com>\r\nTo: bob@example.com\r\nSubject: A trial\r\n"
    b"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\nMessage-ID: <trial@example.com>\r\n\r\n"
    b"This is a letter like any other.\r\n"
)


@dataclass(frozen=True, slots=True)
class Report:
    """One scanner.

    Args:
        says: its version, or why it does not answer.
        works: it finds what it must, and nothing in a letter.
        wrong: what is wrong, in words; "" if it works.
    """

    name: str
    says: str
    works: bool
    wrong: str = ""


def reports() -> list[Report]:
    """One for each scanner that is set; they are asked at once."""
    scanners = configured()

    async def ask() -> list[Report]:
        return await asyncio.gather(*map(_try, scanners))

    return aside.run(ask(), SECONDS + 5) if scanners else []


async def _try(scanner: Scanner) -> Report:
    try:
        async with asyncio.timeout(SECONDS / 2):
            says = await scanner.ping()
    except (AwayError, MissedError, OSError) as error:
        return Report(scanner.name, "", works=False, wrong=told(error) or "does not answer in time")
    until = asyncio.get_running_loop().time() + SECONDS / 2
    bad = _infected() if scanner.name == Clamd.name else _LETTER + _GTUBE
    asking = Asking(scanner, Guard(scanner.name), until)
    wrong = _wrong(*await asking.all([_case(_LETTER), _case(bad)]))
    return Report(scanner.name, says, works=not wrong, wrong=wrong)


def _wrong(letter: Answer, bad: Answer) -> str:
    for answer in (letter, bad):
        if answer["state"] not in {CLEAN, FOUND, SCORED}:
            return str(answer["why"]) if answer["state"] != AWAY else f"away: {answer['why']}"
    if _condemns(letter):
        return "it finds something in a letter like any other"
    return "" if _condemns(bad) else "it does not find what every scanner of its kind knows"


def _condemns(answer: Answer) -> bool:
    if answer["state"] != SCORED:
        return bool(answer["state"] == FOUND)
    return "reject" in answer or answer["points"] >= max(answer["needed"], 1.0)


def _infected() -> bytes:
    """With EICAR's file as an attachment: at any other place it is none."""
    message = message_from_bytes(_LETTER, policy=SMTP)
    message.add_attachment(_EICAR, maintype="application", subtype="x-trial", filename="trial.com")
    return message.as_bytes()


def _case(raw: bytes) -> Case:
    """Mail that no other host has brought: nothing but its text is to be judged."""
    return Case(
        new_ulid(),
        new_ulid(),
        raw,
        "ann@example.com",
        ("bob@example.com",),
        (),
        "mx",
        clock.now_us(),
    )
