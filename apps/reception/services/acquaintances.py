"""The write door of whom we know: senders that mail was taken from, day by day."""

from collections.abc import Mapping
from typing import Final

from django.db import connection, transaction
from django.db.models import Q

from apps.reception.keys import key_of
from apps.reception.models import Acquaintance
from apps.reception.services.columns import Room, in_pieces, remove, told
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows, Values, among, fetch, listed

DAY_SECONDS: Final = 86_400
MOST: Final = 200_000
"""Rows; with them nobody new is remembered until others are forgotten."""
KEEP_DAYS: Final = 90
"""Days without mail after which a sender is forgotten."""
KEEP_STRANGER_DAYS: Final = 14
"""The same for one that wrote on a single day: of such there are very many."""
NAME_LENGTH: Final = 310

_COUNT = ManyRows(
    "INSERT INTO reception_acquaintance (key, name, first_day, last_day, days, messages)",
    "bigint text int int int bigint",
    "ON CONFLICT (key) DO UPDATE SET"
    " days = reception_acquaintance.days"
    " + CASE WHEN reception_acquaintance.last_day < excluded.last_day THEN 1 ELSE 0 END,"
    " last_day = CASE WHEN reception_acquaintance.last_day < excluded.last_day"
    " THEN excluded.last_day ELSE reception_acquaintance.last_day END,"
    " messages = reception_acquaintance.messages + excluded.messages",
)
_PRUNE = """
DELETE FROM reception_acquaintance WHERE key IN (
  SELECT key FROM reception_acquaintance
  WHERE last_day < %s OR (last_day < %s AND days = 1) LIMIT %s)"""
_THERE = "SELECT key FROM reception_acquaintance WHERE "

_CHANGES = Values("d", "key bigint, fewer bigint")
# Fewer messages than days cannot be: so each that is taken back takes a day along in the end.
_FEWER = """
UPDATE reception_acquaintance SET
  messages = CASE WHEN messages > d.fewer THEN messages - d.fewer ELSE 0 END,
  days = CASE WHEN messages - d.fewer >= days THEN days
         WHEN messages > d.fewer THEN messages - d.fewer ELSE 0 END
FROM {} WHERE reception_acquaintance.key = d.key"""
_GONE = "DELETE FROM reception_acquaintance WHERE messages = 0"

_room = Room("reception_acquaintance", MOST)


def count(messages: Mapping[tuple[int, str], int]) -> None:
    """Add to what is known of senders.

    Args:
        messages: how many copies were wanted, by day (days since 1970-01-01 UTC) and name.
    """
    # Day by day: a row may stand only once in a statement.
    for day in sorted({day for day, _ in messages}):
        rows = sorted(
            (key_of(name), told(name, NAME_LENGTH), day, day, 1, number)
            for (at, name), number in messages.items()
            if at == day
        )
        with transaction.atomic():
            _COUNT.write(rows if _room.is_free() else _known(rows))


def doubt(fewer: Mapping[str, int]) -> None:
    """Take back what copies of messages counted that their readers call spam, in the caller's
    transaction; a sender of whom nothing else is left is known no more. Three statements.

    Args:
        fewer: how many copies, by name; negative ones are given back, where the name is still
            there: days are not counted anew for that.
    """
    rows = sorted((key_of(name), by) for name, by in fewer.items() if by)
    if not rows:
        return
    keys = listed([key for key, _ in rows])
    locking = " FOR UPDATE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"{_THERE}{among('key')} ORDER BY key{locking}", [keys])
        cursor.execute(_FEWER.format(_CHANGES.sql), _CHANGES.parameters(rows))
        cursor.execute(f"{_GONE} AND {among('key')}", [keys])


def forget(*, name: str) -> int:
    """Forget a sender (a domain as A-label, or a network): return how many rows went."""
    found = Acquaintance.objects.filter(
        Q(name=name) | Q(name__startswith=f"{name} from ") | Q(name__endswith=f" from {name}")
    )
    return found.delete()[0]


def prune() -> int:
    """Forget who did not write for long; return how many rows went."""
    today = now() // DAY_SECONDS
    return in_pieces(lambda: remove(_PRUNE, today - KEEP_DAYS, today - KEEP_STRANGER_DAYS))


_Row = tuple[int, str, int, int, int, int]


def _known(rows: list[_Row]) -> list[_Row]:
    """Those of which there is a row already."""
    keys = listed([row[0] for row in rows])
    found = {row[0] for row in fetch(_THERE + among("key"), [keys])}
    return [row for row in rows if row[0] in found]
