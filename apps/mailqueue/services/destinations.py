"""Destinations: which of them have mail that is due, and which are closed because nobody answers.

All workers share what one of them learned. A closed destination costs nothing while it is: what is
due there is moved to the time when it opens, in one statement, and mail that comes meanwhile
begins there.

An administrator may pause a destination, or all: nobody claims what waits there, and nothing about
it is changed, so that it goes on where it was. What is under way by then ends as it does.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from django.db import connection, transaction

from apps.mailqueue.models import Destination, QueuedRecipient, RecipientState
from apps.mailqueue.services.columns import (
    NOW,
    SECOND,
    chosen,
    database_now_us,
    locking,
    rows_of,
    told,
)
from apps.runtime.rows import among, listed

KEEP_DESTINATION_SECONDS = 7 * 86_400
# Rows of mail to be tried again that one look reads: the oldest. A backlog of a million costs the
# same; the next look finds the next.
LOOK = 1_000
EVERYWHERE = "*"  # in place of a destination's name: all of them


@dataclass(frozen=True, slots=True)
class Due:
    """A destination with mail that may be tried now.

    Args:
        is_new: mail that was never tried; else mail that is to be tried again.
        failures: how often in a row nobody answered there.
    """

    name: str
    is_new: bool
    failures: int


def due_destinations(limit: int, exclude: Collection[str] = (), after: str = "") -> list[Due]:
    """Destinations with something due that are not closed: those with new mail and those with old
    mail in turn, `limit` at most.

    Args:
        exclude: names that the caller is busy with.
        after: the last name with new mail that the caller was given: those behind it come first,
            so that each gets its turn.
    """
    new = _new(limit, exclude, after, "")
    if after and len(new) < limit:
        new += _new(limit - len(new), exclude, "", after)
    found: dict[str, Due] = {}
    for one in chain.from_iterable(zip_longest(new, _old(limit, exclude))):
        if one is not None:
            found.setdefault(one.name, one)
    return list(found.values())[:limit]


def _out_of(column: str) -> str:
    """`column` is none of a list of words."""
    if connection.vendor == "sqlite":
        return f"{column} NOT IN (SELECT value FROM json_each(%s))"
    return f"NOT {column} = ANY(%s::text[])"


def _listed(words: Collection[str]) -> object:
    return json.dumps(list(words)) if connection.vendor == "sqlite" else list(words)


def _known(column: str, name: str) -> str:
    """What is known of a destination, else 0. A subquery, not a join: a planner that may join may
    also forget the order of what it joins."""
    found = f"SELECT {column} FROM mailqueue_destination AS shut WHERE shut.name = {name}"
    return f"COALESCE(({found}), 0)"


def not_paused(name: str) -> str:
    """Neither this destination nor all of them are paused. `name` is a column or a mark.

    The few that are paused are read once for a statement, not once for each of its rows.
    """
    return (
        f"{name} NOT IN (SELECT name FROM mailqueue_destination WHERE paused_at > 0)"
        f" AND NOT EXISTS (SELECT 1 FROM mailqueue_destination WHERE name = '{EVERYWHERE}'"
        " AND paused_at > 0)"
    )


_NEXT = """
SELECT destination FROM mailqueue_queuedrecipient
WHERE state = 'waiting' AND next_attempt_at = 0 AND destination > {} ORDER BY destination LIMIT 1"""


def _new(limit: int, exclude: Collection[str], after: str, until: str) -> list[Due]:
    """Destinations with new mail, behind `after` and up to `until` ("" is the end). One step in the
    index for each, however much mail each has."""
    rows = rows_of(
        f"""
WITH RECURSIVE fresh(name) AS (
  SELECT ({_NEXT.format("%s")})
  UNION ALL SELECT ({_NEXT.format("fresh.name")}) FROM fresh WHERE fresh.name IS NOT NULL)
SELECT fresh.name, {_known("failures", "fresh.name")} FROM fresh
WHERE fresh.name IS NOT NULL AND (%s = '' OR fresh.name <= %s)
  AND {_known("closed_until", "fresh.name")} <= {NOW[connection.vendor]}
  AND {_out_of("fresh.name")} AND {not_paused("fresh.name")}
LIMIT %s""",
        [after, until, until, _listed(exclude), limit],
    )
    return [Due(name, True, failures) for name, failures in rows]


def _old(limit: int, exclude: Collection[str]) -> list[Due]:
    """Destinations with mail that is to be tried again, longest due first."""
    now = NOW[connection.vendor]
    rows = rows_of(
        f"""
SELECT due.name, {_known("failures", "due.name")} FROM (
  SELECT name, MIN(next_attempt_at) AS since FROM (
    SELECT destination AS name, next_attempt_at FROM mailqueue_queuedrecipient
    WHERE state = 'waiting' AND next_attempt_at > 0 AND next_attempt_at <= {now}
      AND {_known("closed_until", "destination")} <= {now} AND {_out_of("destination")}
      AND {not_paused("destination")}
    ORDER BY next_attempt_at LIMIT {LOOK}) AS seen
  GROUP BY name) AS due
ORDER BY since, due.name LIMIT %s""",
        [_listed(exclude), limit],
    )
    return [Due(name, False, failures) for name, failures in rows]


@transaction.atomic
def close_destination(name: str, seconds: float, reply: str) -> int:
    """Let nobody try a destination for `seconds`; how many recipients wait for that.

    Args:
        reply: why, in words; it is what its recipients show.
    """
    now = database_now_us()
    until = now + max(1, int(seconds * SECOND))
    why = told(reply)
    with connection.cursor() as cursor:
        cursor.execute(
            """
INSERT INTO mailqueue_destination (name, closed_until, failures, last_ok_at, last_failed_at,
  last_reply, paused_at, paused_by) VALUES (%s, %s, 1, 0, %s, %s, 0, '')
ON CONFLICT (name) DO UPDATE SET closed_until = excluded.closed_until,
  failures = mailqueue_destination.failures + 1, last_failed_at = excluded.last_failed_at,
  last_reply = excluded.last_reply""",
            [name, until, now, why],
        )
        # What others have locked is being claimed or cancelled: it must not be waited for.
        rows = f"""
SELECT id FROM mailqueue_queuedrecipient WHERE state = 'waiting' AND destination = %s
AND next_attempt_at < %s AND lease_token IS NULL{locking("SKIP LOCKED")}"""
        cursor.execute(
            "UPDATE mailqueue_queuedrecipient SET next_attempt_at = %s, last_reply = %s"
            f" WHERE {chosen(rows)}",
            [until, why, name, until],
        )
        return int(cursor.rowcount)


@transaction.atomic
def open_destinations(names: Sequence[str]) -> None:
    """Somebody answers there again: what waited for that is due at once."""
    now = database_now_us()
    with connection.cursor() as cursor:
        for name in sorted(set(names)):
            cursor.execute(
                "SELECT closed_until FROM mailqueue_destination WHERE name = %s" + locking(), [name]
            )
            row = cursor.fetchone()
            if row is None:
                continue
            cursor.execute(
                "UPDATE mailqueue_destination SET closed_until = 0, failures = 0, last_ok_at = %s"
                " WHERE name = %s",
                [now, name],
            )
            if row[0] > now:
                cursor.execute(_forward_sql(), [now, name, row[0]])


def _forward_sql() -> str:
    rows = f"""
SELECT id FROM mailqueue_queuedrecipient WHERE state = 'waiting' AND destination = %s
AND next_attempt_at = %s AND lease_token IS NULL{locking("SKIP LOCKED")}"""
    return (
        "UPDATE mailqueue_queuedrecipient SET next_attempt_at ="
        f" CASE WHEN attempts = 0 THEN 0 ELSE %s END WHERE {chosen(rows)}"
    )


def pause(name: str, by: str) -> bool:
    """Let nobody claim what waits for a destination, or for any (`EVERYWHERE`), from now on; in the
    caller's transaction. Whether that is news.

    Args:
        by: who says so, by name.
    """
    Destination.objects.get_or_create(name=name)
    paused = Destination.objects.filter(name=name, paused_at=0)
    return bool(paused.update(paused_at=database_now_us(), paused_by=told(by, 320)))


def resume(name: str) -> bool:
    """Let it go on where it was; whether it was paused."""
    paused = Destination.objects.filter(name=name, paused_at__gt=0)
    return bool(paused.update(paused_at=0, paused_by=""))


def hasten_destinations(names: Sequence[str] | None, limit: int) -> int:
    """Make what waits for destinations due now, and open them; of how many recipients, `limit` at
    most: to be called again while it is that many. What is under way, or due already, stays.

    Args:
        names: None for all there are.
    """
    now = database_now_us()
    shut = Destination.objects.filter(closed_until__gt=now)
    late = QueuedRecipient.objects.filter(
        state=RecipientState.WAITING, next_attempt_at__gt=now, lease_token=None
    )
    if names is not None:
        shut, late = shut.filter(name__in=names), late.filter(destination__in=names)
    with transaction.atomic():
        shut.update(closed_until=0)
        rows = late.select_for_update(skip_locked=True, of=("self",)).order_by("next_attempt_at")
        ids = list(rows.values_list("id", flat=True)[:limit])
        with connection.cursor() as cursor:
            # Not 0, which is for new mail.
            cursor.execute(
                "UPDATE mailqueue_queuedrecipient SET next_attempt_at = 1"
                f" WHERE {among('id')} AND state = 'waiting' AND lease_token IS NULL",
                [listed(ids)],
            )
    return len(ids)


def prune_destinations() -> int:
    """Forget destinations of which nothing was learned for a week."""
    before = database_now_us() - KEEP_DESTINATION_SECONDS * SECOND
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM mailqueue_destination"
            " WHERE closed_until < %s AND last_ok_at < %s AND last_failed_at < %s"
            " AND paused_at = 0",
            [before, before, before],
        )
        return int(cursor.rowcount)
