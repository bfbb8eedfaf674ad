"""Mail of many mailboxes that has one mark: a star, or a keyword. Reads by constant SQL.

Each mailbox has an index of its marked messages by date. Of each only the newest few are read that
can be on the page, and these are merged; so a page costs as many short walks as there are
mailboxes, however much mail there is in them. As in `conversations`, of a conversation in a mailbox
the newest marked message stands for all.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from apps.mailstore.conversations import COLUMNS, Head
from apps.mailstore.models import FLAG_FLAGGED
from apps.runtime.rows import Values, among, fetch, listed

# As the partial indexes have them, letter by letter: SQLite takes them for nothing else.
_STARRED: Final = f"({{0}}.flags & {FLAG_FLAGGED}) > 0"
_LABELLED: Final = "NOT ({0}.keywords = 0) AND ({0}.keywords & d.mask) <> 0"

_ASKED = Values("d", "box bigint, mask bigint")
_NEWEST: Final = (
    " AND ({thread} IS NULL OR (SELECT n.uid FROM mailstore_entry AS n"
    " WHERE n.mailbox_id = d.box AND n.thread_id = {thread}"
    " AND (n.internaldate, n.uid) > ({alias}.internaldate, {alias}.uid) AND {marked}"
    " ORDER BY n.internaldate, n.uid LIMIT 1) IS NULL)"
)
_BEYOND: Final = (
    " AND {alias}.internaldate <= %s AND ({alias}.internaldate, d.box, {alias}.uid) < (%s, %s, %s)"
)
Place = tuple[int, int, int]


class Bit(NamedTuple):
    """A keyword in one mailbox."""

    mailbox_id: int
    mask: int


def _sql(condition: str, *, beyond: bool, threaded: bool) -> str:
    def wanted(alias: str) -> str:
        newest = _NEWEST.format(
            alias=alias, thread=f"{alias}.thread_id", marked=condition.format("n")
        )
        return (
            condition.format(alias)
            + (_BEYOND.format(alias=alias) if beyond else "")
            + (newest if threaded else "")
        )

    return (
        f"SELECT {COLUMNS} FROM {{asked}} JOIN mailstore_entry AS e ON e.mailbox_id = d.box"
        " AND e.internaldate >= (SELECT MIN(o.internaldate) FROM"
        " (SELECT f.internaldate FROM mailstore_entry AS f"
        f" WHERE f.mailbox_id = d.box AND {wanted('f')}"
        " ORDER BY f.internaldate DESC, f.uid DESC LIMIT %s) AS o)"
        " JOIN mailstore_message AS m ON m.id = e.message_id"
        f" WHERE {wanted('e')}"
        " ORDER BY e.internaldate DESC, e.mailbox_id DESC, e.uid DESC LIMIT %s"
    )


_PAGES: Final = {
    (condition, beyond, threaded): _sql(condition, beyond=beyond, threaded=threaded)
    for condition in (_STARRED, _LABELLED)
    for beyond in (True, False)
    for threaded in (True, False)
}


def starred(
    mailbox_ids: Sequence[int], *, limit: int, beyond: Place | None = None, threaded: bool = True
) -> list[Head]:
    """Messages with \\Flagged in these mailboxes, newest first; one query.

    Args:
        beyond: (internaldate, mailbox, uid) of the last row of the page before.
        threaded: False: all of them, not one of each conversation in a mailbox.
    """
    return _page(_STARRED, [Bit(box, 0) for box in mailbox_ids], limit, beyond, threaded)


def labelled(
    bits: Sequence[Bit], *, limit: int, beyond: Place | None = None, threaded: bool = True
) -> list[Head]:
    """Messages with a keyword, as `bits` tells it for each mailbox, as in `starred`; one query."""
    return _page(_LABELLED, bits, limit, beyond, threaded)


def _page(
    condition: str, bits: Sequence[Bit], limit: int, beyond: Place | None, threaded: bool
) -> list[Head]:
    if not bits:
        return []
    sql = _PAGES[condition, beyond is not None, threaded].replace("{asked}", _ASKED.sql)
    after = (beyond[0], *beyond) if beyond else ()
    found = fetch(sql, [*Values.parameters(bits), *after, limit, *after, limit])
    return [Head(*row) for row in found]


_NAMES: Final = "SELECT mailbox_id, bit, name FROM mailstore_keyword WHERE "


def keywords(mailbox_ids: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
    """By mailbox: the keywords it knows, each with its mask; one query."""
    found: dict[int, dict[str, int]] = {box: {} for box in mailbox_ids}
    for box, bit, name in fetch(_NAMES + among("mailbox_id"), [listed(mailbox_ids)]):
        found[box][name] = 1 << bit
    return found
