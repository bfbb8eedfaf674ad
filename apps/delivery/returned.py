"""Reports that come back from other servers, tied to the message that they are about.

A report arrives like any mail by the null path, and its reader gets it like any mail. On the way it
is read: if it names a message that its reader sent (by Message-ID or ENVID), an event
`bounce.received` goes to that message's trace. Anybody can write such a report, so an event is what
somebody said; it touches no queue, counts against a bound, and only mail to the sender's own
mailbox is believed to be about the sender's mail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from apps.delivery.bounce import DOOR
from apps.mime import dsn_reading
from apps.mime.dsn_reading import Reading, ReportedRecipient
from apps.runtime.ulid import ulid_text
from apps.trace import queries as traces
from apps.trace import services as trace

RECEIVED = "bounce.received"
READ = "bounce.read"  # on the report's own trace: what it is about
_FIRST = 3  # events of a trace among which the one is with which it was taken
REPORT_MAX = 1 << 20  # bytes of a report looked at
REPORTS_MAX = 200  # noted on one trace
MESSAGES_MAX = 5  # that one report is about; a Message-ID is used again when mail is sent again


class _Recipient(Protocol):
    @property
    def user_id(self) -> int | None: ...


class Incoming(Protocol):
    """A claimed message with its recipients."""

    @property
    def trace_id(self) -> UUID: ...
    @property
    def sender(self) -> str: ...
    @property
    def door(self) -> str: ...
    @property
    def recipients(self) -> Sequence[_Recipient]: ...


def events(message: Incoming, raw: bytes) -> list[trace.Event]:
    """Events for the traces of the messages that this one reports on; reads the database.

    An empty list, at once, for anything but mail by the null path to a mailbox here. Never raises
    for any octets.
    """
    # What we report ourselves is in the trace before it is written.
    if message.sender or message.door == DOOR:
        return []
    readers = {one.user_id for one in message.recipients if one.user_id is not None}
    reading = dsn_reading.read(raw[:REPORT_MAX]) if readers else None
    if reading is None:
        return []
    found = _messages(reading, readers)
    report = ulid_text(message.trace_id)
    return [
        trace.Event(one, RECEIVED, {**data, "trace": report})
        for one in found
        if traces.count_of(one, RECEIVED) < REPORTS_MAX
        for data in _sayings(reading, _Written.of(one))
    ]


def about(message: Incoming, noted: Sequence[trace.Event]) -> list[trace.Event]:
    """For the trace of a report itself, what `events` found that it is about."""
    if not noted:
        return []
    originals = list(dict.fromkeys(ulid_text(one.trace_id) for one in noted))
    action = noted[0].data["action"]
    return [trace.Event(message.trace_id, READ, {"traces": originals, "action": action})]


def _messages(reading: Reading, readers: set[int]) -> list[UUID]:
    """The traces of messages that one of the readers sent, the newest ones."""
    pairs = traces.sent_as(reading.message_id) if reading.message_id else []
    if not pairs and reading.envelope_id:
        pairs = traces.sent_under(reading.envelope_id)
    return [trace_id for trace_id, user_id in pairs if user_id in readers][-MESSAGES_MAX:]


@dataclass(frozen=True, slots=True)
class _Written:
    """To whom a message went: `by_key` finds the final address that any spelling means."""

    finals: tuple[str, ...]
    by_key: dict[str, str]

    @classmethod
    def of(cls, trace_id: UUID) -> "_Written":
        first = traces.events_of(trace_id, limit=_FIRST)
        data = next((one.data for one in first if one.kind.endswith(traces.RECEIVED)), {})
        members: dict[str, str] = data.get("members", {})
        direct = [one for one in data.get("to", []) if one not in members.values()]
        finals = (*direct, *members)
        by_key = {written.casefold(): final for final, written in members.items()}
        by_key.update({final.casefold(): final for final in finals})
        return cls(finals, by_key)

    def find(self, *addresses: str) -> str:
        """The first of these it went to; where it went to one alone, that one; else ""."""
        for address in addresses:
            if found := self.by_key.get(address.casefold()):
                return found
        return self.finals[0] if len(self.finals) == 1 else ""


def _sayings(reading: Reading, written: _Written) -> list[dict[str, Any]]:
    """What the report says, as data of one event for each recipient."""
    if reading.is_standard:
        return [_saying(one, written) for one in reading.recipients]
    meant = reading.names(written.finals[: dsn_reading.RECIPIENTS_MAX]) or [written.find()]
    return [
        {
            "to": address,
            "action": reading.action.value,
            "status": reading.status,
            "reply": reading.reply,
            "host": "",
        }
        for address in meant
    ]


def _saying(one: ReportedRecipient, written: _Written) -> dict[str, Any]:
    to = written.find(one.original, one.address)
    data = {
        "to": to,
        "action": one.action.value,
        "status": one.status,
        "reply": one.reply,
        "host": one.host[:255],
    }
    # A server behind the one we know may have sent it further.
    return data if one.address.casefold() == to.casefold() else {**data, "final": one.address}
