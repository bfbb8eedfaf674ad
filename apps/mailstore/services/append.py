"""Puts messages into a mailbox on a user's behalf: APPEND, and what the web or an import saves.

All messages of one call become visible at once or not at all (RFC 3502), in one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import transaction

from apps.blobs import services as blobs
from apps.mailstore.origin import Origin
from apps.mailstore.services import marks, purge, quota
from apps.mailstore.services.deliver import Filed, Filing, deliver
from apps.mailstore.services.prepare import PreparedMessage


@dataclass(frozen=True, slots=True)
class Appending:
    """One message to append: what it is, and how it shall show."""

    message: PreparedMessage
    internaldate: int
    flags: int = 0
    keywords: tuple[str, ...] = ()
    internaldate_offset: int = 0


class AppendResult(NamedTuple):
    """What APPENDUID tells (RFC 4315 section 3)."""

    uidvalidity: int
    uid: int
    modseq: int


def append(
    *, mailbox_id: int, user_id: int, messages: Sequence[Appending], origin: Origin
) -> list[AppendResult]:
    """Append messages in a transaction of its own; returns their UIDs in order.

    Args:
        user_id: whose mailbox it is, not who appends: that is `origin.user_id`.

    Raises:
        QuotaExceeded: the user is full, or would be before the last of the messages.
        NotFound: no such mailbox of that user.
    """
    filings = [
        Filing(
            message=one.message,
            user_id=user_id,
            mailbox_id=mailbox_id,
            internaldate=one.internaldate,
            internaldate_offset=one.internaldate_offset,
            flags=one.flags,
            keywords=one.keywords,
            origin=origin,
        )
        for one in messages
    ]

    def file() -> list[Filed]:
        with transaction.atomic():
            quota.require(user_id, [one.message.size for one in messages])
            filed = deliver(filings, what="append")
            said = [(one.message.blob_id, one.keywords) for one in messages]
            marks.note_appended(mailbox_id, user_id, said)
            return filed

    filed = purge.after_trim(user_id, file)
    return [AppendResult(one.uidvalidity, one.uid, one.modseq) for one in filed]


def discard(messages: Sequence[PreparedMessage]) -> None:
    """Forget messages that were prepared and will not be appended."""
    for message in messages:
        if message.blob is not None:
            blobs.discard(message.blob)
