"""Reads of what reception remembers. One statement each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from apps.reception.models import Acquaintance, Correspondent, Greylisted, RefusedFor
from apps.runtime.rows import Values, among, fetch, listed
from apps.runtime.ulid import ulid_text

KNOWN_DAYS: Final = 2
"""Different days with mail after which a sender is known: who floods in one night is not."""

_HELD = "SELECT key, first_at, last_at, passed_at FROM reception_greylisted WHERE "
_KNOWN = "SELECT key FROM reception_acquaintance WHERE days >= %s AND "
_WROTE = "SELECT key FROM reception_correspondent WHERE "
_ORIGINS = Values("wanted", "origin text")
_USERS = Values("wanted", "user_id bigint")
_WAITING = """
SELECT g.origin, count(*) FROM {wanted}
JOIN reception_greylisted g ON g.origin = wanted.origin AND g.passed_at = 0 GROUP BY g.origin"""

# The moment first, so that both databases read no more of the index (user, last_at) than they must.
_NEWEST = """
SELECT c.user_id, c.address FROM (
  SELECT wanted.user_id, COALESCE((
    SELECT x.last_at FROM reception_correspondent x WHERE x.user_id = wanted.user_id
    ORDER BY x.last_at DESC LIMIT 1 OFFSET %s), 0) AS since
  FROM {wanted}
) AS w
JOIN reception_correspondent c ON c.user_id = w.user_id AND c.last_at >= w.since
ORDER BY c.last_at DESC"""


@dataclass(frozen=True, slots=True)
class Held:
    """What is remembered of mail that was asked to come back; Unix seconds, `passed_at` 0 if it
    has not."""

    first_at: int
    last_at: int
    passed_at: int


def held(keys: Sequence[int]) -> dict[int, Held]:
    """What was asked to come back, by key, of those asked for."""
    rows = fetch(_HELD + among("key"), [listed(keys)])
    return {key: Held(first, last, passed) for key, first, last, passed in rows}


def waiting(origins: Sequence[str]) -> dict[str, int]:
    """How many rows of these origins wait; those without any are left out."""
    sql = _WAITING.format(wanted=_ORIGINS.sql)
    return dict(fetch(sql, Values.parameters([(origin,) for origin in origins])))


def known(keys: Sequence[int]) -> set[int]:
    """Keys of those names that we know well enough."""
    return {row[0] for row in fetch(_KNOWN + among("key"), [KNOWN_DAYS, listed(keys)])}


def written_to(keys: Sequence[int]) -> set[int]:
    """Keys of those pairs of user and address where the user wrote to the address."""
    return {row[0] for row in fetch(_WROTE + among("key"), [listed(keys)])}


def newest_of(users: Sequence[int], *, limit: int) -> list[tuple[int, str]]:
    """(user, address) of those to whom users wrote last, at least `limit` of each user who wrote
    to so many, the newest first."""
    if not users:
        return []
    parameters = [limit - 1, *Values.parameters([(user,) for user in users])]
    sql = _NEWEST.format(wanted=_USERS.sql)
    return [(user, address) for user, address in fetch(sql, parameters)]


@dataclass(frozen=True, slots=True)
class GreyRow:
    """A line of the list: times as ISO 8601 in UTC, "" if not yet."""

    origin: str
    sender: str
    recipient: str
    first: str
    last: str
    attempts: int
    passed: str


def greylisted(*, waiting_only: bool, limit: int) -> Iterator[GreyRow]:
    """What was asked to come back, the newest first."""
    rows = Greylisted.objects.order_by("-last_at", "key")
    if waiting_only:
        rows = rows.filter(passed_at=0)
    for row in rows[:limit].iterator(chunk_size=1_000):
        yield GreyRow(
            row.origin,
            f"<{row.sender}>",
            row.recipient or "all further",
            moment(row.first_at),
            moment(row.last_at),
            row.attempts,
            moment(row.passed_at),
        )


@dataclass(frozen=True, slots=True)
class SenderRow:
    """A line of the list of those we know; days as 2026-01-31."""

    name: str
    first: str
    last: str
    days: int
    messages: int
    is_known: bool


def acquaintances(*, limit: int) -> Iterator[SenderRow]:
    """Who wrote, the most faithful first."""
    rows = Acquaintance.objects.order_by("-days", "-messages", "name")[:limit]
    for row in rows.iterator(chunk_size=1_000):
        yield SenderRow(
            row.name,
            _day(row.first_day),
            _day(row.last_day),
            row.days,
            row.messages,
            row.days >= KNOWN_DAYS,
        )


def correspondents(user_id: int, *, limit: int) -> list[str]:
    """Whom a user wrote to, the last first."""
    rows = Correspondent.objects.filter(user_id=user_id).order_by("-last_at", "key")
    return list(rows.values_list("address", flat=True)[:limit])


class WrittenRow(NamedTuple):
    """Somebody that a user wrote to: `Address.key`, Unix seconds, how many messages."""

    address: str
    last_at: int
    messages: int


def written_lately(user_id: int, *, limit: int) -> list[WrittenRow]:
    """Whom a user wrote to, the last first, with when and how often."""
    rows = Correspondent.objects.filter(user_id=user_id).order_by("-last_at", "key")
    columns = rows.values_list("address", "last_at", "messages")[:limit]
    return [WrittenRow(*row) for row in columns]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """Something that was refused for a user. Everything but `id`, `at`, `reason`, `words` and
    `others` is a stranger's word."""

    id: int
    at: str  # ISO 8601, UTC
    reason: str
    sender: str
    author: str
    subject: str
    address: str
    words: str
    reply: str
    client: str
    helo: str
    size: int
    others: int
    trace: str


def refused(user_id: int, *, since: int, limit: int) -> Iterator[RefusedRow]:
    """What was refused for a user since then (Unix seconds), the newest first."""
    rows = RefusedFor.objects.filter(user_id=user_id, at__gte=since).order_by("-id")
    for row in rows.select_related("refused").defer("refused__header")[:limit]:
        yield _refused_row(row)


def refused_by_id(number: int) -> tuple[RefusedRow, str] | None:
    """One of them, and the beginning of its header."""
    row = RefusedFor.objects.select_related("refused").filter(pk=number).first()
    return None if row is None else (_refused_row(row), row.refused.header)


def _refused_row(row: RefusedFor) -> RefusedRow:
    told = row.refused
    trace = told.trace_id if isinstance(told.trace_id, UUID) else UUID(told.trace_id)
    return RefusedRow(
        row.pk,
        moment(row.at),
        told.reason,
        told.sender,
        told.author,
        told.subject,
        row.address,
        told.words,
        told.reply,
        told.client,
        told.helo,
        told.size,
        row.others,
        ulid_text(trace),
    )


def moment(at: int) -> str:
    """Unix seconds for people; "" for 0."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def _day(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(day)).isoformat()
