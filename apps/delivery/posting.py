"""A letter of a user is handed in: made ready outside of any transaction, then promised to be sent.

For doors where a message is written here or comes whole, and not by SMTP. `ready` says what it will
be, `post` keeps the promise together with the copy in Sent, `call_back` takes both back while
nothing of it has left.
"""

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.blobs import services as blobs
from apps.delivery import recall, submission
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.events import bell
from apps.mailqueue.models import QueuedMessage
from apps.mailqueue.services import EnvelopeRecipient, Recall, Submission
from apps.mailstore.models import FLAG_SEEN, Entry, SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.services import expunge, rolebox
from apps.mailstore.services.append import Appending, append
from apps.mailstore.services.prepare import PreparedMessage, prepare
from apps.mime import headers
from apps.mime.address import Address
from apps.mime.caption import caption_told
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.wire.errors import InUse, MailError, MessageTooLarge, NotFound, Refused

_SECOND_US: Final = 1_000_000
_WEBMAIL: Final = "webmail"  # its letters are drafts besides: only there they are called back


class TooLate(Refused):
    """It is on its way, or has arrived."""

    http_status = 409


@dataclass(frozen=True, slots=True)
class Ready:
    """A letter that may leave.

    Args:
        message: the copy of who wrote it, of the same octets.
        date: Unix seconds of that copy: when it leaves.
    """

    user: User
    submission: Submission
    message: PreparedMessage
    date: int

    @property
    def id(self) -> UUID:
        """Of its row in the queue, and of its trace."""
        return self.submission.id


def ready(
    raw: bytes,
    *,
    user: User,
    sender: Address,
    recipients: tuple[EnvelopeRecipient, ...],
    door: str,
    until_us: int = 0,
) -> Ready:
    """Make a letter ready; all that may refuse it for what it is does so here.

    Args:
        raw: the whole message, CRLF line ends.
        sender: whom it comes from, for the envelope.
        door: the word by which queue and trace know where it came in.
        until_us: it is held back until then, Unix microseconds; 0: not at all.

    Raises:
        SenderNotAllowed: the user may not write as the sender, or as who From names.
        HeaderRefused, MessageTooLarge
        StorageFull, StorageUnavailable: a large one could not be written.
    """
    if len(raw) > settings.MESSAGE_SIZE_LIMIT:
        raise MessageTooLarge(text=f"A message has up to {settings.MESSAGE_SIZE_LIMIT} octets")
    item = _submission(raw, user, submission.reverse_path(user.pk, sender).address, recipients)
    item = replace(item, door=door, hold_until_us=until_us)
    copy = prepare(raw, trace_id=item.id, prefix=item.prefix, blob_id=item.blob.id)
    return Ready(user, item, copy, (until_us or item.received_at_us) // _SECOND_US)


def _submission(
    raw: bytes, user: User, sender: Address | None, recipients: tuple[EnvelopeRecipient, ...]
) -> Submission:
    queue_id, start_us = new_ulid(), now_us()
    prepared = submission.submit(
        raw,
        user_id=user.pk,
        sender=sender or Address.parse(user.address),
        message_id=queue_id,
        now_us=start_us,
        hostname=settings.MAIL_HOSTNAME,
    )
    came_from = "" if sender is None else str(sender)
    addresses = (came_from, *(one.address for one in recipients))
    return Submission(
        id=queue_id,
        trace_id=queue_id,
        blob=blobs.prepare(raw),
        prefix=prepared.fields + submission.separator(raw),
        cuts=prepared.cuts,
        sender=came_from,
        recipients=recipients,
        door="",
        user_id=user.pk,
        client={},
        received_at_us=start_us,
        smtputf8=not (all(map(str.isascii, addresses)) and _has_plain_header(raw)),
        body="" if raw.isascii() else "8BITMIME",
        message_id=prepared.message_id,
        traced={"account": user.address, **caption_told(raw)},
    )


def _has_plain_header(raw: bytes) -> bool:
    return raw[: headers.scan(raw).body_start].isascii()


def post(letter: Ready, *, origin: Origin, keeps_copy: bool = True) -> None:
    """Have it sent, and put a copy into Sent: both or neither.

    Raises:
        SendLimitReached, TooManyRecipients
        QuotaExceeded: there is no room for it, at a recipient or for the copy.
    """
    try:
        refused = _post(letter, origin, keeps_copy=keeps_copy)
    except MailError:
        discard(letter)  # not after other failures: of a commit that was cut off nobody knows
        raise
    if refused is not None:
        discard(letter)
        raise refused


def discard(letter: Ready) -> None:
    """Forget a letter that will not be posted."""
    blobs.discard(letter.submission.blob)


@transaction.atomic
def _post(letter: Ready, origin: Origin, *, keeps_copy: bool) -> MailError | None:
    """What the queue refuses is returned, not raised: nothing has changed by then but that an
    administrator is told of a limit, and that is to stay."""
    user_id = letter.user.pk
    sent = rolebox.find(user_id=user_id, use=SpecialUse.SENT) if keeps_copy else None
    (answer,) = accept([letter.submission], accounts=[user_id] if keeps_copy else [])
    if isinstance(answer, MailError):
        return answer
    if sent is not None:
        one = Appending(message=letter.message, internaldate=letter.date, flags=FLAG_SEEN)
        append(mailbox_id=sent, user_id=user_id, messages=[one], origin=origin)
    if not letter.submission.hold_until_us:
        transaction.on_commit(bell.ring)
    return None


@transaction.atomic
def call_back(message_id: UUID, user: User, *, origin: Origin) -> None:
    """Take a letter back of which nothing has left, and its copy from Sent. Again is no error.

    Raises:
        NotFound: no such letter of this user.
        TooLate: some of it has left.
        InUse: it was written in webmail.
    """
    own(message_id, user)
    done = recall.cancel(message_id, user.pk, accounts=[user.pk])
    if done is Recall.UNKNOWN:
        raise _missing(message_id)
    if done is Recall.TOO_LATE:
        raise TooLate(f"{message_id} has left", text="It is too late: some of it has left")
    if done is Recall.CANCELLED:
        _drop_copy(message_id, user.pk, origin)


def own(message_id: UUID, user: User) -> QueuedMessage:
    """A letter of this user that is in the queue, or was lately.

    Raises:
        NotFound
        InUse: it was written in webmail, where it is changed.
    """
    found = QueuedMessage.objects.only("door").filter(pk=message_id, user_id=user.pk).first()
    if found is None:
        raise _missing(message_id)
    if found.door == _WEBMAIL:
        raise InUse(f"{message_id}", text="It was written in webmail: change it there")
    return found


def _drop_copy(trace_id: UUID, user_id: int, origin: Origin) -> None:
    there = Entry.objects.filter(
        message__trace_id=trace_id,
        mailbox__user_id=user_id,
        mailbox__special_use=SpecialUse.SENT,
        mailbox__deleted_at=None,
    )
    for mailbox_id, uid in there.order_by("mailbox_id", "uid").values_list("mailbox_id", "uid"):
        expunge.expunge(mailbox_id=mailbox_id, uids=[uid], origin=origin, marked=False)


def _missing(message_id: UUID) -> NotFound:
    return NotFound(f"letter {message_id}", text="There is no such letter of yours")
