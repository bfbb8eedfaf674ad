"""Mail that the service itself writes: reports, alerts, questions. It goes by the null path, so
that nothing answers it and no report is made of it (RFC 5321 section 4.5.5)."""

from uuid import UUID

from apps.blobs import services as blobs
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.mime.caption import caption_told
from apps.runtime.ulid import ulid_text
from apps.trace import services as trace


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
        traced=caption_told(raw),
    )


def begun(mail: Submission, **more: object) -> trace.Event:
    """The event that its trace begins with; `more` says what it is about."""
    data = {
        **mail.traced,
        "from": mail.sender,
        "to": list(dict.fromkeys(one.original for one in mail.recipients)),
        "size": mail.size,
        "queue_id": ulid_text(mail.id),
        **more,
    }
    return trace.Event(mail.trace_id, f"{mail.door}.received", data)
