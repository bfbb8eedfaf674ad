"""Flags and keywords of messages: STORE and all that marks as read, stars or deletes.

Many UIDs are changed in chunks of 1,000, each committed for itself (RFC 3501 promises nothing about
the whole): a STORE of a hundred thousand must not keep everybody else's mail waiting. A message
that already is as asked keeps its modseq (RFC 7162 section 3.1.2 allows it), so that no client
downloads what has not changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from django.db import connection, transaction

from apps.mailstore.models import FLAG_SEEN
from apps.mailstore.origin import Origin
from apps.mailstore.queries import keyword_names
from apps.mailstore.services import filing, keywords
from apps.mailstore.services.filing import CHUNK, Change, Growth
from apps.mailstore.services.locks import lock
from apps.mailstore.uidset import uid_set
from apps.runtime.rows import among, listed


@dataclass(frozen=True, slots=True)
class FlagChange:
    """What to do with flags (bits, see `models`) and keywords (names).

    "replace" makes them exactly these; "add" and "remove" leave the others alone.
    """

    mode: Literal["add", "remove", "replace"]
    flags: int = 0
    keywords: tuple[str, ...] = ()


class Flagged(NamedTuple):
    """A message after the change; `keywords` are bits named by `StoreResult.keyword_names`."""

    uid: int
    flags: int
    keywords: int
    modseq: int


@dataclass(slots=True)
class StoreResult:
    """What became of it.

    rows: every message that was asked for and is there, changed or not.
    failed: UIDs changed since `unchanged_since`, left alone (RFC 7162 section 3.1.3, MODIFIED).
    """

    rows: list[Flagged] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
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
    ordered = sorted(set(uids))
    for first in range(0, len(ordered), CHUNK):
        with transaction.atomic():
            chunk = ordered[first : first + CHUNK]
            _store_chunk(mailbox_id, chunk, change, unchanged_since, origin, result)
    result.keyword_names = keyword_names(mailbox_id)
    return result


def _store_chunk(
    mailbox_id: int,
    uids: Sequence[int],
    change: FlagChange,
    unchanged_since: int | None,
    origin: Origin,
    result: StoreResult,
) -> None:
    lock(mailboxes=[mailbox_id])
    filing.home(mailbox_id)
    known = keywords.masks({mailbox_id: change.keywords} if change.keywords else {})
    flags, mask = change.flags, keywords.mask_of(change.keywords, known.get(mailbox_id, {}))
    before: list[tuple[int, int, int]] = []
    unseen = 0
    rows: list[Flagged] = []
    for uid, old_flags, old_mask, modseq in _read(mailbox_id, uids):
        if unchanged_since is not None and modseq > unchanged_since:
            result.failed.append(uid)
            continue
        new_flags = _changed(change.mode, old_flags, flags)
        new_mask = _changed(change.mode, old_mask, mask)
        if new_flags == old_flags and new_mask == old_mask:
            rows.append(Flagged(uid, old_flags, old_mask, modseq))
            continue
        unseen += (old_flags & FLAG_SEEN) - (new_flags & FLAG_SEEN)
        before.append((uid, old_flags, old_mask))
        rows.append(Flagged(uid, new_flags, new_mask, 0))
    if before:
        place = filing.grow({mailbox_id: Growth(0, 0, unseen, 0)})[mailbox_id]
        changed = [uid for uid, _, _ in before]
        _write(mailbox_id, changed, change.mode, flags, mask, place.modseq)
        _journal(mailbox_id, before, change, place.modseq, origin)
        rows = [row if row.modseq else row._replace(modseq=place.modseq) for row in rows]
    result.rows += rows


def _read(mailbox_id: int, uids: Sequence[int]) -> list[tuple[int, int, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT uid, flags, keywords, modseq FROM mailstore_entry"
            f" WHERE mailbox_id = %s AND {among('uid')} ORDER BY uid",
            [mailbox_id, listed(uids)],
        )
        return list(cursor.fetchall())


def _changed(mode: str, old: int, bits: int) -> int:
    if mode == "add":
        return old | bits
    return old & ~bits if mode == "remove" else bits


_SET = {
    "add": "flags = flags | %s, keywords = keywords | %s",
    "remove": "flags = flags & ~%s, keywords = keywords & ~%s",
    "replace": "flags = %s, keywords = %s",
}


def _write(
    mailbox_id: int, uids: Sequence[int], mode: str, flags: int, mask: int, modseq: int
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE mailstore_entry SET {_SET[mode]}, modseq = %s"
            f" WHERE mailbox_id = %s AND {among('uid')}",
            [flags, mask, modseq, mailbox_id, listed(uids)],
        )


def _journal(
    mailbox_id: int,
    before: Sequence[tuple[int, int, int]],
    change: FlagChange,
    modseq: int,
    origin: Origin,
) -> None:
    """One row: what the flags were (`flags.keywords` -> UID set), and what was done."""
    groups: dict[tuple[int, int], list[int]] = {}
    for uid, flags, mask in before:
        groups.setdefault((flags, mask), []).append(uid)
    told: dict[str, Any] = {f"{flags}.{mask}": uid_set(u) for (flags, mask), u in groups.items()}
    done = {"mode": change.mode, "flags": change.flags, "keywords": list(change.keywords)}
    uids = [uid for uid, _, _ in before]
    filing.record([Change(mailbox_id, "flags", uids, modseq, origin, told, done)])
