"""Which changed messages a conditional STORE may change all the same (RFC 7162 section 3.1.12).

A message has one modseq for all its flags. Who adds or removes some flags only wants to know that
nobody touched *these*: the journal says what a message's flags were when the client last looked.
Where the journal does not reach back so far the message counts as changed.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db import connection

from apps.mailstore.uidset import uids_in

ROWS_MAX: Final = 200
"""Rows of the journal that are read for one STORE."""

_BEFORE: Final = "SELECT 1 FROM mailstore_change WHERE mailbox_id = %s AND modseq <= %s LIMIT 1"
_SINCE: Final = """
SELECT what, uids, before FROM mailstore_change WHERE mailbox_id = %s AND modseq > %s
ORDER BY modseq, id LIMIT %s"""


def untouched(
    mailbox_id: int,
    since: int,
    rows: Mapping[int, tuple[int, int]],
    *,
    flags: int,
    keywords: int,
) -> set[int]:
    """Return those messages of which these flags and keyword bits are as they were at a modseq.

    Two queries, within the caller's transaction and under its lock of the mailbox.

    Args:
        rows: flags and keyword bits that messages have now, by UID.
    """
    if not since:  # nothing had been there: such a STORE asks for a flag that was never looked at
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE, [mailbox_id, since])
        if cursor.fetchone() is None:  # older rows may be gone, and what they told with them
            return set()
        cursor.execute(_SINCE, [mailbox_id, since, ROWS_MAX + 1])
        changes = cursor.fetchall()
    if len(changes) > ROWS_MAX:
        return set()
    then = _flags_then(changes, rows)
    return {
        uid
        for uid, (old, words) in then.items()
        if not (old ^ rows[uid][0]) & flags and not (words ^ rows[uid][1]) & keywords
    }


def _flags_then(
    changes: Iterable[tuple[Any, ...]], wanted: Iterable[int]
) -> dict[int, tuple[int, int]]:
    """What the first change of each message found. One that came in by it had no flags before."""
    left = set(wanted)
    found: dict[int, tuple[int, int]] = {}
    for what, uids, before in changes:
        touched = left.intersection(uids_in(uids))
        if not touched:
            continue
        left -= touched
        if what == "flags":
            for pair, group in json.loads(before).items():
                flags, words = map(int, pair.split("."))
                found.update((uid, (flags, words)) for uid in touched.intersection(uids_in(group)))
        if not left:
            break
    return found
