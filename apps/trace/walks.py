"""Walks through the index of messages, newest first: by an address, a domain, a client, the words
of a subject… Each is served by an index that has the time behind what is asked for, so a step of a
walk costs what it returns, however much there is.

Several walks go on side by side: a stretch ends where the first of them would have to go on, and is
whole above that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from apps.runtime.db import is_sqlite
from apps.runtime.rows import among, fetch, listed
from apps.trace import words

LEAST: Final = 60  # rows of each key that a stretch reads at least: a page and a few more
_GLANCE: Final = 4_000  # rows of the newest that are looked at for a word that many have (Postgres)
_END: Final = "\U0010ffff"  # behind whatever begins with something


class By(Enum):
    """What a walk goes by: table, column and its Postgres type."""

    ADDRESS = ("trace_party", "address", "text")
    DOMAIN = ("trace_party", "domain", "text")
    USER = ("trace_party", "user_id", "bigint")
    HOME = ("trace_party", "domain_id", "bigint")
    CLIENT = ("trace_passage", "address", "text")
    MESSAGE = ("trace_passage", "message_id", "text")
    OUTCOME = ("trace_passage", "outcome", "text")
    TIME = ("trace_passage", "", "")  # everything there is
    WORDS = ("trace_subject", "words", "")


class Way(NamedTuple):
    """A walk: by one of some keys; by all of some words, of which the last is a beginning."""

    by: By
    keys: Sequence[str | int] = ()


class Spot(NamedTuple):
    """A message on the way. `role` is the party's, "" where none was walked by."""

    at_us: int
    trace_id: UUID
    role: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was met.

    Args:
        spots: all that there are above `reached`; a message may be there several times.
        reached: microseconds at which the next stretch begins; None if this was the last.
    """

    spots: list[Spot]
    reached: int | None


def stretch(ways: Sequence[Way], since_us: int, until_us: int, most: int) -> Stretch:
    """The next piece of some walks, of which each is one statement or two.

    Args:
        since_us, until_us: the period, both ends within.
        most: rows that one walk reads, but for `LEAST` of each key.
    """
    parts = [_stretch(way, since_us, until_us, most) for way in ways]
    ends = [part.reached for part in parts if part.reached is not None]
    if not ends:
        return Stretch([spot for part in parts for spot in part.spots], None)
    # A walk that ended where others of the same microsecond may follow has not seen all of that.
    reached = max(ends)
    spots = [spot for part in parts for spot in part.spots if spot.at_us > reached]
    return Stretch(spots, reached)


def reach(since_us: int, until_us: int, most: int) -> int | None:
    """How far back the newest messages of a period go, so many of them: microseconds below which
    the next ones are; None if there are no more. For who looks at each of them anyway."""
    rows = fetch(_REACH, [since_us, until_us, most - 1])
    return min(rows[0][0], until_us - 1) if rows else None


_REACH: Final = (
    "SELECT at FROM trace_passage WHERE at BETWEEN %s AND %s ORDER BY at DESC LIMIT 1 OFFSET %s"
)


def rarer(first: Way, second: Way, since_us: int, until_us: int) -> Way:
    """Of two walks the one that meets less: whose first rows lie further back; the first if they
    are alike."""
    ends = [
        _stretch(way, since_us, until_us, LEAST).reached or since_us - 1 for way in (first, second)
    ]
    return second if ends[1] < ends[0] else first


def count(way: Way, since_us: int, until_us: int, most: int) -> int:
    """How many rows a walk by keys would meet, counted to `most`."""
    table, column, kind = way.by.value
    if kind != "bigint":
        raise ValueError("only walks by whose a message is are counted")
    sql = (
        f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {among(column)}"
        " AND at BETWEEN %s AND %s LIMIT %s) AS counted"
    )
    keys = listed([int(key) for key in way.keys])
    return int(fetch(sql, [keys, since_us, until_us, most])[0][0])


def addresses_from(beginning: str, most: int) -> list[str]:
    """The first addresses that took part in something and begin so, each once: from one to the
    next by the index, whatever the number of their messages."""
    end = beginning + _END
    rows = fetch(_NAMES, [beginning, end, end, most])
    return [address for (address,) in rows]


_NAMES: Final = """
WITH RECURSIVE names(address, place) AS (
  SELECT (SELECT min(address) FROM trace_party WHERE address >= %s AND address < %s), 1
  UNION ALL
  SELECT (SELECT min(p.address) FROM trace_party p
    WHERE p.address > names.address AND p.address < %s), place + 1
  FROM names WHERE names.address IS NOT NULL AND place < %s)
SELECT address FROM names WHERE address IS NOT NULL"""


def _stretch(way: Way, since_us: int, until_us: int, most: int) -> Stretch:
    if way.by is By.WORDS:
        return _by_words([str(key) for key in way.keys], since_us, until_us, most)
    if way.by is By.TIME:
        rows = fetch(_BY_TIME, [since_us, until_us, most])
        return _whole([(at, trace, "", 0) for at, trace in rows], most)
    each = max(LEAST, most // max(1, len(way.keys)))
    if is_sqlite():
        parameters: list[Any] = [_json(way.keys), since_us, until_us, each]
        rows = fetch(_BY_KEYS_SQLITE[way.by], parameters)
    else:
        rows = _in_order(_BY_KEYS_POSTGRES[way.by], [list(way.keys), since_us, until_us, each])
    return _whole(rows, each)


def _in_order(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Rows of a walk on Postgres, read in the order of the index.

    The planner knows no key, takes each to have as few rows as most have, and would read and sort
    all of one that has hundreds of thousands.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_sort = off")
        rows = fetch(sql, parameters)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_sort = on")
    return rows


def _json(keys: Sequence[str | int]) -> Any:
    return listed(keys)  # type: ignore[arg-type]  # texts are JSON as well


def _whole(rows: Sequence[tuple[Any, ...]], each: int) -> Stretch:
    """Of what was read of several keys, the part that misses nothing."""
    met: dict[Any, int] = {}
    lowest: dict[Any, int] = {}
    for at, _, _, key in rows:
        met[key] = met.get(key, 0) + 1
        lowest[key] = min(at, lowest.get(key, at))
    ends = [lowest[key] for key, number in met.items() if number >= each]
    spots = [Spot(at, _uuid(trace), role) for at, trace, role, _ in rows]
    return _cut(spots, max(ends) if ends else None)


def _cut(spots: list[Spot], end: int | None) -> Stretch:
    if end is None:
        return Stretch(spots, None)
    above = [spot for spot in spots if spot.at_us > end]
    if above:
        return Stretch(above, end)
    # All of one microsecond, more than a stretch: those that were met have to do for it.
    return Stretch([spot for spot in spots if spot.at_us == end], end - 1)


def _by_keys(by: By) -> tuple[str, str]:
    """The statement on SQLite, and on Postgres: so many of each key, by its own piece of the
    index."""
    table, column, kind = by.value
    role = "role" if table == "trace_party" else "''"
    sqlite = f"""
SELECT p.at, p.trace_id, {role.replace("role", "p.role")}, k.value FROM json_each(%s) AS k
CROSS JOIN {table} AS p WHERE p.rowid IN (
  SELECT q.rowid FROM {table} AS q WHERE q.{column} = k.value AND q.at BETWEEN %s AND %s
  ORDER BY q.at DESC LIMIT %s)"""
    postgres = f"""
SELECT p.at, p.trace_id, p.role, k.key FROM unnest(%s::{kind}[]) AS k(key)
CROSS JOIN LATERAL (SELECT at, trace_id, {role} AS role FROM {table}
  WHERE {column} = k.key AND at BETWEEN %s AND %s ORDER BY at DESC LIMIT %s) AS p"""
    return sqlite, postgres


_KEYED: Final = [by for by in By if by.value[2]]
_BY_KEYS_SQLITE: Final = {by: _by_keys(by)[0] for by in _KEYED}
_BY_KEYS_POSTGRES: Final = {by: _by_keys(by)[1] for by in _KEYED}
_BY_TIME: Final = (
    "SELECT at, trace_id FROM trace_passage WHERE at BETWEEN %s AND %s ORDER BY at DESC LIMIT %s"
)
_WORDS_SQLITE: Final = (
    "SELECT rowid, trace_id FROM trace_subject WHERE trace_subject MATCH %s"
    " AND rowid BETWEEN %s AND %s ORDER BY rowid DESC LIMIT %s"
)
# A word that many subjects have is found among the newest of them, without the index.
_WORDS_GLANCE: Final = """
WITH seen AS MATERIALIZED (
  SELECT rowid, trace_id, words FROM trace_subject WHERE rowid BETWEEN %s AND %s
  ORDER BY rowid DESC LIMIT %s)
SELECT rowid, trace_id FROM seen WHERE words @@ %s::tsquery
UNION ALL SELECT CASE WHEN count(*) < %s THEN NULL ELSE min(rowid) END, NULL FROM seen"""
_WORDS_POSTGRES: Final = """
WITH hits AS MATERIALIZED (
  SELECT rowid, trace_id FROM trace_subject
  WHERE words @@ %s::tsquery AND rowid BETWEEN %s AND %s)
SELECT rowid, trace_id FROM hits ORDER BY rowid DESC LIMIT %s"""


def _by_words(wanted: Sequence[str], since_us: int, until_us: int, most: int) -> Stretch:
    first, last = words.places(since_us, until_us)
    if is_sqlite():
        asked = " AND ".join([f'"{word}"' for word in wanted]) + "*"
        return _of_words(fetch(_WORDS_SQLITE, [asked, first, last, most]), most)
    asked = " & ".join([f"'{word}'" for word in wanted]) + ":*"
    *rows, (end, _) = fetch(_WORDS_GLANCE, [first, last, _GLANCE, asked, _GLANCE])
    if end is None or len(rows) >= LEAST:
        spots = [Spot(words.time_of(number), _uuid(trace)) for number, trace in rows]
        return _cut(spots, None if end is None else words.time_of(end))
    return _of_words(fetch(_WORDS_POSTGRES, [asked, first, last, most]), most)


def _of_words(rows: Sequence[tuple[Any, ...]], most: int) -> Stretch:
    return _whole([(words.time_of(number), trace, "", 0) for number, trace in rows], most)


def _uuid(trace: Any) -> UUID:
    """SQLite gives their hexadecimal digits."""
    return trace if isinstance(trace, UUID) else UUID(trace)
