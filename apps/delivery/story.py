"""The story of a message: its trace in sentences, and which message somebody means by a word.

A word is a trace id or queue id (26 letters), an address, or a Message-ID. What strangers wrote is
cleaned of everything that drives a terminal before it is shown.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from apps.delivery import states
from apps.delivery.accept import JUDGED
from apps.delivery.states import RecipientState
from apps.mailqueue import queries as queue
from apps.mailstore import queries as mailstore
from apps.mime.address import Address, AddressError
from apps.mime.headers import clean
from apps.reception.judging import Judgement
from apps.reception.telling import of_judgement
from apps.runtime.ulid import parse_ulid
from apps.trace import queries as traces
from apps.trace.queries import Found, Recorded
from apps.wire.spoken import LINES_MOST, lines_of

Data = dict[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """All that is recorded of a message, and where its recipients stand."""

    trace_id: UUID
    events: list[Recorded]
    recipients: list[RecipientState]


def find(word: str, *, days: int, limit: int) -> list[UUID] | list[Found]:
    """Return the traces that a word means, or what an address took part in, newest first."""
    identity = parse_ulid(word)
    if identity is not None:
        return _by_id(identity)
    # A Message-ID without its brackets looks like an address.
    return _by_address(word, days, limit) or _by_message_id(word, limit)


def _by_id(identity: UUID) -> list[UUID]:
    if traces.events_of(identity, limit=1):
        return [identity]
    # Of one message that LMTP brought for several, the queue ids differ from the trace.
    row = queue.one(identity)
    return [] if row is None else [row.trace_id]


def _by_address(word: str, days: int, limit: int) -> list[Found]:
    try:
        address = Address.parse(word)
    except AddressError:
        return []
    return traces.with_address(str(address), days=days, limit=limit)


def _by_message_id(word: str, limit: int) -> list[UUID]:
    written = word if word.startswith("<") else f"<{word}>"
    sent = [trace_id for trace_id, _ in traces.sent_as(written, limit=limit)]
    return list(dict.fromkeys([*sent, *mailstore.traces_of(written, limit=limit)]))[:limit]


def tell(trace_id: UUID) -> Story:
    """Read the story of one message."""
    events = traces.events_of(trace_id, states.EVENTS_MAX)
    return Story(trace_id, events, states.of_trace(trace_id))


def sentences(event: Recorded) -> list[str]:
    """Return what happened, in lines of one sentence or a few."""
    if event.kind != JUDGED:
        return [sentence(event)]
    try:
        return [clean(one) for one in of_judgement(Judgement.from_data(event.data))]
    except (AttributeError, KeyError, TypeError, ValueError):
        # Another version wrote it, or a viewer sees a part of it alone.
        return ["What was found out about its sender cannot be read."]


def sentence(event: Recorded) -> str:
    """Return what happened, in one line."""
    if event.kind == JUDGED:
        return " ".join(sentences(event))
    told = {key: value for key, value in _data(event).items() if key not in _DIALOGUES}
    data = {key: _shown(value) for key, value in told.items()}
    if event.kind.endswith(traces.RECEIVED) and "queue_id" in data:
        return clean(_received(event.kind, data))
    is_refusal = event.kind.endswith(traces.REFUSED)
    words = _refused if is_refusal else _SENTENCES.get(event.kind)
    if words is None:
        return clean(f"{event.kind} {json.dumps(told)}")
    return clean(words(data))


def dialogue(event: Recorded) -> list[str]:
    """What a client and we, or we and another server, said to each other, as far as the event has
    it: lines that begin with `>` (the client, or we as one), `<` (the answer) or a note's sign."""
    data = _data(event)
    if lines := lines_of(data.get("dialogue")):
        return [clean(line.shown) for line in lines]
    said = data.get("transcript")
    return [*map(clean, said.split("\n")[:LINES_MOST])] if isinstance(said, str) and said else []


def moment(at_us: int) -> str:
    """Return a time as this page of the story writes it, UTC to the millisecond."""
    at = datetime.fromtimestamp(at_us / 1_000_000, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at_us // 1_000 % 1_000:03}"


def _data(event: Recorded) -> dict[str, Any]:
    return event.data if isinstance(event.data, dict) else {}


_DIALOGUES = frozenset({"dialogue", "transcript"})


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def _received(kind: str, data: Data) -> str:
    door = kind.partition(".")[0]
    origin = f" from {data['address']}" if data.get("address") else ""
    hello = f" ({data['helo']})" if data.get("helo") else ""
    who = f" signed in as {data['account']}" if data.get("account") else ""
    way = f" over {data['tls']}" if data.get("tls") else ""
    about = f" Its subject is: {data['subject']}" if data.get("subject") else ""
    until = f" It is held back until {_time(data, 'until')}." if "until" in data else ""
    return (
        f"Accepted at the door {door}{origin}{hello}{who}{way}: <{data.get('from', '')}> to"
        f" {data.get('to', '')}, {data.get('size', '?')} bytes, queue id {data['queue_id']}."
        f"{until}{about}"
    )


_STAGES = {
    "mail": "when its sender was named",
    "rcpt": "when the recipient was named",
    "data": "at the end of its text",
}


def _refused(data: Data) -> str:
    origin = f" from {data['address']}" if data.get("address") else ""
    hello = f" ({data['helo']})" if data.get("helo") else ""
    said = " / ".join(data.get("reply", "").splitlines())
    return (
        f"Refused {_STAGES.get(data.get('stage', ''), '')}{origin}{hello}:"
        f" <{data.get('from', '')}> to {data.get('to') or 'nobody yet'}{_more(data)}:"
        f" {data.get('why', '?').rstrip('.')}."
        f" The answer was: {said}"
    )


def _more(data: Data) -> str:
    more = data.get("and_more", "")
    return f" and {more} more" if more.isdecimal() and int(more[:9]) else ""


def _judged(data: Data) -> str:
    why = f" Because {data['why']}." if data.get("why") else ""
    return f"Scanned: action {data.get('action', 'none')}, {data.get('points', '0')} points.{why}"


def _filed(data: Data) -> str:
    points = f" ({data['points']} points)" if data.get("by") == "points" else ""
    junk = f" It belongs into Junk{points}: {data['junk']}." if data.get("junk") else ""
    where = f"mailbox {data.get('mailbox', '?')} as UID {data.get('uid', '?')}"
    return f"{_for(data)} was filed in {where}.{junk}"


def _expired(data: Data) -> str:
    days = data.get("days", "?")
    return f"{_for(data)} was deleted from quarantine, where it had been for {days} days."


def _quarantined(data: Data) -> str:
    rule = f" ({data['rule']})" if data.get("rule") else ""
    return f"{_for(data)} is kept in quarantine{rule}: {data.get('why') or 'no reason is known'}."


def _by(words: str) -> Callable[[Data], str]:
    def say(data: Data) -> str:
        who = {
            "command": "an administrator",
            "console": "an administrator in the console",
            "link": "the link in a digest",
        }
        by = data.get("by", "?")
        return f"{_for(data)} was {words} by {who.get(by, by)}."

    return say


def _host(data: Data) -> str:
    where = f" [{data['address']}]" if data.get("address") else ""
    return f"{data.get('host') or 'a server'}{where}"


def _reply(data: Data) -> str:
    """What was said, and where; our own words of no server in particular stand alone."""
    said = data.get("reply", "").rstrip(".") or "nothing was said"
    return f"{_host(data)}: {said}." if data.get("host") else f"{said[:1].upper()}{said[1:]}."


def _handed(data: Data) -> str:
    way = f" over {data['tls']}" if data.get("tls") else " without TLS"
    return f"{_for(data)} was accepted by {_host(data)}{way}: {data.get('reply', '')}"


def _deferred(data: Data) -> str:
    again = f" To be tried again at {_time(data, 'next_at')}." if "next_at" in data else ""
    return f"{_for(data)} has to wait. {_reply(data)}{again}"


def _time(data: Data, key: str) -> str:
    word = data.get(key, "")
    return moment(int(word)) if word.isdecimal() and len(word) < 18 else "?"


def _failed(data: Data) -> str:
    by = f" by {data['by']}" if data.get("by") else ""
    return f"{_for(data)} {'was given up' if by else 'failed for good'}{by}. {_reply(data)}"


def _for(data: Data) -> str:
    written = f" (written to {data['original']})" if data.get("original") else ""
    return f"The copy for {data.get('to', '?')}{written}"


def _returned(data: Data) -> str:
    about = data.get("to") or data.get("final") or "an unknown recipient"
    return (
        f"A report came back about {about}: {data.get('action', '?')} {data.get('status', '')},"
        f" {data.get('host') or 'no host'} said: {data.get('reply') or 'nothing'}"
        f" (report: trace {data.get('trace', '?')})."
    )


def _kind(data: Data) -> str:
    """What a report that came is on."""
    return "TLS with the servers" if data.get("report") == "tls" else "mail in the name"


def _about(data: Data) -> str:
    return f" on {_kind(data)} of {data['about']}" if data.get("about") else ""


def _why(words: str) -> Callable[[Data], str]:
    def say(data: Data) -> str:
        whom = f" for {data['to']}" if data.get("to") else ""
        whom += f" by {data['by']}" if data.get("by") else ""
        return f"{words}{whom}: {data['why']}." if data.get("why") else f"{words}{whom}."

    return say


_SENTENCES: dict[str, Callable[[Data], str]] = {
    "scan.judged": _judged,
    "local.delivered": _filed,
    "quarantine.kept": _quarantined,
    "quarantine.released": _by("released from quarantine"),
    "quarantine.deleted": _by("deleted from quarantine"),
    "quarantine.restored": _by("put back into quarantine"),
    "quarantine.expired": _expired,
    "outbound.delivered": _handed,
    "outbound.deferred": _deferred,
    "outbound.failed": _failed,
    "queue.waiting": _why("Waits"),
    "queue.held": _why("Held"),
    "queue.put_off": _why("Cannot be judged now, and is tried again soon"),
    "mx.withdrawn": _why("Given back to its client"),
    "queue.hastened": lambda data: (
        f"{data.get('by') or 'Its sender'} has it tried again now for {data.get('to', '?')}."
    ),
    "queue.retried": _why("Put back to work"),
    "queue.released": _why("Released"),
    "queue.rescheduled": lambda data: f"To be sent at {_time(data, 'until')} instead.",
    "queue.deleted": _why("Deleted from the queue"),
    "queue.cancelled": _why("Cancelled before it was sent"),
    "submission.limited": lambda data: (
        f"Not accepted, {data.get('account', '?')} has reached a limit: {data.get('why', '?')}"
    ),
    "bounce.sent": lambda data: (
        f"A report ({data.get('action', '?')}) about {data.get('about', '?')} went to"
        f" {data.get('to', '?')} (trace {data.get('trace', '?')})."
    ),
    "bounce.dropped": lambda data: (
        f"Nobody is told about {data.get('about', '?')}: {data.get('why', '?')}."
    ),
    "bounce.received": _returned,
    "bounce.read": lambda data: (
        f"Read as a report ({data.get('action', '?')}) about a message of its reader (trace"
        f" {data.get('traces', '?')})."
    ),
    "vacation.sent": lambda data: (
        f"{data.get('for', '?')} is away: {data.get('to', '?')} was told so"
        f" (trace {data.get('trace', '?')})."
    ),
    "vacation.silent": lambda data: (
        f"{data.get('for', '?')} is away, and nobody is told: {data.get('why', '?')}."
    ),
    "report.read": lambda data: (
        f"Read as a report on {_kind(data)} of {data.get('about', '?')} by"
        f" {data.get('by') or 'nobody named'}, {data.get('rows', '0')} rows."
    ),
    "report.unread": lambda data: f"Not kept as a report{_about(data)}: {data.get('why', '?')}.",
}
