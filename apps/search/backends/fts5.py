"""The search index as SQLite's FTS5 in a file of its own: trigrams, of which a phrase is an exact
piece of text.

An index is a file in a folder of its own, and the link `current` names it: a new filling is a new
file, so that nobody ever reads half of two. Rows are numbered by owner and message, so that an
owner's rows lie together and no query meets those of others. FTS5 keeps no texts; they lie beside
it, compressed, for it wants them back when a row is taken out.
"""

import errno
import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence, Set
from contextlib import closing, contextmanager, suppress
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import zstandard

from apps.mime.searchtext import SearchText
from apps.search.backends.contract import Found, Pair, Row, Stamp
from apps.search.backends.trigrams import phrases, spelled
from apps.search.base import Field, Term
from apps.wire.errors import StorageFull, StorageUnavailable

logger = logging.getLogger(__name__)

FORMAT: Final = 1
"""To be raised when the tables or what `spelled` writes change: the index is made anew then."""

LONG: Final = 120
"""Characters of a term that are looked up; of a longer one some pieces, and then the texts."""

_BITS: Final = 40  # of a row's number that are the message's
_OWNER_MAX: Final = (1 << 22) - 1
_MESSAGE_MAX: Final = (1 << _BITS) - 1
_LEVEL: Final = 3
_BUSY: Final = 10_000  # milliseconds; readers never wait, and there is one writer
_APART: Final = b""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_COLUMNS: Final = ", ".join(f'"{name}"' for name in Field)
_MARKS: Final = ", ".join("?" * len(Field))
_columns: Final = attrgetter(*[field.value for field in Field])

_SCHEMA: Final = f"""
PRAGMA journal_mode = WAL;
PRAGMA user_version = {FORMAT};
BEGIN;
CREATE TABLE stamp (epoch INTEGER NOT NULL, number INTEGER NOT NULL);
CREATE TABLE page (id INTEGER PRIMARY KEY, texts BLOB NOT NULL);
CREATE INDEX apart ON page (id) WHERE texts = x'';
CREATE VIRTUAL TABLE words USING fts5({_COLUMNS}, content='', columnsize=0, detail=full,
  tokenize='trigram case_sensitive 1');
INSERT INTO words (words, rank) VALUES ('hashsize', 33554432);
INSERT INTO words (words, rank) VALUES ('automerge', 8);
"""
_PUT: Final = f"INSERT INTO words (rowid, {_COLUMNS}) VALUES (?, {_MARKS})"
_TAKE: Final = f"INSERT INTO words (words, rowid, {_COLUMNS}) VALUES ('delete', ?, {_MARKS})"
_FIND: Final = "SELECT rowid - ? FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ?"
_SOME: Final = "SELECT id, texts FROM page WHERE id IN (SELECT value FROM json_each(?))"


class Fts5Index:
    """A `Backend`.

    Args:
        folder: of the index and nothing else; made when the first filling begins.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current = folder / "current"
        self._kept = threading.local()

    # -- one writer ---------------------------------------------------------------------------

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """See `Backend.turn`: a lock on a file, which ends with its process."""
        with self._told():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            file = os.open(self._folder / "turn", flags, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(file)

    def stamp(self) -> Stamp | None:
        """See `Backend.stamp`."""
        with self._told():
            connection = self._connection()
            return None if connection is None else _stamp(connection)

    def begin(self, epoch: int) -> None:
        """See `Backend.begin`."""
        name = f"{epoch:016x}.sqlite3"
        with self._told():
            self._remove()
            with closing(_open(self._folder / name, "rwc")) as connection:
                connection.executescript(_SCHEMA)
                connection.execute("INSERT INTO stamp VALUES (?, 0)", (epoch,))
                connection.execute("COMMIT")
            fresh = self._folder / "next"
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(name)
            fresh.rename(self._current)

    def write(self, rows: Sequence[Row], gone: Sequence[Pair]) -> None:
        """See `Backend.write`."""
        fitting = sorted(
            [(number, row.text) for row in rows if (number := _number(row.pair)) is not None],
            key=lambda one: one[0],
        )
        dropped = [number for pair in gone if (number := _number(pair)) is not None]
        with self._told():
            connection = self._connection()
            if connection is None:
                raise StorageUnavailable("the search index is gone")
            with _transaction(connection, "BEGIN IMMEDIATE"):
                _take_out(connection, [*(number for number, _ in fitting), *dropped])
                _put_in(connection, fitting)
                connection.execute("UPDATE stamp SET number = number + 1")

    # -- readers ------------------------------------------------------------------------------

    def find(self, owner_id: int, terms: Sequence[Term]) -> Found:
        """See `Backend.find`."""
        if not 0 <= owner_id <= _OWNER_MAX:
            return Found(None, frozenset(), (None,) * len(terms))
        with self._told():
            connection = self._connection()
            if connection is None:
                return Found(None, frozenset(), (None,) * len(terms))
            with _transaction(connection, "BEGIN"):
                return Found(
                    _stamp(connection),
                    _apart(connection, owner_id),
                    tuple([_hits(connection, owner_id, term) for term in terms]),
                )

    def texts(self, owner_id: int, message_ids: Sequence[int]) -> dict[int, SearchText | None]:
        """See `Backend.texts`."""
        numbers = [_number(Pair(owner_id, message_id)) for message_id in message_ids]
        with self._told():
            connection = self._connection()
            if connection is None:
                return {}
            return {
                number & _MESSAGE_MAX: _unpacked(packed)
                for number, packed in connection.execute(_SOME, (_listed(numbers),))
            }

    def pairs(self, after: Pair | None, limit: int) -> list[Pair]:
        """See `Backend.pairs`."""
        number = -1 if after is None else _number(after)
        with self._told():
            connection = self._connection()
            if connection is None:
                return []
            found = connection.execute(
                "SELECT id FROM page WHERE id > ? ORDER BY id LIMIT ?", (number, limit)
            )
            return [Pair(one >> _BITS, one & _MESSAGE_MAX) for (one,) in found]

    def count(self) -> int:
        """See `Backend.count`."""
        with self._told():
            connection = self._connection()
            if connection is None:
                return 0
            return int(connection.execute("SELECT count(*) FROM page").fetchone()[0])

    def size(self) -> int:
        """See `Backend.size`."""
        with self._told():
            return sum([file.lstat().st_size for file in self._folder.glob("*.sqlite3*")])

    # -- files --------------------------------------------------------------------------------

    def _connection(self) -> sqlite3.Connection | None:
        """This thread's connection to the current index, None if there is none or if it was made
        by another version."""
        name = self._name()
        if name is None:
            return None
        kept = self._kept
        if getattr(kept, "of", None) != (name, os.getpid()):
            self._let_go()
            path = self._folder / name
            if not path.exists():
                return None
            connection = _open(path, "rw")
            if connection.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
                connection.close()
                return None
            kept.connection, kept.of = connection, (name, os.getpid())
        found: sqlite3.Connection = kept.connection
        return found

    def _name(self) -> str | None:
        """The file that is current, None if there is none."""
        try:
            return self._current.readlink().name
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:  # no link: a copy of the folder that followed it
                return None
            raise

    def close(self) -> None:
        """Close this thread's connection; the next call opens one again."""
        self._let_go()

    def _let_go(self) -> None:
        kept = self._kept
        if getattr(kept, "of", None) is not None and kept.of[1] == os.getpid():
            kept.connection.close()
        kept.of = kept.connection = None

    def _remove(self) -> None:
        """Take away the files of older fillings. Whoever still reads one of them keeps it open."""
        self._let_go()
        self._current.unlink(missing_ok=True)
        for file in self._folder.glob("*.sqlite3*"):
            file.unlink(missing_ok=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Within: failures of the file come out as `MailError`; and a damaged index is put away, so
        that the next turn begins a new one."""
        try:
            yield
        except sqlite3.OperationalError as error:
            self._let_go()
            if "full" in str(error):
                raise StorageFull(f"search index: {error}") from error
            raise StorageUnavailable(f"search index: {error}") from error
        except OSError as error:
            self._let_go()
            if error.errno in _FULL:
                raise StorageFull(f"search index: {error}") from error
            raise StorageUnavailable(f"search index: {error}") from error
        except (sqlite3.DatabaseError, zstandard.ZstdError, UnicodeDecodeError) as error:
            logger.error(
                "the search index is damaged: it is made anew", extra={"detail": str(error)}
            )
            self._let_go()
            with suppress(OSError):
                self._current.unlink()
            raise StorageUnavailable(f"search index: {error}") from error


def _open(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{path}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.execute(f"PRAGMA busy_timeout = {_BUSY}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -8000")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _number(pair: Pair) -> int | None:
    """The number of a pair's row; None if it is beyond what rows can be numbered by."""
    owner_id, message_id = pair
    if not (0 <= owner_id <= _OWNER_MAX and 0 <= message_id <= _MESSAGE_MAX):
        return None
    return owner_id << _BITS | message_id


def _stamp(connection: sqlite3.Connection) -> Stamp | None:
    row = connection.execute("SELECT epoch, number FROM stamp").fetchone()
    return None if row is None else Stamp(*row)


def _listed(numbers: Sequence[int | None]) -> str:
    return f"[{','.join([str(number) for number in numbers if number is not None])}]"


# -- writing --------------------------------------------------------------------------------------


def _take_out(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    known = connection.execute(_SOME, (_listed(numbers),)).fetchall()
    texts = [(number, _unpacked(packed)) for number, packed in known]
    connection.executemany(
        _TAKE, [(number, *_spelled(text)) for number, text in texts if text is not None]
    )
    connection.executemany("DELETE FROM page WHERE id = ?", [(number,) for number, _ in texts])


def _put_in(connection: sqlite3.Connection, rows: Sequence[tuple[int, SearchText | None]]) -> None:
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    connection.executemany(
        "INSERT INTO page (id, texts) VALUES (?, ?)",
        ((number, _packed(text, compressor)) for number, text in rows),
    )
    connection.executemany(
        _PUT, ((number, *_spelled(text)) for number, text in rows if text is not None)
    )


def _spelled(text: SearchText) -> list[str]:
    return [spelled(column) for column in _columns(text)]


def _packed(text: SearchText | None, compressor: zstandard.ZstdCompressor) -> bytes:
    # NUL stands in no folded text.
    return _APART if text is None else compressor.compress("\0".join(_columns(text)).encode())


def _unpacked(packed: bytes) -> SearchText | None:
    if not packed:
        return None
    return SearchText(*zstandard.decompress(packed).decode().split("\0"))


# -- looking up -----------------------------------------------------------------------------------


def _apart(connection: sqlite3.Connection, owner_id: int) -> Set[int]:
    base = owner_id << _BITS
    rows = connection.execute(
        "SELECT id - ? FROM page WHERE texts = x'' AND id BETWEEN ? AND ?",
        (base, base, base + _MESSAGE_MAX),
    )
    return frozenset([message_id for (message_id,) in rows])


def _hits(connection: sqlite3.Connection, owner_id: int, term: Term) -> Set[int]:
    found = _matching(connection, owner_id, " AND ".join(map(_wanted, term.all())))
    long = [one for one in term.all() if len(one.text) > LONG]
    return _having(connection, owner_id, sorted(found), long) if long else found


def _wanted(term: Term) -> str:
    """A term as FTS5 looks for it; of a long one some pieces."""
    fields = " ".join([f'"{field}"' for field in term.fields])
    if len(term.text) <= LONG:
        return f"{{{fields}}} : ({' OR '.join(map(_quoted, phrases(term.text)))})"
    middle = (len(term.text) - LONG) // 2
    pieces = [term.text[start : start + LONG] for start in (0, middle, len(term.text) - LONG)]
    return " AND ".join([f"{{{fields}}} : {_quoted(piece)}" for piece in pieces])


def _quoted(phrase: str) -> str:
    """A phrase as FTS5 reads it: nothing in it means anything."""
    return '"' + phrase.replace('"', '""') + '"'


def _matching(connection: sqlite3.Connection, owner_id: int, wanted: str) -> set[int]:
    base = owner_id << _BITS
    rows: Any = connection.execute(_FIND, (base, wanted, base, base + _MESSAGE_MAX))
    return {message_id for (message_id,) in rows}


def _having(
    connection: sqlite3.Connection, owner_id: int, message_ids: Sequence[int], terms: Sequence[Term]
) -> set[int]:
    """Those whose texts have all of these terms, as they are kept."""
    numbers = [_number(Pair(owner_id, message_id)) for message_id in message_ids]
    found = set()
    for number, packed in connection.execute(_SOME, (_listed(numbers),)):
        text = _unpacked(packed)
        if text is not None and all(_has(text, term) for term in terms):
            found.add(number & _MESSAGE_MAX)
    return found


def _has(text: SearchText, term: Term) -> bool:
    return any(term.text in getattr(text, field) for field in term.fields)
