"""SpamAssassin's daemon, asked with REPORT: the points, and its rules in words.

The protocol is described in spamd/PROTOCOL of SpamAssassin: a request line, fields, the message;
the answer in the same form.
"""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from apps.scan.base import Case
from apps.scan.servers.answers import (
    MOST_SYMBOLS,
    Answer,
    MissedError,
    Symbol,
    scored,
    told,
)
from apps.scan.servers.heading import heading
from apps.scan.servers.stream import Place, exchange

LARGEST: Final = 512_000
"""Bytes: spamc asks about no more either (-s). It is slow, and spam is small."""

_MOST_REPLY: Final = 256 * 1024
_STATUS = re.compile(r"SPAMD/[0-9.]{1,8} ([0-9]{1,3}) ?([^\r\n]{0,200})")
_SPAM = re.compile(r"(?i)spam: *(?:true|yes|false|no) *; *(-?[0-9.]{1,12}) */ *(-?[0-9.]{1,12})")
# ` 2.7 MISSING_DATE           Missing Date: header`, or `1000 GTUBE   BODY: …`: below a ruled line.
# What it quotes from the message is above that line or further to the right.
_RULE = re.compile(r" {0,3}(-?[0-9]{1,5}(?:\.[0-9]{1,3})?) ([A-Z][A-Z0-9_]{1,60}) {1,40}(.*)")
_RULED: Final = "---- -----"
_UNTOLD: Final = "No description"


class Spamd:
    """One spamd, as a scanner that `asking` can ask."""

    name: ClassVar[str] = "spamd"
    at_once: ClassVar[int] = 5  # its --max-children, in Debian 12

    def __init__(self, place: Place, hostname: str) -> None:
        self._place = place
        self._hostname = hostname

    def skips(self, case: Case) -> str:
        """Large mail is not for it."""
        return f"it has more than {LARGEST} bytes" if len(case.raw) > LARGEST else ""

    async def ask(self, case: Case) -> Answer:
        """What it thinks of the message.

        Raises:
            AwayError, MissedError, OSError
        """
        return read(await self._answer(heading(case, self._hostname) + case.raw, "REPORT"))

    async def ping(self) -> str:
        """Its version, if it is there.

        Raises:
            AwayError, MissedError, OSError
        """
        reply = (await self._answer(b"", "PING")).decode("utf-8", "replace")
        if not reply.startswith("SPAMD/"):
            raise MissedError(reply or "closed the connection")
        return told(reply)

    async def _answer(self, message: bytes, command: str) -> bytes:
        size = f"Content-length: {len(message)}\r\n" if message else ""
        head = f"{command} SPAMC/1.5\r\n{size}\r\n".encode()
        return await exchange(self._place, (head, message), _MOST_REPLY)


def read(reply: bytes) -> Answer:
    """Points and rules of an answer.

    Raises:
        MissedError: it is none.
    """
    head, _, report = reply.decode("utf-8", "replace").partition("\r\n\r\n")
    lines = head.split("\r\n")
    status = _STATUS.fullmatch(lines[0])
    if status is None:
        raise MissedError(f"it answered {told(lines[0])!r}" if head else "it closed the connection")
    if status[1] != "0":
        raise MissedError(f"it answered {told(status[1] + ' ' + status[2])}")
    for line in lines[1:]:
        if found := _SPAM.fullmatch(line.strip()):
            return scored(_float(found[1]), _float(found[2]), _rules(report))
    raise MissedError("its answer has no points")


def _rules(report: str) -> Iterator[Symbol]:
    """The rules of the table at the end of its report; its words may go on in a second line."""
    _, ruled, table = report.rpartition(_RULED)
    for line in table.splitlines()[: MOST_SYMBOLS * 4] if ruled else ():
        if found := _RULE.match(line):
            words = "" if found[3].startswith(_UNTOLD) else found[3]
            yield found[2], _float(found[1]), words


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
