"""Copies and moves messages between mailboxes; both are atomic (RFC 3501 section 6.4.7, RFC 6851).

A copy names the same message and the same delivery head: no byte is copied. Flags, keywords and the
internal date go along (RFC 3501 section 6.4.7). Rows go from table to table inside the database: a
hundred thousand messages are one transaction of less than a second, so nobody's mail waits long and
nothing has to be staged.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from django.db import connection, transaction

from apps.mailstore.models import FLAG_SEEN, Fate
from apps.mailstore.origin import Origin
from apps.mailstore.queries import keyword_names
from apps.mailstore.services import filing, keywords, marks, purge, quota, unindexed
from apps.mailstore.services.filing import Change, Growth, Home, Use
from apps.mailstore.services.locks import lock
from apps.mailstore.span import Span
from apps.runtime.clock import now

MOVED_COST: Final = 1_024
"""Bytes that the memory of a moved message counts for: the message lives on where it went."""

LATELY: Final = purge.TRIM_AGE // 2
"""Seconds for which what was expunged can still be copied: none of it is being purged."""

_CARRIED: Final = (
    "uid, message_id, head_id, flags, keywords, internaldate, internaldate_offset, size, thread_id"
)
_LIVE: Final = "mailstore_entry WHERE {span}"
_WITH_EXPUNGED: Final = f"""(
  SELECT {_CARRIED} FROM mailstore_entry WHERE {{span}} UNION ALL
  SELECT {_CARRIED} FROM mailstore_expunged WHERE {{span}} AND at >= %s) AS both_tables"""
_PICK: Final = "SELECT uid, size, flags, keywords FROM {source} ORDER BY uid"
_COPY: Final = """
INSERT INTO mailstore_entry (mailbox_id, uid, modseq, message_id, head_id, flags, keywords,
  internaldate, internaldate_offset, saved_at, size, thread_id)
SELECT %s, %s + row_number() OVER (ORDER BY uid), %s, message_id, head_id, {flags}, {keywords},
  {date}, %s, size, thread_id
FROM {source} ORDER BY uid"""
_EXPUNGE: Final = f"""
INSERT INTO mailstore_expunged (mailbox_id, uid, modseq, at, user_id, message_id, head_id, flags,
  keywords, internaldate, internaldate_offset, size, thread_id, saved_at, cost, fate)
SELECT mailbox_id, uid, %s, %s, CAST(%s AS bigint), message_id, head_id, flags,
  keywords, internaldate, internaldate_offset, size, thread_id, saved_at,
  CASE WHEN size < %s THEN size ELSE %s END, {Fate.MOVED:d}
FROM mailstore_entry WHERE {{span}}"""
_DELETE: Final = "DELETE FROM mailstore_entry WHERE "


class Copied(NamedTuple):
    """What COPYUID tells (RFC 4315 section 3): `uids` are pairs of old and new; `modseq` is that of
    the change in the target, 0 if there was none."""

    uidvalidity: int
    uids: list[tuple[int, int]]
    modseq: int = 0


class Kept(NamedTuple):
    """What goes along of what a message is marked with: bits of system flags, and all keywords or
    none (RFC 4314 section 4: a flag goes along where its right is). `date` is the internal date
    that they get instead of theirs, in Unix seconds."""

    flags: int = -1
    keywords: bool = True
    date: int | None = None


ALL_FLAGS: Final = Kept()


class _Picked(NamedTuple):
    """Messages of the source, under its lock.

    Args:
        span: exactly these.
        source, parameters: where they are, in SQL.
        sizes: of each, in bytes.
        used: keyword bits that any of them has.
    """

    span: Span
    source: str
    parameters: list[Any]
    uids: list[int]
    sizes: list[int]
    unseen: int
    used: int


def copy(
    *,
    mailbox_id: int,
    uids: Sequence[int],
    target_id: int,
    origin: Origin,
    kept: Kept = ALL_FLAGS,
    all_or_nothing: bool = False,
) -> Copied:
    """Copy messages in one transaction.

    Args:
        all_or_nothing: for a client that still numbers what others have expunged (RFC 2180 section
            4.4.2): what was expunged lately is copied too, and nothing if there is less than asked
            for. Else UIDs that are not there are ignored.

    Raises:
        NotFound: one of the mailboxes is not there.
        QuotaExceeded: the target's owner is full, or would be before the last message.
    """
    owner = filing.home(target_id).user_id

    def carry() -> Copied:
        with transaction.atomic():
            lock(users=[owner], mailboxes=[mailbox_id, target_id])
            leaving, target = filing.both_homes(mailbox_id, target_id)
            picked = _pick(mailbox_id, uids)
            if all_or_nothing and len(picked.uids) < len(uids):
                picked = _pick(mailbox_id, uids, expunged_since=now() - LATELY)
                if len(picked.uids) < len(uids):
                    return Copied(target.uidvalidity, [])
            quota.require(owner, picked.sizes)
            return _arrive(picked, leaving, target_id, target, origin, "copy", kept)

    return purge.after_trim(owner, carry)


def move(
    *,
    mailbox_id: int,
    uids: Sequence[int],
    target_id: int,
    origin: Origin,
    kept: Kept = ALL_FLAGS,
) -> Copied:
    """Move messages in one transaction, as `copy` and then expunge would.

    Within one owner's mailboxes this works for a full one too: nothing is added.

    Raises: as `copy`.
    """
    with transaction.atomic():
        homes = filing.homes([mailbox_id, target_id])
        lock(users={home.user_id for home in homes.values()}, mailboxes=homes)
        leaving, target = filing.both_homes(mailbox_id, target_id)
        picked = _pick(mailbox_id, uids)
        if leaving.user_id != target.user_id:
            quota.require(target.user_id, picked.sizes)
        if picked.uids:
            _leave(picked, leaving.user_id, origin)
        moved = _arrive(picked, leaving, target_id, target, origin, "move", kept)
        if picked.uids:
            with connection.cursor() as cursor:
                cursor.execute(_DELETE + picked.span.sql, picked.span.parameters)
        purge.trim_on_commit(leaving.user_id)
        return moved


def _pick(mailbox_id: int, uids: Sequence[int], expunged_since: int | None = None) -> _Picked:
    span = Span(mailbox_id, sorted(set(uids)))
    with connection.cursor() as cursor:
        source, parameters = _source(span, expunged_since)
        cursor.execute(_PICK.format(source=source), parameters)
        rows = span.wanted(cursor.fetchall())
    found = [row[0] for row in rows]
    unseen = used = 0
    for _, _, flags, words in rows:
        unseen += not flags & FLAG_SEEN
        used |= words
    exact = span.part(found)
    sizes = [row[1] for row in rows]
    return _Picked(exact, *_source(exact, expunged_since), found, sizes, unseen, used)


def _source(span: Span, expunged_since: int | None) -> tuple[str, list[Any]]:
    """What stands behind FROM, and its parameters."""
    if expunged_since is None:
        return _LIVE.format(span=span.sql), span.parameters
    both = [*span.parameters, *span.parameters, expunged_since]
    return _WITH_EXPUNGED.format(span=span.sql), both


def _arrive(
    picked: _Picked,
    leaving: Home,
    target_id: int,
    target: Home,
    origin: Origin,
    what: str,
    kept: Kept,
) -> Copied:
    count, size = len(picked.uids), sum(picked.sizes)
    if not count:
        return Copied(target.uidvalidity, [])
    source_id = picked.span.mailbox_id
    words = translation(source_id, target_id, picked.used) if kept.keywords else "0"
    flags = "flags" if kept.flags == -1 else f"flags & {kept.flags:d}"
    date = "internaldate, internaldate_offset" if kept.date is None else f"{kept.date:d}, 0"
    unseen = picked.unseen if kept.flags & FLAG_SEEN else count
    growth = Growth(count, count, unseen, size)
    first, modseq = filing.grow({target_id: growth})[target_id]
    with connection.cursor() as cursor:
        cursor.execute(
            _COPY.format(flags=flags, keywords=words, source=picked.source, date=date),
            [target_id, first - 1, modseq, now(), *picked.parameters],
        )
    filing.use([Use(target.user_id, size, count)])
    if leaving.user_id != target.user_id:
        unindexed.copied(target.user_id, picked.source, picked.parameters)
    told = {"mailbox": source_id, "first": picked.uids[0]}
    new = range(first, first + count)
    filing.record([Change(target_id, what, new, modseq, origin, before=told)])
    marks.note_transfer(
        source_id,
        target_id,
        target.user_id,
        source=picked.source,
        parameters=picked.parameters,
        is_move=what == "move",
    )
    return Copied(target.uidvalidity, list(zip(picked.uids, new, strict=True)), modseq)


def _leave(picked: _Picked, owner: int, origin: Origin) -> None:
    """Keep the moved ones in `Expunged`; their entries still have to be copied, then deleted."""
    count, size = len(picked.uids), sum(picked.sizes)
    mailbox_id = picked.span.mailbox_id
    modseq = filing.grow({mailbox_id: Growth(0, -count, -picked.unseen, -size)})[mailbox_id].modseq
    with connection.cursor() as cursor:
        cursor.execute(
            _EXPUNGE.format(span=picked.span.sql),
            [modseq, now(), origin.user_id, MOVED_COST, MOVED_COST, *picked.span.parameters],
        )
    kept = sum(min(one, MOVED_COST) for one in picked.sizes)
    filing.use([Use(owner, -size, -count, expunged=kept)])
    filing.record([Change(mailbox_id, "move", picked.uids, modseq, origin)])


def translation(source_id: int, target_id: int, used: int) -> str:
    """An expression for the keyword bits in the target: each bit of the source in its new place.
    Made of numbers of bits alone. Within the caller's transaction, which locks the target."""
    if source_id == target_id or not used:
        return "keywords"
    names = {
        bit: name for bit, name in enumerate(keyword_names(source_id)) if used >> bit & 1 and name
    }
    known = keywords.masks({target_id: names.values()})[target_id]
    places = [
        (bit, mask.bit_length() - 1)
        for bit, name in names.items()
        if (mask := keywords.mask_of([name], known))
    ]
    if all(old == new for old, new in places) and len(places) == used.bit_count():
        return "keywords"
    moved = [f"((keywords >> {old} & 1) << {new})" for old, new in places]
    return " | ".join(moved) if moved else "0"
