"""Which messages had a flag or a keyword touched since a modseq, as the journal tells; a read.

Not the same as `services.conditional`: there a flag that was taken off and set again is as it was.
"""

import json
from collections.abc import Collection
from typing import Final

from apps.mailstore.uidset import uids_in
from apps.runtime.rows import fetch

ROWS_MAX: Final = 1_000
"""Rows of the journal that are read."""

_SINCE: Final = (
    "SELECT uids, after FROM mailstore_change"
    " WHERE mailbox_id = %s AND modseq > %s AND what = 'flags' ORDER BY modseq, id LIMIT %s"
)


def since(
    mailbox_id: int, modseq: int, *, flags: int, keywords: Collection[str]
) -> set[int] | None:
    """UIDs of which one of these system flags (bits) or keywords was set or taken off after a
    modseq; None if more has happened than is looked at. One query."""
    rows = fetch(_SINCE, [mailbox_id, modseq, ROWS_MAX + 1])
    if len(rows) > ROWS_MAX:
        return None
    words = {word.lower() for word in keywords}
    found: set[int] = set()
    for uids, after in rows:
        change = json.loads(after)
        named = {str(word).lower() for word in change["keywords"]}
        if change["mode"] == "replace" or change["flags"] & flags or named & words:
            found.update(uids_in(uids))
    return found
