"""Entries that fulfil a condition, newest first: the reads of a search.

All that is searched lies in `e`: entries of mailboxes, or what can be brought back of them.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from django.db import connection

from apps.mailstore.queries import ListRow
from apps.mailstore.recoverable import IS_KEPT
from apps.runtime.rows import Values, among, fetch, listed
from apps.search.finding.clauses import Clause
from apps.search.finding.scope import Folder

_COLUMNS: Final = (
    "mailbox_id, uid, message_id, head_id, flags, keywords, modseq, internaldate, size"
)
_KEY: Final = "e.internaldate, e.mailbox_id, e.uid, e.message_id"
_WRITTEN: Final = re.compile(r"(-?[0-9]{1,15})-([0-9]{1,15})-([0-9]{1,15})")
_PLACE: Final = "(e.internaldate, e.mailbox_id, e.uid)"
_NEWEST_FIRST: Final = " ORDER BY e.internaldate DESC, e.mailbox_id DESC, e.uid DESC LIMIT %s"
_PAIRS: Final = Values("p", "mailbox_id bigint, uid bigint")
_BOXES: Final = Values("d", "box bigint")
# Of each mailbox only the newest few that can be on the page: its index of dates is walked until
# they are found. To sort all that fulfil a condition takes as long as there is much mail. The begin
# is a date alone: of a pair of date and UID, SQLite would look for it again at every row.
_NEWEST_OF_EACH: Final = (
    " FROM {boxes} JOIN mailstore_entry AS e ON e.mailbox_id = d.box"
    " AND e.internaldate >= (SELECT MIN(o.internaldate) FROM"
    " (SELECT e.internaldate FROM mailstore_entry AS e"
    " WHERE e.mailbox_id = d.box AND {wanted}"
    " ORDER BY e.internaldate DESC, e.uid DESC LIMIT %s) AS o)"
    " WHERE {wanted}"
)
_ROWS: Final = (
    "e.mailbox_id, e.uid, e.flags, e.keywords, e.modseq, e.internaldate, e.size, e.message_id,"
    " e.head_id, m.subject, m.sender_name, m.sender_address, m.recipients, m.preview,"
    " m.has_attachments"
)


class Place(NamedTuple):
    """The place of a message in a list: where the next page goes on."""

    internaldate: int
    mailbox_id: int
    uid: int

    def write(self) -> str:
        """For an address; `read_place` is the inverse."""
        return f"{self.internaldate}-{self.mailbox_id}-{self.uid}"


def read_place(text: str) -> Place | None:
    """A place as it was written; None, which is the begin of a list, for anything else."""
    found = _WRITTEN.fullmatch(text)
    return Place(*map(int, found.groups())) if found else None


class Row(NamedTuple):
    """An entry that was found."""

    place: Place
    message_id: int


class Source:
    """The entries of some mailboxes.

    Args:
        is_deleted: what can be brought back: what was expunged from mailboxes that are there, and
            all that is in those that are not.
    """

    def __init__(self, folders: Sequence[Folder], *, is_deleted: bool) -> None:
        ids = [folder.id for folder in folders if not folder.is_deleted]
        gone = [folder.id for folder in folders if folder.is_deleted]
        self._boxes: list[int] | None = None if is_deleted else ids
        self._condition = self._by_message = "1 = 1"
        if is_deleted:
            self._table = (
                f"(SELECT {_COLUMNS} FROM mailstore_expunged AS x"
                f" WHERE {among('mailbox_id')} AND x.{IS_KEPT}"
                f" UNION ALL SELECT {_COLUMNS} FROM mailstore_entry WHERE {among('mailbox_id')})"
                " AS e"
            )
            self._parameters: list[Any] = [listed(ids), listed(gone)]
        else:
            self._table = "mailstore_entry AS e"
            self._condition = self._by_message = among("e.mailbox_id")
            if connection.vendor == "sqlite":
                # Without the sign it reads all of each mailbox, however few messages are asked for.
                self._by_message = among("+e.mailbox_id")
            self._parameters = [listed(ids)]

    def page(
        self, clause: Clause, limit: int, *, after: Place | None = None, until: Place | None = None
    ) -> list[Row]:
        """The newest that fulfil a condition; one query.

        Args:
            after: only what comes later in the list.
            until: only what comes no later than this.
        """
        wanted, asked = clause.sql, list(clause.parameters)
        if after is not None:
            wanted += f" AND e.internaldate <= %s AND {_PLACE} < (%s, %s, %s)"
            asked += [after.internaldate, *after]
        if until is not None:
            wanted += f" AND e.internaldate >= %s AND {_PLACE} >= (%s, %s, %s)"
            asked += [until.internaldate, *until]
        if self._boxes and not clause.is_narrow:
            sql = _NEWEST_OF_EACH.format(boxes=_BOXES.sql, wanted=wanted)
            boxes = Values.parameters([(box,) for box in self._boxes])
            parameters = [*boxes, *asked, limit, *asked]
        else:
            sql, parameters = self._where(replace(clause, sql=wanted, parameters=tuple(asked)))
        rows = fetch(f"SELECT {_KEY}{sql}{_NEWEST_FIRST}", [*parameters, limit])
        return [Row(Place(*row[:3]), row[3]) for row in rows]

    def counts(self, clause: Clause) -> dict[int, int]:
        """How many fulfil it, by mailbox; one query."""
        sql, parameters = self._where(clause)
        rows = fetch(f"SELECT e.mailbox_id, COUNT(*){sql} GROUP BY e.mailbox_id", parameters)
        return dict(rows)

    def listed(self, places: Sequence[Place]) -> dict[tuple[int, int], ListRow]:
        """What a list shows of them, by mailbox and UID; one query. What has gone meanwhile is left
        out."""
        if not places:
            return {}
        pairs = [(place.mailbox_id, place.uid) for place in places]
        sql = (
            f"SELECT {_ROWS} FROM {_PAIRS.sql}, {self._table}"
            " JOIN mailstore_message AS m ON m.id = e.message_id"
            f" WHERE {self._condition} AND e.mailbox_id = p.mailbox_id AND e.uid = p.uid"
        )
        rows = fetch(sql, [*Values.parameters(pairs), *self._parameters])
        return {(row[0], row[1]): ListRow(*row[1:]) for row in rows}

    def _where(self, clause: Clause) -> tuple[str, list[Any]]:
        condition = self._by_message if clause.is_narrow else self._condition
        return (
            f" FROM {self._table} WHERE {condition} AND {clause.sql}",
            [*self._parameters, *clause.parameters],
        )
