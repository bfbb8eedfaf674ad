"""Webhooks, deliveries and events as programs read them."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from apps.api.webhooks.forms import (
    EventShown,
    WebhookAttemptShown,
    WebhookDeliveryDetails,
    WebhookDeliveryShown,
    WebhookShown,
    WebhookTestShown,
)
from apps.webhooks import sending
from apps.webhooks.models import Delivery, Endpoint, Event, State
from apps.webhooks.services.deliveries import Attempt

WEBHOOK: Final = {
    "id": 4,
    "organization": None,
    "domain": 12,
    "url": "https://hooks.example.org/mail",
    "types": ["message.bounced", "user"],
    "description": "Billing",
    "is_enabled": True,
    "stopped": "",
    "failures": 0,
    "created_at": "2026-11-28T10:00:00Z",
    "succeeded_at": "2026-11-28T10:05:00Z",
    "failing_since": None,
}
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - an example
EVENT: Final = {
    "id": "evt_01JDSP4ZQ8W6H3V5KM2R7T9XNB",
    "type": "message.bounced",
    "timestamp": "2026-11-28T10:00:00.123Z",
    "data": {
        "trace": "01JDSP4ZQ8W6H3V5KM2R7T9XNA",
        "domain": "example.org",
        "from": "ann@example.org",
        "to": ["dave@example.net"],
        "message_id": "<1@example.org>",
        "subject": "Quarterly figures",
        "size": 4096,
        "host": "mx.example.net",
        "reply": "550 5.1.1 No such user",
    },
}
DELIVERY: Final = {
    "id": 71,
    "event": EVENT["id"],
    "type": EVENT["type"],
    "state": "pending",
    "attempts": 1,
    "next_at": "2026-11-28T10:05:00Z",
    "tried_at": "2026-11-28T10:00:05Z",
    "status": 500,
    "error": "It answered 500",
}
ATTEMPT: Final = {
    "at": "2026-11-28T10:00:05Z",
    "took_ms": 41,
    "status": 500,
    "error": "It answered 500",
    "answer": "Internal Server Error",
}
DETAILS: Final = {**DELIVERY, "payload": EVENT, "log": [ATTEMPT]}
TESTED: Final = {"is_delivered": True, "status": 204, "error": "", "answer": "", "took_ms": 38}


def webhook(row: Endpoint) -> dict[str, Any]:
    """One as it is shown."""
    names = ("url", "description", "is_enabled", "stopped", "failures", "created_at")
    values = {name: getattr(row, name) for name in names}
    values |= {
        "id": row.pk,
        "organization": row.organization_id,
        "domain": row.domain_id,
        "types": json.loads(row.types),
        "succeeded_at": _time(row.succeeded_at),
        "failing_since": _time(row.failing_since),
    }
    return dict(WebhookShown(values).data)


def delivery(row: Delivery) -> dict[str, Any]:
    """One as it is shown in a list."""
    return dict(WebhookDeliveryShown(_delivery(row)).data)


def details(row: Delivery) -> dict[str, Any]:
    """One with all that is known of it."""
    log = [
        WebhookAttemptShown({**one, "at": _time(one["at_us"])}).data for one in json.loads(row.log)
    ]
    values = {**_delivery(row), "payload": sending.payload(row.event), "log": log}
    return dict(WebhookDeliveryDetails(values).data)


def _delivery(row: Delivery) -> dict[str, Any]:
    is_pending = row.state == State.PENDING
    return {
        "id": row.pk,
        "event": row.event.name,
        "type": row.event.type,
        "state": row.state,
        "attempts": row.attempts,
        "next_at": _time(row.due_at) if is_pending else None,
        "tried_at": _time(row.tried_at),
        "status": row.status,
        "error": row.error,
    }


def tested(attempt: Attempt) -> dict[str, Any]:
    """What came of a test."""
    names = ("status", "error", "answer", "took_ms")
    values = {name: getattr(attempt, name) for name in names}
    return dict(WebhookTestShown({**values, "is_delivered": not attempt.error}).data)


def event(row: Event) -> dict[str, Any]:
    """One as it is listed: what is posted."""
    return dict(EventShown(sending.payload(row)).data)


def _time(at_us: int | None) -> datetime | None:
    return None if at_us is None else datetime.fromtimestamp(at_us / 1_000_000, UTC)
