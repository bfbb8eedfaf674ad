"""What the events of one message come to. The index keeps it, lists show it, pages begin with it:
there is one answer to "what became of it", whoever asks."""

from dataclasses import dataclass
from uuid import UUID

from apps.delivery.recorder.fates import Fate
from apps.trace.models import Direction, Outcome


@dataclass(frozen=True, slots=True)
class Folded:
    """A message on its way; times in Unix microseconds. Strangers chose most of the texts.

    Args:
        door: the one it came by: mx, submission, lmtp, web, api; "" for what is our own.
        sender: the reverse-path, "" for the null path.
        written: the recipients as the envelope named them, in their order.
        finals: what aliases and groups led to, without those that are in `written`.
        message_id: with its brackets; "" if it is not known.
        address: of the client, "" for what is our own; `helo` what it called itself.
        peer: the client's name for what came in, the last server's for what went out.
        hosts: every other server that was talked to.
        size: octets.
        points: of the filter; None if it was not asked.
        cause: one sentence: what became of it and why.
        took_us: until the last recipient was settled; None before that.
        fates: where each recipient stands; of a message that names none, one without an address.
    """

    trace_id: UUID
    at_us: int
    last_at_us: int
    direction: Direction
    door: str
    sender: str
    written: tuple[str, ...]
    finals: tuple[str, ...]
    subject: str
    message_id: str
    address: str
    helo: str
    peer: str
    hosts: tuple[str, ...]
    size: int
    points: float | None
    outcome: Outcome
    cause: str
    took_us: int | None
    fates: tuple[Fate, ...]
