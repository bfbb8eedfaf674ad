"""Reports to senders: that mail failed, waits, or arrived (RFC 3461, 3464).

`prepare` reads and composes outside any transaction; `send` queues within the transaction that
settles what the reports tell, so that a report exists exactly when its cause does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from apps.mailqueue.services import Submission
from apps.mime.dsn import Action
from apps.trace import services as trace


class Reported(Protocol):
    """The message that a report tells of; what the queue hands to workers is one."""

    @property
    def id(self) -> UUID: ...
    @property
    def trace_id(self) -> UUID: ...
    @property
    def blob_id(self) -> UUID: ...
    @property
    def prefix(self) -> bytes: ...
    @property
    def cuts(self) -> tuple[tuple[int, int], ...]: ...
    @property
    def sender(self) -> str: ...
    @property
    def smtputf8(self) -> bool: ...
    @property
    def dsn_ret(self) -> str: ...
    @property
    def dsn_envid(self) -> str: ...
    @property
    def received_at_us(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one recipient.

    Args:
        recipient_id: QueuedRecipient.id.
        status: enhanced status code (RFC 3463), such as 5.1.1.
        reply: what the other server said, or our own words; `code` its code, 0 if it has none.
        is_remote: whether `reply` is the other server's.
        host: name of the other server, "" if none was reached.
        at_us: Unix microseconds of the last try; 0 is now.
        until_us: DELAYED: we try until then.
    """

    recipient_id: int
    address: str
    original: str
    orcpt: str
    notify: str
    action: Action
    status: str
    reply: str = ""
    is_remote: bool = False
    code: int = 0
    host: str = ""
    at_us: int = 0
    until_us: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """A report ready to be queued: `mail` is None when nobody may be told; `events` say why."""

    mail: Submission | None
    events: tuple[trace.Event, ...]


def is_wanted(notify: str, action: Action) -> bool:
    """Whether a sender who said NOTIFY=`notify` ("" if nothing) is to be told (RFC 3461 s5.2).

    Without NOTIFY: of failures and delays. RELAYED, EXPANDED and DELIVERED need SUCCESS.
    """
    if notify == "NEVER":
        return False
    if action is Action.FAILED:
        return not notify or "FAILURE" in notify
    if action is Action.DELAYED:
        return not notify or "DELAY" in notify
    return "SUCCESS" in notify


def prepare(message: Reported, fates: Sequence[Fate], raw: bytes | None = None) -> list[Report]:
    """Compose what the sender is to be told of these fates; outside any transaction.

    Pass all fates: those of which the sender does not want to hear are left out here. An empty
    list where nobody need be told. Of a message that came by the null path nothing is reported.

    Args:
        raw: the bytes of the message's blob if the caller has them; else they are read when needed.

    Raises:
        StorageFull, StorageUnavailable: try again later; nothing was kept.
    """
    return []


def send(reports: Sequence[Report]) -> None:
    """Queue reports, within the caller's transaction; the bell rings when it commits.

    Ids are made from what is reported, so a retry after a commit of unknown outcome adds nothing.
    """


def discard(reports: Sequence[Report]) -> None:
    """Remove what `prepare` wrote, after the transaction failed for good."""
