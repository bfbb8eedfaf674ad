"""Mail that the service itself writes: reports, alerts, questions. It goes by the null path, so
that nothing answers it and no report is made of it (RFC 5321 section 4.5.5)."""

from uuid import UUID

from apps.blobs import services as blobs
from apps.mailqueue.services import EnvelopeRecipient, Submission


def own_mail(
    raw: bytes,
    *,
    mail_id: UUID,
    at_us: int,
    recipients: tuple[EnvelopeRecipient, ...],
    door: str,
    smtputf8: bool = False,
    requires_tls: bool = False,
) -> Submission:
    """What to enqueue for a message of ours; its blob is prepared, and still to be inserted.

    Args:
        raw: the message, CRLF line ends.
        mail_id: receive id and trace id in one.
        at_us: Unix microseconds.
        door: the word by which queue and trace know what it is.
    """
    return Submission(
        id=mail_id,
        trace_id=mail_id,
        blob=blobs.prepare(raw),
        prefix=b"",
        cuts=(),
        sender="",
        recipients=recipients,
        door=door,
        user_id=None,
        client={},
        received_at_us=at_us,
        smtputf8=smtputf8,
        body="" if raw.isascii() else "8BITMIME",
        requires_tls=requires_tls,
        is_cleared=True,
    )
