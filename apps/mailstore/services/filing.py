"""The statements that every way into and out of a mailbox shares: deliver, append, copy, move,
expunge.

All of them run inside the caller's transaction, after its locks
(`locks.lock`). Each is one constant statement for any number of rows, on SQLite and on Postgres.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import add
from typing import Any, Final, NamedTuple

from django.db import connection

from apps.blobs import services as blobs
from apps.events.bus import publish_on_commit
from apps.events.types import MailboxChanged
from apps.mailstore.origin import Origin
from apps.mailstore.services.prepare import MESSAGE_COLUMNS, MESSAGE_TYPES, PreparedMessage
from apps.mailstore.uidset import uid_set
from apps.runtime.clock import now, now_us
from apps.runtime.rows import ManyRows, Values, allocate_ids, among, listed
from apps.wire.errors import NotFound

CHUNK: Final = (
    1_000  # UIDs in one transaction of STORE and EXPUNGE: 4 ms, so that mail never waits long
)

_INSERT_MESSAGES = ManyRows(f"INSERT INTO mailstore_message ({MESSAGE_COLUMNS})", MESSAGE_TYPES)
_INSERT_LINE_SIZES = ManyRows(
    "INSERT INTO mailstore_linesize (message_id, growth, ascii_growth)", "bigint bigint bigint"
)
_INSERT_HEADS = ManyRows("INSERT INTO mailstore_deliveryhead (id, raw)", "bigint bytea")
_INSERT_ENTRIES = ManyRows(
    "INSERT INTO mailstore_entry (mailbox_id, uid, modseq, message_id, head_id, flags, keywords,"
    " internaldate, internaldate_offset, saved_at, size, thread_id)",
    "bigint bigint bigint bigint bigint smallint bigint bigint smallint bigint bigint bigint",
)
_INSERT_CHANGES = ManyRows(
    "INSERT INTO mailstore_change"
    " (at, mailbox_id, user_id, what, uids, modseq, before, after, door, client, address)",
    "bigint bigint bigint text text bigint text text text text text",
)
_HOME: Final = (
    "SELECT user_id, uidvalidity FROM mailstore_mailbox WHERE id = %s AND deleted_at IS NULL"
)
_GROWTH = Values("d", "box bigint, taken bigint, messages bigint, unseen bigint, size bigint")
_encode = json.JSONEncoder(separators=(",", ":")).encode
_USE = Values("d", "owner bigint, size bigint, messages bigint, reserved bigint, expunged bigint")


class Entering(NamedTuple):
    """A row of `Entry` that has no UID yet, in the order of its columns."""

    message_id: int
    head_id: int | None
    flags: int
    keywords: int
    internaldate: int
    internaldate_offset: int
    saved_at: int
    size: int
    thread_id: int | None = None


class Growth(NamedTuple):
    """What changes in a mailbox: UIDs taken, and differences of its counters."""

    taken: int
    messages: int
    unseen: int
    size: int


class Place(NamedTuple):
    """What a mailbox gave: the first UID taken (the others follow), the modseq of the change."""

    uid: int
    modseq: int


class Home(NamedTuple):
    """A live mailbox: whose, and its uidvalidity."""

    user_id: int
    uidvalidity: int


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the journal. `before` and `after` are JSON, empty where there is nothing to tell."""

    mailbox_id: int
    what: str
    uids: Sequence[int]
    modseq: int
    origin: Origin
    before: Any = None
    after: Any = None


def homes(mailbox_ids: Iterable[int]) -> dict[int, Home]:
    """The live ones among these mailboxes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, user_id, uidvalidity FROM mailstore_mailbox"
            f" WHERE {among('id')} AND deleted_at IS NULL",
            [listed(sorted(set(mailbox_ids)))],
        )
        return {row[0]: Home(row[1], row[2]) for row in cursor.fetchall()}


def home(mailbox_id: int) -> Home:
    """One live mailbox. Raises NotFound."""
    with connection.cursor() as cursor:
        cursor.execute(_HOME, [mailbox_id])
        row = cursor.fetchone()
    if row is None:
        raise NotFound(f"mailbox {mailbox_id} is not there")
    return Home(*row)


def both_homes(one: int, other: int) -> tuple[Home, Home]:
    """Two live mailboxes, which may be the same, by one query. Raises NotFound."""
    found = homes([one, other])
    return _there(found, one), _there(found, other)


def _there(found: Mapping[int, Home], mailbox_id: int) -> Home:
    if mailbox_id not in found:
        raise NotFound(f"mailbox {mailbox_id} is not there")
    return found[mailbox_id]


def insert_messages(messages: Sequence[PreparedMessage]) -> list[int]:
    """Insert messages, and the blobs that come with them; returns their ids in order."""
    blobs.insert([message.blob for message in messages if message.blob is not None])
    ids = allocate_ids("mailstore_message", len(messages))
    at = now()
    _INSERT_MESSAGES.write(
        [
            (
                message_id,
                message.blob_id.hex,
                message.trace_id.hex,
                message.prefix,
                message.cuts,
                message.size,
                *message.derived,
                at,
            )
            for message_id, message in zip(ids, messages, strict=True)
        ]
    )
    _INSERT_LINE_SIZES.write(
        [
            (message_id, *message.growth)
            for message_id, message in zip(ids, messages, strict=True)
            if message.growth is not None
        ]
    )
    return ids


def insert_heads(heads: Sequence[bytes]) -> list[int | None]:
    """Insert delivery heads; returns their ids in order, None for an empty one (it is not kept)."""
    filled = [head for head in heads if head]
    ids = allocate_ids("mailstore_deliveryhead", len(filled)) if filled else []
    _INSERT_HEADS.write(list(zip(ids, filled, strict=True)))
    given = iter(ids)
    return [next(given) if head else None for head in heads]


def grow(growth: Mapping[int, Growth]) -> dict[int, Place]:
    """Change the counters of mailboxes and give each a new modseq; one statement for all."""
    rows = [(mailbox_id, *growth[mailbox_id]) for mailbox_id in sorted(growth)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
UPDATE mailstore_mailboxstate AS s SET uidnext = s.uidnext + d.taken,
  highestmodseq = s.highestmodseq + 1, messages = s.messages + d.messages,
  unseen = s.unseen + d.unseen, size = s.size + d.size
FROM {_GROWTH.sql} WHERE s.mailbox_id = d.box
RETURNING mailbox_id, uidnext, highestmodseq""",
            _GROWTH.parameters(rows),
        )
        return {
            mailbox_id: Place(uidnext - growth[mailbox_id].taken, modseq)
            for mailbox_id, uidnext, modseq in cursor.fetchall()
        }


class Use(NamedTuple):
    """What changes in a user's account. `reserved` are bytes that are given back."""

    user_id: int
    size: int = 0
    messages: int = 0
    reserved: int = 0
    expunged: int = 0


def use(rows: Iterable[Use]) -> None:
    """Change what users use; one statement for all."""
    totals: dict[int, tuple[int, ...]] = {}
    for user_id, *numbers in rows:
        before = totals.get(user_id, (0, 0, 0, 0))
        totals[user_id] = tuple(map(add, before, numbers))
    table = [(user_id, *totals[user_id]) for user_id in sorted(totals)]
    if not table:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
UPDATE mailstore_usage AS u SET size = u.size + d.size, messages = u.messages + d.messages,
  reserved = u.reserved - d.reserved, expunged = u.expunged + d.expunged
FROM {_USE.sql} WHERE u.user_id = d.owner""",
            _USE.parameters(table),
        )


def insert_entries(rows: Sequence[tuple[int, int, int, Entering]]) -> None:
    """Insert (mailbox id, uid, modseq, the rest)."""
    _INSERT_ENTRIES.write([(box, uid, modseq, *entry) for box, uid, modseq, entry in rows])


def record(changes: Sequence[Change]) -> None:
    """Write the journal, and tell listeners once the transaction has committed."""
    at = now_us()
    _INSERT_CHANGES.write(
        [
            (
                at,
                change.mailbox_id,
                change.origin.user_id,
                change.what,
                uid_set(change.uids),
                change.modseq,
                _compact(change.before),
                _compact(change.after),
                change.origin.door[:12],
                _printable(change.origin.client)[:200],
                change.origin.address[:45],
            )
            for change in changes
        ]
    )
    for change in changes:
        publish_on_commit(MailboxChanged(change.mailbox_id, change.modseq))


def _compact(value: Any) -> str:
    return "" if value is None else _encode(value)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
