"""Deliveries: claimed under a lease, tried, settled, tried again. The only door to their rows.

A lease that ran out is due again: whoever had it died, or was too slow, and what it learns counts
no more. So an event may arrive twice, and never not at all; its id tells.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from apps.audit.services import record
from apps.runtime.clock import now_us
from apps.runtime.sealing import SealBrokenError
from apps.webhooks import kinds
from apps.webhooks.models import Delivery, Endpoint, Event, State
from apps.webhooks.services import endpoints, events
from apps.webhooks.signing import Keys

SECOND: Final = 1_000_000  # microseconds
# Seconds to the next attempt, as the Standard Webhooks specification proposes: three days in all.
BACK_OFF: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
LONGEST: Final = 86_400  # seconds that a server may ask for
STOPPED_AFTER: Final = 3 * 86_400  # seconds without any success: nobody is there any more
LEASE: Final = 45  # seconds; a batch takes 15
ENDPOINTS_AT_ONCE: Final = 10
EACH_AT_ONCE: Final = 4
KEEP: Final = 7 * 86_400  # seconds
_CLOSED_MOST: Final = 600  # seconds for which an endpoint that fails is left alone
_LOGGED: Final = 20  # attempts of a delivery
_PRUNED: Final = 1_000  # rows of a transaction


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be sent.

    Args:
        lease: of who sends it.
        is_installations: the endpoint may be in WEBHOOK_NETWORKS.
    """

    delivery_id: int
    endpoint_id: int
    lease: UUID
    url: str
    is_installations: bool
    keys: Keys
    event: Event


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of it.

    Args:
        at_us: when it began, Unix microseconds.
        status: of the answer; None if there was none.
        error: why it counts as failed, "" if it does not.
        answer: the beginning of what was answered.
        wait: seconds for which the server asked, 0 if it did not.
    """

    at_us: int
    took_ms: int
    status: int | None = None
    error: str = ""
    answer: str = ""
    wait: int = 0


def claim() -> list[Parcel]:
    """Some of what is due: a few for each of the endpoints that waited longest for their turn."""
    with transaction.atomic():
        now = now_us()
        due = Delivery.objects.filter(state=State.PENDING, due_at__lte=now)
        waiting = Endpoint.objects.filter(
            Exists(due.filter(endpoint=OuterRef("pk"))), is_enabled=True, closed_until__lte=now
        )
        rows = list(waiting.order_by("turn_at", "pk")[:ENDPOINTS_AT_ONCE])
        if not rows:
            return []
        Endpoint.objects.filter(pk__in=[row.pk for row in rows]).update(turn_at=now)
        return [parcel for row in rows for parcel in _of(row, due.filter(endpoint=row), now)]


def _of(row: Endpoint, due: Any, now: int) -> list[Parcel]:
    locked = due.select_for_update(skip_locked=True, of=("self",)).select_related("event")
    found = list(locked.order_by("due_at")[:EACH_AT_ONCE])
    try:
        keys = endpoints.keys_of(row)
    except SealBrokenError as error:
        endpoints.stop(row_id=row.pk, why=f"Its secret cannot be read: {error.detail}")
        return []
    return [_leased(row, one, keys, now) for one in found]


def _leased(row: Endpoint, one: Delivery, keys: Keys, now: int) -> Parcel:
    lease = uuid4()
    Delivery.objects.filter(pk=one.pk).update(lease=lease, due_at=now + LEASE * SECOND)
    is_ours = row.organization_id is None and row.domain_id is None
    return Parcel(one.pk, row.pk, lease, row.url, is_ours, keys, one.event)


def settle(parcel: Parcel, attempt: Attempt) -> bool:
    """Write down what came of it; False if the lease is somebody else's meanwhile."""
    with transaction.atomic():
        mine = Delivery.objects.filter(pk=parcel.delivery_id, lease=parcel.lease)
        one = mine.select_for_update().first()
        if one is None:
            return False
        log = [asdict(attempt), *json.loads(one.log)][:_LOGGED]
        values: dict[str, Any] = {
            "attempts": one.attempts + 1,
            "lease": None,
            "status": attempt.status,
            "error": attempt.error[:300],
            "tried_at": attempt.at_us,
            "log": json.dumps(log),
        }
        next_at = None if not attempt.error else _next_at(one.attempts, attempt)
        values["state"] = _state(attempt, next_at)
        mine.update(**values, due_at=next_at or one.due_at)
        _note(parcel.endpoint_id, attempt)
        if attempt.status == 410:
            endpoints.stop(row_id=parcel.endpoint_id, why="Its server says that it is gone (410)")
        elif attempt.error and next_at is None:
            _give_up(parcel.endpoint_id)
    return True


def _state(attempt: Attempt, next_at: int | None) -> State:
    if not attempt.error:
        return State.DELIVERED
    return State.FAILED if next_at is None else State.PENDING


def _next_at(attempts: int, attempt: Attempt) -> int | None:
    """When it is tried again: a little later each time, and not by all at the same moment."""
    if attempts >= len(BACK_OFF) or attempt.status == 410:
        return None
    asked = min(attempt.wait, LONGEST)
    seconds = max(asked, BACK_OFF[attempts] * random.uniform(1.0, 1.1))  # noqa: S311 - no secret
    return now_us() + int(seconds * SECOND)


def _note(endpoint_id: int, attempt: Attempt) -> None:
    """How the endpoint stands: while it fails, it is asked less and less often. What began before
    it was left alone, beside another that failed, counts no second time."""
    rows = Endpoint.objects.filter(pk=endpoint_id)
    if not attempt.error:
        rows.update(failures=0, failing_since=None, closed_until=0, succeeded_at=attempt.at_us)
        return
    standing = rows.values_list("failures", "closed_until").first()
    if standing is None or standing[1] > attempt.at_us:
        return
    closed = min(_CLOSED_MOST, 5 << min(standing[0], 10))
    rows.update(failures=F("failures") + 1, closed_until=now_us() + closed * SECOND)
    rows.filter(failing_since=None).update(failing_since=attempt.at_us)


def _give_up(endpoint_id: int) -> None:
    """An event was given up. Was anything taken of late?"""
    since = now_us() - STOPPED_AFTER * SECOND
    if Endpoint.objects.filter(pk=endpoint_id, failing_since__lte=since).exists():
        endpoints.stop(row_id=endpoint_id, why="Nothing was taken for three days")


def again(*, row: Delivery) -> None:
    """Send it once more, as if for the first time."""
    with transaction.atomic():
        Delivery.objects.filter(pk=row.pk).update(
            state=State.PENDING, attempts=0, due_at=now_us(), lease=None
        )
        Endpoint.objects.filter(pk=row.endpoint_id).update(closed_until=0)
        subject = endpoints.subject_of(row.endpoint)
        record("webhook.redeliver", **subject, detail={"event": row.event.name})


def add_test(*, row: Endpoint) -> Parcel:
    """An event that tells of nothing, for this endpoint alone, to be sent by who asks for it."""
    now = now_us()
    home = None if row.domain is None else row.domain.organization_id
    with transaction.atomic():
        events.stand_in_line()
        event = Event.objects.create(
            at=now,
            gathered_at=now,
            type=kinds.TEST,
            organization_id=row.organization_id or home,
            domain_id=row.domain_id,
            data=json.dumps({"text": "This is a test. It tells of nothing that happened."}),
        )
        one = Delivery.objects.create(endpoint=row, event=event, due_at=now)
        record("webhook.test", **endpoints.subject_of(row))
        one.event = event
        return _leased(row, one, endpoints.keys_of(row), now)


def prune() -> None:
    """Remove events of a week ago with their deliveries, in small transactions."""
    old = Event.objects.filter(gathered_at__lt=now_us() - KEEP * SECOND).order_by("gathered_at")
    while ids := list(old.values_list("pk", flat=True)[:_PRUNED]):
        with transaction.atomic():
            _forget(ids)


def _forget(ids: Sequence[int]) -> None:
    Delivery.objects.filter(Q(event__in=ids)).delete()
    Event.objects.filter(pk__in=ids).delete()
