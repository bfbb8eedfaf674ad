"""Brings expunged messages back: one by one, a whole mailbox, or all that somebody removed.

A message comes back under a new UID (RFC 3501 section 2.3.1.1: a UID is never given twice), with
the flags and keywords it had, its internal date, conversation and delivery head, and in its own
mailbox with the date it was saved there. `\\Deleted` alone is taken off: it is what it was expunged
for, and the next client that expunges would take it away again.

Who asks for more than fits is refused before anything changes. After that the work is done in
transactions of 1,000 messages; one that was cut off is finished by asking again, for what is back
is never brought back twice. Each of them asks for its room again, under the lock that it writes
under: whoever fills the account meanwhile, nobody brings it above its quota.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from django.db import connection, transaction

from apps.mailstore import recoverable, removals, shares
from apps.mailstore.models import FLAG_DELETED, FLAG_SEEN, Fate
from apps.mailstore.origin import Origin
from apps.mailstore.recoverable import IS_KEPT
from apps.mailstore.services import copy, filing, quota, revive, unindexed
from apps.mailstore.services.filing import CHUNK, Change, Growth, Use
from apps.mailstore.services.locks import lock
from apps.mailstore.uidset import uid_set
from apps.runtime.clock import now
from apps.runtime.rows import among, fetch, listed
from apps.wire.errors import NotFound, NotPermitted, QuotaExceeded

RIGHTS: Final = frozenset("rie")
"""What another than the owner needs in a mailbox to bring back what was expunged from it: to read
it, to put messages in, and to take them out for good (RFC 4314 section 4)."""

# The range, since Postgres would read all of the mailbox for a list while it knows nothing of it.
_CHOSEN: Final = f"mailbox_id = %s AND uid BETWEEN %s AND %s AND {{uids}} AND {IS_KEPT}"
_WHERE: Final = f"mailstore_expunged WHERE {_CHOSEN}"
_PICK: Final = f"SELECT uid, size, flags, keywords, cost FROM {_WHERE} ORDER BY uid"
_INSERT: Final = f"""
INSERT INTO mailstore_entry (mailbox_id, uid, modseq, message_id, head_id, flags, keywords,
  internaldate, internaldate_offset, saved_at, size, thread_id)
SELECT %s, %s + row_number() OVER (ORDER BY uid), %s, message_id, head_id,
  flags & ~{FLAG_DELETED}, {{keywords}}, internaldate, internaldate_offset, {{saved}}, size,
  thread_id
FROM {_WHERE} ORDER BY uid"""
# The row stays, since it tells clients that the old UID is gone.
_SETTLE: Final = f"""
UPDATE mailstore_expunged SET fate = {Fate.RESTORED:d},
  cost = CASE WHEN size < {copy.MOVED_COST} THEN size ELSE {copy.MOVED_COST} END
WHERE {_CHOSEN}"""


class Restored(NamedTuple):
    """Where messages are now: pairs of old and new UIDs."""

    mailbox_id: int
    uidvalidity: int
    uids: list[tuple[int, int]]


class Outcome(NamedTuple):
    """What `removed` brought back: mailboxes, and how many messages of others; `lost` and `older`
    are those of `removals.Removed`."""

    mailboxes: list[revive.Revived]
    messages: int
    lost: int
    older: int


def messages(
    *,
    mailbox_id: int,
    origin: Origin,
    uids: Sequence[int] | None = None,
    since: int = 0,
    target_id: int | None = None,
    acts_as: int | None = None,
) -> Restored:
    """Bring back messages that were expunged from a mailbox, in transactions of its own.

    Args:
        uids: those they had; None for all. Of others, and those that are back, nothing happens.
        since: only what was expunged then or later, Unix seconds; with `uids` it is not asked.
        target_id: another mailbox of the same owner, for which they are meant; the one they were
            expunged from may be a deleted one then.
        acts_as: the user whose rights are asked for, where that is not `origin.user_id`: an
            administrator who looks as a user has the rights of that user.

    Raises:
        NotFound: there is no such mailbox, or it is deleted, or nobody else's to see.
        NotPermitted: who asks has not the `RIGHTS`.
        QuotaExceeded: the owner has no room for all of them; nothing has changed, unless the room
            was taken meanwhile: then the text says how much is back.
    """
    goal = mailbox_id if target_id is None else target_id
    home = filing.home(goal)
    owner = home.user_id
    _require_owner(mailbox_id, owner)
    for box in {mailbox_id, goal}:
        _require_rights(box, owner, origin.user_id if acts_as is None else acts_as)
    wanted = recoverable.uids(mailbox_id, since=since) if uids is None else sorted(set(uids))
    with transaction.atomic():
        quota.require_room(owner, recoverable.size_of(mailbox_id, wanted))
    pairs: list[tuple[int, int]] = []
    try:
        for some in _bring_back(mailbox_id, goal, wanted, origin):
            pairs += some
    except QuotaExceeded as error:
        raise _cut(error, 0, len(pairs)) from None
    return Restored(goal, home.uidvalidity, pairs)


def removed(
    *,
    user_id: int,
    since: int,
    origin: Origin,
    by: removals.By = removals.ANYBODY,
    acts_as: int | None = None,
) -> Outcome:
    """Bring back the mailboxes and messages of a user that somebody removed, in transactions of its
    own: see `removals`.

    Args:
        since: Unix seconds.
        acts_as: whose rights are asked for, where that is not `origin.user_id`: an administrator
            brings back what a user has lost.

    Raises:
        NotPermitted: it is another user's mail.
        QuotaExceeded: as for `messages`.
        LimitReached: the user has too many mailboxes.
    """
    actor = origin.user_id if acts_as is None else acts_as
    if actor not in (None, user_id):
        raise NotPermitted(f"user {actor} in mail of {user_id}")
    found = removals.removed(user_id, since, by)
    total = found.size + sum(box.size for box in found.mailboxes)
    with transaction.atomic():
        quota.require_room(user_id, total)
    done = Outcome([], 0, found.lost, found.older)
    try:
        for so_far in _all_back(found, origin, user_id):
            done = so_far
    except QuotaExceeded as error:
        raise _cut(error, len(done.mailboxes), done.messages) from None
    return done


def _all_back(found: removals.Removed, origin: Origin, owner_id: int) -> Iterator[Outcome]:
    """Yields how far it is, after each transaction."""
    done = Outcome([], 0, found.lost, found.older)
    for box in found.mailboxes:
        try:
            revived = revive.mailbox(mailbox_id=box.id, origin=origin, acts_as=owner_id)
        except NotFound:
            continue  # somebody else was first, or it is purged
        done = done._replace(mailboxes=[*done.mailboxes, revived])
        yield done
    for (mailbox_id, goal), uids in found.messages.items():
        left = len(uids)
        try:
            for some in _bring_back(mailbox_id, goal, uids, origin):
                left -= len(some)
                done = done._replace(messages=done.messages + len(some))
                yield done
        except NotFound:  # the mailbox was deleted meanwhile
            done = done._replace(lost=done.lost + left)
            yield done


def _cut(error: QuotaExceeded, mailboxes: int, messages: int) -> QuotaExceeded:
    """The same, said of what is done in part."""
    if not mailboxes and not messages:
        return error
    back = f"already back: {mailboxes} of the mailboxes, {messages} of the messages"
    return QuotaExceeded(error.detail, text=f"{error.reply.text}; {back}")


def _require_owner(mailbox_id: int, owner: int) -> None:
    sql = "SELECT 1 FROM mailstore_mailbox WHERE id = %s AND user_id = %s"
    if not fetch(sql, [mailbox_id, owner]):
        raise NotFound(f"mailbox {mailbox_id} of user {owner}", text="No such mailbox")


def _require_rights(mailbox_id: int, owner: int, user_id: int | None) -> None:
    if user_id in (None, owner):
        return
    assert user_id is not None
    rights = shares.rights_in(fetch, user_id, mailbox_id)
    if not rights & set("lr"):
        raise NotFound(f"mailbox {mailbox_id}", text="No such mailbox")
    if not rights >= RIGHTS:
        raise NotPermitted(f"user {user_id} has {rights} in mailbox {mailbox_id}")


def _bring_back(
    source_id: int, target_id: int, uids: Sequence[int], origin: Origin
) -> Iterator[list[tuple[int, int]]]:
    """Yields what is back, old UIDs and new, after each transaction."""
    home = filing.home(target_id)
    for first in range(0, len(uids), CHUNK):
        chunk = uids[first : first + CHUNK]
        with transaction.atomic():
            lock(users=[home.user_id], mailboxes={source_id, target_id})
            filing.home(target_id)
            some = _bring_back_some(source_id, target_id, home.user_id, chunk, origin)
        yield some


def _bring_back_some(
    source_id: int, target_id: int, owner: int, uids: Sequence[int], origin: Origin
) -> list[tuple[int, int]]:
    """Within one transaction, under its locks; UIDs rise."""
    chosen, where = among("uid"), [source_id, uids[0], uids[-1], listed(uids)]
    rows = fetch(_PICK.format(uids=chosen), where)
    if not rows:
        return []
    old, sizes, flags, words, costs = map(list, zip(*rows, strict=True))
    quota.require_room(owner, sum(sizes))
    unseen = sum(not one & FLAG_SEEN for one in flags)
    growth = Growth(len(old), len(old), unseen, sum(sizes))
    first, modseq = filing.grow({target_id: growth})[target_id]
    # What was expunged long ago may never have been in the index.
    unindexed.copied(owner, _WHERE.format(uids=chosen), where)
    _write(source_id, [target_id, first - 1, modseq], where, words)
    left = sum(min(size, copy.MOVED_COST) for size in sizes)
    filing.use([Use(owner, sum(sizes), len(old), expunged=left - sum(costs))])
    new = range(first, first + len(old))
    told = {"mailbox": source_id, "uids": uid_set(old)}
    filing.record([Change(target_id, "restore", new, modseq, origin, before=told)])
    return list(zip(old, new, strict=True))


def _write(source_id: int, place: list[int], where: list[Any], words: Sequence[int]) -> None:
    """Rows go from table to table; `place` is the mailbox, the UID before the first, the modseq."""
    used = 0
    for mask in words:
        used |= mask
    target_id, chosen = place[0], among("uid")
    keywords = copy.translation(source_id, target_id, used)
    saved = "COALESCE(saved_at, %s)" if source_id == target_id else "%s"
    with connection.cursor() as cursor:
        sql = _INSERT.format(keywords=keywords, saved=saved, uids=chosen)
        cursor.execute(sql, [*place, now(), *where])
        cursor.execute(_SETTLE.format(uids=chosen), where)
