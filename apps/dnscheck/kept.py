"""Findings as they are kept in a row: plain JSON, and bounded, for they quote strangers."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from apps.dnscheck.findings import Finding, Piece, Standing
from apps.dnscheck.records import Kind, Wanted

FOUND_MOST: Final = 5
FOUND_LONGEST: Final = 500  # characters
PIECES_MOST: Final = 60
SENTENCE_LONGEST: Final = 700
FAILED: Final = frozenset({Standing.WRONG, Standing.MISSING})
ALARMING_AFTER: Final = 2  # checks in a row
NOT_YET: Final = "Not checked yet."


@dataclass(frozen=True, slots=True)
class Short:
    """How a record stood.

    Args:
        digest: of what was wanted then: another wish has not been checked.
        failures: checks in a row that found it wrong or missing.
    """

    standing: Standing
    failures: int
    digest: str

    def as_json(self) -> list[object]:
        """For the row."""
        return [self.standing.value, self.failures, self.digest]


def digest(wanted: Wanted) -> str:
    """A name for what a record shall be."""
    text = "\n".join((wanted.type, wanted.name, *wanted.values))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_short(value: Any) -> Short | None:
    """What `Short.as_json` wrote; None for anything else."""
    try:
        standing, failures, of = value
        return Short(Standing(standing), int(failures), str(of))
    except (TypeError, ValueError):
        return None


def write(finding: Finding) -> dict[str, Any]:
    """A finding for the row, without what is wanted."""
    return {
        "sentence": finding.sentence[:SENTENCE_LONGEST],
        "found": [one[:FOUND_LONGEST] for one in finding.found[:FOUND_MOST]],
        "pieces": [[piece.text, piece.mark] for piece in finding.pieces[:PIECES_MOST]],
        "seen": finding.seen,
        "asked": finding.asked,
        "expires_at": finding.expires_at.isoformat() if finding.expires_at else None,
    }


def read(wanted: Wanted, short: Short | None, value: Any, *, is_left: bool) -> Finding:
    """A finding of the row; UNKNOWN if what is wanted has not been checked."""
    if is_left:
        sentence = "It is left as it is on purpose."
        found = tuple(value.get("found", ())) if isinstance(value, dict) else ()
        return Finding(wanted, Standing.ELSEWHERE, sentence, found)
    if short is None or short.digest != digest(wanted) or not isinstance(value, dict):
        return Finding(wanted, Standing.UNKNOWN, NOT_YET)
    expires = value.get("expires_at")
    return Finding(
        wanted=wanted,
        standing=short.standing,
        sentence=str(value.get("sentence", "")),
        found=tuple(value.get("found", ())),
        pieces=tuple(Piece(text, mark) for text, mark in value.get("pieces", ())),
        seen=int(value.get("seen", 0)),
        asked=int(value.get("asked", 0)),
        expires_at=datetime.fromisoformat(expires) if expires else None,
        is_alarming=is_alarming(short),
    )


def is_alarming(short: Short) -> bool:
    """Whether it was wrong in two checks in a row."""
    return short.standing in FAILED and short.failures >= ALARMING_AFTER


def is_left(left: Collection[str], name: str) -> bool:
    """Whether a record is left as it is on purpose: itself, or all of its kind.

    Args:
        left: of the row: ids of records, and kinds.
        name: the id of the record.
    """
    kind = kind_of(name)
    return name in left or (kind is not None and kind.value in left)


def kind_of(name: str) -> Kind | None:
    """The kind of a record by its id; None if it is none that we know (any more)."""
    for kind in Kind:
        if name == kind.value or name.startswith(f"{kind.value}-"):
            return kind
    return None
