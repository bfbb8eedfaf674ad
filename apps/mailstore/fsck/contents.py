"""Every blob against its SHA-256, and all that is kept of a message against its bytes.

One blob is in memory at a time. A blob that is read is decoded once, for itself and for the
messages that are made of it.
"""

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import connection

from apps.blobs import fsck as blobs
from apps.blobs import recovering
from apps.blobs.models import Blob
from apps.blobs.queries import Stored, Trouble
from apps.blobs.referrers import REFERRERS
from apps.blobs.services import PreparedBlob, as_uuid
from apps.mailstore.fsck import recipe
from apps.mailstore.fsck.finding import Finding, Scope, hurt, octets
from apps.mailstore.fsck.recipe import Recipe
from apps.mailstore.services import redoing
from apps.mailstore.services.prepare import MESSAGE_COLUMNS, read_off
from apps.mime.envelope import envelope
from apps.mime.headers import scan
from apps.runtime.db import is_sqlite
from apps.runtime.rows import among, fetch, listed

_ALL: Final = [name.strip().strip('"') for name in MESSAGE_COLUMNS.split(",")]
DERIVED: Final = tuple(_ALL[_ALL.index("header_size") : _ALL.index("created_at")])
STEP: Final = 20_000  # ids that one statement goes through
_IDS: Final = 500  # messages whose blobs are looked up at once

_OF_BLOBS: Final = """
SELECT m.blob_id, m.id, m.prefix, m.cuts, l.growth, l.ascii_growth, m.size, {columns}
FROM mailstore_message AS m LEFT JOIN mailstore_linesize AS l ON l.message_id = m.id
WHERE m.blob_id IN ({blobs}) ORDER BY m.id"""
_WITHOUT_BLOB: Final = """
SELECT m.id, m.blob_id, m.prefix, m.cuts, m.size, m.header FROM mailstore_message AS m
WHERE m.id > %s AND m.id <= %s
AND NOT EXISTS (SELECT 1 FROM blobs_blob AS b WHERE b.id = m.blob_id) ORDER BY m.id"""
_OF_USER: Final = """
SELECT t.message_id FROM {table} AS t JOIN mailstore_mailbox AS b ON b.id = t.mailbox_id
WHERE b.user_id = %s"""


@dataclass(frozen=True, slots=True)
class _Row:
    """A message as it is kept.

    Args:
        growth: of its `LineSize`; None if it has none.
        kept: `size` and `DERIVED` by name.
    """

    id: int
    prefix: Any
    cuts: Any
    growth: tuple[int, int] | None
    kept: Mapping[str, Any]


class _Ids:
    """Ids of the messages of a user, in their mailboxes or expunged from them; 8 octets each."""

    def __init__(self, user_id: int) -> None:
        found = array("Q")
        with connection.cursor() as cursor:
            for table in ("mailstore_entry", "mailstore_expunged"):
                cursor.execute(_OF_USER.format(table=table), [user_id])
                while rows := cursor.fetchmany(2_000):
                    found.extend(row[0] for row in rows)
        self.rising = array("Q", sorted(set(found)))

    def __len__(self) -> int:
        return len(self.rising)

    def __contains__(self, message_id: int) -> bool:
        at = bisect_left(self.rising, message_id)
        return at < len(self.rising) and self.rising[at] == message_id


def check(scope: Scope) -> Iterator[Finding]:
    """All findings about bytes. Raises StorageUnavailable if the object store does not answer."""
    mine = None if scope.user_id is None else _Ids(scope.user_id)
    done, total = 0, Blob.objects.count() if mine is None else len(mine)
    for page in blobs.pages() if mine is None else blobs.pages_of(_blobs_of(mine.rising)):
        rows = _messages([stored.id for stored in page], mine)
        for stored in page:
            yield from _blob(stored, rows.get(stored.id, ()))
            done += 1
            scope.tell("messages", min(done, total), total)
    yield from _without_blob(mine)
    if mine is None:
        yield from _others()


def _blobs_of(message_ids: Sequence[int]) -> Iterator[UUID]:
    sql = f"SELECT DISTINCT blob_id FROM mailstore_message WHERE {among('id')}"
    for first in range(0, len(message_ids), _IDS):
        for (found,) in fetch(sql, [listed(list(message_ids[first : first + _IDS]))]):
            if (blob_id := _identity(found)) is not None:
                yield blob_id


def _identity(found: Any) -> UUID | None:
    try:
        return as_uuid(found)
    except (ValueError, AttributeError, TypeError):
        return None


def _messages(blob_ids: Sequence[UUID], mine: _Ids | None) -> dict[UUID, list[_Row]]:
    if not blob_ids:
        return {}
    sql = _OF_BLOBS.format(
        columns=", ".join(map(_column, DERIVED)), blobs=", ".join(["%s"] * len(blob_ids))
    )
    found: dict[UUID, list[_Row]] = {}
    for blob_id, number, prefix, cuts, growth, ascii_growth, *values in fetch(
        sql, [one.hex for one in blob_ids]
    ):
        if mine is None or number in mine:
            kept = dict(zip(("size", *DERIVED), map(octets, values), strict=True))
            lines = None if growth is None else (growth, ascii_growth)
            row = _Row(number, octets(prefix), cuts, lines, kept)
            found.setdefault(as_uuid(blob_id), []).append(row)
    return found


def _column(name: str) -> str:
    # As they are kept: a damaged one is not to end in Django's conversion.
    if name in {"sent_at", "sent_date"} and is_sqlite():
        return f"CAST(m.{name} AS TEXT)"
    return f'm."{name}"'


def _blob(stored: Stored, rows: Sequence[_Row]) -> Iterator[Finding]:
    looked = stored.looked_at()
    if not isinstance(looked, Trouble):
        for row in rows:
            yield from _message(row, looked)
        return
    told = blobs.told(stored)
    if told is not None:
        names = hurt([row.id for row in rows])
        where = str(stored.id)
        yield Finding(told.kind, where, told.detail, names, mend=told.mend, blob_id=stored.id)


def _message(row: _Row, raw: bytes) -> Iterator[Finding]:
    where = f"message {row.id}"
    made = recipe.read(row.prefix, row.cuts, len(raw))
    if made is None or _is_suspect(made, row, raw):
        header = row.kept["header"]
        header = header if isinstance(header, bytes) else b""
        right = recipe.found(raw, made, row.prefix, header, row.kept["size"])
        told = "prefix, cuts or bytes are others than those of which the header kept was made"
        if right is None:
            yield Finding("recipe", where, told, hurt([row.id]))
            return
        yield Finding("recipe", where, told, hurt([row.id]), mend=partial(_recook, row, right))
        made = right
    yield from _derived(where, row, made.shown(raw))


def _is_suspect(made: Recipe, row: _Row, raw: bytes) -> bool:
    """Whether rather the recipe is damaged than what comes out of it: two witnesses are against it,
    or its own fields are no fields while those in the header are."""
    shown, size, header = made.shown(raw), row.kept["size"], row.kept["header"]
    if not isinstance(header, bytes) or (shown.startswith(header) and header):
        return False
    if len(shown) == size:
        whole = recipe.is_whole(made.prefix) or not recipe.is_whole(header[: len(made.prefix)])
        return not whole or _agree_on_others(row, header, shown)
    return bool(header) or row.kept["header_size"] != read_off(shown)[0][0]


def _agree_on_others(row: _Row, header: bytes, shown: bytes) -> bool:
    """Whether header and envelope tell of one message, and the bytes of another."""
    kept = row.kept["envelope"]
    return bool(kept == envelope(scan(header)) != envelope(scan(shown)))


def _recook(row: _Row, right: Recipe) -> str:
    written = {"prefix": right.prefix, "cuts": json.dumps(right.cuts)}
    before = {"prefix": row.prefix, "cuts": row.cuts}
    if not redoing.message(row.id, written, before):
        return ""
    return "made to fit again, as size and header prove"


def _derived(where: str, row: _Row, shown: bytes) -> Iterator[Finding]:
    values, growth = read_off(shown)
    right = dict(zip(("size", *DERIVED), (len(shown), *values), strict=True))
    wrong = [name for name in right if row.kept[name] != right[name]]
    if wrong:
        detail = f"not what the bytes say: {', '.join(wrong)}"
        written = {name: right[name] for name in wrong}
        before = {name: row.kept[name] for name in wrong}
        mend = partial(_rederive, row.id, written, before)
        yield Finding("derived", where, detail, hurt([row.id]), mend=mend)
    if row.growth != growth:
        detail = f"sent by lines it grows by {growth or 'nothing'}, but {row.growth} is kept"
        mend = partial(_relined, row.id, growth)
        yield Finding("derived", where, detail, hurt([row.id]), mend=mend)


def _rederive(message_id: int, right: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    done = redoing.message(message_id, right, before)
    return f"derived anew: {', '.join(right)}" if done else ""


def _relined(message_id: int, growth: tuple[int, int] | None) -> str:
    return "counted anew" if redoing.line_size(message_id, growth) else ""


def _without_blob(mine: _Ids | None) -> Iterator[Finding]:
    ((first, last),) = fetch("SELECT MIN(id), MAX(id) FROM mailstore_message", [])
    for after in range((first or 1) - 1, last or 0, STEP):
        found: dict[Any, list[tuple[Any, ...]]] = {}
        for number, blob_id, *rest in fetch(_WITHOUT_BLOB, [after, after + STEP]):
            if mine is None or number in mine:
                found.setdefault(blob_id, []).append((number, *map(octets, rest)))
        for blob_id, rows in found.items():
            yield _missing(_identity(blob_id), rows)


def _missing(blob_id: UUID | None, rows: Sequence[tuple[Any, ...]]) -> Finding:
    """A blob that has no row; its object, if it has one, can give it one again.

    Args:
        rows: (id, prefix, cuts, size, header) of the messages that name it.
    """
    ids = [row[0] for row in rows]
    where = str(blob_id or f"message {ids[0]}")
    detail, mend = "its row is missing", None
    for prepared, raw in recovering.from_object(blob_id) if blob_id is not None else ():
        if any(_fits(raw, *row[1:]) for row in rows):
            detail = "its row is missing; its object is there, and is what the message was made of"
            mend = partial(_reinsert, prepared)
            break
    return Finding("missing", where, detail, hurt(ids), mend=mend, blob_id=blob_id)


def _fits(raw: bytes, prefix: Any, cuts: Any, size: int, header: Any) -> bool:
    """Whether a message was made of these bytes."""
    made = recipe.read(prefix, cuts, len(raw))
    shown = made.shown(raw) if made is not None else b""
    return bool(header) and len(shown) == size and shown.startswith(header)


def _reinsert(found: PreparedBlob) -> str:
    return f"a row for {found.size} bytes, made from the object" if redoing.blob(found) else ""


def _others() -> Iterator[Finding]:
    """What other tables name, and what none does."""
    tables: list[tuple[str, str]] = [*REFERRERS]
    tables.remove(("mailstore_message", "blob_id"))
    yield from map(_plain, blobs.dangling(tables))
    yield from map(_plain, blobs.unnamed())


def _plain(found: blobs.Finding) -> Finding:
    where = str(found.blob_id or "object store")
    return Finding(
        found.kind, where, found.detail, is_harmless=found.is_harmless, blob_id=found.blob_id
    )
