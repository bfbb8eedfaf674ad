"""A claimed message as the transactions that it becomes: one for each reverse path it leaves with.

What goes over the wire is signatures + prefix + (blob - cuts); nothing of it is kept twice.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from apps.blobs import services as blobs
from apps.delivery.reversepath import reverse_path
from apps.mailqueue.services import Outgoing, OutgoingRecipient
from apps.mailstore.shown import assemble
from apps.mime.address import Address, AddressError
from apps.mime.dsn import onward
from apps.remote.types import Envelope, Recipient

# What a server must take at least (RFC 5321 section 4.5.3.1.8).
MOST_RECIPIENTS: Final = 100
# Texts up to this size are read when their messages are claimed, many at once; a larger one when
# its turn comes, so that what waits costs little memory.
EAGER_BYTES: Final = 128 * 1024
EAGER_TOTAL: Final = 512 * 1024  # of one destination, in one claim


@dataclass(slots=True, eq=False)
class Work:
    """One transaction to be made, under our lease.

    Args:
        sender: the reverse path on the wire.
        forwarded_from: the address of ours that led here, "" where RCPT named the target itself.
        text: all that is sent; None until it is read.
        is_doubtful: a renewal did not find all of it ours; the database is to be asked.
    """

    message: Outgoing
    sender: str
    recipients: tuple[OutgoingRecipient, ...]
    forwarded_from: str = ""
    text: bytes | None = None
    is_doubtful: bool = False

    @property
    def token(self) -> UUID:
        return self.message.token

    @property
    def ids(self) -> list[int]:
        return [recipient.id for recipient in self.recipients]

    def envelope(self, text: bytes) -> Envelope:
        message = self.message
        return Envelope(
            sender=self.sender,
            recipients=tuple(
                Recipient(one.id, one.address, one.orcpt, onward(one.notify))
                for one in self.recipients
            ),
            text=text,
            smtputf8=message.smtputf8,
            requires_tls=message.requires_tls,
            envid=message.dsn_envid,
            ret=message.dsn_ret,
        )


def works_of(messages: Iterable[Outgoing]) -> list[Work]:
    """The transactions of claimed messages, small texts read; for a database thread.

    A message whose blob cannot be read comes without text, and its turn will show why.

    Raises:
        StorageUnavailable: nothing of the blob store can be read.
    """
    works = [work for message in messages for work in _split(message)]
    small = _small(works)
    raws = blobs.read_many(list(small)) if small else {}
    for work in works:
        raw = raws.get(work.message.blob_id)
        if raw is not None:
            work.text = wire_text(work, raw)
    return works


def _small(works: Iterable[Work]) -> set[UUID]:
    """The blobs to be read at once: of each destination the first, so many octets of them."""
    found: set[UUID] = set()
    read: Counter[str] = Counter()
    for work in works:
        message = work.message
        read[message.destination] += message.size
        if message.size <= EAGER_BYTES and read[message.destination] <= EAGER_TOTAL:
            found.add(message.blob_id)
    return found


def read_text(work: Work) -> bytes:
    """Read what `works_of` left out; for a database thread.

    Raises:
        Damaged: the bytes are not what was kept.
        StorageUnavailable: they cannot be read now.
    """
    return wire_text(work, blobs.read(work.message.blob_id))


def wire_text(work: Work, raw: bytes) -> bytes:
    """All that is sent of a message.

    A forwarded copy says which address of ours it has passed, so that it is known if it comes back.
    """
    message = work.message
    passed = f"Delivered-To: {work.forwarded_from}\r\n".encode() if work.forwarded_from else b""
    return passed + message.signatures + assemble(message.prefix, raw, message.cuts)


def _split(message: Outgoing) -> list[Work]:
    """By reverse path and forwarding address, in transactions that any server takes."""
    groups: dict[tuple[str, str], list[OutgoingRecipient]] = {}
    for recipient in message.recipients:
        key = (reverse_path(message.sender, recipient), _forwarded_from(recipient))
        groups.setdefault(key, []).append(recipient)
    return [
        Work(message, path, tuple(some[first : first + MOST_RECIPIENTS]), forwarded_from)
        for (path, forwarded_from), some in groups.items()
        for first in range(0, len(some), MOST_RECIPIENTS)
    ]


def _forwarded_from(recipient: OutgoingRecipient) -> str:
    if recipient.original == recipient.address:
        return ""
    try:
        Address.parse(recipient.original)
    except AddressError:  # <postmaster> alone
        return ""
    return recipient.original
