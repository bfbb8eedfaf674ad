"""The write door of lessons: what owners say of messages, and the counts that come of it.

All within the caller's transaction, owners locked first and in order: any number of workers, no
deadlock, and every count the exact sum of the lessons that stand. A lesson is learned once however
often it is given, and what is said anew of a message takes the place of what was said before.
Bounded: an owner's oldest lessons are forgotten for new ones.
"""

import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection

from apps.mailstore.models import Judged
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows, Values, among, fetch, listed
from apps.scan.bayes.reckon import Tally

MOST: Final = 1_000
"""Lessons of each kind of a user."""
MOST_OF_ORGANIZATION: Final = 10_000
MOST_SHARED: Final = 500
"""Lessons of each kind of one user that count for the organisation: nobody decides for all."""
KEPT_LEAST: Final = 50
"""Lessons of ham up to which mail counts that was only kept; beyond them as many as of spam."""

_OPEN = ManyRows(
    "INSERT INTO scan_taught (owner, spam, ham)", "bigint int int", "ON CONFLICT DO NOTHING"
)
_LOCK: Final = "SELECT owner, spam, ham FROM scan_taught WHERE {} ORDER BY owner{}"
_TALLY: Final = "UPDATE scan_taught SET spam = %s, ham = %s WHERE owner = %s"
_KNOWN: Final = "SELECT id, owner, organization, message, is_spam, tokens FROM scan_lesson WHERE "
_OLDEST: Final = (
    "SELECT id, owner, organization, message, is_spam, tokens FROM scan_lesson"
    " WHERE {} = %s AND is_spam = %s ORDER BY at, id LIMIT %s"
)
_INSERT = ManyRows(
    "INSERT INTO scan_lesson (owner, organization, message, is_spam, at, tokens)",
    "bigint bigint bigint boolean bigint bytea",
)
_DELETE: Final = "DELETE FROM scan_lesson WHERE "
_UNSHARE: Final = "UPDATE scan_lesson SET organization = 0 WHERE "
_ADD = ManyRows(
    "INSERT INTO scan_token (owner, token, spam, ham)",
    "bigint int int int",
    "ON CONFLICT (owner, token) DO UPDATE SET spam = scan_token.spam + excluded.spam,"
    " ham = scan_token.ham + excluded.ham",
)
_LESS_ROWS: Final = Values("d", "owner bigint, token int, spam int, ham int")
_LESS: Final = (
    "UPDATE scan_token AS t SET spam = t.spam - d.spam, ham = t.ham - d.ham"
    " FROM {} WHERE t.owner = d.owner AND t.token = d.token"
)
_GONE: Final = "DELETE FROM scan_token WHERE owner = %s AND spam <= 0 AND ham <= 0 AND "


@dataclass(frozen=True, slots=True)
class Said:
    """What an owner says of a message.

    Args:
        owner: a user's id, or minus an organisation's.
        organization: the user's; that of an organisation itself is `-owner`.
        message: its number, see `learning.number_of`.
        tokens: its keys.
    """

    owner: int
    organization: int
    message: int
    judged: Judged
    tokens: Sequence[int]


@dataclass(frozen=True, slots=True)
class Kept:
    """A lesson in the database (id 0: not yet)."""

    id: int
    owner: int
    organization: int
    message: int
    is_spam: bool
    tokens: Sequence[int]


@dataclass(slots=True)
class _Ledger:
    """What a transaction changes: written at its end, in one order."""

    tallies: dict[int, list[int]]
    counts: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    fresh: dict[tuple[int, int], Kept] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)
    unshared: set[int] = field(default_factory=set)

    def count(self, owner: int, lesson: Kept, by: int) -> None:
        """Add a lesson to an owner's counts, or take it back."""
        kind = 0 if lesson.is_spam else 1
        self.tallies[owner][kind] += by
        for token in lesson.tokens:
            self.counts.setdefault((owner, token), [0, 0])[kind] += by


def learn(said: Sequence[Said]) -> int:
    """Learn, in this order; return how many lessons changed something."""
    owners = {one.owner for one in said} | {-one.organization for one in said}
    lock(owners - {0})
    return len(learn_locked(said))


def lock(owners: Iterable[int]) -> None:
    """Lock owners until the transaction ends; makes their rows if need be."""
    _OPEN.write([(owner, 0, 0) for owner in sorted(set(owners))])
    _tallies(owners)


def learn_locked(said: Sequence[Said]) -> list[tuple[Said, int]]:
    """`learn`, where the caller has locked the owners: those that changed something, each with how
    many lessons of spam there are more for it than before (-1, 0, 1)."""
    if not said:
        return []
    owners = {one.owner for one in said} | {-one.organization for one in said}
    lessons = _known(said)
    ledger = _Ledger(_tallies(owners))
    _lock_late({owner for one in lessons.values() for owner in _counted_for(one)}, ledger)
    changed = []
    for one in said:
        before = _is_spam(one, lessons)
        if _apply(one, lessons, ledger):
            changed.append((one, _is_spam(one, lessons) - before))
    _forget_oldest(ledger)
    _write(ledger)
    return changed


def forget(lessons: Sequence[Kept]) -> None:
    """Take lessons back, of owners whom the caller has locked, organisations included."""
    owners = {one.owner for one in lessons} | {-one.organization for one in lessons}
    ledger = _Ledger(_tallies(owners - {0}))
    for lesson in lessons:
        _take_back(lesson, ledger)
    _write(ledger)


def unshare(kept: Sequence[Kept]) -> None:
    """Let lessons of users count for their organisation no longer; the caller has locked it."""
    ledger = _Ledger(_tallies({-one.organization for one in kept}))
    for lesson in kept:
        ledger.count(-lesson.organization, lesson, -1)
        ledger.unshared.add(lesson.id)
    _write(ledger)


def as_kept(row: Sequence[Any]) -> Kept:
    """From the columns of `_KNOWN`."""
    return Kept(row[0], row[1], row[2], row[3], bool(row[4]), unpack(bytes(row[5])))


def pack(tokens: Iterable[int]) -> bytes:
    """Keys as a lesson keeps them."""
    packed = array("i", sorted(tokens))
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(kept: bytes) -> Sequence[int]:
    """The inverse of `pack`."""
    packed = array("i")
    packed.frombytes(kept)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed


def _is_spam(said: Said, lessons: Mapping[tuple[int, int], Kept]) -> bool:
    lesson = lessons.get((said.owner, said.message))
    return lesson is not None and lesson.is_spam


def _apply(said: Said, lessons: dict[tuple[int, int], Kept], ledger: _Ledger) -> bool:
    where = said.owner, said.message
    before = lessons.get(where)
    is_spam = _decided(said, before, ledger)
    if is_spam is None and said.judged not in {Judged.UNSPAM, Judged.UNHAM}:
        return False
    if is_spam is None and (before is None or before.is_spam != (said.judged is Judged.UNSPAM)):
        return False
    if before is not None:
        _take_back(before, ledger)
        del lessons[where]
    if is_spam is not None:
        lesson = lessons[where] = _lesson(said, ledger, is_spam=is_spam)
        ledger.fresh[where] = lesson
        for owner in _counted_for(lesson):
            ledger.count(owner, lesson, 1)
    return True


def _decided(said: Said, before: Kept | None, ledger: _Ledger) -> bool | None:
    """Whether to learn spam or ham; None: nothing new."""
    if said.judged is Judged.KEPT:
        spam, ham = ledger.tallies[said.owner]
        return False if before is None and ham < max(KEPT_LEAST, spam) else None
    if said.judged not in {Judged.SPAM, Judged.HAM}:
        return None
    is_spam = said.judged is Judged.SPAM
    return None if before is not None and before.is_spam == is_spam else is_spam


def _lesson(said: Said, ledger: _Ledger, *, is_spam: bool) -> Kept:
    number = ledger.tallies[said.owner][0 if is_spam else 1]
    is_shared = said.owner < 0 or number < MOST_SHARED
    organization = said.organization if is_shared else 0
    return Kept(0, said.owner, organization, said.message, is_spam, said.tokens)


def _counted_for(lesson: Kept) -> set[int]:
    return {lesson.owner, -lesson.organization} - {0}


def _take_back(lesson: Kept, ledger: _Ledger) -> None:
    for owner in _counted_for(lesson):
        ledger.count(owner, lesson, -1)
    if lesson.id:
        ledger.forgotten.add(lesson.id)
    else:
        del ledger.fresh[lesson.owner, lesson.message]


def _forget_oldest(ledger: _Ledger) -> None:
    """Make room where there are too many: a user's are forgotten, an organisation's count for it no
    longer. Those that this transaction brings are never among them."""
    for owner in sorted(ledger.tallies):
        most = MOST if owner > 0 else MOST_OF_ORGANIZATION
        for kind in (0, 1):
            excess = ledger.tallies[owner][kind] - most
            if excess > 0:
                for lesson in _oldest(owner, kind == 0, excess, ledger):
                    _make_room(lesson, owner, ledger)


def _oldest(owner: int, is_spam: bool, count: int, ledger: _Ledger) -> list[Kept]:
    column, value = ("owner", owner) if owner > 0 else ("organization", -owner)
    done = ledger.forgotten | ledger.unshared
    rows = fetch(_OLDEST.format(column), [value, is_spam, count + len(done)])
    found = [as_kept(row) for row in rows if row[0] not in done][:count]
    _lock_late({other for one in found for other in _counted_for(one)}, ledger)
    return found


def _lock_late(owners: set[int], ledger: _Ledger) -> None:
    """Of lessons that count for an organisation which their user has left since. Not in the order
    of locks: two who meet so rarely may wait for each other until the database ends one of them,
    and the notes that it was to learn are still there."""
    late = owners - ledger.tallies.keys()
    if late:
        lock(late)
        ledger.tallies.update(_tallies(late))


def _make_room(lesson: Kept, owner: int, ledger: _Ledger) -> None:
    if owner > 0 or lesson.owner < 0:
        _take_back(lesson, ledger)
    else:
        ledger.count(owner, lesson, -1)
        ledger.unshared.add(lesson.id)


def _known(said: Sequence[Said]) -> dict[tuple[int, int], Kept]:
    wanted = {(one.owner, one.message) for one in said}
    owners = listed(sorted({owner for owner, _ in wanted}))
    messages = listed(sorted({message for _, message in wanted}))
    rows = fetch(f"{_KNOWN}{among('owner')} AND {among('message')}", [owners, messages])
    found = [as_kept(row) for row in rows]
    return {(one.owner, one.message): one for one in found if (one.owner, one.message) in wanted}


def _tallies(owners: Iterable[int]) -> dict[int, list[int]]:
    """Lock the rows, and read them."""
    locking = "" if connection.vendor == "sqlite" else " FOR UPDATE"
    rows = fetch(_LOCK.format(among("owner"), locking), [listed(sorted(set(owners)))])
    return {owner: [spam, ham] for owner, spam, ham in rows}


def _write(ledger: _Ledger) -> None:
    at = now()
    with connection.cursor() as cursor:
        for sql, ids in ((_DELETE, ledger.forgotten), (_UNSHARE, ledger.unshared)):
            if ids:
                cursor.execute(sql + among("id"), [listed(sorted(ids))])
        _INSERT.write(
            [
                (one.owner, one.organization, one.message, one.is_spam, at, pack(one.tokens))
                for one in ledger.fresh.values()
            ]
        )
        for owner in sorted(ledger.tallies):
            spam, ham = ledger.tallies[owner]
            cursor.execute(_TALLY, [spam, ham, owner])
    _write_counts(ledger.counts)


def _write_counts(counts: Mapping[tuple[int, int], Sequence[int]]) -> None:
    """One upsert for all that rises, one update for all that falls; always by owner and token."""
    more, less = [], []
    for (owner, token), (spam, ham) in sorted(counts.items()):
        if spam > 0 or ham > 0:
            more.append((owner, token, max(spam, 0), max(ham, 0)))
        if spam < 0 or ham < 0:
            less.append((owner, token, max(-spam, 0), max(-ham, 0)))
    _ADD.write(more)
    if not less:
        return
    fallen: dict[int, list[int]] = {}
    for owner, token, *_ in less:
        fallen.setdefault(owner, []).append(token)
    with connection.cursor() as cursor:
        cursor.execute(_LESS.format(_LESS_ROWS.sql), _LESS_ROWS.parameters(less))
        for owner, tokens in fallen.items():
            cursor.execute(_GONE + among("token"), [owner, listed(tokens)])


def tally(owner: int) -> Tally:
    """How many lessons an owner has; one query."""
    found = fetch("SELECT spam, ham FROM scan_taught WHERE owner = %s", [owner])
    return Tally(*found[0]) if found else Tally()
