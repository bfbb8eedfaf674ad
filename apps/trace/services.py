"""The flight recorder's write door: record events and what users sent, in the caller's transaction;
remove what is old."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.runtime.clock import now_us
from apps.runtime.rows import ManyRows

PRUNE_ROWS = (
    5_000  # per transaction: a few milliseconds, so that mail never waits behind housekeeping
)
KIND_LENGTH = 40
_DAY_US = 86_400 * 1_000_000

_INSERT = ManyRows(
    "INSERT INTO trace_traceevent (trace_id, at, kind, data)",
    "uuid bigint text text",
)
_PRUNE = """
DELETE FROM trace_traceevent WHERE id IN (
  SELECT id FROM trace_traceevent WHERE at < %s ORDER BY at LIMIT %s)"""
_INSERT_SENT = ManyRows(
    "INSERT INTO trace_sent (trace_id, user_id, message_id, envelope_id, at)",
    "uuid bigint text text bigint",
    "ON CONFLICT DO NOTHING",
)
_PRUNE_SENT = """
DELETE FROM trace_sent WHERE trace_id IN (
  SELECT trace_id FROM trace_sent WHERE at < %s ORDER BY at LIMIT %s)"""
MESSAGE_ID_LENGTH, ENVELOPE_ID_LENGTH = 500, 100


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a message.

    Args:
        trace_id: the message's trace.
        kind: a dotted word, at most 40 characters (`smtp.received`, `local.delivered`).
        data: what else there is to know; JSON, never secrets.
        at_us: Unix microseconds; None is now.
        text: JSON in ASCII in place of `data`, of what is kept in that form elsewhere.
    """

    trace_id: UUID
    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    at_us: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that a user of ours sent; see `models.Sent`. `at_us` in Unix microseconds."""

    trace_id: UUID
    user_id: int
    message_id: str
    envelope_id: str
    at_us: int


def record(events: Sequence[Event]) -> None:
    """Write events, in order, within the caller's transaction: they exist if what they tell of
    does."""
    now = now_us()
    _INSERT.write([_row(event, now) for event in events])


def remember(messages: Sequence[SentMessage]) -> None:
    """Note what users sent, within the transaction that accepts it, so that what comes back about
    it finds its trace. A trace that is known already stays as it is."""
    _INSERT_SENT.write(
        [
            (
                one.trace_id.hex,
                one.user_id,
                _column(one.message_id, MESSAGE_ID_LENGTH),
                _column(one.envelope_id, ENVELOPE_ID_LENGTH),
                one.at_us,
            )
            for one in messages
        ]
    )


def prune(older_than_days: int) -> int:
    """Remove events, and what is remembered of sent mail, older than that, in small transactions;
    returns how many rows."""
    before = now_us() - older_than_days * _DAY_US
    return _prune(_PRUNE, before) + _prune(_PRUNE_SENT, before)


def _prune(sql: str, before: int) -> int:
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, [before, PRUNE_ROWS])
            removed: int = cursor.rowcount
        total += removed
        if removed < PRUNE_ROWS:
            return total


def _row(event: Event, now: int) -> tuple[str, int, str, str]:
    # ASCII JSON: neither a lone surrogate nor U+0000 from a peer can reach a text column of
    # Postgres.
    data = event.text or (json.dumps(event.data) if event.data else "{}")
    at = now if event.at_us is None else event.at_us
    return event.trace_id.hex, at, event.kind[:KIND_LENGTH], data


def _column(text: str, length: int) -> str:
    """As a text column of Postgres takes it."""
    return text[:length].encode("utf-8", "replace").decode().replace("\0", "?")
