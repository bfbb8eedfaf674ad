"""The write door of greylisting: what was asked to come back, and what did."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from apps.reception.keys import key_of
from apps.reception.models import Greylisted
from apps.reception.services.columns import Room, in_pieces, remove, told
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows

DAY_SECONDS: Final = 86_400
WINDOW_SECONDS: Final = 2 * DAY_SECONDS
"""Who does not come back within it begins anew: RFC 5321 section 4.5.4.1 has senders try for four
or five days, and first within hours."""
KEEP_DAYS: Final = 36
"""Days since its last mail for which who came back need not do so again: a monthly letter and
some."""
MOST: Final = 200_000
"""Rows; with them nothing more is asked to come back."""
ADDRESS_LENGTH: Final = 320
ORIGIN_LENGTH: Final = 253

_NOTE = ManyRows(
    "INSERT INTO reception_greylisted"
    " (key, origin, sender, recipient, first_at, last_at, attempts, passed_at)",
    "bigint text text text bigint bigint int bigint",
    "ON CONFLICT (key) DO UPDATE SET first_at = excluded.first_at, last_at = excluded.last_at,"
    " attempts = reception_greylisted.attempts + 1,"
    # What another process let in meanwhile stays let in.
    " passed_at = CASE WHEN reception_greylisted.passed_at = 0 THEN excluded.passed_at"
    " ELSE reception_greylisted.passed_at END",
)
_PRUNE_WAITING = """
DELETE FROM reception_greylisted WHERE key IN (
  SELECT key FROM reception_greylisted WHERE last_at < %s AND passed_at = 0 LIMIT %s)"""
_PRUNE_PASSED = """
DELETE FROM reception_greylisted WHERE key IN (
  SELECT key FROM reception_greylisted WHERE last_at < %s LIMIT %s)"""

_room = Room("reception_greylisted", MOST)


@dataclass(frozen=True, slots=True)
class Note:
    """One row as it is from now on; `models.Greylisted` tells of the fields."""

    origin: str
    sender: str
    recipient: str
    first_at: int
    last_at: int
    passed_at: int = 0

    @property
    def key(self) -> int:
        """What the row is found by."""
        return key_of(self.origin, self.sender, self.recipient)


def note(notes: Iterable[Note]) -> None:
    """Write rows, in a transaction of their own; of several for one key the last counts."""
    rows = {
        one.key: (
            one.key,
            told(one.origin, ORIGIN_LENGTH),
            told(one.sender, ADDRESS_LENGTH),
            told(one.recipient, ADDRESS_LENGTH),
            one.first_at,
            one.last_at,
            1,
            one.passed_at,
        )
        for one in notes
    }
    with transaction.atomic():
        _NOTE.write([rows[key] for key in sorted(rows)])


def has_room() -> bool:
    """Whether more may be asked to come back."""
    return _room.is_free()


def forget(*, origin: str) -> int:
    """Forget all rows of a network or domain, so that its mail is asked to come back again, or
    begins to wait anew; return how many went."""
    return Greylisted.objects.filter(origin=origin).delete()[0]


def prune() -> int:
    """Remove what did not come back, and what did so long ago; return how many rows went."""
    waiting = in_pieces(lambda: remove(_PRUNE_WAITING, now() - WINDOW_SECONDS))
    return waiting + in_pieces(lambda: remove(_PRUNE_PASSED, now() - KEEP_DAYS * DAY_SECONDS))
