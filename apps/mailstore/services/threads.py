"""Conversations: which messages of a user belong together (RFC 8474 section 5.2).

A message belongs to the conversation that knows its own Message-ID, else to the one that knows the
nearest message it refers to; else it begins one, named by its own id. From then on that
conversation knows all the Message-IDs the message names, so that a parent which comes after its
answer is found too. Subjects say nothing: who answers "Hello" does not join all other Hellos.

What a message was given once it keeps, for clients remember it: conversations are never joined
later. Copies have the conversation of what they are copies of, since they are the same message.

A Message-ID is kept as 64 bits of BLAKE2b, without a key: whoever can make two of them meet could
as well name both in References.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from django.db import connection, transaction

from apps.mailstore.models import Mailbox
from apps.mailstore.services.locks import lock
from apps.runtime.rows import ManyRows, Values, among, fetch, listed

NEAREST: Final = 16
"""References that are looked at from the end, beside the first."""
ROWS: Final = 500  # of one transaction of `fill`: 10 ms
RUN: Final = 20_000  # entries that one run of `backfill` looks at

_ASKED = Values("d", "owner bigint, digest bigint")
_KNOWN: Final = (
    "SELECT t.user_id, t.digest, t.thread_id FROM {asked}"
    " JOIN mailstore_threadreference AS t ON t.user_id = d.owner AND t.digest = d.digest"
)
_INSERT = ManyRows(
    "INSERT INTO mailstore_threadreference (user_id, digest, thread_id)",
    "bigint bigint bigint",
    "ON CONFLICT DO NOTHING",
)
_WITHOUT: Final = (
    "SELECT mailbox_id, uid FROM mailstore_entry WHERE thread_id IS NULL"
    " ORDER BY mailbox_id, uid LIMIT %s"
)
_NAMED: Final = (
    "SELECT e.uid, e.message_id, COALESCE(m.message_id, ''), COALESCE(m.in_reply_to, ''),"
    " COALESCE(m.\"references\", '')"
    " FROM mailstore_entry AS e LEFT JOIN mailstore_message AS m ON m.id = e.message_id"
    " WHERE e.mailbox_id = %s AND e.thread_id IS NULL AND {uids} ORDER BY e.uid"
)
_GIVEN = Values("d", "uid bigint, thread bigint")
_GIVE: Final = (
    "UPDATE mailstore_entry AS e SET thread_id = d.thread FROM {given}"
    " WHERE e.mailbox_id = %s AND e.uid = d.uid"
)


class Arrival(NamedTuple):
    """A message that is being filed for a user; `known` are its `digests`."""

    user_id: int
    message_id: int
    known: Sequence[int]


def digests(message_id: str, in_reply_to: str, references: str) -> tuple[int, ...]:
    """Return what stands for the Message-IDs that a message names: its own, then those it refers
    to, the nearest first; at most `NEAREST` + 3, each once.

    Args:
        message_id, in_reply_to, references: as `Message` keeps them.
    """
    before = references.split()
    near = [*reversed(before[-NEAREST:]), *before[:1], in_reply_to]
    return tuple(dict.fromkeys([_digest(one) for one in (message_id, *near) if one]))


def _digest(message_id: str) -> int:
    raw = blake2b(message_id.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(raw, "big", signed=True)


def assign(arrivals: Sequence[Arrival]) -> list[int]:
    """Return the conversation of each of these, in the order they are filed, and remember what it
    knows.

    Within the caller's transaction, which holds the lock of their users; two statements for any
    number, one if nothing is new.
    """
    known = _known({(one.user_id, digest) for one in arrivals for digest in one.known})
    fresh: list[tuple[int, int, int]] = []
    threads: list[int] = []
    for user_id, message_id, named in arrivals:
        met = (known[user_id, digest] for digest in named if (user_id, digest) in known)
        thread = next(met, message_id)
        threads.append(thread)
        for digest in named:
            if (user_id, digest) not in known:
                known[user_id, digest] = thread
                fresh.append((user_id, digest, thread))
    _INSERT.write(sorted(fresh))
    return threads


def _known(asked: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    pairs = sorted(asked)
    if not pairs:
        return {}
    rows = fetch(_KNOWN.format(asked=_ASKED.sql), _ASKED.parameters(pairs))
    return {(user_id, digest): thread for user_id, digest, thread in rows}


def known(user_id: int, message_id: str) -> int | None:
    """The conversation of a user that knows a Message-ID, None without one; one query."""
    pair = user_id, _digest(message_id)
    return _known({pair}).get(pair)


def fill(mailbox_id: int, uids: Sequence[int]) -> None:
    """Give a conversation to those of these entries that have none, in transactions of its own."""
    for first in range(0, len(uids), ROWS):
        _fill(mailbox_id, uids[first : first + ROWS])


def _fill(mailbox_id: int, uids: Sequence[int]) -> None:
    owner = Mailbox.objects.filter(pk=mailbox_id).values_list("user_id", flat=True).first()
    if owner is None:
        return
    with transaction.atomic():
        lock(users=[owner], mailboxes=[mailbox_id])
        rows = fetch(_NAMED.format(uids=among("e.uid")), [mailbox_id, listed(uids)])
        threads = assign([Arrival(owner, message, digests(*named)) for _, message, *named in rows])
        given = [(row[0], thread) for row, thread in zip(rows, threads, strict=True)]
        if given:
            with connection.cursor() as cursor:
                sql = _GIVE.format(given=_GIVEN.sql)
                cursor.execute(sql, [*_GIVEN.parameters(given), mailbox_id])


def backfill(most: int = RUN) -> int:
    """Give conversations to entries that were filed before there were any; returns how many were
    looked at. One query when all have one."""
    total = 0
    while total < most and (rows := fetch(_WITHOUT, [min(ROWS, most - total)])):
        for mailbox_id, uids in _by_mailbox(rows):
            fill(mailbox_id, uids)
        total += len(rows)
    return total


def _by_mailbox(rows: Sequence[tuple[int, ...]]) -> Iterator[tuple[int, list[int]]]:
    for mailbox_id, some in groupby(rows, key=itemgetter(0)):
        yield mailbox_id, [uid for _, uid in some]
