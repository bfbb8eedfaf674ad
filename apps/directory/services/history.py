"""The sign-ins of a user: the only door through which they are noted and forgotten.

Nobody waits for a note: it is written behind the answer, with others, in a transaction that a power
cut may undo; a sign-in never fails because of it, and says by no delay who exists.

Alike are sign-ins of one outcome at one door, by the same means from the same network and client,
within an hour, or within a day (UTC) where a mail program got in: they are one row. This process
remembers which rows it has written, so a program that signs in every minute costs a statement every
ten; what was counted since the last of them is lost with the process. Failures are counted exactly
up to the twentieth, and from then on once a minute.

When somebody last got in stands in the user's own row as well, for lists of who was not seen for
long: that is written twice a day at most, for it moves a row that has many indexes.

A user has at most `MOST` rows of an outcome in an hour; what goes beyond is told in one of them,
from `OTHERS`. Rows of removed users go with them, and all after `KEEP_DAYS`.
"""

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from django.db import DatabaseError, connection
from django.utils import timezone

from apps.directory.history import is_new_place
from apps.directory.models import Means, Outcome, SignIn
from apps.directory.throttle import network_of
from apps.runtime.clock import now
from apps.runtime.db import behind, forgettable
from apps.wire.errors import MailError

logger = logging.getLogger(__name__)

KEEP_DAYS: Final = 90
SEEN_EVERY: Final = timedelta(hours=12)
OTHERS: Final = "*"  # in place of the address: many networks
MOST: Final = {Outcome.OK: 60}  # rows of a user in an hour
MOST_FAILED: Final = 20
_WAITING: Final = 10_000  # notes
_TOGETHER: Final = 100  # in a transaction
_PRUNED: Final = 1_000  # rows of a transaction
_WEB: Final = "web"
_OK: Final = Outcome.OK

_AGAIN: Final = """
UPDATE directory_signin SET times = times + %s, last_at = %s, address = %s WHERE digest = %s"""
_COUNT: Final = """
SELECT count(*) FROM directory_signin
WHERE user_id = %s AND last_at >= %s AND first_at >= %s AND outcome = %s"""
# Of whoever exists, in case the user has been purged since.
_INSERT: Final = """
INSERT INTO directory_signin (user_id, digest, outcome, door, means, via, address, client,
    is_new_place, first_at, last_at, times)
SELECT u.id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM directory_user u WHERE u.id = %s
ON CONFLICT (digest) DO UPDATE SET times = directory_signin.times + excluded.times,
    last_at = excluded.last_at, address = excluded.address"""


_SEEN: Final = """
UPDATE directory_user SET seen_at = %s WHERE id = %s AND (seen_at IS NULL OR seen_at < %s)"""


@dataclass(frozen=True, slots=True)
class _Note:
    digest: bytes
    user_id: int
    outcome: Outcome
    door: str
    means: Means
    via: str
    address: str
    client: str
    at: datetime
    times: int


def note(
    *,
    user_id: int,
    outcome: Outcome,
    door: str,
    means: Means,
    via: str = "",
    address: str = "",
    client: str = "",
) -> None:
    """Note a sign-in, or one that failed, of somebody who exists. Raises nothing.

    Args:
        via: the name of the app password or token, or the address of whoever acts as the user.
        address: the client's IP address.
        client: what it calls itself.
    """
    digest = _digest(user_id, outcome, door, means, via, network_of(address), client)
    times = _heard.due(digest, outcome)
    if not times:
        return
    one = _Note(
        digest,
        user_id,
        outcome,
        door[:10],
        means,
        _plain(via, 320),
        _plain(address, 45),
        _plain(client, 200),
        timezone.now(),
        times,
    )
    if _line.add(one):
        try:
            behind("work", write_waiting)
        except (MailError, RuntimeError) as error:  # no room, or the interpreter ends
            logger.warning("sign-ins were not noted", extra={"detail": str(error)})
            _line.take()


def _digest(user_id: int, outcome: Outcome, door: str, *like: str) -> bytes:
    is_program = outcome is _OK and door != _WEB
    period = now() // (86_400 if is_program else 3_600)
    text = "\0".join((str(user_id), str(period), outcome, door, *like))
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


def _plain(text: str, length: int) -> str:
    """A stranger's words as a column takes them."""
    return "".join(char for char in text[:length] if char.isprintable())


def write_waiting() -> None:
    """Write what was noted."""
    notes = _line.take()
    for start in range(0, len(notes), _TOGETHER):
        some = notes[start : start + _TOGETHER]
        try:
            with forgettable():
                # Sorted, so that two processes wait for each other's rows in one order.
                for one in sorted(some, key=lambda one: one.digest):
                    _put(one)
                _see(some)
        except (DatabaseError, MailError):
            logger.exception("sign-ins were not noted", extra={"number": len(some)})


def _put(one: _Note) -> None:
    at = _column(one.at)
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, [one.times, at, one.address, one.digest])
        if cursor.rowcount:
            return
        hour = _column(one.at.replace(minute=0, second=0, microsecond=0))
        cursor.execute(_COUNT, [one.user_id, hour, hour, one.outcome])
        if cursor.fetchone()[0] >= MOST.get(one.outcome, MOST_FAILED):
            one = _among_others(one)
        cursor.execute(
            _INSERT,
            [
                one.digest,
                one.outcome,
                one.door,
                one.means,
                one.via,
                one.address,
                one.client,
                _is_new(one),
                at,
                at,
                one.times,
                one.user_id,
            ],
        )


def _see(notes: list[_Note]) -> None:
    """Note in their own rows that users were here: in the order of ids, as all lock them."""
    got_in = [one for one in notes if one.outcome is _OK and one.means != Means.ACTING]
    seen = {one.user_id: one.at for one in sorted(got_in, key=lambda one: one.at)}
    with connection.cursor() as cursor:
        for user_id, at in sorted(seen.items()):
            cursor.execute(_SEEN, [_column(at), user_id, _column(at - SEEN_EVERY)])


def _column(at: datetime) -> Any:
    """A time as the ORM would write it: on SQLite times are compared as texts."""
    return connection.ops.adapt_datetimefield_value(at)


def _among_others(one: _Note) -> _Note:
    """The row of an hour that stands for all further ones of its outcome, door and means."""
    digest = _digest(one.user_id, one.outcome, one.door, one.means, OTHERS)
    return replace(one, digest=digest, via="", address=OTHERS, client="")


def _is_new(one: _Note) -> bool:
    is_user = one.outcome == Outcome.OK and one.means != Means.ACTING and one.address != OTHERS
    return is_user and is_new_place(one.user_id, one.address, at=one.at)


def prune(days: int = KEEP_DAYS) -> int:
    """Forget sign-ins older than that; return how many rows went.

    The lowest ids are looked at, a thousand at a time, until one is met that stays: ids are in the
    order of time but for a day, so no index and no walk over the table is needed.
    """
    before = datetime.fromtimestamp(now(), UTC) - timedelta(days=days)
    gone = 0
    while True:
        oldest = list(SignIn.objects.order_by("pk").values_list("pk", "last_at")[:_PRUNED])
        old = [pk for pk, last_at in oldest if last_at < before]
        gone += SignIn.objects.filter(pk__in=old).delete()[0]
        if len(old) < _PRUNED:
            return gone


class _Heard:
    """Which rows this process has written lately, and what it has counted since."""

    def __init__(self, limit: int = 20_000) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._rows: OrderedDict[bytes, tuple[float, int, int]] = OrderedDict()

    def due(self, digest: bytes, outcome: Outcome) -> int:
        """Count one more; return how many are to be written now, 0 for none yet."""
        exact, seconds = (1, 600.0) if outcome is _OK else (20, 60.0)
        clock = time.monotonic()
        with self._lock:
            until, total, waiting = self._rows.get(digest, (0.0, 0, 0))
            total, waiting = total + 1, waiting + 1
            if total > exact and clock < until:
                self._rows[digest] = (until, total, waiting)
                return 0
            self._rows[digest] = (clock + seconds, total, 0)
            self._rows.move_to_end(digest)
            while len(self._rows) > self._limit:
                self._rows.popitem(last=False)
        return waiting

    def forget(self) -> None:
        with self._lock:
            self._rows.clear()


class _Line:
    """Notes that wait for a thread; beyond its bound they are lost, and the log tells."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: list[_Note] = []

    def add(self, one: _Note) -> bool:
        """Whether it is the first in the line, so that somebody has to be asked to write."""
        with self._lock:
            if len(self._notes) < _WAITING:
                self._notes.append(one)
                return len(self._notes) == 1
        logger.warning("sign-ins were not noted", extra={"detail": "too many wait"})
        return False

    def take(self) -> list[_Note]:
        with self._lock:
            notes, self._notes = self._notes, []
        return notes


def forget() -> None:
    """Remember nothing of what was noted: for a process that begins, and for tests, whose rows are
    rolled back."""
    _heard.forget()
    _line.take()


_heard = _Heard()
_line = _Line()
