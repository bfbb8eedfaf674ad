"""What became of messages, as it is shown. All texts are one clean line each."""

from collections.abc import Iterator
from typing import Any, Final

from apps.api.moments import of_us
from apps.api.traces.forms import PassageShown, TraceShown
from apps.delivery.recorder import steps as told
from apps.delivery.recorder.journey import Journey
from apps.delivery.recorder.reading import text
from apps.delivery.recorder.steps import Step
from apps.delivery.recorder.verdicts import Judgement, judgement
from apps.delivery.states import RecipientState, severity
from apps.runtime.ulid import ulid_text
from apps.trace.passages import Row

TAG: Final = "Traces"
MOST: Final = 100  # recipients, and servers
_SECOND: Final = 1_000_000
_ID: Final = "01KB5SC2N0QJ5E8W3V9T7R4M6A"
EXAMPLE: Final = {
    "id": _ID,
    "at": "2026-11-28T10:00:00Z",
    "direction": "outgoing",
    "sender": "ann@example.org",
    "recipient": "bob@example.net",
    "recipients": 1,
    "subject": "Minutes",
    "server": "mail.example.net",
    "points": 0.4,
    "outcome": "delivered",
    "cause": "mail.example.net has taken it.",
    "took": 1.9,
}
WHOLE: Final = {
    "id": _ID,
    "headline": "mail.example.net has taken it.",
    "at": "2026-11-28T10:00:00Z",
    "took": 1.9,
    "direction": "outgoing",
    "outcome": "delivered",
    "door": "submission",
    "sender": "ann@example.org",
    "to": ["bob@example.net"],
    "subject": "Minutes",
    "message_id": "<1@example.org>",
    "size": 4_120,
    "client": "192.0.2.7",
    "helo": "laptop",
    "servers": ["mail.example.net"],
    "recipients": [
        {
            "address": "bob@example.net",
            "state": "delivered",
            "sentence": "Accepted by mail.example.net.",
            "reply": "250 2.0.0 OK",
            "status": "2.0.0",
            "tries": 1,
            "next_try_at": None,
        }
    ],
    "steps": [
        {
            "at": "2026-11-28T10:00:00Z",
            "after": 0.0,
            "title": "Handed in by ann@example.org",
            "text": "",
            "details": [{"title": "Client", "lines": ["192.0.2.7"]}],
        }
    ],
    "verdict": {
        "points": 0.4,
        "junk": 5.0,
        "refuse": 15.0,
        "why": "",
        "checks": [{"name": "SPF", "result": "pass"}],
        "rules": [{"rule": "HTML_ONLY", "points": 0.4, "words": "It has no plain text"}],
    },
    "links": [],
    "is_cut": False,
}


def line(row: Row) -> dict[str, Any]:
    """A message of a list."""
    values = {
        "id": ulid_text(row.trace_id),
        "at": of_us(row.at_us),
        "direction": row.direction,
        "sender": text(row.sender),
        "recipient": text(row.recipient),
        "recipients": row.recipients,
        "subject": text(row.subject),
        "server": text(row.peer),
        "points": row.points,
        "outcome": _word(row.outcome),
        "cause": text(row.cause),
        "took": _seconds(row.took_us),
    }
    return dict(PassageShown(values).data)


def _word(outcome: str) -> str:
    """As forms have it: one word."""
    return outcome.replace(" ", "_")


def whole(journey: Journey) -> dict[str, Any]:
    """One message; one statement."""
    folded = journey.folded
    steps, more = told.steps(journey)
    worst = sorted(journey.recipients, key=severity, reverse=True)
    some = journey.recipients if len(worst) <= MOST else worst[:MOST]
    values = {
        "id": ulid_text(journey.trace_id),
        "headline": text(journey.headline),
        "at": of_us(folded.at_us),
        "took": _seconds(folded.took_us),
        "direction": folded.direction,
        "outcome": _word(folded.outcome),
        "door": text(folded.door),
        "sender": text(folded.sender),
        "to": [text(one) for one in folded.written[:MOST]],
        "subject": text(folded.subject),
        "message_id": text(folded.message_id),
        "size": folded.size,
        "client": text(folded.address),
        "helo": text(folded.helo),
        "servers": [text(one) for one in folded.hosts[:MOST]],
        "recipients": [_recipient(one) for one in some],
        "steps": [_step(one) for one in steps],
        "verdict": _verdict(judgement(journey)),
        "links": [{"id": ulid_text(one.trace_id), "words": one.words} for one in journey.links],
        "is_cut": journey.is_cut or more > 0 or len(worst) > MOST or len(folded.written) > MOST,
    }
    return dict(TraceShown(values).data)


def _recipient(one: RecipientState) -> dict[str, Any]:
    return {
        "address": text(one.shown),
        "state": one.state.value,
        "sentence": text(one.text),
        "reply": text(one.reply),
        "status": text(one.status),
        "tries": one.tries,
        "next_try_at": of_us(one.next_at_us),
    }


def _step(one: Step) -> dict[str, Any]:
    return {
        "at": of_us(one.at_us),
        "after": round(one.after_us / _SECOND, 6),
        "title": one.title,
        "text": one.text,
        "details": list(_details(one)),
    }


def _details(one: Step) -> Iterator[dict[str, Any]]:
    for fold in one.folds:
        yield {"title": fold.title, "lines": list(fold.lines)}


def _verdict(found: Judgement) -> dict[str, Any]:
    return {
        "points": found.score,
        "junk": found.junk,
        "refuse": found.refuse,
        "why": text(found.why),
        "checks": [{"name": one.name, "result": one.word} for one in found.checks],
        "rules": [
            {"rule": one.rule, "points": one.points, "words": text(one.words)}
            for one in found.rules
        ],
    }


def _seconds(us: int | None) -> float | None:
    return None if us is None else round(us / _SECOND, 6)
