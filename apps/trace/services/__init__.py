"""The flight recorder's write door: record events and what users sent, in the caller's transaction;
keep the index of messages; remove what is old."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.runtime.clock import now_us
from apps.runtime.rows import ManyRows, among, listed
from apps.trace import words
from apps.trace.models import Cursor
from apps.trace.passages import EVENTS
from apps.trace.queries import ALSO

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

_PASSAGE = (
    "at last_at direction door sender recipient recipients subject message_id address peer size"
    " points outcome cause took"
).split()
_LENGTHS = {
    "direction": 8,
    "door": 12,
    "sender": 320,
    "recipient": 320,
    "subject": 300,
    "message_id": 500,
    "address": 45,
    "peer": 255,
    "outcome": 12,
    "cause": 300,
}
_PUT_PASSAGES = ManyRows(
    f"INSERT INTO trace_passage (trace_id, {', '.join(_PASSAGE)})",
    "uuid bigint bigint text text text text int text text text text bigint float8 text text bigint",
    "ON CONFLICT (trace_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _PASSAGE),
)
# Whose an address was is not asked again: who gets it later sees nothing of what went before, and
# has none of it counted. A row that would stay as it is is not written.
_PUT_PARTIES = ManyRows(
    "INSERT INTO trace_party (trace_id, at, role, address, domain, user_id, domain_id, outcome,"
    " took, counted_id)",
    "uuid bigint text text text bigint bigint text bigint bigint",
    "ON CONFLICT (trace_id, role, address) DO UPDATE SET at = excluded.at,"
    " outcome = excluded.outcome, took = excluded.took,"
    " counted_id = COALESCE(trace_party.counted_id, excluded.counted_id)"
    " WHERE trace_party.at <> excluded.at"
    " OR COALESCE(trace_party.outcome, '') <> COALESCE(excluded.outcome, '')"
    " OR COALESCE(trace_party.took, -1) <> COALESCE(excluded.took, -1)",
)
_PUT_SUBJECTS = ManyRows(
    "INSERT INTO trace_subject (rowid, words, trace_id)", "bigint tsvector uuid"
)
_PRUNE_PASSAGES = """
DELETE FROM trace_passage WHERE trace_id IN (
  SELECT trace_id FROM trace_passage WHERE at < %s ORDER BY at LIMIT %s)"""
_PRUNE_PARTIES = """
DELETE FROM trace_party WHERE id IN (
  SELECT id FROM trace_party WHERE at < %s ORDER BY at LIMIT %s)"""
_PRUNE_SUBJECTS = """
DELETE FROM trace_subject WHERE rowid IN (
  SELECT rowid FROM trace_subject WHERE rowid < %s ORDER BY rowid LIMIT %s)"""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a message.

    Args:
        trace_id: the message's trace.
        kind: a dotted word, at most 40 characters (`smtp.received`, `local.delivered`).
        data: what else there is to know; JSON, never secrets.
        at_us: Unix microseconds; None is now.
        text: JSON in ASCII in place of `data`, of what is kept in that form elsewhere.
        also: kinds of what happened in the same moment and is kept in the same row, each with its
            data: JSON in ASCII. It is read as an event of its own, after this one.
    """

    trace_id: UUID
    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    at_us: int | None = None
    text: str = ""
    also: Sequence[tuple[str, str]] = ()


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


@dataclass(frozen=True, slots=True)
class Indexed:
    """A message as the index is to know it (`models.Passage`). Texts are cut to their columns."""

    trace_id: UUID
    at: int
    last_at: int
    direction: str
    door: str
    sender: str
    recipient: str
    recipients: int
    subject: str
    message_id: str
    address: str
    peer: str
    size: int
    points: float | None
    outcome: str
    cause: str
    took: int | None


@dataclass(frozen=True, slots=True)
class Taking:
    """Somebody who took part; see `models.Party`."""

    trace_id: UUID
    at: int
    role: str
    address: str
    domain: str
    user_id: int | None
    domain_id: int | None
    outcome: str | None = None
    took: int | None = None
    counted_id: int | None = None


def index(
    before: int,
    after: int,
    messages: Sequence[Indexed],
    parties: Sequence[Taking],
    *,
    worded: Sequence[Indexed],
    stale: Sequence[int] = (),
) -> bool:
    """Put messages into the index and its cursor behind the events that were read, in one
    transaction; False, and nothing is done, if another has moved the cursor meanwhile.

    Args:
        before, after: where the cursor was when the events were read, and where it is to be.
        messages, parties: each once; a party of a trace by its role and address.
        worded: those of the messages whose words are not there, or not there any more.
        stale: rows of words (`words.place`) of these that are to go.
    """
    with transaction.atomic():
        Cursor.objects.get_or_create(name=EVENTS)
        if not Cursor.objects.filter(name=EVENTS, event_id=before).update(event_id=after):
            return False
        _PUT_PASSAGES.write([_passage(one) for one in messages])
        _PUT_PARTIES.write([_party(one) for one in parties])
        _put_words(worded, stale)
    return True


def forget_index() -> None:
    """Have all that is kept be indexed anew. What is in the index stays until then, and so does
    whose an address was."""
    Cursor.objects.filter(name=EVENTS).update(event_id=0)


def _put_words(messages: Sequence[Indexed], stale: Sequence[int]) -> None:
    """A row of words is put in the place of what there is: FTS5 knows no ON CONFLICT."""
    rows = {}
    for one in messages:
        found = words.words_of(one.subject)
        if found:
            number = words.place(one.at, one.trace_id)
            rows[number] = (number, " ".join(dict.fromkeys(found)), one.trace_id.hex)
    gone = sorted({*rows, *stale})
    if gone:
        with connection.cursor() as cursor:
            sql = f"DELETE FROM trace_subject WHERE {among('rowid')}"
            cursor.execute(sql, [listed(gone)])
    _PUT_SUBJECTS.write(list(rows.values()))


def _passage(one: Indexed) -> list[Any]:
    values = [getattr(one, name) for name in _PASSAGE]
    return [
        one.trace_id.hex,
        *(
            _column(str(value), _LENGTHS[name]) if name in _LENGTHS else value
            for name, value in zip(_PASSAGE, values, strict=True)
        ),
    ]


def _party(one: Taking) -> tuple[Any, ...]:
    address, domain = _column(one.address, 320), _column(one.domain, 255)
    whose = one.user_id, one.domain_id
    ended = one.outcome, one.took, one.counted_id
    return one.trace_id.hex, one.at, one.role, address, domain, *whose, *ended


def prune(older_than_days: int) -> int:
    """Remove events, what is remembered of sent mail, and what is indexed, older than that, in
    small transactions; returns how many rows."""
    before = now_us() - older_than_days * _DAY_US
    place, _ = words.places(before, before)
    return (
        _prune(_PRUNE, before)
        + _prune(_PRUNE_SENT, before)
        + _prune(_PRUNE_PARTIES, before)
        + _prune(_PRUNE_SUBJECTS, place)
        + _prune(_PRUNE_PASSAGES, before)
    )


def _prune(sql: str, before: int) -> int:
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, [before, PRUNE_ROWS])
            removed: int = cursor.rowcount
        total += removed
        if removed < PRUNE_ROWS:
            return total


def data_of(event: Event) -> str:
    """The data of an event as they are recorded, JSON in ASCII: for who records it later, with them
    as its `text`."""
    return _row(event, 0)[3]


def _row(event: Event, now: int) -> tuple[str, int, str, str]:
    data = event.text or (_json(event.data) if event.data else "{}")
    if event.also:
        parts = ",".join([f'"{kind}":{text}' for kind, text in event.also])
        data = f'{data[:-1]}{"," if data != "{}" else ""}"{ALSO}":{{{parts}}}}}'
    at = now if event.at_us is None else event.at_us
    return event.trace_id.hex, at, event.kind[:KIND_LENGTH], data


# In ASCII: neither a lone surrogate nor U+0000 from a peer can reach a text column of Postgres.
_json = json.JSONEncoder(separators=(",", ":")).encode


def _column(text: str, length: int) -> str:
    """As a text column of Postgres takes it."""
    return text[:length].encode("utf-8", "replace").decode().replace("\0", "?")
