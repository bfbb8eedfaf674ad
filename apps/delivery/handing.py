"""Handing in a letter that a page wrote for a user, as their mail program would: signed headers,
limits, queue."""

from collections.abc import Sequence
from uuid import UUID

from django.conf import settings

from apps.blobs import services as blobs
from apps.delivery import submission
from apps.delivery.accept import accept
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.mime.address import Address
from apps.mime.caption import caption_told
from apps.wire.errors import MailError


def hand_in(
    raw: bytes,
    *,
    mail_id: UUID,
    user_id: int,
    sender: Address,
    recipients: Sequence[EnvelopeRecipient],
    door: str,
    at_us: int,
    smtputf8: bool,
) -> None:
    """Queue it; who calls rings the bell once that is committed.

    Args:
        raw: the whole message, lines end in CRLF.
        mail_id: a new ULID: of the message, and of its trace.
        at_us: now, microseconds since 1970.

    Raises:
        MailError: it is not taken, in words.
    """
    prepared = submission.submit(
        raw,
        user_id=user_id,
        sender=sender,
        message_id=mail_id,
        now_us=at_us,
        hostname=settings.MAIL_HOSTNAME,
    )
    letter = Submission(
        id=mail_id,
        trace_id=mail_id,
        blob=blobs.prepare(raw),
        prefix=prepared.fields,
        cuts=prepared.cuts,
        sender=str(sender),
        recipients=tuple(recipients),
        door=door,
        user_id=user_id,
        client={},
        received_at_us=at_us,
        smtputf8=smtputf8,
        message_id=prepared.message_id,
        traced=caption_told(raw),
    )
    (answer,) = accept([letter])
    if isinstance(answer, MailError):
        raise answer
