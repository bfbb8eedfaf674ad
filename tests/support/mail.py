"""Messages and submissions for tests: made by hand, so that every byte is known."""

from collections.abc import Sequence

from apps.blobs import services as blobs
from apps.delivery import process
from apps.directory.models import User
from apps.mailqueue.models import Lane
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid

RAW = (
    b"From: Carol <carol@outside.invalid>\r\n"
    b"To: alice@example.test\r\n"
    b"Subject: Quarterly figures\r\n"
    b"Date: Tue, 24 Nov 2026 10:00:00 +0100\r\n"
    b"Message-ID: <q3@outside.invalid>\r\n"
    b"\r\n"
    b"The figures are attached.\r\n"
)
RECEIVED = b"Received: from outside.invalid by mail.example.test with ESMTP\r\n"


def local(*users: User) -> tuple[EnvelopeRecipient, ...]:
    """Envelope recipients for users."""
    return tuple(EnvelopeRecipient(user.address, user.address, user.pk) for user in users)


def submission(
    recipients: Sequence[EnvelopeRecipient],
    raw: bytes = RAW,
    *,
    prefix: bytes = RECEIVED,
    cuts: tuple[tuple[int, int], ...] = (),
    sender: str = "carol@outside.invalid",
    door: str = "mx",
    hold_until_us: int = 0,
) -> Submission:
    """A message as a door offers it to `delivery.accept`."""
    receive_id = new_ulid()
    return Submission(
        id=receive_id,
        trace_id=receive_id,
        blob=blobs.prepare(raw),
        prefix=prefix,
        cuts=cuts,
        sender=sender,
        recipients=tuple(recipients),
        door=door,
        user_id=None,
        client={"address": "192.0.2.1", "helo": "outside.invalid"},
        received_at_us=now_us(),
        hold_until_us=hold_until_us,
    )


def drain() -> None:
    """Process all that is due, as the workers of both lanes do."""
    while process.run_once() or process.run_once(lane=Lane.HEAVY):
        pass
