"""Keywords: names for the 63 bits of `Entry.keywords`, given out for each mailbox as they are first
used.

The 64th name is not kept: the keyword is left out of the message's flags, as RFC 3501 section 7.1
(PERMANENTFLAGS without `\\*`) lets a server do, and every door shows what was kept. The same goes
for a name that is no IMAP atom of at most 100 characters. Names are compared without case and shown
as first written.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from django.db import connection

from apps.runtime.rows import ManyRows, among, listed

BITS: Final = 63  # not 64: the column is a signed 64-bit integer on both databases
# RFC 3501 section 9: flag-keyword is an atom; "\" would be a system flag.
_ATOM: Final = re.compile(r'[^\x00-\x20\x7f-\U0010ffff(){%*"\\\]]{1,100}')
_INSERT = ManyRows("INSERT INTO mailstore_keyword (mailbox_id, bit, name)", "bigint smallint text")


def is_keyword(name: str) -> bool:
    """Whether this name can be kept at all."""
    return _ATOM.fullmatch(name) is not None


def masks(wanted: Mapping[int, Iterable[str]]) -> dict[int, dict[str, int]]:
    """The bits of names in mailboxes; names not seen before get new ones.

    The caller holds the lock of each mailbox (`locks.lock`), within its transaction.

    Returns:
        For each mailbox: lower-case name -> mask; a name that cannot be kept is not in it.
    """
    ids = sorted(wanted)
    known: dict[int, dict[str, int]] = {mailbox_id: {} for mailbox_id in ids}
    used: dict[int, set[int]] = {mailbox_id: set() for mailbox_id in ids}
    if not ids:
        return known
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT mailbox_id, bit, name FROM mailstore_keyword WHERE {among('mailbox_id')}",
            [listed(ids)],
        )
        for mailbox_id, bit, name in cursor.fetchall():
            known[mailbox_id][name.lower()] = 1 << bit
            used[mailbox_id].add(bit)
    fresh = []
    for mailbox_id in ids:
        free = (bit for bit in range(BITS) if bit not in used[mailbox_id])
        for name in wanted[mailbox_id]:
            if name.lower() in known[mailbox_id] or not is_keyword(name):
                continue
            bit = next(free, None)
            if bit is None:
                break
            known[mailbox_id][name.lower()] = 1 << bit
            fresh.append((mailbox_id, bit, name))
    _INSERT.write(fresh)
    return known


def mask_of(names: Iterable[str], known: Mapping[str, int]) -> int:
    """The bits of `names`, as far as they have one."""
    mask = 0
    for name in names:
        mask |= known.get(name.lower(), 0)
    return mask
