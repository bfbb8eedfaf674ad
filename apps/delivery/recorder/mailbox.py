"""What became of a message in mailboxes: who read, moved, flagged and deleted it, by which program.

Nothing is recorded for this: the journal of changes, which every door writes in any case, is read
when somebody asks, forward from the moment at which the message was filed. The journal keeps one
row for each operation, by mailbox and in the order of modseqs; so a message is followed from a
mailbox to the next by what the rows of its arrival say. Where there is more than is looked at,
`Life.is_cut` says so. What no door writes down is not known here: that a program fetched a message
without marking it as read.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

from apps.mailstore.models import (
    FLAG_ANSWERED,
    FLAG_DELETED,
    FLAG_DRAFT,
    FLAG_FLAGGED,
    FLAG_SEEN,
)
from apps.runtime.rows import among, fetch, listed

PLACES_MOST: Final = 50  # mailboxes and UIDs that a message is followed to
ROWS_MOST: Final = 20_000  # of the journal that are looked through for one of them
ACTS_MOST: Final = 200  # that are told
_MOVE_ROWS: Final = 200  # after a row of leaving, among which the row of the arrival is
_SLACK_US: Final = 2_000_000  # between the clock of an event and that of its row
_PROBES: Final = 64  # halvings: a modseq has 63 bits
_SETS_MOST: Final = 200_000  # characters of a set of UIDs

_BOXES: Final = (
    "SELECT id, user_id, name, special_use, deleted_at FROM mailstore_mailbox WHERE {ids}"
)
_HIGHEST: Final = "SELECT highestmodseq FROM mailstore_mailboxstate WHERE mailbox_id = %s"
_FIRST: Final = (
    "SELECT modseq, at FROM mailstore_change WHERE mailbox_id = %s AND modseq >= %s"
    " ORDER BY modseq LIMIT 1"
)
# Rows of other single messages, which most are, stay in the database.
_ROWS: Final = (
    "SELECT id, at, user_id, what, uids, modseq, before, after, door, client, address FROM ("
    "SELECT id, at, user_id, what, uids, modseq, before, after, door, client, address"
    " FROM mailstore_change WHERE mailbox_id = %s AND modseq >= %s ORDER BY modseq, id LIMIT %s"
    ") AS looked WHERE uids = %s OR uids = '' OR uids LIKE '%%,%%' OR uids LIKE '%%:%%'"
    " ORDER BY modseq, id"
)
_BEYOND: Final = (
    "SELECT 1 FROM mailstore_change WHERE mailbox_id = %s AND modseq >= %s"
    " ORDER BY modseq LIMIT 1 OFFSET %s"
)
_ARRIVED: Final = (
    "SELECT mailbox_id, uids, before, at FROM mailstore_change"
    " WHERE id > %s AND id <= %s AND what = 'move' ORDER BY id"
)
# Where copies of the message lie, and where they lay: as long as they can be brought back.
_KNOWN: Final = """
SELECT k.mailbox_id, k.uid, k.saved_at FROM (
  SELECT e.mailbox_id, e.uid, e.saved_at FROM mailstore_message AS m
  JOIN mailstore_entry AS e ON e.message_id = m.id WHERE m.trace_id = %s
  UNION ALL
  SELECT x.mailbox_id, x.uid, COALESCE(x.saved_at, x.internaldate) FROM mailstore_message AS m
  JOIN mailstore_expunged AS x ON x.message_id = m.id WHERE m.trace_id = %s
) AS k{owners} ORDER BY k.saved_at, k.mailbox_id, k.uid LIMIT %s"""
_OWNED: Final = " JOIN mailstore_mailbox AS b ON b.id = k.mailbox_id WHERE {ids}"


class Deed(StrEnum):
    """What was done with a message."""

    READ = "read"
    UNREAD = "unread"
    ANSWERED = "answered"
    FORWARDED = "forwarded"
    FLAGGED = "flagged"
    UNFLAGGED = "unflagged"
    LABELLED = "labelled"
    UNLABELLED = "unlabelled"
    MARKED_DELETED = "marked as deleted"
    UNMARKED = "no longer marked as deleted"
    JUNK = "marked as junk"
    NOT_JUNK = "marked as not junk"
    MOVED = "moved"
    COPIED = "copied"
    DELETED = "deleted"  # for good, but for what can be brought back
    RESTORED = "brought back"
    FOLDER_DELETED = "deleted with its folder"
    FOLDER_RESTORED = "brought back with its folder"


LEAVING: Final = frozenset({Deed.MOVED, Deed.DELETED, Deed.FOLDER_DELETED})
STAYING: Final = frozenset({Deed.RESTORED, Deed.FOLDER_RESTORED})


class Box(NamedTuple):
    """A mailbox: whose, its name, its special use, whether it is deleted."""

    id: int
    user_id: int
    name: str
    use: str
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Act:
    """One deed.

    Args:
        at_us: Unix microseconds.
        actor: the user who did it; None for the service itself.
        door: imap, pop3, web, link, command, …; `client` what the program called itself.
        box: the mailbox in which it lay.
        target: the mailbox to which it went, if it went to one that is known.
        label: the keyword, of labels.
    """

    at_us: int
    deed: Deed
    actor: int | None
    door: str
    client: str
    address: str
    box: Box
    uid: int
    target: Box | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """All that is known, by time.

    Args:
        boxes: the mailboxes in which it lay or lies, by id.
        is_cut: more happened than was looked at.
    """

    acts: tuple[Act, ...] = ()
    boxes: dict[int, Box] = field(default_factory=dict)
    is_cut: bool = False


class Place(NamedTuple):
    """A copy of a message: where it lies, and since when (Unix microseconds)."""

    mailbox_id: int
    uid: int
    since_us: int


class _Row(NamedTuple):
    """A row of the journal."""

    id: int
    at: int
    user_id: int | None
    what: str
    uids: str
    modseq: int
    before: str
    after: str
    door: str
    client: str
    address: str


def life(trace_id: UUID, filed: Sequence[Place], owners: frozenset[int] | None) -> Life:
    """What was done with the copies of a message.

    A few statements for each place, and two for all.

    Args:
        filed: where it was filed, as its events tell.
        owners: users whose mailboxes may be looked into; None for all.
    """
    return _Following(owners).follow([*filed, *_known(trace_id, owners)])


def _known(trace_id: UUID, owners: frozenset[int] | None) -> list[Place]:
    where, chosen = "", []
    if owners is not None:
        where, chosen = _OWNED.format(ids=among("b.user_id")), [listed(sorted(owners))]
    rows = fetch(_KNOWN.format(owners=where), [trace_id.hex, trace_id.hex, *chosen, PLACES_MOST])
    return [Place(box, uid, at * 1_000_000) for box, uid, at in rows]


@dataclass(slots=True)
class _Following:
    """A message on its way from mailbox to mailbox."""

    owners: frozenset[int] | None
    boxes: dict[int, Box] = field(default_factory=dict)
    acts: dict[tuple[int, int, str, str], Act] = field(default_factory=dict)
    done: set[tuple[int, int]] = field(default_factory=set)
    is_cut: bool = False

    def follow(self, places: Sequence[Place]) -> Life:
        self._learn(one.mailbox_id for one in places)
        waiting = deque(places)
        while waiting:
            place = waiting.popleft()
            key = place.mailbox_id, place.uid
            if key in self.done or place.mailbox_id not in self.boxes:
                continue
            if len(self.done) >= PLACES_MOST:
                self.is_cut = True
                break
            self.done.add(key)
            waiting.extend(self._look(place))
        acts = sorted(self.acts.values(), key=lambda one: one.at_us)
        seen_in = {one.box.id for one in acts} | {mailbox_id for mailbox_id, _ in self.done}
        return Life(
            tuple(acts[:ACTS_MOST]),
            {one: self.boxes[one] for one in seen_in},
            self.is_cut or len(acts) > ACTS_MOST,
        )

    def _learn(self, ids: Iterable[int]) -> None:
        """Get to know mailboxes; those of others stay unknown."""
        wanted = sorted({one for one in ids if 0 < one < 2**63} - set(self.boxes))
        if not wanted:
            return
        for row in fetch(_BOXES.format(ids=among("id")), [listed(wanted)]):
            box = Box(row[0], row[1], row[2], row[3], row[4] is not None)
            if self.owners is None or box.user_id in self.owners:
                self.boxes[box.id] = box

    def _look(self, place: Place) -> list[Place]:
        """Note what was done with it there; where it went then."""
        since = _modseq_at(place.mailbox_id, place.since_us - _SLACK_US)
        if since is None:
            return []
        where = [place.mailbox_id, since]
        rows = fetch(_ROWS, [*where, ROWS_MOST, str(place.uid)])
        if len(rows) and fetch(_BEYOND, [*where, ROWS_MOST]):
            self.is_cut = True
        found: list[Place] = []
        has_arrived = False
        for row in map(_Row._make, rows):
            if row.uids and not _has(row.uids, place.uid):
                continue
            if not row.uids and not has_arrived:
                continue  # the folder was deleted before
            has_arrived = True
            found += self._take(place, row)
        return found

    def _take(self, place: Place, row: _Row) -> list[Place]:
        box = self.boxes[place.mailbox_id]
        if row.what == "flags":
            for deed, label in _of_flags(row, place.uid):
                self._note(row, deed, box, place.uid, label=label)
        elif row.what == "move" and not row.before:
            return self._leave(place, row, box)
        elif row.what in ("copy", "restore") and row.uids:
            source = _source(row.before)
            self._learn([source])
            deed = Deed.COPIED if row.what == "copy" else Deed.RESTORED
            self._note(row, deed, self.boxes.get(source, box), place.uid, target=box)
        elif row.what in ("expunge", "replace"):
            self._note(row, Deed.DELETED, box, place.uid)
        elif row.what == "delete" and not row.uids:
            self._note(row, Deed.FOLDER_DELETED, box, place.uid)
        elif row.what == "restore":
            self._note(row, Deed.FOLDER_RESTORED, box, place.uid)
        return []

    def _leave(self, place: Place, row: _Row, box: Box) -> list[Place]:
        arrived = _arrival(place, row)
        target = None
        if arrived is not None:
            self._learn([arrived.mailbox_id])
            target = self.boxes.get(arrived.mailbox_id)
        self._note(row, Deed.MOVED, box, place.uid, target=target)
        return [arrived] if arrived is not None and target is not None else []

    def _note(
        self,
        row: _Row,
        deed: Deed,
        box: Box,
        uid: int,
        *,
        target: Box | None = None,
        label: str = "",
    ) -> None:
        self.acts[row.id, uid, deed, label] = Act(
            row.at,
            deed,
            row.user_id,
            row.door,
            row.client,
            row.address,
            box,
            uid,
            target=target,
            label=label,
        )


def _modseq_at(mailbox_id: int, at_us: int) -> int | None:
    """The first modseq of a change at that time or later, None if there is none: halving, by the
    index of modseqs alone."""
    highest = fetch(_HIGHEST, [mailbox_id])
    if not highest:
        return None
    low, high, best = 1, int(highest[0][0]) + 1, None
    for _ in range(_PROBES):
        if low >= high:
            break
        middle = (low + high) // 2
        row = fetch(_FIRST, [mailbox_id, middle])
        if not row or row[0][1] >= at_us:
            best = row[0][0] if row else best
            high = middle
        else:
            low = row[0][0] + 1
    row = fetch(_FIRST, [mailbox_id, low])
    return row[0][0] if row and row[0][1] >= at_us else best


def _runs(uids: str) -> Iterator[tuple[int, int]]:
    """The runs of a set of UIDs; nothing is spread out."""
    for part in uids[:_SETS_MOST].split(","):
        first, _, last = part.partition(":")
        if first.isdecimal() and (not last or last.isdecimal()):
            yield int(first), int(last or first)


def _has(uids: str, uid: int) -> bool:
    """Whether a set has a UID; linear."""
    return any(first <= uid <= last for first, last in _runs(uids))


def _position(uids: str, uid: int) -> int | None:
    """How many UIDs of a set stand before one; None if that is not in it."""
    before = 0
    for first, last in _runs(uids):
        if first <= uid <= last:
            return before + uid - first
        before += last - first + 1
    return None


def _at(uids: str, position: int) -> int | None:
    """The UID at a place of a set."""
    for first, last in _runs(uids):
        if position <= last - first:
            return first + position
        position -= last - first + 1
    return None


def _arrival(place: Place, row: _Row) -> Place | None:
    """Where a message that left is now: the row of its arrival stands shortly after."""
    position, lowest = _position(row.uids, place.uid), _at(row.uids, 0)
    if position is None:
        return None
    for box, uids, before, at in fetch(_ARRIVED, [row.id, row.id + _MOVE_ROWS]):
        told = _json(before)
        if told.get("mailbox") != place.mailbox_id or told.get("first") != lowest:
            continue
        arrived = _at(uids, position)
        if arrived is not None:
            return Place(box, arrived, at)
    return None


def _source(before: str) -> int:
    found = _json(before).get("mailbox")
    return found if isinstance(found, int) else 0


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


_SET: Final = {
    FLAG_SEEN: Deed.READ,
    FLAG_ANSWERED: Deed.ANSWERED,
    FLAG_FLAGGED: Deed.FLAGGED,
    FLAG_DELETED: Deed.MARKED_DELETED,
}
_TAKEN: Final = {
    FLAG_SEEN: Deed.UNREAD,
    FLAG_FLAGGED: Deed.UNFLAGGED,
    FLAG_DELETED: Deed.UNMARKED,
}
_KEYWORDS: Final = {
    "$forwarded": Deed.FORWARDED,
    "$junk": Deed.JUNK,
    "junk": Deed.JUNK,
    "$notjunk": Deed.NOT_JUNK,
    "nonjunk": Deed.NOT_JUNK,
}
_SYSTEM: Final = FLAG_SEEN | FLAG_ANSWERED | FLAG_FLAGGED | FLAG_DELETED | FLAG_DRAFT


def _of_flags(row: _Row, uid: int) -> list[tuple[Deed, str]]:
    """What a change of flags did to one message, with the keyword if it is one."""
    done = _json(row.after)
    was = _flags_before(row.before, uid)
    mode, bits = done.get("mode"), done.get("flags")
    bits = bits if isinstance(bits, int) else 0
    added, taken = bits & ~was, 0
    if mode == "remove":
        added, taken = 0, bits & was
    elif mode == "replace":
        taken = was & ~bits & _SYSTEM
    found = [(deed, "") for bit, deed in _SET.items() if added & bit]
    found += [(deed, "") for bit, deed in _TAKEN.items() if taken & bit]
    keywords = done.get("keywords")
    for name in map(str, keywords if isinstance(keywords, list) else ()):
        known = _KEYWORDS.get(name.lower())
        if known is not None and mode != "remove":
            found.append((known, ""))
        elif known is None and not name.startswith("$"):
            found.append((Deed.UNLABELLED if mode == "remove" else Deed.LABELLED, name))
    return found


def _flags_before(before: str, uid: int) -> int:
    """The system flags that it had: `before` names flags and keywords as bits, with UIDs."""
    for bits, uids in _json(before).items():
        flags = bits.partition(".")[0]
        if isinstance(uids, str) and flags.isdecimal() and _has(uids, uid):
            return int(flags)
    return 0
