"""The numbers of mailboxes that are not opened for it: what STATUS and LIST RETURN (STATUS) answer.

RFC 3501 section 6.3.10, RFC 9051 section 6.3.11; SIZE of RFC 8438, DELETED and DELETED-STORAGE of
RFC 9208, HIGHESTMODSEQ of RFC 7162, MAILBOXID of RFC 8474, APPENDLIMIT of RFC 7889.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from apps.imap.proto.responses import mailbox_id
from apps.mailstore import tallies
from apps.mailstore.queries import Counters, MailboxRow
from apps.mailstore.tallies import NOTHING, Tally

_DELETED = frozenset({b"DELETED", b"DELETED-STORAGE"})
COUNTED = _DELETED | {b"RECENT"}
"""Items that no row tells: they must be counted."""

_COLUMNS = {
    b"MESSAGES": Counters._fields.index("messages"),
    b"UIDNEXT": Counters._fields.index("uidnext"),
    b"UIDVALIDITY": Counters._fields.index("uidvalidity"),
    b"UNSEEN": Counters._fields.index("unseen"),
    b"SIZE": Counters._fields.index("size"),
    b"HIGHESTMODSEQ": Counters._fields.index("highestmodseq"),
}
_TALLIED = {
    b"DELETED": Tally._fields.index("deleted"),
    b"DELETED-STORAGE": Tally._fields.index("deleted_size"),
    b"RECENT": Tally._fields.index("recent"),
}


def count(rows: Iterable[MailboxRow], items: Collection[bytes]) -> dict[int, Tally]:
    """Count what these items need, by mailbox; at most two queries, none if they need none."""
    rows = list(rows)
    deleted: dict[int, tuple[int, int]] = {}
    recent: dict[int, int] = {}
    if not _DELETED.isdisjoint(items):
        deleted = tallies.deleted([row.id for row in rows])
    if b"RECENT" in items:
        new = [row.id for row in rows if row.counters.uidnext > row.counters.recent_floor]
        recent = tallies.recent(new) if new else {}
    return {
        row.id: Tally(*deleted.get(row.id, (0, 0)), recent.get(row.id, 0))
        for row in rows
        if row.id in deleted or row.id in recent
    }


def values_of(
    row: MailboxRow, items: Sequence[bytes], tally: Tally = NOTHING, *, append_limit: int
) -> list[tuple[bytes, bytes]]:
    """Return the items with their values, as `responses.status_line` takes them.

    Args:
        append_limit: octets of the largest message that may be appended.
    """
    counters, values = row.counters, []
    for item in items:
        name = _COLUMNS.get(item)
        if name is not None:
            values.append((item, b"%d" % counters[name]))
        elif item == b"MAILBOXID":
            values.append((item, b"(%b)" % mailbox_id(row.id)))
        elif item == b"APPENDLIMIT":
            values.append((item, b"%d" % append_limit))
        else:
            values.append((item, b"%d" % tally[_TALLIED[item]]))
    return values
