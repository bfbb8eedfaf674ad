"""Counting what is sent, and setting how much may be: the only door through which both change.

`count` belongs into the transaction that accepts mail: what is counted is what was accepted,
exactly, however many accept at once. The rows it has raised stay locked until that transaction
ends, so it may decide from what the one statement gave back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.limits import (
    FIELDS,
    UNBOUNDED,
    Key,
    Meter,
    MeterReached,
    limits_of,
    many,
    period,
)
from apps.directory.models import Domain, Organization, SendCount, SendLimit, User
from apps.runtime.clock import now
from apps.runtime.rows import Values
from apps.wire.errors import InvalidName, TooManyRecipients

KEEP_DAYS = 3
HIGHEST = 100_000_000

_COUNTED = Values("asked", "scope text, period text, messages bigint, recipients bigint")
# Sorted, so that two who count on the same rows wait for each other in one order. `WHERE true`
# tells SQLite's parser that ON is not a join's.
_ADD = """
INSERT INTO directory_sendcount (scope, period, messages, recipients, is_told)
SELECT asked.scope, asked.period, asked.messages, asked.recipients, false FROM {asked}
WHERE true ORDER BY asked.scope, asked.period
ON CONFLICT (scope, period) DO UPDATE SET
    messages = directory_sendcount.messages + excluded.messages,
    recipients = directory_sendcount.recipients + excluded.recipients
RETURNING scope, period, messages, recipients"""
_TAKE = """
UPDATE directory_sendcount SET messages = directory_sendcount.messages - asked.messages,
    recipients = directory_sendcount.recipients - asked.recipients
FROM {asked}
WHERE directory_sendcount.scope = asked.scope AND directory_sendcount.period = asked.period"""
_TELL = """
INSERT INTO directory_sendcount (scope, period, messages, recipients, is_told)
VALUES (%s, %s, 0, 0, true)
ON CONFLICT (scope, period) DO UPDATE SET is_told = true WHERE NOT directory_sendcount.is_told
RETURNING id"""


@dataclass(frozen=True, slots=True)
class Sending:
    """A message that a user wants to send."""

    id: UUID
    user_id: int
    recipients: int


class Tally:
    """What was counted for a batch, within one transaction."""

    def __init__(self, wanted: Sequence[Sending]) -> None:
        self.refused: dict[UUID, MeterReached | TooManyRecipients] = {}
        self._at = now()
        self._meters: dict[UUID, tuple[Meter, ...]] = {}
        self._wanted = {item.id: item for item in self._small_enough(wanted)}
        self._count()

    def _small_enough(self, wanted: Sequence[Sending]) -> list[Sending]:
        limits = limits_of([item.user_id for item in wanted], self._at)
        taken = []
        for item in wanted:
            if item.user_id not in limits:
                continue  # removed since it signed in; what hangs on it is the caller's question
            most = limits[item.user_id].recipients_per_message
            if item.recipients > most:
                self.refused[item.id] = too_many_recipients(most)
                continue
            self._meters[item.id] = limits[item.user_id].meters
            taken.append(item)
        return taken

    def _count(self) -> None:
        items = list(self._wanted.values())
        totals = self._totals(items)
        if not totals:
            return
        after = _add(totals)
        meters = {meter.key: meter for item in items for meter in self._meters[item.id]}
        if all(meters[key].refusal(*sent) is None for key, sent in after.items()):
            return
        before = {
            key: (sent[0] - totals[key][0], sent[1] - totals[key][1]) for key, sent in after.items()
        }
        self._refuse_in_turn(items, before)

    def _refuse_in_turn(
        self, items: Sequence[Sending], running: dict[Key, tuple[int, int]]
    ) -> None:
        """Let messages pass in their order while they fit; give back what the others counted."""
        for item in items:
            meters = self._meters[item.id]
            then = {
                meter.key: (running[meter.key][0] + 1, running[meter.key][1] + item.recipients)
                for meter in meters
            }
            reached = (meter.refusal(*then[meter.key]) for meter in meters)
            error = next((error for error in reached if error is not None), None)
            if error is None:
                running.update(then)
            else:
                self.refused[item.id] = error
        self._take([item for item in items if item.id in self.refused])

    def give_back(self, ids: Sequence[UUID]) -> None:
        """Uncount messages that were not accepted for another reason."""
        self._take([self._wanted[one] for one in ids if one in self._wanted])

    def _take(self, items: Sequence[Sending]) -> None:
        totals = self._totals(items)
        if totals:
            with connection.cursor() as cursor:
                cursor.execute(_TAKE.format(asked=_COUNTED.sql), _parameters(totals))

    def _totals(self, items: Sequence[Sending]) -> dict[Key, tuple[int, int]]:
        totals: dict[Key, tuple[int, int]] = {}
        for item in items:
            for meter in self._meters[item.id]:
                messages, recipients = totals.get(meter.key, (0, 0))
                totals[meter.key] = (messages + 1, recipients + item.recipients)
        return totals


def count(wanted: Sequence[Sending]) -> Tally:
    """Count messages about to be accepted, in the caller's transaction.

    Those over a limit are in `refused`, and not counted.
    """
    return Tally(wanted)


def too_many_recipients(most: int) -> TooManyRecipients:
    """What to say beyond the limit of recipients per message."""
    return TooManyRecipients(text=f"A message of yours may have up to {many(most, 'recipient')}")


def _add(totals: Mapping[Key, tuple[int, int]]) -> dict[Key, tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_ADD.format(asked=_COUNTED.sql), _parameters(totals))
        return {(scope, period): (sent, to) for scope, period, sent, to in cursor.fetchall()}


def _parameters(totals: Mapping[Key, tuple[int, int]]) -> list[Any]:
    return _COUNTED.parameters([(*key, *sent) for key, sent in sorted(totals.items())])


def is_news(key: Key) -> bool:
    """Whether nobody has been told yet that a limit is reached in its hour or day; from now on
    somebody has, if the caller's transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(_TELL, key)
        return cursor.fetchone() is not None


def set_limits(
    *,
    user: User | None = None,
    domain: Domain | None = None,
    organization: Organization | None = None,
    changes: Mapping[str, int | None],
) -> SendLimit:
    """Set limits of exactly one scope.

    Args:
        changes: of `FIELDS`; 0 is no limit, None goes back to the settings' (users) or to no limit.

    Raises:
        InvalidName: a limit that is none.
    """
    for name, value in changes.items():
        most = UNBOUNDED if name == "recipients_per_message" else HIGHEST
        if name not in FIELDS or (value is not None and not 0 <= value <= most):
            raise InvalidName("limit", text=f"This limit is a number from 0 to {most}")
    scope: dict[str, Any] = {"user": user, "domain": domain, "organization": organization}
    if not changes:
        return SendLimit.objects.filter(**scope).first() or SendLimit(**scope)
    with transaction.atomic():
        row, _ = SendLimit.objects.update_or_create(**scope, defaults=dict(changes))
        record("limit.set", **_about(user, domain, organization), detail=changes)
    return row


def _about(
    user: User | None, domain: Domain | None, organization: Organization | None
) -> subjects.Subject:
    if user is not None:
        return subjects.of_user(user)
    if domain is not None:
        return subjects.of_domain(domain)
    if organization is not None:
        return subjects.of_organization(organization.pk, organization.name)
    return subjects.of_service("everybody")


def prune() -> int:
    """Remove the counts of periods that are long over; return how many rows."""
    old = now() - KEEP_DAYS * 86_400
    gone = 0
    for span in ("hour", "day"):
        first, last = period(span, 0), period(span, old)
        # Texts of one length and one alphabet sort as their numbers do.
        same = SendCount.objects.filter(period__startswith=first[:2], period__lt=last)
        gone += same.delete()[0]
    return gone
