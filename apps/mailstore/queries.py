"""Reads of mail at rest. Every function says how many queries it takes; the hot ones are constant
SQL.

Results are plain tuples, arrays and dataclasses, so they may leave the thread that read them.
"""

import json
from array import array
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from apps.blobs.queries import Stored
from apps.mailstore.models import Message, SpecialUse
from apps.mailstore.shown import Source, runs, trace
from apps.runtime.db import is_sqlite, read_snapshot
from apps.runtime.glance import Ask, ask_database
from apps.runtime.rows import among, listed
from apps.wire.errors import Damaged, NotFound

PAGE: Final = 500  # messages in one query of `fetch_page`
AT_A_GLANCE: Final = 32  # messages that `fetch_few` reads at most
ALL_ROWS: Final = 1 << 30
"""A limit that limits nothing."""
FEW: Final = 32  # rows that `fetch_some` takes before it asks whether there is enough


class Counters(NamedTuple):
    """What SELECT and STATUS tell of a mailbox. `size` in bytes; `recent_floor` is the first
    \\Recent UID."""

    uidvalidity: int
    uidnext: int
    highestmodseq: int
    messages: int
    unseen: int
    size: int
    recent_floor: int
    expunged_floor: int


class MailboxRow(NamedTuple):
    """A mailbox in a list. `special_use` is a value of `models.SpecialUse`, empty for none."""

    id: int
    name: str
    special_use: str
    counters: Counters


class Snapshot(NamedTuple):
    """A mailbox as it was at one moment: four arrays of the same length, in the order of UIDs.

    keyword_names: the name of each bit of `keywords`, from bit 0; empty for a bit without one.
    """

    uids: "array[int]"
    flags: "array[int]"
    keywords: "array[int]"
    modseqs: "array[int]"
    counters: Counters
    keyword_names: tuple[str, ...]


class FlagsRow(NamedTuple):
    """The changing part of an entry."""

    uid: int
    flags: int
    keywords: int
    modseq: int


class Changes(NamedTuple):
    """What happened after a modseq, in the order of modseqs.

    expunged: UIDs. If `complete` is false some expunges are forgotten (the modseq is below
    `expunged_floor`): whoever asks must treat every UID it knows and that is not there now as
    expunged (RFC 7162 section 3.2.5.1).
    """

    changed: list[FlagsRow]
    expunged: list[int]
    highestmodseq: int
    complete: bool
    keyword_names: tuple[str, ...]


class ListRow(NamedTuple):
    """A message in a list on the web. `internaldate` in Unix seconds."""

    uid: int
    flags: int
    keywords: int
    modseq: int
    internaldate: int
    size: int
    message_id: int
    head_id: int | None
    subject: str
    sender_name: str
    sender_address: str
    recipients: str
    preview: str
    has_attachments: bool


class UsageRow(NamedTuple):
    """Space of a user in bytes; a quota of 0 is no limit."""

    size: int
    messages: int
    reserved: int
    quota: int

    @property
    def used(self) -> int:
        """What the quota is of: what is kept, and what is reserved for mail on its way."""
        return self.size + self.reserved

    @property
    def percent(self) -> float | None:
        """Of the quota; None where there is no limit."""
        return 100 * self.used / self.quota if self.quota else None


_COUNTERS: Final = (
    "b.uidvalidity, s.uidnext, s.highestmodseq, s.messages, s.unseen, s.size, s.recent_floor,"
    " s.expunged_floor"
)
_FROM_MAILBOX: Final = (
    " FROM mailstore_mailbox AS b JOIN mailstore_mailboxstate AS s ON s.mailbox_id = b.id"
    " WHERE b.deleted_at IS NULL AND "
)
_LIST: Final = f"SELECT b.id, b.name, b.special_use, {_COUNTERS}{_FROM_MAILBOX}b.user_id = %s"
_LISTED: Final = f"{_LIST} LIMIT %s"
_NAMED: Final = f"{_LIST} AND b.name = %s"
_SUBSCRIBED: Final = "SELECT name FROM mailstore_subscription WHERE user_id = %s LIMIT %s"
_COUNT: Final = f"SELECT {_COUNTERS}{_FROM_MAILBOX}b.id = %s"
_MODSEQ: Final = f"SELECT s.highestmodseq{_FROM_MAILBOX}b.id = %s"
_KEYWORDS: Final = "SELECT bit, name FROM mailstore_keyword WHERE mailbox_id = %s"
_ARRAYS: Final = (
    "SELECT uid, flags, keywords, modseq FROM mailstore_entry WHERE mailbox_id = %s ORDER BY uid"
)
# A page of them as four texts: SQLite makes these in one step, without the interpreter; to fetch
# as many rows and to take them apart takes half as long again.
_ARRAYS_PAGE: Final = 20_000
_ARRAYS_IN_JSON: Final = (
    "SELECT json_group_array(uid), json_group_array(flags), json_group_array(keywords),"
    " json_group_array(modseq) FROM (SELECT uid, flags, keywords, modseq FROM mailstore_entry"
    " WHERE mailbox_id = %s AND uid > %s ORDER BY uid LIMIT %s)"
)
_CHANGED: Final = (
    "SELECT uid, flags, keywords, modseq FROM mailstore_entry"
    " WHERE mailbox_id = %s AND modseq > %s ORDER BY modseq, uid"
)
_EXPUNGED: Final = (
    "SELECT uid FROM mailstore_expunged WHERE mailbox_id = %s AND modseq > %s ORDER BY modseq, uid"
)


def mailboxes(user_id: int, ask: Ask = ask_database, most: int = ALL_ROWS) -> list[MailboxRow]:
    """The live mailboxes of a user in the order of their names, INBOX first; one query.

    Args:
        most: some so many of them, if there are more.
    """
    rows = [_mailbox(row) for row in ask(_LISTED, [user_id, most])]
    rows.sort(key=lambda row: (row.special_use != SpecialUse.INBOX, row.name))
    return rows


def subscriptions(user_id: int, ask: Ask = ask_database, most: int = ALL_ROWS) -> list[str]:
    """The names a user has subscribed to, in order; some may be of no mailbox. One query. `most` as
    in `mailboxes`."""
    return sorted([row[0] for row in ask(_SUBSCRIBED, [user_id, most])])


def _mailbox(row: Sequence[Any]) -> MailboxRow:
    return MailboxRow(row[0], row[1], row[2], Counters(*row[3:]))


def mailbox_named(ask: Ask, user_id: int, name: str) -> MailboxRow | None:
    """The live mailbox of a user that has this name, as it is kept; one query. For `glance`."""
    rows = ask(_NAMED, [user_id, name])
    return _mailbox(rows[0]) if rows else None


def highest_modseq(ask: Ask, mailbox_id: int) -> int | None:
    """The newest change of a live mailbox, None if it is not there; one query. For `glance`."""
    rows = ask(_MODSEQ, [mailbox_id])
    return int(rows[0][0]) if rows else None


def status(mailbox_ids: Sequence[int]) -> dict[int, Counters]:
    """Counters of those mailboxes that are there; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT b.id, {_COUNTERS}{_FROM_MAILBOX}{among('b.id')}",
            [listed(mailbox_ids)],
        )
        return {row[0]: Counters(*row[1:]) for row in cursor.fetchall()}


def inboxes(user_ids: Sequence[int]) -> dict[int, int]:
    """INBOX of each of these users, by user id; one query."""
    return boxes(user_ids, SpecialUse.INBOX)


def boxes(user_ids: Sequence[int], use: SpecialUse) -> dict[int, int]:
    """The mailbox with that role of each of these users who have one, by user id; one query."""
    # The role stands in the text: SQLite takes its partial index for no parameter.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, id FROM mailstore_mailbox"
            f" WHERE {among('user_id')} AND special_use = '{use.value}' AND deleted_at IS NULL",
            [listed(user_ids)],
        )
        return dict(cursor.fetchall())


def owner_of(mailbox_id: int) -> int | None:
    """The user whose mailbox it is, None if there is no such live one; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id FROM mailstore_mailbox WHERE id = %s AND deleted_at IS NULL",
            [mailbox_id],
        )
        row = cursor.fetchone()
    return int(row[0]) if row else None


def keyword_names(mailbox_id: int) -> tuple[str, ...]:
    """The name of each keyword bit, from bit 0; empty for a bit without one. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_KEYWORDS, [mailbox_id])
        names = dict(cursor.fetchall())
    return tuple(names.get(bit, "") for bit in range(max(names, default=-1) + 1))


def snapshot(mailbox_id: int) -> Snapshot:
    """A whole mailbox at one moment; three queries.

    Raises:
        NotFound: it is not there.
    """
    uids, flags, keywords, modseqs = array("Q"), array("H"), array("Q"), array("Q")
    with read_snapshot(), connection.cursor() as cursor:
        counters = _counters(cursor, mailbox_id)
        names = keyword_names(mailbox_id)
        for page in _columns_of_entries(cursor, mailbox_id):
            uids.extend(page[0])
            flags.extend(page[1])
            keywords.extend(page[2])
            modseqs.extend(page[3])
    return Snapshot(uids, flags, keywords, modseqs, counters, names)


def _columns_of_entries(cursor: Any, mailbox_id: int) -> Iterator[Sequence[Sequence[int]]]:
    """UIDs, flags, keywords and modseqs of a mailbox in the order of UIDs, some at a time."""
    if connection.vendor != "sqlite":
        cursor.execute(_ARRAYS, [mailbox_id])
        while rows := cursor.fetchmany(2_000):
            yield list(zip(*rows, strict=True))
        return
    last, count = 0, _ARRAYS_PAGE
    while count == _ARRAYS_PAGE:
        cursor.execute(_ARRAYS_IN_JSON, [mailbox_id, last, _ARRAYS_PAGE])
        page = [json.loads(text) for text in cursor.fetchone()]
        count = len(page[0])
        last = page[0][-1] if count else last
        yield page


def changes_since(mailbox_id: int, modseq: int) -> Changes:
    """What has a modseq above this one; four queries at one moment.

    Raises:
        NotFound: the mailbox is not there.
    """
    with read_snapshot(), connection.cursor() as cursor:
        counters = _counters(cursor, mailbox_id)
        names = keyword_names(mailbox_id)
        cursor.execute(_CHANGED, [mailbox_id, modseq])
        changed = [FlagsRow(*row) for row in cursor.fetchall()]
        cursor.execute(_EXPUNGED, [mailbox_id, modseq])
        expunged = [row[0] for row in cursor.fetchall()]
    complete = modseq >= counters.expunged_floor
    return Changes(changed, expunged, counters.highestmodseq, complete, names)


def expunged_since(mailbox_id: int, modseq: int) -> list[int] | None:
    """The UIDs, ascending, of what was expunged after this modseq; None if some of it has been
    forgotten. Two queries at one moment.

    Raises:
        NotFound: the mailbox is not there.
    """
    with read_snapshot(), connection.cursor() as cursor:
        if modseq < _counters(cursor, mailbox_id).expunged_floor:
            return None
        cursor.execute(_EXPUNGED, [mailbox_id, modseq])
        return sorted([row[0] for row in cursor.fetchall()])


def _counters(cursor: Any, mailbox_id: int) -> Counters:
    cursor.execute(_COUNT, [mailbox_id])
    row = cursor.fetchone()
    if row is None:
        raise NotFound(f"mailbox {mailbox_id} is not there")
    return Counters(*row)


_ENTRY_WORDS: Final = (
    "uid flags keywords modseq internaldate internaldate_offset saved_at size message_id head_id"
    " thread_id"
)
_MESSAGE_WORDS: Final = (
    "blob_id trace_id prefix cuts header_size header envelope bodystructure parts subject"
    " sender_name sender_address recipients sent_at sent_date in_reply_to preview has_attachments"
)
_ENTRY_COLUMNS: Final = frozenset(_ENTRY_WORDS.split())
_MESSAGE_COLUMNS: Final = frozenset(_MESSAGE_WORDS.split())
# Names that mean something else than the column of the same name in the other table.
_RENAMED: Final = {
    "message_size": "m.size",
    "rfc822_message_id": "m.message_id",
    "references": 'm."references"',
    "head": "h.raw",
}


_SHOWN_COLUMNS: Final = (
    "h.raw, m.prefix, m.cuts, m.header_size, m.size, m.header,"
    " b.id, b.sha256, b.size, b.codec, b.inline, b.key, b.frames"
)


_SENT_SECONDS: Final = {
    "sqlite": "CAST(strftime('%%s', m.sent_at) AS INTEGER)",
    "postgresql": "CAST(floor(EXTRACT(EPOCH FROM m.sent_at)) AS bigint)",
}


@lru_cache(maxsize=256)
def _page_sql(
    columns: tuple[str, ...], vendor: str, *, dense: bool, blobs: bool, expunged: bool
) -> str:
    """Constant for each set of columns. `vendor` is part of the key only: `among` asks for it
    itself."""
    picked = [_column(name) for name in columns]
    tables = "mailstore_expunged AS e" if expunged else "mailstore_entry AS e"
    if blobs:
        picked.append(_SHOWN_COLUMNS)
    if blobs or any("m." in one for one in picked):
        tables += " JOIN mailstore_message AS m ON m.id = e.message_id"
    if blobs:
        tables += " LEFT JOIN blobs_blob AS b ON b.id = m.blob_id"
    if blobs or "h.raw" in picked:
        tables += " LEFT JOIN mailstore_deliveryhead AS h ON h.id = e.head_id"
    chosen = "e.uid BETWEEN %s AND %s" if dense else among("e.uid")
    return (
        f"SELECT {', '.join(['e.uid', *picked])} FROM {tables}"
        f" WHERE e.mailbox_id = %s AND {chosen} ORDER BY e.uid"
    )


def _column(name: str) -> str:
    if name == "sent_seconds":  # the Date field as Unix seconds, NULL if there is none
        return _SENT_SECONDS[connection.vendor]
    if name in _ENTRY_COLUMNS:
        return f"e.{name}"
    if name in _RENAMED:
        return _RENAMED[name]
    if name in _MESSAGE_COLUMNS:
        return f"m.{name}"
    raise ValueError(f"no such column: {name}")


def unthreaded(mailbox_id: int) -> list[int]:
    """UIDs of messages that no conversation has been looked up for yet, rising; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT uid FROM mailstore_entry WHERE mailbox_id = %s AND thread_id IS NULL"
            " ORDER BY uid",
            [mailbox_id],
        )
        return [row[0] for row in cursor.fetchall()]


def fetch_page(
    mailbox_id: int, uids: Sequence[int], columns: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Columns of messages, in the order of UIDs; one query per 500. UIDs that are not there are
    left out.

    Args:
        uids: rising.
        columns: names of columns of Entry and Message (`message_size`, `rfc822_message_id` where
            they would be ambiguous), and `head`, the bytes of the delivery head or None.

    Returns:
        (uid, *columns) of each message.
    """
    rows: list[tuple[Any, ...]] = []
    for first in range(0, len(uids), PAGE):
        chunk = uids[first : first + PAGE]
        with connection.cursor() as cursor:
            _ask_for_page(cursor, mailbox_id, chunk, tuple(columns), blobs=False)
            rows += _wanted(cursor.fetchall(), chunk)
    return rows


class Some(NamedTuple):
    """The first rows of a page; they answer for the first `used` of the UIDs asked for."""

    rows: list[tuple[Any, ...]]
    used: int


def fetch_some(
    mailbox_id: int,
    uids: Sequence[int],
    columns: Sequence[str],
    *,
    enough: Callable[[Sequence[tuple[Any, ...]]], bool],
    blobs: bool = False,
    expunged: bool = False,
) -> Some:
    """`fetch_page` for what is large: one query, which ends early when there is enough.

    Args:
        uids: rising; at most a page of them is looked at.
        enough: called with each few rows that came, tells whether to stop behind them.
        blobs: each row ends with a `Shown`, None where the blob's row is missing.
        expunged: of messages that were expunged and are not purged yet, instead.
    """
    # Postgres sends all that was asked for, SQLite makes a row when it is taken.
    chunk = uids[: PAGE if connection.vendor == "sqlite" else FEW]
    rows: list[tuple[Any, ...]] = []
    used = len(chunk)
    with connection.cursor() as cursor:
        _ask_for_page(cursor, mailbox_id, chunk, tuple(columns), blobs=blobs, expunged=expunged)
        while few := cursor.fetchmany(FEW):
            rows += few
            if enough(few):
                used = bisect_right(chunk, few[-1][0])
                break
    rows = list(_wanted(rows, chunk[:used]))
    if blobs:
        width = len(columns) + 1
        rows = [(*row[:width], _shown(row[width:])) for row in rows]
    return Some(rows, used)


def is_few(uids: Sequence[int], *, blobs: bool) -> bool:
    """Whether `fetch_few` can read these messages (rising, not none)."""
    return len(uids) <= (1 if blobs else AT_A_GLANCE) and _is_dense(uids)


def fetch_few(
    ask: Ask, mailbox_id: int, uids: Sequence[int], columns: Sequence[str], *, blobs: bool
) -> list[tuple[Any, ...]]:
    """`fetch_some` for so few that all are taken; one query. For `glance`.

    Args:
        uids: such that `is_few` says yes of them.
    """
    vendor = "sqlite" if is_sqlite() else "postgresql"  # an event loop has no connection to ask
    sql = _page_sql(tuple(columns), vendor, dense=True, blobs=blobs, expunged=False)
    rows = list(_wanted(ask(sql, [mailbox_id, uids[0], uids[-1]]), uids))
    if blobs:
        width = len(columns) + 1
        rows = [(*row[:width], _shown(row[width:])) for row in rows]
    return rows


def _is_dense(uids: Sequence[int]) -> bool:
    """UIDs of a page mostly follow each other: a range reads the table in its own order, without a
    probe for each."""
    return bool(uids[-1] - uids[0] < 2 * len(uids))


def _ask_for_page(
    cursor: Any,
    mailbox_id: int,
    uids: Sequence[int],
    columns: tuple[str, ...],
    *,
    blobs: bool,
    expunged: bool = False,
) -> None:
    dense = _is_dense(uids)
    chosen = [uids[0], uids[-1]] if dense else [listed(uids)]
    sql = _page_sql(columns, connection.vendor, dense=dense, blobs=blobs, expunged=expunged)
    cursor.execute(sql, [mailbox_id, *chosen])


def expunged_flags(mailbox_id: int, uids: Sequence[int]) -> dict[int, FlagsRow]:
    """What messages had when they were expunged, with the modseq of that; by UID; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT uid, flags, keywords, modseq FROM mailstore_expunged"
            f" WHERE mailbox_id = %s AND {among('uid')}",
            [mailbox_id, listed(uids)],
        )
        return {row[0]: FlagsRow(*row) for row in cursor.fetchall()}


def _wanted(rows: Sequence[tuple[Any, ...]], uids: Sequence[int]) -> Sequence[tuple[Any, ...]]:
    """Without what a range found beside."""
    if len(rows) <= len(uids) and len(rows) == uids[-1] - uids[0] + 1:
        return rows
    wanted = frozenset(uids)
    return [row for row in rows if row[0] in wanted]


_INBOX: Final = (
    "SELECT e.uid, e.flags, e.keywords, e.modseq, e.internaldate, e.size, e.message_id, e.head_id,"
    " m.subject, m.sender_name, m.sender_address, m.recipients, m.preview, m.has_attachments"
    " FROM mailstore_entry AS e JOIN mailstore_message AS m ON m.id = e.message_id"
    " WHERE e.mailbox_id = %s"
)
_NEWEST_FIRST: Final = " ORDER BY e.internaldate DESC, e.uid DESC LIMIT %s"


def inbox_page(
    mailbox_id: int, before: tuple[int, int] | None = None, limit: int = 50
) -> list[ListRow]:
    """Messages of a mailbox, newest first; one query, as fast for the last page as for the first.

    Args:
        before: (internaldate, uid) of the last row of the page before; None for the first page.
    """
    after = " AND (e.internaldate, e.uid) < (%s, %s)" if before else ""
    with connection.cursor() as cursor:
        cursor.execute(_INBOX + after + _NEWEST_FIRST, [mailbox_id, *(before or ()), limit])
        return [ListRow(*row) for row in cursor.fetchall()]


def list_row(mailbox_id: int, uid: int) -> ListRow | None:
    """One message of a mailbox as its list shows it, None if it is not there; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_INBOX + " AND e.uid = %s", [mailbox_id, uid])
        row = cursor.fetchone()
    return ListRow(*row) if row else None


def limits(user_ids: Sequence[int]) -> dict[int, bool]:
    """Those users who have a quota, each with whether it is used up; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u.user_id, u.size + u.reserved >= o.quota FROM mailstore_usage AS u"
            " JOIN directory_user AS o ON o.id = u.user_id"
            f" WHERE {among('u.user_id')} AND o.quota > 0",
            [listed(user_ids)],
        )
        return {user_id: bool(is_full) for user_id, is_full in cursor.fetchall()}


def usage(user_id: int) -> UsageRow:
    """Space of one user; one query. Raises NotFound."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u.size, u.messages, u.reserved, o.quota FROM mailstore_usage AS u"
            " JOIN directory_user AS o ON o.id = u.user_id WHERE u.user_id = %s",
            [user_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise NotFound(f"user {user_id} has no account of space")
    return UsageRow(*row)


@dataclass(slots=True)
class Shown:
    """A message as a reader sees it, read piece by piece; never changed. `header_size` counts the
    delivery head too."""

    head: bytes
    prefix: bytes
    cuts: tuple[tuple[int, int], ...]
    header_size: int
    size: int
    _header: bytes
    _stored: Stored

    @property
    def trace(self) -> bytes:
        """What our doors wrote about it as it came; see `shown.trace`."""
        return trace(self.prefix)

    @property
    def is_at_hand(self) -> bool:
        """Whether all of it can be had without reading a file or asking an object store."""
        return self._stored.is_inline

    def part(self, start: int, end: int) -> bytes:
        """Bytes `start` to `end` (exclusive) of what is shown, head included, cut to what there is.
        Raises Damaged."""
        if not (self.head or self.prefix or self.cuts):
            stored = self._stored
            raw = stored.part(start, end) if start > 0 or end < stored.size else stored.whole()
            if len(raw) < min(end, stored.size) - max(start, 0):
                raise Damaged(f"blob {stored.id}: shorter than its row says")
            return raw
        pieces = list(
            runs(
                max(start, 0),
                end,
                head=len(self.head),
                prefix=len(self.prefix),
                cuts=self.cuts,
                size=self._stored.size,
            )
        )
        inside = [(first, last) for source, first, last in pieces if source is Source.BLOB]
        base, top = (inside[0][0], inside[-1][1]) if inside else (0, 0)
        whole = base == 0 and top == self._stored.size
        raw = b"" if not inside else self._stored.whole() if whole else self._stored.part(base, top)
        if len(raw) != top - base:
            raise Damaged(f"blob {self._stored.id}: shorter than its row says")
        origins = {Source.HEAD: (self.head, 0), Source.PREFIX: (self.prefix, 0)}
        origins[Source.BLOB] = (raw, base)
        return b"".join(
            [
                origins[source][0][first - origins[source][1] : last - origins[source][1]]
                for source, first, last in pieces
            ]
        )

    def whole(self) -> bytes:
        """All of it. Raises Damaged."""
        return self.part(0, self.size)

    def header(self) -> bytes:
        """The header block with its blank line, head included; from the row alone unless it is
        oversize."""
        if self._header:
            return self.head + self._header
        return self.part(0, self.header_size)


_SHOWN: Final = (
    f"SELECT {_SHOWN_COLUMNS}"
    " FROM mailstore_message AS m LEFT JOIN blobs_blob AS b ON b.id = m.blob_id"
    " LEFT JOIN mailstore_deliveryhead AS h ON h.id = CAST(%s AS bigint) WHERE m.id = %s"
)


def shown(message_id: int, head_id: int | None) -> Shown:
    """A message with one of its delivery heads; one query, and no object is read yet.

    Raises:
        NotFound: no such message.
        Damaged: its blob's row is missing.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SHOWN, [head_id, message_id])
        row = cursor.fetchone()
    if row is None:
        raise NotFound(f"message {message_id} is not there")
    found = _shown(row)
    if found is None:
        raise Damaged(f"message {message_id}: the row of its blob is missing")
    return found


def shown_page(mailbox_id: int, uids: Sequence[int]) -> dict[int, Shown]:
    """The messages of a mailbox by UID; one query for 500, on Postgres for 32. UIDs that are not
    there, and those whose blob's row is missing, are left out."""
    found: dict[int, Shown] = {}
    done = 0
    while done < len(uids):
        rows, used = fetch_some(mailbox_id, uids[done:], (), enough=lambda _: False, blobs=True)
        found.update((uid, one) for uid, one in rows if one is not None)
        done += used
    return found


_WITHOUT_HEAD: Final = (
    f"SELECT m.id, m.parts, {_SHOWN_COLUMNS.replace('h.raw', 'NULL')}"
    " FROM mailstore_message AS m LEFT JOIN blobs_blob AS b ON b.id = m.blob_id WHERE "
)


def without_heads(message_ids: Sequence[int]) -> list[tuple[int, bytes, Shown | None]]:
    """Messages as all their readers see them, without delivery heads, each with its parts; None
    where the blob's row is missing. One query; no object is read yet."""
    sql = f"{_WITHOUT_HEAD}{among('m.id')} ORDER BY m.id"
    with connection.cursor() as cursor:
        cursor.execute(sql, [listed(message_ids)])
        return [(row[0], bytes(row[1]), _shown(row[2:])) for row in cursor.fetchall()]


def heads(head_ids: Sequence[int]) -> dict[int, bytes]:
    """Delivery heads by id; one query."""
    sql = f"SELECT id, raw FROM mailstore_deliveryhead WHERE {among('id')}"
    with connection.cursor() as cursor:
        cursor.execute(sql, [listed(head_ids)])
        return {head_id: bytes(raw) for head_id, raw in cursor.fetchall()}


def _shown(row: Sequence[Any]) -> Shown | None:
    """From `_SHOWN_COLUMNS`; None if the blob's row is missing."""
    if row[6] is None:
        return None
    head = bytes(row[0]) if row[0] else b""
    cuts = () if row[2] == "[]" else tuple((start, end) for start, end in json.loads(row[2]))
    return Shown(
        head=head,
        prefix=bytes(row[1]),
        cuts=cuts,
        header_size=len(head) + row[3],
        size=len(head) + row[4],
        _header=bytes(row[5]),
        _stored=Stored(row[6:]),
    )


def shown_bytes(message_id: int, head_id: int | None) -> bytes:
    """All that a reader sees; one query. Raises NotFound, Damaged, StorageUnavailable."""
    return shown(message_id, head_id).whole()


def shown_slice(message_id: int, head_id: int | None, start: int, end: int) -> bytes:
    """Bytes `start` to `end` (exclusive) of it; one query, and of a large blob only the frames
    needed."""
    return shown(message_id, head_id).part(start, end)


def header_bytes(message_id: int, head_id: int | None) -> bytes:
    """The header block as shown, with its blank line; one query."""
    return shown(message_id, head_id).header()


def trace_of(user_id: int, mailbox: str, uid: int) -> UUID | None:
    """The trace of one message in a live mailbox of a user, None if it is not there; one query."""
    rows = Message.objects.filter(
        entry__uid=uid,
        entry__mailbox__user=user_id,
        entry__mailbox__name=mailbox,
        entry__mailbox__deleted_at=None,
    )
    return rows.values_list("trace_id", flat=True).first()


def in_junk(trace_ids: Sequence[UUID]) -> dict[tuple[UUID, int], bool]:
    """By (trace, user) whether a kept copy of these messages lies in Junk now; those that lie
    elsewhere too do not; one query."""
    rows = Message.objects.filter(
        trace_id__in=trace_ids, entry__mailbox__deleted_at=None
    ).values_list("trace_id", "entry__mailbox__user", "entry__mailbox__special_use")
    found: dict[tuple[UUID, int], bool] = {}
    for trace_id, user_id, use in rows:
        key = trace_id, user_id
        found[key] = found.get(key, True) and use == SpecialUse.JUNK
    return found


def traces_of(message_id: str, limit: int) -> list[UUID]:
    """Traces of the newest kept messages with this Message-ID, newest first; one query, which reads
    the whole table: for a question of an administrator, not for a page."""
    rows = Message.objects.filter(message_id=message_id).order_by("-pk")
    return list(rows.values_list("trace_id", flat=True)[:limit])


def traces_by_blob(blob_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The trace of kept messages, by their blob; one query."""
    rows = Message.objects.filter(blob_id__in=blob_ids).values_list("blob_id", "trace_id")
    return dict(rows)
