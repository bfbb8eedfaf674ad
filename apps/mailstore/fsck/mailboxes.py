"""Each mailbox: its counters against a recount, its rows against what they name.

One mailbox after another, whatever is wrong with it by constant SQL that brings up only that; a
large one in steps, so that no statement takes long. Each statement sees one moment.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from django.db import connection

from apps.mailstore.fsck.finding import Finding, Mend, Scope
from apps.mailstore.services import mending
from apps.mailstore.services.keywords import BITS, is_keyword
from apps.mailstore.services.mending import ENTRY, EXPUNGED
from apps.mailstore.services.recounting import UID_MAX, journalled
from apps.runtime.rows import among, fetch, listed

STEP: Final = 5_000  # rows that one statement goes through
_PAGE: Final = 500  # mailboxes
# What can be said as a date of four digits (RFC 3501 section 9, date-time).
_FIRST, _LAST, _OFFSET = -62_135_596_800, 253_402_300_799, 24 * 60

_MAILBOXES: Final = """
SELECT b.id, o.address, b.name, b.deleted_at, s.mailbox_id IS NULL FROM mailstore_mailbox AS b
JOIN directory_user AS o ON o.id = b.user_id
LEFT JOIN mailstore_mailboxstate AS s ON s.mailbox_id = b.id
WHERE b.id > %s AND {whose} ORDER BY b.id LIMIT %s"""
_COUNTED: Final = """
SELECT s.messages, s.unseen, s.size, s.uidnext, s.highestmodseq, s.recent_floor, s.expunged_floor,
  c.messages, c.unseen, c.size, c.uid, c.modseq, x.uid, x.modseq,
  CASE WHEN EXISTS (SELECT 1 FROM mailstore_mailbox AS b
    WHERE b.id = s.mailbox_id AND b.deleted_at IS NULL) THEN 1 ELSE 0 END
FROM mailstore_mailboxstate AS s,
  (SELECT COUNT(*) AS messages, COALESCE(SUM(1 - (flags & 1)), 0) AS unseen,
    COALESCE(SUM(size), 0) AS size, COALESCE(MAX(uid), 0) AS uid, COALESCE(MAX(modseq), 0) AS modseq
    FROM mailstore_entry WHERE mailbox_id = %s) AS c,
  (SELECT COALESCE(MAX(uid), 0) AS uid, COALESCE(MAX(modseq), 0) AS modseq
    FROM mailstore_expunged WHERE mailbox_id = %s) AS x
WHERE s.mailbox_id = %s"""
_STEP_END: Final = """
SELECT uid FROM {table} WHERE mailbox_id = %s AND uid > %s ORDER BY uid LIMIT 1 OFFSET %s"""
_SUSPECTS: Final = """
SELECT t.uid, m.id IS NULL, t.head_id IS NOT NULL AND h.id IS NULL, t.size, m.size,
  COALESCE(length(h.raw), 0), t.flags, (t.keywords & ~k.known), t.internaldate,
  t.internaldate_offset, t.thread_id, {also}
FROM {table} AS t LEFT JOIN mailstore_message AS m ON m.id = t.message_id
LEFT JOIN mailstore_deliveryhead AS h ON h.id = t.head_id,
  (SELECT CAST(COALESCE(SUM(CAST(1 AS bigint) << bit), 0) AS bigint) AS known
    FROM mailstore_keyword WHERE mailbox_id = %s AND bit < 63) AS k
WHERE t.mailbox_id = %s AND t.uid > %s AND t.uid <= %s AND (
  m.id IS NULL OR (t.head_id IS NOT NULL AND h.id IS NULL)
  OR t.size <> m.size + COALESCE(length(h.raw), 0)
  OR (t.flags & ~31) <> 0 OR (t.keywords & ~k.known) <> 0
  OR t.internaldate NOT BETWEEN %s AND %s OR ABS(t.internaldate_offset) >= %s
  OR t.thread_id NOT BETWEEN 1 AND %s OR t.uid NOT BETWEEN 1 AND %s OR {also})
ORDER BY t.uid"""
_ALSO: Final = {
    ENTRY: "1 = 0",
    EXPUNGED: (
        "EXISTS (SELECT 1 FROM mailstore_entry AS e"
        " WHERE e.mailbox_id = t.mailbox_id AND e.uid = t.uid)"
    ),
}
_SEQUENCE: Final = """
SELECT pg_sequence_last_value(
  CAST(pg_get_serial_sequence('mailstore_message', 'id') AS regclass))"""
_KEYWORDS: Final = "SELECT mailbox_id, bit, name FROM mailstore_keyword WHERE {}"


class _Box(NamedTuple):
    """A mailbox; `where` is how people know it."""

    id: int
    where: str
    is_deleted: bool
    is_uncounted: bool


def _box(box_id: int, address: str, name: str, deleted_at: int | None, uncounted: bool) -> _Box:
    where = f"{address} {name}" if deleted_at is None else f"{address} {name} (deleted)"
    return _Box(box_id, where, deleted_at is not None, bool(uncounted))


class _Suspect(NamedTuple):
    """A row of `Entry` or `Expunged` that something is wrong with, as `_SUSPECTS` has it."""

    uid: int
    has_no_message: bool
    has_no_head: bool
    size: int
    message_size: int | None
    head_size: int
    flags: int
    unnamed: int
    internaldate: int
    offset: int
    thread_id: int | None
    is_live_too: bool


def check(scope: Scope) -> Iterator[Finding]:
    """All findings about mailboxes and the rows in them."""
    whose = "1 = 1" if scope.user_id is None else "b.user_id = %s"
    mine = [] if scope.user_id is None else [scope.user_id]
    ((total,),) = fetch(f"SELECT COUNT(*) FROM mailstore_mailbox AS b WHERE {whose}", mine)
    after = done = 0
    while rows := fetch(_MAILBOXES.format(whose=whose), [after, *mine, _PAGE]):
        newest = newest_message()
        boxes = [_box(*row) for row in rows]
        yield from _keywords({box.id: box for box in boxes})
        for box in boxes:
            yield from _mailbox(box, newest)
            done += 1
            scope.tell("mailboxes", done, total)
        after = rows[-1][0]


def newest_message() -> int:
    """No conversation has a higher number: a message that is yet to come would get that."""
    if connection.vendor == "sqlite":
        rows = fetch("SELECT seq FROM sqlite_sequence WHERE name = 'mailstore_message'", [])
    else:
        rows = fetch(_SEQUENCE, [])
    return int(rows[0][0] or 0) if rows else 0


def _mailbox(box: _Box, newest: int) -> Iterator[Finding]:
    if box.is_uncounted:
        mend = partial(mending.recount, box.id)
        yield Finding("counters", box.where, "it has none, and cannot be opened", mend=mend)
    for table in (ENTRY, EXPUNGED):
        after = -(1 << 62)
        while after < 1 << 62:
            ends = fetch(_STEP_END.format(table=table), [box.id, after, STEP - 1])
            end = ends[0][0] if ends else 1 << 62
            for suspect in _suspects(table, box.id, after, end, newest):
                yield from _row(table, box, suspect, newest)
            after = end
    yield from _counters(box)


def _suspects(table: str, box_id: int, after: int, end: int, newest: int) -> list[_Suspect]:
    sql = _SUSPECTS.format(table=table, also=_ALSO[table])
    bounds = [_FIRST, _LAST, _OFFSET, newest, UID_MAX]
    rows = fetch(sql, [box_id, box_id, after, end, *bounds])
    # A message may have been filed, and begun a conversation, since `newest` was asked for.
    return [_Suspect(*row) for row in rows]


def _row(table: str, box: _Box, row: _Suspect, newest: int) -> Iterator[Finding]:
    where = f"{box.where} {row.uid}"

    def told(kind: str, detail: str, mend: Mend | None = None) -> Finding:
        hurt = (where,) if table == ENTRY and not box.is_deleted else ()
        return Finding(kind, where, detail, hurt, mend=mend)

    at = (table, box.id, row.uid, where)
    if row.has_no_message:
        detail = "names a message that is not there"
        yield told(_KINDS[table], detail, partial(mending.take_out, *at))
        return
    if row.is_live_too:
        detail = "is told to be expunged, and is there"
        yield told("expunged", detail, partial(mending.take_out, *at))
        return
    if row.has_no_head:
        detail = "names a delivery head that is not there"
        yield told("head", detail, partial(mending.take_head_off, *at))
    elif row.size != (row.message_size or 0) + row.head_size:
        detail = f"{row.size} bytes are kept, but it has {(row.message_size or 0) + row.head_size}"
        yield told("size", detail, partial(mending.resize, *at[:3]))
    yield from (told(*one) for one in _marks(at, row))
    if row.thread_id is not None and not 1 <= row.thread_id <= max(newest, newest_message()):
        detail = f"its conversation {row.thread_id} cannot be"
        yield told("thread", detail, partial(mending.thread_anew, *at))
    if table == ENTRY and not 1 <= row.uid <= UID_MAX:
        yield told("uid", "no client knows such a UID", partial(mending.renumber, *at[1:]))


_KINDS: Final = {ENTRY: "entry", EXPUNGED: "expunged"}


def _marks(at: tuple[str, int, int, str], row: _Suspect) -> Iterator[tuple[str, str, Mend]]:
    if row.flags & ~31:
        detail = f"flags {row.flags}: no such flags"
        yield "flags", detail, partial(mending.clean_flags, *at)
    if row.unnamed:
        bits = [bit for bit in range(64) if row.unnamed >> bit & 1]
        detail = f"has keywords without a name: {', '.join(map(str, bits))}"
        yield "keywords", detail, partial(mending.name_keywords, *at)
    if not _FIRST <= row.internaldate <= _LAST or abs(row.offset) >= _OFFSET:
        detail = f"came at {row.internaldate}, {row.offset} minutes east: no such time"
        yield "date", detail, partial(mending.date_anew, *at)


def _keywords(boxes: Mapping[int, _Box]) -> Iterator[Finding]:
    rows = fetch(_KEYWORDS.format(among("mailbox_id")), [listed(sorted(boxes))])
    for box_id, bit, name in sorted(rows, key=lambda row: row[:2]):
        if 0 <= bit < BITS and isinstance(name, str) and is_keyword(name):
            continue
        detail = f"keyword {bit} is called {name!r}, which no client can be told"
        mend = partial(mending.rename_keyword, box_id, bit) if 0 <= bit < BITS else None
        yield Finding("keywords", boxes[box_id].where, detail, mend=mend)


def _counters(box: _Box) -> Iterator[Finding]:
    # The journal is asked first: what is done meanwhile raises the counters, which come after.
    told = journalled(box.id)
    rows = fetch(_COUNTED, [box.id, box.id, box.id])
    if not rows:
        return
    row = [int(number) for number in rows[0]]
    mend = partial(mending.recount, box.id)
    # Those of a deleted one fall behind while it is purged, and nobody reads them. It may have been
    # deleted since it was listed.
    if row[:3] != row[7:10] and row[14]:
        detail = f"messages, unseen, bytes are {row[7:10]}, but {row[:3]} is kept"
        yield Finding("counters", box.where, detail, mend=mend)
    detail = _beyond(row[3:7], max(row[10], row[12], told[0]), max(row[11], row[13], told[1]))
    if detail:
        yield Finding("counters", box.where, detail, mend=mend)


def _beyond(kept: Sequence[int], uid: int, changed: int) -> str:
    """What is above the mailbox's own counters."""
    uidnext, modseq, recent, expunged = kept
    if not 1 <= uidnext <= UID_MAX + 1:
        return f"the next UID is {uidnext}, which no client knows"
    if uid >= uidnext or changed > modseq:
        return (
            f"a UID or modseq is above the mailbox's own:"
            f" {uid} and {changed}, but the next is {uidnext} and the highest {modseq}"
        )
    if recent > uidnext:
        return f"UIDs from {recent} on are new, but the next is {uidnext}"
    if expunged > modseq:
        return f"expunges are forgotten up to modseq {expunged}, but the highest is {modseq}"
    return ""
