"""What other servers said and how long things wait, in words. Pure.

Strangers choose what stands in a reply: it is cleaned of all that drives a terminal or turns a line
round, and shown as text.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from apps.delivery.causes import cause_of
from apps.mime.headers import clean, printable

_STATUS: Final = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_CODE: Final = re.compile(r"([245])\d\d[ -]")
_GREY: Final = re.compile(r"gr[ea]y[- ]?list", re.IGNORECASE)
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))
SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Said:
    """A reply.

    Args:
        words: one sentence for people; "" if nothing was said.
        raw: what was said, cleaned; "" if it is no more than that sentence.
    """

    words: str = ""
    raw: str = ""


def shown(text: str) -> str:
    """A stranger's words on one line, without what drives a terminal or turns a line round."""
    return printable(clean(text))


def said(reply: str) -> Said:
    """What a server said, or our own words, as `QueuedRecipient.last_reply` has them."""
    raw = shown(reply)
    if not raw:
        return Said()
    if _CODE.match(raw) is None:
        return Said(f"{raw[0].upper()}{raw[1:]}{'' if raw[-1] in '.!?' else '.'}")
    if _GREY.search(raw):
        return Said("The other side takes mail of strangers at a second try only.", raw)
    status = _STATUS.search(raw)
    if status is not None and status[2] != "0":
        return Said(cause_of(status[0]).why, raw)
    if raw.startswith("421"):
        return Said("The other side is too busy, or wants us to slow down.", raw)
    if raw.startswith("4"):
        return Said("The other side does not take it for now.", raw)
    return Said("The other side does not take it.", raw)


def span(seconds: float) -> str:
    """How long: the two greatest units."""
    left = max(0, int(seconds))
    found: list[str] = []
    for size, unit in _UNITS:
        if left >= size or found:
            found.append(f"{left // size} {unit}")
            left %= size
    if not found:
        return f"{left} s"
    return " ".join(one for one in found[:2] if not one.startswith("0 "))


def since(at_us: int, now_us: int) -> str:
    """How long ago."""
    return span((now_us - at_us) / SECOND)


def moment(at_us: int) -> datetime | None:
    """A time of the queue for templates; None for 0, and for what no calendar has."""
    try:
        return datetime.fromtimestamp(at_us / SECOND, UTC) if at_us > 0 else None
    except (OverflowError, ValueError, OSError):
        return None


def place(destination: str) -> str:
    """A destination as people call it: the domain, or the transport's key."""
    return shown(destination.removeprefix("mx/"))


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line of a conversation; `how` is theirs, ours, note or bad."""

    how: str
    text: str


def spoken(transcript: str) -> list[Spoken]:
    """A transcript in lines, as it may be shown."""
    return [
        Spoken(_how(line), printable(line.replace("\t", " "))) for line in transcript.split("\n")
    ]


def _how(line: str) -> str:
    if line.startswith("<"):
        return "bad" if line[1:].lstrip()[:1] in ("4", "5") else "theirs"
    return "note" if line.startswith("*") else "ours"
