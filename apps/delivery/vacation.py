"""Answers of users who are away, written and queued in the transaction that files what they answer.

So a message that is delivered once is answered once, whatever is killed when. They go by the null
path (RFC 3834 section 3.3): nothing reports on them, and nothing that behaves answers them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.blobs import services as blobs
from apps.delivery import ownletters
from apps.delivery.ownmail import begun, own_mail
from apps.directory.models import User
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.mime.address import Address
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid, ulid_text
from apps.scan.services import notices
from apps.sieve import autoreply, services
from apps.sieve.autoreply import Answered
from apps.sieve.services import Telling
from apps.trace import services as trace
from apps.wire.errors import NotFound, Throttled

DOOR: Final = "vacation"
TESTS_IN_AN_HOUR: Final = 10


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is due, unless its reader has been told meanwhile.

    Args:
        about: trace of the message that it answers.
        to: as it is written in the answer; `recipients` are where that leads.
        sender: name and address of who is away.
    """

    about: UUID
    telling: Telling
    to: Address
    recipients: tuple[EnvelopeRecipient, ...]
    sender: tuple[str, Address]
    subject: str
    text: str
    answered: Answered


def send(replies: Sequence[Reply]) -> None:
    """Queue the answers, within the caller's transaction; a few statements for any number."""
    if not replies:
        return
    fresh = services.claim([one.telling for one in replies])
    due: dict[tuple[int, str], Reply] = {}
    for one in replies:
        key = (one.telling.user_id, one.telling.sender)
        if key in fresh:
            due.setdefault(key, one)  # two of one sender in a batch get one answer
    if not due:
        return
    mails = [(one, _mail(one)) for one in due.values()]
    _queue([mail for _, mail in mails])
    trace.record(
        [
            trace.Event(
                one.about,
                "vacation.sent",
                {
                    "for": str(one.sender[1]),
                    "to": str(one.to),
                    "trace": ulid_text(mail.trace_id),
                },
            )
            for one, mail in mails
        ]
    )


def send_test(user: User, *, subject: str, text: str) -> None:
    """Send a user the answer that others would get, as an answer to a message of theirs.

    Raises:
        NotFound: no mail reaches the user.
        Throttled: after too many within an hour.
    """
    to = Address.parse(user.address)
    recipients = ownletters.readers(user.address)
    if not recipients:
        raise NotFound(f"mailbox of {user.address}")
    with transaction.atomic():
        if notices.count(f"vacation test {user.pk}", 3600) > TESTS_IN_AN_HOUR:
            raise Throttled(f"vacation tests of {user.pk}")
        reply = Reply(
            about=new_ulid(),
            telling=Telling(user.pk, to.key, 0, 0),
            to=to,
            recipients=recipients,
            sender=(user.name, to),
            subject=subject,
            text=text,
            answered=Answered("", "", ()),
        )
        _queue([_mail(reply)])


def _queue(mails: Sequence[Submission]) -> None:
    blobs.insert([mail.blob for mail in mails])
    mailqueue.enqueue(mails)
    trace.record([begun(mail) for mail in mails])
    transaction.on_commit(bell.ring)


def _mail(one: Reply) -> Submission:
    mail_id, at_us = new_ulid(), now_us()
    name = ulid_text(mail_id).lower()
    raw = autoreply.compose(
        sender=one.sender,
        to=one.to,
        pattern=one.subject,
        text=one.text,
        answered=one.answered,
        message_id=f"<{name}@{settings.MAIL_HOSTNAME}>",
        at_us=at_us,
    )
    return own_mail(
        raw,
        mail_id=mail_id,
        at_us=at_us,
        recipients=one.recipients,
        door=DOOR,
        smtputf8=not (one.to.is_ascii and one.sender[1].is_ascii)
        or any(not each.address.isascii() for each in one.recipients),
    )
