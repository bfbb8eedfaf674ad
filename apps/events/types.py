"""Every event there is. An event is a hint: whoever hears it reads the database for the truth.

Losing one costs a delay and never an inconsistency, so they may be dropped, repeated, merged and
reordered. Two events with the same `key` are merged into the newer one.
"""

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any

EVERYBODY = 0
"""In the place of a user: any number of them."""


@dataclass(frozen=True, slots=True)
class MailboxChanged:
    """Something in a mailbox has a new modseq: messages, flags or expunges."""

    mailbox_id: int
    modseq: int

    @property
    def key(self) -> tuple[str, int]:
        return ("MailboxChanged", self.mailbox_id)


@dataclass(frozen=True, slots=True)
class MailboxesChanged:
    """A user's list of mailboxes is another: created, renamed, removed, subscribed."""

    user_id: int

    @property
    def key(self) -> tuple[str, int]:
        return ("MailboxesChanged", self.user_id)


@dataclass(frozen=True, slots=True)
class AnnotationsChanged:
    """Notes on a mailbox are others (RFC 5464); 0 as the mailbox means the account.

    `EVERYBODY` as the user means shared notes, which all may see who see the mailbox.
    """

    user_id: int
    mailbox_id: int

    @property
    def key(self) -> tuple[str, int]:
        return (f"AnnotationsChanged {self.user_id}", self.mailbox_id)


@dataclass(frozen=True, slots=True)
class UserChanged:
    """A user's password, state or rights are others: open sessions check whether they may stay.

    `EVERYBODY` as the user means that many may have changed, those of a domain.
    """

    user_id: int

    @property
    def key(self) -> tuple[str, int]:
        return ("UserChanged", self.user_id)


@dataclass(frozen=True, slots=True)
class QueueRang:
    """Mail waits in the queue."""

    @property
    def key(self) -> tuple[str, int]:
        return ("QueueRang", 0)


@dataclass(frozen=True, slots=True)
class HeavyRang:
    """Mail waits in the queue that takes long to look into."""

    @property
    def key(self) -> tuple[str, int]:
        return ("HeavyRang", 0)


@dataclass(frozen=True, slots=True)
class MessageJudged:
    """A message that its door waits for (`mailqueue.services.offers`) is decided about.

    Args:
        message: its receive id, as a number.
    """

    message: int

    @property
    def key(self) -> tuple[str, int]:
        return ("MessageJudged", self.message)


@dataclass(frozen=True, slots=True)
class OutgoingRang:
    """Mail waits to be sent to other servers."""

    @property
    def key(self) -> tuple[str, int]:
        return ("OutgoingRang", 0)


@dataclass(frozen=True, slots=True)
class DeliveryChanged:
    """Something that a user sent got further, or did not: it was delivered, waits, came back."""

    user_id: int

    @property
    def key(self) -> tuple[str, int]:
        return ("DeliveryChanged", self.user_id)


@dataclass(frozen=True, slots=True)
class LooksChanged:
    """What the web shows of a user's mail in another way: labels, colours, preferences."""

    user_id: int

    @property
    def key(self) -> tuple[str, int]:
        return ("LooksChanged", self.user_id)


@dataclass(frozen=True, slots=True)
class HooksGathered:
    """Programs that read events as a stream have new ones to read."""

    @property
    def key(self) -> tuple[str, int]:
        return ("HooksGathered", 0)


@dataclass(frozen=True, slots=True)
class EventsMissed:
    """From the bus itself: events may have been lost here. The reader re-reads all it watches."""

    @property
    def key(self) -> tuple[str, int]:
        return ("EventsMissed", 0)


Event = (
    MailboxChanged
    | MailboxesChanged
    | AnnotationsChanged
    | UserChanged
    | QueueRang
    | HeavyRang
    | MessageJudged
    | OutgoingRang
    | DeliveryChanged
    | LooksChanged
    | HooksGathered
    | EventsMissed
)
KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        MailboxChanged,
        MailboxesChanged,
        AnnotationsChanged,
        UserChanged,
        QueueRang,
        HeavyRang,
        MessageJudged,
        OutgoingRang,
        DeliveryChanged,
        LooksChanged,
        HooksGathered,
        EventsMissed,
    )
}


def merge(into: dict[tuple[str, int], Event], events: Iterable[Event]) -> None:
    """Add `events`; of two with one key the one with the higher modseq stays."""
    for event in events:
        old = into.get(event.key)
        if (
            isinstance(event, MailboxChanged)
            and isinstance(old, MailboxChanged)
            and old.modseq > event.modseq
        ):
            continue
        into[event.key] = event


def encode(events: Iterable[Event]) -> bytes:
    """A JSON list of [kind, field, …]."""
    rows: list[list[Any]] = [[type(event).__name__, *astuple(event)] for event in events]
    return json.dumps(rows, separators=(",", ":")).encode()


def decode(raw: bytes) -> list[Event]:
    """The inverse. What this version does not know or cannot read is left out: it was a hint."""
    try:
        rows = json.loads(raw)
    except (ValueError, RecursionError):
        return []
    if not isinstance(rows, list):
        return []
    return [event for row in rows if (event := _event(row)) is not None]


def _event(row: Any) -> Event | None:
    if not isinstance(row, list) or not row or not isinstance(row[0], str):
        return None
    kind = KINDS.get(row[0])
    if kind is None or not all(type(field) is int for field in row[1:]):
        return None
    try:
        return kind(*row[1:])
    except TypeError:
        return None
