"""Learning from what users said: the notes that `mailstore` left, and mail that is taught by hand.

A note is taken off the list in the transaction that learns it: exactly once, whatever dies in
between. Reading and cutting a message into tokens come before that transaction, so nobody's mail
waits for them. A message is known by its first octets as received, so a copy in a mailbox, one in
quarantine and one in a file are the same.
"""

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from apps.audit.services import record
from apps.blobs import queries as blobs
from apps.mailstore.models import Judged
from apps.mailstore.queries import traces_by_blob
from apps.mailstore.services import marks
from apps.mailstore.services.marks import Mark
from apps.reception import judging
from apps.reception.services import acquaintances
from apps.runtime.clock import now
from apps.runtime.db import forgettable, translate_errors
from apps.runtime.rows import among, fetch, listed
from apps.scan import queries
from apps.scan.bayes.stored import Stored
from apps.scan.bayes.tokens import tokens
from apps.scan.deeds import Done
from apps.scan.letter import read
from apps.scan.record import BrokenRecordError
from apps.scan.services import lessons
from apps.scan.services.lessons import Kept, Said
from apps.scan.subjects import of_owner
from apps.wire.errors import Damaged, Temporary

logger = logging.getLogger(__name__)

BATCH: Final = 8
"""Lessons of one transaction: some twenty milliseconds for which others may wait."""
TRIES: Final = 3
"""Of a message that three times took with it whoever learned it, nothing is learned."""
READ_MOST: Final = 2 * 1024 * 1024
"""Octets of a message that are looked at."""
KEEP_DAYS: Final = 730
_DAY: Final = 86_400
_OLD: Final = (
    "SELECT id, owner, organization, message, is_spam, tokens FROM scan_lesson"
    " WHERE at < %s ORDER BY at, id LIMIT %s"
)
_OF_OWNER: Final = (
    "SELECT id, owner, organization, message, is_spam, tokens FROM scan_lesson"
    " WHERE owner = %s ORDER BY id LIMIT %s"
)
_FOR_ORGANIZATION: Final = (
    "SELECT id, owner, organization, message, is_spam, tokens FROM scan_lesson"
    " WHERE organization = %s ORDER BY id LIMIT %s"
)
_ORPHANS: Final = """
SELECT t.owner FROM scan_taught AS t
WHERE (t.owner > 0 AND NOT EXISTS (SELECT 1 FROM directory_user AS u WHERE u.id = t.owner))
  OR (t.owner < 0 AND NOT EXISTS (SELECT 1 FROM directory_organization AS o WHERE o.id = -t.owner))
LIMIT %s"""
_STILL: Final = "SELECT id FROM scan_lesson WHERE "
_CLOSE: Final = "DELETE FROM scan_taught WHERE owner = %s AND spam = 0 AND ham = 0"


@dataclass(frozen=True, slots=True)
class Read:
    """A message as a lesson needs it: its number, and its tokens."""

    number: int
    tokens: tuple[int, ...]


def read_message(raw: bytes) -> Read:
    """Cut a message into what is learned of it; linear, never raises."""
    raw = raw[:READ_MOST]
    return Read(number_of(raw), tuple(tokens(read(raw))))


def number_of(raw: bytes) -> int:
    """The number that a message is known by: 64 bits of the SHA-256 of its first `READ_MOST`
    octets."""
    digest = hashlib.sha256(raw[:READ_MOST]).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def learn_waiting(seconds: float) -> bool:
    """Learn what waits, oldest first, and begin nothing after so long; whether any is left.

    Raises:
        MailError: the database or the blob store does not answer; it is learned later.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not learn_some():
            return False
    return True


def learn_some() -> int:
    """Learn the oldest notes; how many there were.

    Raises: as `learn_waiting`.
    """
    with translate_errors():
        batch = marks.begin(BATCH)
        try:
            said = _said([mark for mark in batch if not _is_given_up(mark)])
        except Temporary:
            marks.put_back([mark.id for mark in batch])
            raise
        names = _names(batch, said)
        with forgettable():
            lessons.lock(_owners(said.values()))
            mine = marks.take([mark.id for mark in batch])
            changed = lessons.learn_locked(
                [one for mark_id, one in said.items() if mark_id in mine]
            )
            acquaintances.doubt(_doubts(changed, names))
    return len(batch)


def teach(*, owner: int, judged: Judged, messages: Iterable[Read]) -> int:
    """Learn messages that an administrator gives; returns how many said something new.

    Args:
        owner: a user's id, or minus an organisation's.
    """
    organization = -owner if owner < 0 else Stored().organisations([owner]).get(owner, 0)
    said = [Said(owner, organization, one.number, judged, one.tokens) for one in messages]
    with translate_errors(), forgettable():
        return lessons.learn(said)


def begin_training(owner: int, *, spam: int, ham: int) -> None:
    """An administrator is about to `teach` so many messages, in many transactions."""
    record("spam.train", **of_owner(owner), detail={"spam": spam, "ham": ham})


def forget(owner: int) -> int:
    """Forget all that an owner taught; of an organisation, all that counts for it. Returns how
    many lessons there were."""
    record("spam.forget", **of_owner(owner))  # first: what follows are many transactions
    return _forget(owner)


def _forget(owner: int) -> int:
    count = _forget_all(_OF_OWNER, owner)
    return count + (_forget_shared(-owner) if owner < 0 else 0)


def prune() -> int:
    """Forget what is old, and what owners taught who are gone; how many lessons went."""
    before = now() - KEEP_DAYS * _DAY
    count = _forget_all(_OLD, before)
    for (owner,) in fetch(_ORPHANS, [1_000]):
        count += _forget(owner)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_CLOSE, [owner])
    return count


def _said(batch: Sequence[Mark]) -> dict[int, Said]:
    """By the number of the note; of messages that cannot be read there is none."""
    homes = Stored().organisations(sorted({mark.user_id for mark in batch}))
    found = {mark.blob_id: None for mark in batch}
    seen = {}
    for stored in blobs.find_many(list(found)):
        try:
            seen[stored.id] = read_message(stored.part(0, READ_MOST))
        except Damaged:
            continue  # said in the log by whoever noticed
        except Temporary:
            raise  # a store that is away is no message's fault: all are learned later
        except Exception:
            logger.exception("a message cannot be learned", extra={"blob": str(stored.id)})
    return {
        mark.id: Said(
            mark.user_id,
            homes[mark.user_id],
            seen[mark.blob_id].number,
            mark.judged,
            seen[mark.blob_id].tokens,
        )
        for mark in batch
        if mark.blob_id in seen and mark.user_id in homes
    }


def _doubts(
    changed: Iterable[tuple[Said, int]], names: Mapping[tuple[int, int], Sequence[str]]
) -> dict[str, int]:
    """How many copies less senders are to be known by, for what was learned of their mail.

    Args:
        names: by reader and message.
    """
    found: Counter[str] = Counter()
    for one, by in changed:
        for name in names.get((one.owner, one.message), ()):
            found[name] += by
    return found


def _names(
    batch: Sequence[Mark], said: Mapping[int, Said]
) -> dict[tuple[int, int], tuple[str, ...]]:
    """What the sender was counted as when a reader's copy was filed in the inbox, by reader and
    message: two questions, if somebody speaks of spam. Of mail that did not come by the door there
    is nothing."""
    spoken = [one for one in batch if one.id in said and one.judged in _OF_SPAM]
    if not spoken:
        return {}
    traces = traces_by_blob({one.blob_id for one in spoken})
    verdicts = queries.of_traces(list(traces.values()))
    return {
        (one.user_id, said[one.id].message): _counted_as(verdicts.get(trace, ()), one.user_id)
        for one in spoken
        if (trace := traces.get(one.blob_id)) is not None
    }


_OF_SPAM: Final = frozenset((Judged.SPAM, Judged.HAM, Judged.UNSPAM))


def _counted_as(verdicts: Iterable[queries.Judged], user_id: int) -> tuple[str, ...]:
    """As `_names`, of the verdicts of one message."""
    for one in verdicts:
        if any(deed.user_id == user_id and deed.done is Done.INBOX for deed in one.deeds):
            try:
                return judging.Judgement.from_data(one.record.case.judgement).names
            except BrokenRecordError:
                continue
    return ()


def _is_given_up(mark: Mark) -> bool:
    if mark.tries > TRIES:
        logger.error("a message cannot be learned", extra={"blob": str(mark.blob_id)})
    return mark.tries > TRIES


def _forget_all(sql: str, value: int) -> int:
    """In small transactions, until there is none."""
    total = 0
    while True:
        with transaction.atomic():
            found = [lessons.as_kept(row) for row in fetch(sql, [value, BATCH])]
            lessons.lock(_owners(found))
            # Asked again under the lock: somebody may have taken one back meanwhile.
            there = _there([one.id for one in found])
            lessons.forget([one for one in found if one.id in there])
        total += len(there)
        if not found:
            return total


def _forget_shared(organization: int) -> int:
    """What users taught stays theirs, and no longer counts for the organisation."""
    total = 0
    while True:
        with transaction.atomic():
            lessons.lock([-organization])
            rows = fetch(_FOR_ORGANIZATION, [organization, BATCH])
            lessons.unshare([lessons.as_kept(row) for row in rows])
        total += len(rows)
        if not rows:
            return total


def _owners(those: Iterable[Said | Kept]) -> set[int]:
    return {owner for one in those for owner in (one.owner, -one.organization)} - {0}


def _there(ids: Sequence[int]) -> set[int]:
    if not ids:
        return set()
    rows = fetch(_STILL + among("id"), [listed(sorted(ids))])
    return {row[0] for row in rows}
