"""A run of messages of one mailbox, as a condition in SQL.

UIDs that are asked for together mostly follow each other. A range reads and writes the table in its
own order; a list costs a probe for each (STORE of 10,000 flags: 29 ms against 12 ms). So a span is
a range where that is nearly the same, and `wanted` takes out what a range found beside.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, Final

from apps.runtime.rows import among, listed

_RANGE: Final = "mailbox_id = %s AND uid BETWEEN %s AND %s"
_SPARSE: Final = 2  # a range may be this many times longer than the list it stands for


class Span:
    """Some UIDs of a mailbox.

    Args:
        uids: rising, none twice.
        known: every UID that is there within their range, rising; a span that shall be exact needs
            it to be a range. None: the span may find others, see `wanted`.
    """

    __slots__ = ("_found", "_range", "mailbox_id", "parameters", "sql", "uids")

    def __init__(
        self, mailbox_id: int, uids: Sequence[int], known: Sequence[int] | None = None
    ) -> None:
        self.mailbox_id = mailbox_id
        self.uids = uids
        self._found: Sequence[int] = ()
        self.sql: str
        self.parameters: list[Any]
        self._range = bool(uids) and self._can_be_range(known)
        if self._range:
            self.sql, self.parameters = _RANGE, [mailbox_id, uids[0], uids[-1]]
        else:
            self.sql = f"mailbox_id = %s AND {among('uid')}"
            self.parameters = [mailbox_id, listed(uids)]

    def wanted(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Those of the rows found (their UID first, in order) that were asked for."""
        if not self._range:
            return rows
        self._found = [row[0] for row in rows]
        if self._found == self.uids:
            return rows
        asked = frozenset(self.uids)
        return [row for row in rows if row[0] in asked]

    def part(self, uids: Sequence[int]) -> "Span":
        """Exactly these of the UIDs that `wanted` let through, for a change under the same lock."""
        return Span(self.mailbox_id, uids, self._found)

    def _can_be_range(self, known: Sequence[int] | None) -> bool:
        first, last = self.uids[0], self.uids[-1]
        if known is None:
            return last - first < _SPARSE * len(self.uids)
        return bisect_right(known, last) - bisect_left(known, first) == len(self.uids)
