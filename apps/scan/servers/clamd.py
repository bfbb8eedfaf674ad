"""ClamAV's daemon, asked with INSTREAM: the message goes over the connection in chunks, so that it
may live on another machine and needs no file of ours. See clamd(8), COMMANDS.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from apps.scan.base import Case, Finding
from apps.scan.servers.answers import CLEAN, FOUND, Answer, MissedError, told
from apps.scan.servers.heading import heading
from apps.scan.servers.rules import CLAMD_LIMITS, CLAMD_SUSPICION, CLAMD_UNWANTED, CLAMD_VIRUS
from apps.scan.servers.stream import Place, exchange

_CHUNK: Final = 64 * 1024
_MOST_REPLY: Final = 4096
_TOO_LARGE: Final = "INSTREAM size limit exceeded"
_OR_LARGE: Final = "either it is ending, or the message is larger than its StreamMaxLength"
_ITS_LIMIT: Final = "it is larger than the StreamMaxLength of clamd"


class Clamd:
    """One clamd, as a scanner that `asking` can ask."""

    name: ClassVar[str] = "clamd"
    at_once: ClassVar[int] = 10  # its MaxThreads is 10, in Debian 12

    def __init__(self, place: Place, hostname: str) -> None:
        self._place = place
        self._hostname = hostname

    def skips(self, case: Case) -> str:
        """Nothing."""
        return ""

    async def ask(self, case: Case) -> Answer:
        """What it finds in the whole message.

        Raises:
            AwayError, MissedError, OSError
        """
        message = heading(case, self._hostname) + case.raw
        try:
            return read(await exchange(self._place, _instream(message), _MOST_REPLY))
        except ConnectionError as error:  # what it says of a large message may be lost on the way
            raise ConnectionError(error.errno, f"it hung up; {_OR_LARGE}") from None

    async def ping(self) -> str:
        """Its version, if it is there and works.

        Raises:
            AwayError, MissedError, OSError
        """
        reply = _text(await exchange(self._place, [b"zVERSION\0"], _MOST_REPLY))
        if not reply.startswith("ClamAV"):
            raise MissedError(reply or "closed the connection")
        return told(reply)


def _instream(message: bytes) -> Iterator[bytes]:
    """The command and the message in chunks, each behind its length, the last one empty."""
    yield b"zINSTREAM\0"
    for start in range(0, len(message), _CHUNK):
        chunk = message[start : start + _CHUNK]
        yield len(chunk).to_bytes(4, "big") + chunk
    yield bytes(4)


def read(reply: bytes) -> Answer:
    """`stream: OK`, `stream: Eicar-Signature FOUND`, or what went wrong.

    Raises:
        MissedError: it is neither.
    """
    text = _text(reply)
    if text == "stream: OK":
        return {"state": CLEAN}
    if text.startswith("stream: ") and text.endswith(" FOUND"):
        virus = text.removeprefix("stream: ").removesuffix(" FOUND")
        return {"state": FOUND, "name": told(virus)}
    if text.startswith(_TOO_LARGE):
        raise MissedError(_ITS_LIMIT)
    raise MissedError(text or "it closed the connection")


def _text(reply: bytes) -> str:
    return reply.partition(b"\0")[0].decode("utf-8", "replace").strip()


def findings(answer: Answer) -> Iterator[Finding]:
    """What its answer comes to. Pure.

    Its names tell a virus from what it merely dislikes: guesses about phishing, and programs that
    some want and others do not (PUA), are for the points to decide; that it did not look into all
    of an archive is no finding about the archive.
    """
    if answer["state"] != FOUND:
        return
    virus = answer["name"]
    kind = virus.removesuffix(".UNOFFICIAL")
    if kind.startswith("Heuristics.Limits.Exceeded"):
        yield CLAMD_LIMITS.found(f"ClamAV did not look at all of it ({virus})")
    elif kind.startswith(("Heuristics.Phishing", "PUA.")):
        yield CLAMD_SUSPICION.found(f"ClamAV suspects {virus} in it")
    elif kind.startswith("Heuristics."):
        yield CLAMD_UNWANTED.found(f"ClamAV is set to hold back what it calls {virus}")
    else:
        yield CLAMD_VIRUS.found(f"ClamAV finds the virus {virus}")
