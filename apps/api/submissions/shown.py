"""Letters as they are shown: what is known of each of its trace."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from apps.api.moments import of_us
from apps.api.submissions.forms import SubmissionShown
from apps.delivery import states
from apps.delivery.states import RecipientState, State
from apps.mailqueue.models import MessageState, QueuedMessage
from apps.runtime.clock import now_us
from apps.runtime.ulid import ulid_text
from apps.trace import queries as traces
from apps.trace.models import Sent
from apps.trace.queries import Recorded

TAG: Final = "Sending"
EXAMPLE: Final = {
    "id": "01KB5SC2N0QJ5E8W3V9T7R4M6A",
    "message_id": "<20261128100000.5f3c@example.org>",
    "sender": "ann@example.org",
    "subject": "Figures",
    "size": 48_211,
    "submitted_at": "2026-11-28T10:00:00Z",
    "send_at": None,
    "state": "delivered",
    "recipients": [
        {
            "address": "carol@example.com",
            "state": "delivered",
            "text": "Accepted by mx.example.com over TLSv1.3.",
            "at": "2026-11-28T10:00:02Z",
            "next_at": None,
            "host": "mx.example.com",
            "status": "2.0.0",
            "reply": "250 2.0.0 OK",
            "tls": "TLSv1.3",
            "tries": 1,
            "members": 1,
            "reached": 1,
        }
    ],
}
_FEW: Final = 100  # events that the trace of most letters does not reach
_RECEIVED: Final = ".received"


def shown(rows: Sequence[Sent]) -> list[dict[str, Any]]:
    """Letters with what became of each recipient; a few statements for all of them."""
    ids = [row.trace_id for row in rows]
    events = traces.stories(ids, few=_FEW, most=states.EVENTS_MAX)
    held = QueuedMessage.objects.filter(
        pk__in=ids, state=MessageState.ACCEPTED, hold_until__gt=now_us()
    )
    until = dict(held.values_list("pk", "hold_until"))
    return [_one(row, events.get(row.trace_id, ()), until.get(row.trace_id, 0)) for row in rows]


def _one(row: Sent, events: Sequence[Recorded], until_us: int) -> dict[str, Any]:
    came = next((one.data for one in events if one.kind.endswith(_RECEIVED)), {})
    finals = states.of_events(events)
    values = {
        "id": ulid_text(row.trace_id),
        "message_id": row.message_id,
        "sender": str(came.get("from") or ""),
        "subject": str(came.get("subject") or ""),
        "size": came.get("size"),
        "submitted_at": of_us(row.at),
        "send_at": of_us(until_us),
        "state": _worst(finals),
        "recipients": [_recipient(one) for one in finals],
    }
    return dict(SubmissionShown(values).data)


def _worst(finals: Iterable[RecipientState]) -> State | None:
    found = max(finals, key=states.severity, default=None)
    return None if found is None else found.state


def _recipient(one: RecipientState) -> dict[str, Any]:
    return {
        "address": one.address,
        "state": one.state,
        "text": one.text,
        "at": of_us(one.at_us),
        "next_at": of_us(one.next_at_us),
        "host": one.host,
        "status": one.status,
        "reply": one.reply,
        "tls": one.tls,
        "tries": one.tries,
        "members": one.members,
        "reached": one.reached,
    }
