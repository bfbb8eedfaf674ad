"""The letter that asks an address whether mail may be sent on to it.

It tells nothing but who asks: no name, no words of the user's own, so that nobody has us write to
strangers for him.
"""

from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.blobs import services as blobs
from apps.delivery.ownmail import begun, own_mail
from apps.directory import routing
from apps.directory.postmasters import POSTMASTER
from apps.directory.routing import REFUSALS, Status
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import EnvelopeRecipient
from apps.mime import dsn
from apps.mime.address import Address
from apps.mime.compose_header import date_field, fold, fold_addresses
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid, ulid_text
from apps.trace import services as trace

DOOR = "report"

_TEXT = """\
{owner} would like mail that arrives there to be sent on to
you, at {target}.

Is that all right? Until you say so on this page, nothing is sent on:

{link}

The link works for {days} days; once you have agreed, it goes on working, and
the same page ends it whenever you have had enough. If you do not know what
this is about, you need do nothing.

The mail service at {host}
"""


def queue_question(*, owner: Address, target: Address, link: str, days: int) -> None:
    """Queue the letter, within the caller's transaction.

    Args:
        link: of the page where the target agrees.

    Raises:
        MailError: the target is an address of ours that nobody has, or that is suspended.
    """
    letter_id, at_us = new_ulid(), now_us()
    recipients = _recipients(target)
    raw = _compose(owner, target, link, days, (letter_id, at_us))
    mail = own_mail(
        raw,
        mail_id=letter_id,
        at_us=at_us,
        recipients=recipients,
        door=DOOR,
        smtputf8=not target.is_ascii,
    )
    blobs.insert([mail.blob])
    mailqueue.enqueue([mail])
    trace.record([begun(mail)])
    transaction.on_commit(bell.ring)


def _recipients(target: Address) -> tuple[EnvelopeRecipient, ...]:
    resolution = routing.resolve(target)
    if resolution.status not in {Status.LOCAL, Status.REMOTE}:
        raise REFUSALS[resolution.status](f"forward target {target}")
    to = str(target)
    return (
        *(
            EnvelopeRecipient(user.address, to, user.user_id, notify="NEVER", is_limited=False)
            for user in resolution.users
        ),
        *(EnvelopeRecipient(one, to, None, notify="NEVER") for one in resolution.remote),
    )


def _compose(
    owner: Address, target: Address, link: str, days: int, stamp: tuple[UUID, int]
) -> bytes:
    letter_id, at_us = stamp
    utf8 = not target.is_ascii
    text = _TEXT.format(
        owner=owner.display,
        target=target.display,
        link=link,
        days=days,
        host=settings.MAIL_HOSTNAME,
    )
    return b"".join(
        [
            fold_addresses("From", [("Mail service", Address(POSTMASTER, owner.domain))]),
            fold_addresses("To", [("", target)], utf8=utf8),
            fold("Subject", f"May mail for {owner.display} be sent on to you?", utf8=utf8),
            date_field(datetime.fromtimestamp(at_us // 1_000_000, UTC)),
            fold("Message-ID", f"<{ulid_text(letter_id).lower()}@{settings.MAIL_HOSTNAME}>"),
            b"Auto-Submitted: auto-generated\r\n",
            b"MIME-Version: 1.0\r\n",
            b"Content-Type: text/plain; charset=utf-8\r\n",
            *_body(text),
        ]
    )


def _body(text: str) -> tuple[bytes, bytes]:
    """The body with the field that says how it is encoded."""
    lines = "\r\n".join(text.splitlines()) + "\r\n"
    if lines.isascii():
        return b"Content-Transfer-Encoding: 7bit\r\n\r\n", lines.encode("ascii")
    encoded = dsn.quoted_printable(lines.encode("utf-8", "replace"))
    return b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", encoded
