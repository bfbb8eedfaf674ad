"""The write door of what was refused: a message once, and a row for each user it was for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.reception.services.columns import PRUNE_ROWS, told
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows, allocate_ids, among, fetch, listed

DAY_SECONDS: Final = 86_400
MOST: Final = 50_000
"""Messages kept, the newest ones: with the bound of a header, 250 MB at most."""
MOST_OF_A_USER: Final = 1_000
HEADER_LENGTH: Final = 6_000  # characters

_MESSAGE = ManyRows(
    "INSERT INTO reception_refused (id, trace_id, at, reason, words, reply, client, helo, sender,"
    " author, subject, header, size)",
    "bigint uuid bigint text text text text text text text text text int",
)
_USER = ManyRows(
    "INSERT INTO reception_refusedfor (refused_id, user_id, address, at, others)",
    "bigint bigint text bigint int",
)
_MORE = """
UPDATE reception_refusedfor SET others = others + %s WHERE id = (
  SELECT id FROM reception_refusedfor WHERE user_id = %s ORDER BY id DESC LIMIT 1)"""
_OLD = "SELECT id FROM reception_refused WHERE at < %s ORDER BY at LIMIT %s"
_TOO_MANY = """
SELECT id FROM reception_refused
WHERE id <= (SELECT max(id) FROM reception_refused) - %s ORDER BY id LIMIT %s"""
_OVER = """
SELECT id FROM (
  SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY id DESC) AS place
  FROM reception_refusedfor) AS placed
WHERE place > %s LIMIT %s"""
_ORPHANS = """
SELECT id FROM reception_refused WHERE NOT EXISTS (
  SELECT 1 FROM reception_refusedfor WHERE refused_id = reception_refused.id) LIMIT %s"""
_DELETE = "DELETE FROM reception_refused WHERE "
_DELETE_USERS = "DELETE FROM reception_refusedfor WHERE "


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that was refused; `models.Refused` tells of the fields.

    Args:
        recipients: (user, address) of those it was refused for.
    """

    trace_id: UUID
    at: int
    reason: str
    words: str
    reply: str
    client: str
    helo: str
    sender: str
    author: str
    subject: str
    header: str
    size: int
    recipients: tuple[tuple[int, str], ...]


def remember(batch: Sequence[Refusal], others: Mapping[int, int]) -> None:
    """Keep what was refused, in a transaction of its own; the oldest goes when there is too much.

    Args:
        others: by user, how many more were refused and are not in `batch`; noted on the user's
            newest row.
    """
    with transaction.atomic():
        ids = allocate_ids("reception_refused", len(batch)) if batch else []
        pairs = list(zip(ids, batch, strict=True))
        _MESSAGE.write([_message_row(number, one) for number, one in pairs])
        _USER.write(
            [
                (number, user_id, told(address, 320), one.at, 0)
                for number, one in pairs
                for user_id, address in one.recipients
            ]
        )
        if others:
            with connection.cursor() as cursor:
                cursor.executemany(_MORE, [(others[user], user) for user in sorted(others)])
        _drop([row[0] for row in fetch(_TOO_MANY, [MOST, PRUNE_ROWS])])


def prune(days: int) -> int:
    """Forget what is older, what a user has too much of, and what no user is left for; return how
    many rows went."""
    before = now() - days * DAY_SECONDS
    total = _remove(_OLD, [before, PRUNE_ROWS], _drop)
    total += _remove(_OVER, [MOST_OF_A_USER, PRUNE_ROWS], _drop_users)
    return total + _remove(_ORPHANS, [PRUNE_ROWS], _drop)


def _remove(sql: str, parameters: Sequence[int], drop: Callable[[Sequence[int]], None]) -> int:
    """Remove what a SELECT finds, in pieces. It looks outside of the transaction: mail waits for
    what is removed, not for what is looked through."""
    total = 0
    while ids := [row[0] for row in fetch(sql, parameters)]:
        with transaction.atomic():
            drop(ids)
        total += len(ids)
    return total


def _drop(ids: Sequence[int]) -> None:
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_USERS + among("refused_id"), [listed(ids)])
        cursor.execute(_DELETE + among("id"), [listed(ids)])


def _drop_users(ids: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_USERS + among("id"), [listed(ids)])


def _message_row(number: int, one: Refusal) -> tuple[object, ...]:
    return (
        number,
        one.trace_id.hex,
        one.at,
        told(one.reason, 40),
        told(one.words, 500),
        told(one.reply, 500),
        told(one.client, 45),
        told(one.helo, 255),
        told(one.sender, 320),
        told(one.author, 320),
        told(one.subject, 300),
        told(one.header, HEADER_LENGTH),
        one.size,
    )
