"""What speaks for and against a record, and the verdict on it. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from apps.dnscheck.answers import Answers
from apps.dnscheck.difference import pieces
from apps.dnscheck.findings import Piece, Standing
from apps.dnscheck.records import Wanted

SHOWN: Final = 100  # characters of a stranger's text within a sentence


@dataclass(frozen=True, slots=True)
class Verdict:
    """How some records stand.

    Args:
        found: those of them that are about this.
    """

    standing: Standing
    sentence: str
    found: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether nothing has to be done."""
        return self.standing in {Standing.RIGHT, Standing.BETTER}


@dataclass(frozen=True, slots=True)
class Case:
    """A wanted record and the answers about its domain.

    Args:
        host: this one's name.
        authority: who made its certificate, as CAA calls it; "" if that is not known.
    """

    wanted: Wanted
    answers: Answers
    host: str
    authority: str = ""

    @property
    def value(self) -> str:
        """The wanted record's text."""
        return self.wanted.values[0]


Judge = Callable[[Case, tuple[str, ...]], Verdict]
"""Judges the records of one answer."""


def right(sentence: str, *found: str) -> Verdict:
    return Verdict(Standing.RIGHT, sentence, found)


def better(sentence: str, *found: str) -> Verdict:
    return Verdict(Standing.BETTER, sentence, found)


def wrong(case: Case, sentence: str, found: Sequence[str]) -> Verdict:
    """With what a typing error looks like, if it is one."""
    likest = pieces(found[0], case.value) if found else ()
    return Verdict(Standing.WRONG, sentence, tuple(found), likest)


def missing(case: Case, what: str) -> Verdict:
    """There is no such record at all."""
    where = f"at {case.wanted.name}"
    if case.wanted.is_required:
        return Verdict(Standing.MISSING, f"There is no {what} {where}: add this record.")
    return Verdict(Standing.UNSET, f"There is no {what} {where}. {_WHY_NOT}")


_WHY_NOT: Final = "Mail works without it; better with it."


def shown(text: str) -> str:
    """A stranger's text within a sentence: one bounded line."""
    line = "".join(one if one.isprintable() else "?" for one in text[: SHOWN + 1])
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"
