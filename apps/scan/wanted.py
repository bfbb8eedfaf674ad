"""What speaks for it that the reader wants a message which was kept back. Pure.

These are hints for whoever decides, and no verdict: none of them lets anything go. What a user has
in the address book is the user's own matter, so that somebody else is told only that the reader
knows a sender, never from where.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from apps.mailauth import reading
from apps.mime.headers import scan
from apps.scan.base import Finding
from apps.scan.history import rules as history
from apps.scan.models.quarantine import DANGEROUS, Reason

STRONG: Final = 2
"""The weight from which on a message is probably wanted: one strong hint, or two weak ones."""
NEAR: Final = 2.0
"""Points above its limit up to which spam is a near miss."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing that speaks for it: `words` are a whole sentence; a weak hint weighs 1."""

    words: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a copy that is kept.

    Args:
        findings: of the verdict, those for all readers and for this one.
        prefix: what our doors wrote on top: the Authentication-Results in it are ours.
        limit: points from which on its reader's spam is set aside; None: none are.
        released: messages of this author that were let go to readers of the same domain before.
    """

    reason: Reason
    findings: Collection[Finding]
    prefix: bytes
    points: float
    limit: float | None
    released: int = 0


def hints(kept: Kept) -> tuple[Hint, ...]:
    """All that speaks for it, the strongest first; nothing for what can do harm, whoever sent it:
    the machine of a friend sends viruses too."""
    if kept.reason in DANGEROUS:
        return ()
    return tuple(sorted(_hints(kept), key=lambda one: -one.weight))


def is_wanted(found: Collection[Hint]) -> bool:
    """Whether that is enough to say so in a list."""
    return sum(one.weight for one in found) >= STRONG


def _hints(kept: Kept) -> Iterator[Hint]:
    rules = {one.rule for one in kept.findings}
    is_proven = _is_proven(kept.prefix)
    if history.ANSWER_TO_OURS.name in rules:
        yield Hint("It answers a message that the recipient sent.", STRONG)
    if history.KNOWN_CORRESPONDENT.name in rules:
        yield Hint("The recipient knows this sender, who is proven to write.", STRONG)
    elif history.KNOWN_SENDER.name in rules:
        yield Hint("Mail of this sender's domain came on other days before.")
    if is_proven:
        yield Hint("DMARC passes: the domain in From stands behind it.")
    if kept.released and is_proven:
        times = "once" if kept.released == 1 else f"{kept.released:,} times"
        yield Hint(f"Mail of this sender was released here {times} before.")
    if kept.reason is Reason.SPAM and kept.limit is not None:
        above = kept.points - kept.limit
        if 0 <= above <= NEAR:
            yield Hint(f"It is {above:.1f} points above the limit: a near miss.")


def _is_proven(prefix: bytes) -> bool:
    value = scan(prefix).first(b"authentication-results") if prefix else None
    found = reading.read(value) if value is not None else None
    return found is not None and any(
        one.method == "dmarc" and one.result == "pass" for one in found.results
    )
