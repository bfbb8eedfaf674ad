"""What users say of mail by what they do with it: notes for the spam filter, an outbox.

A note is written in the transaction of the change that says it, and learned soon after by the floor
above, exactly once. What counts:

- into Junk, by any way: spam; out of Junk: ham, except into Trash, which says nothing;
- the keywords $Junk and Junk: spam; $NotJunk, NotJunk and NonJunk: ham; one of them taken off
  again says that its lesson no longer holds;
- \\Answered, or moved from the inbox into a folder of the user's own: probably ham.

What the server itself files (`deliver`), and what is expunged, says nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from apps.blobs import services as blobs
from apps.events import bell
from apps.mailstore.models import FLAG_ANSWERED, Judged, SpecialUse
from apps.runtime.clock import now
from apps.runtime.db import forgettable
from apps.runtime.rows import ManyRows, among, listed

MOST_AT_ONCE: Final = 1_000
"""Notes that one operation leaves, of the newest messages: who moves more teaches nothing new."""
MOST_KEPT_AT_ONCE: Final = 50
"""The same where nobody was asked: folders are put in order by the thousand."""
MOST_WAITING: Final = 10_000
"""Notes of one user that may wait; beyond them nothing is noted."""

LEASE_SECONDS: Final = 60

SPAM_WORDS: Final = frozenset({"$junk", "junk"})
HAM_WORDS: Final = frozenset({"$notjunk", "notjunk", "nonjunk"})
WORDS: Final = SPAM_WORDS | HAM_WORDS

_OWN: Final = frozenset({SpecialUse.NONE, SpecialUse.ARCHIVE})
_INSERT = ManyRows(
    "INSERT INTO mailstore_junkmark (user_id, blob_id, judged, at, tries, lease_until)",
    "bigint uuid text bigint smallint bigint",
)
# The role of a mailbox, or of the Junk or Trash that it lies in.
_ROLES: Final = """
SELECT b.id, j.special_use FROM mailstore_mailbox AS b
JOIN mailstore_mailbox AS j ON j.user_id = b.user_id AND j.deleted_at IS NULL
  AND (j.id = b.id OR (j.special_use IN ('junk', 'trash')
    AND substr(b.name, 1, length(j.name) + 1) = j.name || '/'))
WHERE {}"""
_NOTE: Final = """
INSERT INTO mailstore_junkmark (user_id, blob_id, judged, at, tries, lease_until)
SELECT %s, m.blob_id, %s, %s, 0, 0
FROM (SELECT message_id FROM {source} ORDER BY uid DESC LIMIT %s) AS picked
JOIN mailstore_message AS m ON m.id = picked.message_id
WHERE (SELECT count(*) FROM mailstore_junkmark WHERE user_id = %s) < %s"""
_WAITING: Final = "SELECT count(*) FROM mailstore_junkmark WHERE user_id = %s"
_FIRST: Final = "SELECT tries, lease_until FROM mailstore_junkmark ORDER BY id LIMIT 1"
_BEGIN: Final = """
UPDATE mailstore_junkmark SET tries = tries + 1, lease_until = %s WHERE id IN (
  SELECT id FROM mailstore_junkmark ORDER BY id LIMIT %s)
RETURNING id, user_id, blob_id, judged, tries"""
_PUT_BACK: Final = "UPDATE mailstore_junkmark SET tries = tries - 1, lease_until = 0 WHERE "
_TAKE: Final = "DELETE FROM mailstore_junkmark WHERE {} RETURNING id"


@dataclass(frozen=True, slots=True)
class Mark:
    """One note. Those of a user on the same message are to be learned in the order of ids.

    Args:
        tries: how often somebody has begun to learn it, this time included.
    """

    id: int
    user_id: int
    blob_id: UUID
    judged: Judged
    tries: int = 1


def mark(said: Sequence[tuple[int, UUID, Judged]]) -> None:
    """Note what users say, within the caller's transaction.

    Args:
        said: (user id, blob id of the message as received, what it is) for each.
    """
    at = now()
    _INSERT.write([(user_id, blob.hex, judged.value, at, 0, 0) for user_id, blob, judged in said])
    if said:
        _ring()


def begin(limit: int) -> list[Mark]:
    """The oldest notes, to be learned now: for LEASE_SECONDS they are the caller's, and nobody else
    is given any, for what a user says of a message is to be learned in its order. One that was
    begun before comes alone: it may be what ended the last who tried."""
    locking = "" if connection.vendor == "sqlite" else " FOR UPDATE"
    at = now()
    with forgettable(), connection.cursor() as cursor:
        cursor.execute(_FIRST + locking)
        tries, until = cursor.fetchone() or (0, at + 1)
        # One that ends far later than one that begins now was taken while a clock was wrong.
        if at < until <= at + 2 * LEASE_SECONDS:
            return []
        cursor.execute(_BEGIN, [at + LEASE_SECONDS, 1 if tries else limit])
        rows = sorted(cursor.fetchall())
    return [Mark(row[0], row[1], blobs.as_uuid(row[2]), Judged(row[3]), row[4]) for row in rows]


def put_back(ids: Sequence[int]) -> None:
    """Undo `begin`: what kept them from being learned was no fault of theirs, and counts as no
    try."""
    with forgettable(), connection.cursor() as cursor:
        cursor.execute(_PUT_BACK + among("id"), [listed(sorted(ids))])


def take(ids: Sequence[int]) -> set[int]:
    """Take notes off the list, within the transaction that learns from them; those that somebody
    else has taken meanwhile are not among the result."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE.format(among("id")), [listed(sorted(ids))])
        return {row[0] for row in cursor.fetchall()}


def note_transfer(
    source_id: int,
    target_id: int,
    user_id: int,
    *,
    source: str,
    parameters: Sequence[Any],
    is_move: bool,
) -> None:
    """Note what it says that messages went from one mailbox to another.

    Args:
        user_id: the target's owner.
        source, parameters: the messages, as what stands behind FROM.
    """
    role = roles([source_id, target_id])
    judged = _judged(role[source_id], role[target_id], is_move=is_move)
    if judged is not None:
        _note(user_id, judged, source, parameters)


def note_flags(
    mailbox_id: int, user_id: int, judged: Judged, source: str, parameters: Sequence[Any]
) -> None:
    """Note what flags and keywords say that were set; `judged` is from `said_by`."""
    if judged is Judged.KEPT and roles([mailbox_id])[mailbox_id] in {
        SpecialUse.JUNK,
        SpecialUse.TRASH,
    }:
        return
    _note(user_id, judged, source, parameters)


def note_appended(
    mailbox_id: int, user_id: int, said: Iterable[tuple[UUID, Sequence[str]]]
) -> None:
    """Note what it says that a user put messages into a mailbox.

    Args:
        said: (blob id, keywords) of each.
    """
    usual = Judged.SPAM if roles([mailbox_id])[mailbox_id] == SpecialUse.JUNK else None
    found = [(blob, said_by("add", 0, words) or usual) for blob, words in said]
    newest = found[-MOST_AT_ONCE:]
    told = [(user_id, blob, judged) for blob, judged in newest if judged is not None]
    # Who moves here brings an old Junk by the thousand, one message at a time.
    if told and _waiting(user_id) < MOST_WAITING:
        mark(told)


def said_by(mode: str, flags: int, words: Collection[str]) -> Judged | None:
    """What a change of flags says; None: nothing. Words of both kinds at once say nothing."""
    lower = {word.lower() for word in words} & WORDS
    if lower and (lower <= SPAM_WORDS or lower <= HAM_WORDS):
        is_spam = lower <= SPAM_WORDS
        if mode == "remove":
            return Judged.UNSPAM if is_spam else Judged.UNHAM
        return Judged.SPAM if is_spam else Judged.HAM
    if flags & FLAG_ANSWERED and mode != "remove" and not lower:
        return Judged.KEPT
    return None


def roles(mailbox_ids: Sequence[int]) -> Mapping[int, str]:
    """The role of each of these mailboxes; of one inside Junk or Trash, theirs."""
    found = dict.fromkeys(mailbox_ids, "")
    with connection.cursor() as cursor:
        cursor.execute(_ROLES.format(among("b.id")), [listed(sorted(set(mailbox_ids)))])
        for mailbox_id, use in cursor.fetchall():
            found[mailbox_id] = found[mailbox_id] or use
    return found


def _judged(source: str, target: str, *, is_move: bool) -> Judged | None:
    if target == SpecialUse.JUNK:
        return None if source == SpecialUse.JUNK else Judged.SPAM
    if source == SpecialUse.JUNK:
        return None if target == SpecialUse.TRASH else Judged.HAM
    if is_move and source == SpecialUse.INBOX and target in _OWN:
        return Judged.KEPT
    return None


def _note(user_id: int, judged: Judged, source: str, parameters: Sequence[Any]) -> None:
    most = MOST_KEPT_AT_ONCE if judged is Judged.KEPT else MOST_AT_ONCE
    with connection.cursor() as cursor:
        cursor.execute(
            _NOTE.format(source=source),
            [user_id, judged.value, now(), *parameters, most, user_id, MOST_WAITING],
        )
    _ring()


def _waiting(user_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [user_id])
        return int(cursor.fetchone()[0])


def _ring() -> None:
    transaction.on_commit(bell.ring_learning, robust=True)
