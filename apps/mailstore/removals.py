"""What somebody removed from a user's mailboxes since some time, and where it belongs: reads.

The aim is the mail that was there at that time, where it was then. So mail that went into Trash
since, and then out of it, belongs where it lay before; and mail that has a copy elsewhere since was
moved by a client that knows no MOVE, and is not missing. What was moved and is still there, in
Trash too, was not removed; nor was a message that gave way to its successor (REPLACE).

Most clients save a draft by APPEND, and expunge what they saved before. Those versions have one
Message-ID, and each was filed later than the one before it, so messages tell by their ids which is
the newest, wherever they were moved to. None comes back of which there is, or was until then, a
later one anywhere in the user's mail: it gave way to that, or it was sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from django.db import connection

from apps.mailstore import recoverable
from apps.mailstore.models import FLAG_DRAFT, Fate, SpecialUse
from apps.runtime.rows import among_texts, fetch, listed_texts

_SECOND_US: Final = 1_000_000

# There are clients that set no flag.
_IS_DRAFT: Final = f"((x.flags & {FLAG_DRAFT}) <> 0 OR b.special_use = '{SpecialUse.DRAFTS.value}')"
# CROSS JOIN has SQLite begin at the message, which few entries name; a mailbox may have many.
_EXPUNGED: Final = f"""
SELECT x.mailbox_id, x.uid, x.modseq, x.size, x.message_id, x.saved_at, b.deleted_at,
  {_IS_DRAFT}
FROM mailstore_mailbox AS b JOIN mailstore_expunged AS x ON x.mailbox_id = b.id
WHERE b.user_id = %s AND x.at >= %s AND x.fate = {Fate.EXPUNGED:d}
AND {{place}} AND NOT EXISTS (
  SELECT 1 FROM mailstore_entry AS e CROSS JOIN mailstore_mailbox AS eb
  WHERE e.message_id = x.message_id AND e.saved_at >= %s AND eb.id = e.mailbox_id
  AND eb.user_id = b.user_id AND eb.deleted_at IS NULL
  AND eb.special_use <> '{SpecialUse.TRASH.value}')
ORDER BY x.mailbox_id, x.uid"""
_OUTSIDE: Final = _EXPUNGED.format(place=f"b.special_use <> '{SpecialUse.TRASH.value}'")
_IN_TRASH: Final = _EXPUNGED.format(place=f"b.special_use = '{SpecialUse.TRASH.value}'")
_MOVED: Final = f"""
SELECT x.message_id, x.mailbox_id
FROM mailstore_mailbox AS b JOIN mailstore_expunged AS x ON x.mailbox_id = b.id
WHERE b.user_id = %s AND x.at >= %s AND x.fate = {Fate.MOVED:d}
AND b.special_use <> '{SpecialUse.TRASH.value}'
ORDER BY x.at DESC, x.modseq DESC"""
_DRAFTS: Final = f"""
SELECT DISTINCT m.message_id, x.message_id
FROM mailstore_mailbox AS b JOIN mailstore_expunged AS x ON x.mailbox_id = b.id
JOIN mailstore_message AS m ON m.id = x.message_id
WHERE b.user_id = %s AND x.at >= %s AND x.fate = {Fate.EXPUNGED:d} AND {_IS_DRAFT}
AND m.message_id <> ''"""
# Narrow rows first: no index knows Message-IDs.
_LATEST: Final = f"""
SELECT m.message_id, MAX(m.id) FROM (
  SELECT e.message_id AS id
  FROM mailstore_mailbox AS b JOIN mailstore_entry AS e ON e.mailbox_id = b.id
  WHERE b.user_id = %s AND (b.deleted_at IS NULL OR b.deleted_at >= %s) AND e.message_id > %s
  UNION ALL
  SELECT x.message_id AS id
  FROM mailstore_mailbox AS b JOIN mailstore_expunged AS x ON x.mailbox_id = b.id
  WHERE b.user_id = %s AND x.at >= %s AND x.message_id > %s AND x.fate = {Fate.EXPUNGED:d}
) AS v CROSS JOIN mailstore_message AS m
WHERE m.id = v.id AND {{identities}} GROUP BY m.message_id"""
_WHO: Final = """
SELECT c.mailbox_id, c.modseq, c.user_id, c.door, c.client, c.address
FROM mailstore_mailbox AS b JOIN mailstore_change AS c ON c.mailbox_id = b.id
WHERE b.user_id = %s AND c.at >= %s AND c.what = 'expunge'"""


@dataclass(frozen=True, slots=True)
class By:
    """Who removed something. What is empty is not asked for.

    Args:
        door: imap, pop3, web, …
        client: a part of what the client called itself, in any case.
        address: its IP address.
        user_id: who was signed in: in a shared mailbox that may be another than the owner.
    """

    door: str = ""
    client: str = ""
    address: str = ""
    user_id: int | None = None

    def did(self, user_id: int | None, door: str, client: str, address: str) -> bool:
        """Whether a row of the journal tells of them."""
        return (
            self.door in ("", door)
            and self.client.casefold() in client.casefold()
            and self.address in ("", address)
            and self.user_id in (None, user_id)
        )


ANYBODY: Final = By()


@dataclass(slots=True)
class Removed:
    """What is to be brought back.

    mailboxes: those that were deleted, and still are.
    messages: (mailbox it was expunged from, mailbox it belongs to) -> UIDs, rising.
    count, size: of these messages, and bytes.
    lost: how many more were expunged in mailboxes that are deleted and not among those above.
    older: how many more are versions of drafts to which later ones came.
    """

    mailboxes: list[recoverable.Mailbox] = field(default_factory=list)
    messages: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    count: int = 0
    size: int = 0
    lost: int = 0
    older: int = 0


class _Row(NamedTuple):
    """An expunged message."""

    mailbox_id: int
    uid: int
    modseq: int
    size: int
    message_id: int
    saved_at: int | None
    deleted_at: int | None  # of its mailbox
    is_draft: bool


@dataclass(slots=True)
class _Chosen:
    """Which rows are looked at.

    theirs: (mailbox, modseq) of their expunges; None for anybody's.
    outdated: ids of messages that are no more the newest version of a draft.
    older: those of them that they removed.
    """

    theirs: set[tuple[int, int]] | None
    outdated: set[int]
    older: set[int] = field(default_factory=set)

    def has(self, row: _Row) -> bool:
        """Whether a row is one of them."""
        if self.theirs is not None and (row.mailbox_id, row.modseq) not in self.theirs:
            return False
        if row.is_draft and row.message_id in self.outdated:
            self.older.add(row.message_id)
            return False
        return True


def removed(user_id: int, since: int, by: By = ANYBODY) -> Removed:
    """What they removed from the user's mailboxes then or later; at most seven queries.

    Args:
        since: Unix seconds.
    """
    found = Removed()
    found.mailboxes = [
        one
        for one in recoverable.mailboxes(user_id, since=since)
        if by.did(one.user_id, one.door, one.client, one.address)
    ]
    back = {one.id for one in found.mailboxes}
    theirs = None if by == ANYBODY else _expunges(user_id, since, by)
    chosen = _Chosen(theirs, _outdated(user_id, since))
    in_trash = list(_rows(_IN_TRASH, user_id, since, chosen))
    moved = dict(fetch(_MOVED, [user_id, since])) if in_trash else {}
    doubtful = {row.message_id for row in in_trash}
    outside: set[int] = set()
    for row in _rows(_OUTSIDE, user_id, since, chosen):
        is_back = _add(found, row, row.mailbox_id, back)
        if is_back and row.message_id in doubtful:
            outside.add(row.message_id)
    homes = _live(user_id) | back
    for row in in_trash:
        came_since = row.saved_at is not None and row.saved_at >= since
        if came_since and row.message_id in outside:
            continue
        home = moved.get(row.message_id, 0) if came_since else 0
        _add(found, row, home if home in homes else row.mailbox_id, back)
    found.older = len(chosen.older)
    return found


def _outdated(user_id: int, since: int) -> set[int]:
    """Versions of drafts, whoever removed them, of which there are later ones."""
    drafts: list[tuple[str, int]] = fetch(_DRAFTS, [user_id, since])
    if not drafts:
        return set()
    identities = sorted({identity for identity, _ in drafts})
    first = min([message_id for _, message_id in drafts])
    sql = _LATEST.format(identities=among_texts("m.message_id"))
    where = [user_id, since, first, user_id, since, first]
    latest = dict(fetch(sql, [*where, listed_texts(identities)]))
    return {one for identity, one in drafts if one < latest.get(identity, 0)}


def _add(found: Removed, row: _Row, home: int, back: set[int]) -> bool:
    """Count a message; whether it can be brought back to `home`."""
    if home == row.mailbox_id and row.deleted_at is not None and home not in back:
        found.lost += 1
        return False
    found.messages.setdefault((row.mailbox_id, home), []).append(row.uid)
    found.count += 1
    found.size += row.size
    return True


def _rows(sql: str, user_id: int, since: int, chosen: _Chosen) -> Iterator[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [user_id, since, since])
        while rows := cursor.fetchmany(2_000):
            yield from filter(chosen.has, map(_Row._make, rows))


def _expunges(user_id: int, since: int, by: By) -> set[tuple[int, int]]:
    """(mailbox, modseq) of each expunge of theirs."""
    rows: list[tuple[Any, ...]] = fetch(_WHO, [user_id, since * _SECOND_US])
    return {(row[0], row[1]) for row in rows if by.did(*row[2:])}


def _live(user_id: int) -> set[int]:
    sql = "SELECT id FROM mailstore_mailbox WHERE user_id = %s AND deleted_at IS NULL"
    return {row[0] for row in fetch(sql, [user_id])}
