"""Flags and keywords of messages: STORE and all that marks as read, stars or deletes.

Many UIDs are changed in chunks of 1,000, each committed for itself (RFC 3501 promises nothing about
the whole): a STORE of a hundred thousand must not keep everybody else's mail waiting. A message
that already is as asked keeps its modseq (RFC 7162 section 3.1.2 allows it), so that no client
downloads what has not changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import repeat
from operator import itemgetter
from typing import Final, Literal, NamedTuple

from django.db import connection, transaction

from apps.mailstore.models import FLAG_SEEN, Judged
from apps.mailstore.origin import Origin
from apps.mailstore.queries import keyword_names
from apps.mailstore.services import conditional, filing, keywords, marks
from apps.mailstore.services.filing import CHUNK, Change, Growth
from apps.mailstore.services.locks import lock
from apps.mailstore.span import Span
from apps.mailstore.uidset import uid_set

# (flags, keywords) -> (uid, modseq) of the messages that have these
Groups = dict[tuple[int, int], list[tuple[int, int]]]

_READ: Final = "SELECT uid, flags, keywords, modseq FROM mailstore_entry WHERE "
_SET: Final = {
    "add": "flags = flags | %s, keywords = keywords | %s",
    "remove": "flags = flags & ~%s, keywords = keywords & ~%s",
    "replace": "flags = flags & %s | %s, keywords = keywords & %s | %s",
}
_ALL: Final = -1  # every bit
_UID: Final = itemgetter(0)


@dataclass(frozen=True, slots=True)
class FlagChange:
    """What to do with flags (bits, see `models`) and keywords (names).

    "replace" makes them exactly these; "add" and "remove" leave the others alone.

    reach, reach_keywords: the flags, and whether the keywords too, that may be changed by it at
        all (RFC 4314 section 4): the others stay as they are.
    """

    mode: Literal["add", "remove", "replace"]
    flags: int = 0
    keywords: tuple[str, ...] = ()
    reach: int = _ALL
    reach_keywords: bool = True

    @property
    def within(self) -> "FlagChange":
        """The same, without what is out of reach."""
        if not self.flags & ~self.reach and (self.reach_keywords or not self.keywords):
            return self
        keywords = self.keywords if self.reach_keywords else ()
        return replace(self, flags=self.flags & self.reach, keywords=keywords)


class Flagged(NamedTuple):
    """A message after the change; `keywords` are bits named by `StoreResult.keyword_names`."""

    uid: int
    flags: int
    keywords: int
    modseq: int


_FLAGGED: Final = partial(tuple.__new__, Flagged)  # of a row; a third of the time of Flagged._make


@dataclass(slots=True)
class StoreResult:
    """What became of it.

    rows: every message that was asked for and is there, changed or not.
    failed: UIDs changed since `unchanged_since`, left alone (RFC 7162 section 3.1.3, MODIFIED).
    modseqs: what the transactions took that changed something, one each.
    keyword_names: empty if no row has any.
    """

    rows: list[Flagged] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    modseqs: list[int] = field(default_factory=list)
    keyword_names: tuple[str, ...] = ()


def store(
    *,
    mailbox_id: int,
    uids: Sequence[int],
    change: FlagChange,
    origin: Origin,
    unchanged_since: int | None = None,
) -> StoreResult:
    """Change flags in transactions of its own; UIDs that are not there are ignored.

    Raises:
        NotFound: the mailbox is not there. What earlier chunks changed stays changed.
    """
    result = StoreResult()
    change = change.within
    ordered = sorted(set(uids))
    for first in range(0, len(ordered), CHUNK):
        chunk = Span(mailbox_id, ordered[first : first + CHUNK])
        with transaction.atomic():
            _store_chunk(chunk, change, unchanged_since, origin, result)
    result.rows.sort()
    if any(map(itemgetter(2), result.rows)):
        result.keyword_names = keyword_names(mailbox_id)
    return result


def _store_chunk(
    span: Span,
    change: FlagChange,
    unchanged_since: int | None,
    origin: Origin,
    result: StoreResult,
) -> None:
    mailbox_id = span.mailbox_id
    lock(mailboxes=[mailbox_id])
    owner = filing.home(mailbox_id).user_id
    mask = _mask(mailbox_id, change)
    changed: Groups = {}
    unseen = 0
    groups = _groups(span, unchanged_since, change, mask, result.failed)
    for (flags, words), rows in groups.items():
        after = _after(change, flags, words, mask)
        if after == (flags, words):
            result.rows += [Flagged(uid, flags, words, modseq) for uid, modseq in rows]
        else:
            unseen += ((flags & FLAG_SEEN) - (after[0] & FLAG_SEEN)) * len(rows)
            changed[flags, words] = rows
    if changed:
        modseq = filing.grow({mailbox_id: Growth(0, 0, unseen, 0)})[mailbox_id].modseq
        result.modseqs.append(modseq)
        uids = sorted([uid for rows in changed.values() for uid, _ in rows])
        _write(span.part(uids), change, mask, modseq)
        for (flags, words), rows in changed.items():
            after = _after(change, flags, words, mask)
            given = zip(map(_UID, rows), *map(repeat, (*after, modseq)), strict=False)
            result.rows += map(_FLAGGED, given)
        _journal(mailbox_id, uids, changed, change, modseq, origin)
        _note(span, owner, changed, change)


def _note(span: Span, owner: int, changed: Groups, change: FlagChange) -> None:
    """For the spam filter, if what has changed says something of the messages."""
    if change.mode == "replace" and change.reach_keywords:
        _note_replaced(span, owner, changed, change)
    judged = marks.said_by(change.mode, change.flags, change.keywords)
    if judged is None:
        return
    telling = [word for word in change.keywords if word.lower() in marks.WORDS]
    mask = keywords.mask_of(telling, keywords.masks({span.mailbox_id: ()})[span.mailbox_id])
    # A message that had the keyword, or had none to lose, is one of which nothing new is said.
    had = mask if change.mode == "remove" else 0
    uids = [
        uid
        for (_, words), rows in changed.items()
        if not mask or words & mask == had
        for uid, _ in rows
    ]
    _note_uids(span, owner, uids, judged)


def _note_replaced(span: Span, owner: int, changed: Groups, change: FlagChange) -> None:
    """Who writes all flags anew, and none of those that say something, takes off what was there."""
    if not marks.WORDS.isdisjoint(word.lower() for word in change.keywords):
        return
    known = keywords.masks({span.mailbox_id: ()})[span.mailbox_id]
    for telling, judged in (
        (marks.SPAM_WORDS, Judged.UNSPAM),
        (marks.HAM_WORDS, Judged.UNHAM),
    ):
        mask = keywords.mask_of(telling, known)
        uids = [uid for (_, words), rows in changed.items() if words & mask for uid, _ in rows]
        _note_uids(span, owner, uids, judged)


def _note_uids(span: Span, owner: int, uids: Sequence[int], judged: Judged) -> None:
    if uids:
        part = span.part(sorted(uids))
        source = f"mailstore_entry WHERE {part.sql}"
        marks.note_flags(span.mailbox_id, owner, judged, source, part.parameters)


def _mask(mailbox_id: int, change: FlagChange) -> int:
    """The bits of the keywords; to remove one that was never used gives it none."""
    if not change.keywords:
        return 0
    wanted = () if change.mode == "remove" else change.keywords
    known = keywords.masks({mailbox_id: wanted})[mailbox_id]
    return keywords.mask_of(change.keywords, known)


def _groups(
    span: Span,
    unchanged_since: int | None,
    change: FlagChange,
    mask: int,
    failed: list[int],
) -> Groups:
    """The messages by what their flags are: most have the same, so much is done once for many.
    Those that others have changed since are left out."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_READ}{span.sql} ORDER BY uid", span.parameters)
        rows = span.wanted(cursor.fetchall())
    others = frozenset[int]()
    if unchanged_since is not None:
        newer = {
            uid: (flags, words) for uid, flags, words, modseq in rows if modseq > unchanged_since
        }
        others = _changed_by_others(span.mailbox_id, unchanged_since, newer, change, mask)
        failed += sorted(others)
    groups: Groups = {}
    last: tuple[int, int] | None = None
    for uid, flags, words, modseq in rows:
        if uid in others:
            continue
        if (flags, words) != last:  # neighbours mostly have the same
            last = flags, words
            group = groups.setdefault(last, [])
        group.append((uid, modseq))
    return groups


def _changed_by_others(
    mailbox_id: int,
    since: int,
    newer: Mapping[int, tuple[int, int]],
    change: FlagChange,
    mask: int,
) -> frozenset[int]:
    """Of messages with a newer modseq those that a conditional STORE may not touch."""
    if not newer or change.mode == "replace":
        return frozenset(newer)
    as_then = conditional.untouched(mailbox_id, since, newer, flags=change.flags, keywords=mask)
    return frozenset(newer).difference(as_then)


def _after(change: FlagChange, flags: int, words: int, mask: int) -> tuple[int, int]:
    """What flags and keyword bits become."""
    if change.mode == "add":
        return flags | change.flags, words | mask
    if change.mode == "remove":
        return flags & ~change.flags, words & ~mask
    return flags & ~change.reach | change.flags, words & ~_keyword_reach(change) | mask


def _keyword_reach(change: FlagChange) -> int:
    return _ALL if change.reach_keywords else 0


def _write(span: Span, change: FlagChange, mask: int, modseq: int) -> None:
    values = [change.flags, mask]
    if change.mode == "replace":
        values = [~change.reach, change.flags, ~_keyword_reach(change), mask]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE mailstore_entry SET {_SET[change.mode]}, modseq = %s WHERE {span.sql}",
            [*values, modseq, *span.parameters],
        )


def _journal(
    mailbox_id: int,
    uids: Sequence[int],
    groups: Groups,
    change: FlagChange,
    modseq: int,
    origin: Origin,
) -> None:
    """One row: what the flags were (`flags.keywords` -> UID set), and what was done."""
    before = {
        f"{flags}.{words}": uid_set(map(_UID, rows)) for (flags, words), rows in groups.items()
    }
    done = {"mode": change.mode, "flags": change.flags, "keywords": list(change.keywords)}
    filing.record([Change(mailbox_id, "flags", uids, modseq, origin, before, done)])
