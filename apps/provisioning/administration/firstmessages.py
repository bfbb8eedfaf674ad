"""The message by which a new installation shows that mail arrives: it goes the way of all mail,
through queue, scanner and delivery."""

from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.audit.services import record
from apps.delivery import ownletters
from apps.delivery.handing import hand_in
from apps.directory import subjects
from apps.directory.models import Kind, User
from apps.directory.permissions import Ability, Powers
from apps.events import bell
from apps.mailqueue.services import EnvelopeRecipient
from apps.mailstore.queries import limits
from apps.mime.address import Address
from apps.mime.compose_header import date_field, fold, fold_addresses
from apps.provisioning.administration.sight import demand, find_user
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.wire.errors import InUse

SUBJECT = "Your first message"
_DOOR = "setup"


def send(*, powers: Powers, user_id: int) -> UUID:
    """Send a first message to a user's mailbox: one's own as a message to oneself, as mail programs
    hand it in; to others the service writes, as nobody sends in their name.

    Returns:
        Its trace, by which it is found when it has arrived.

    Raises:
        NotFound, NotPermitted
        InUse: the user's mailbox is not here.
        MailError: it is not taken: no space, too many messages.
    """
    user = find_user(powers, user_id)
    demand(powers, Ability.MAKE_OPERATORS)
    if user.domain_id is None or user.kind != Kind.PERSON:
        raise InUse("no mailbox", text=f"{user.address} has no mailbox here")
    to = Address.parse(user.address)
    with transaction.atomic():
        trace_id = _submit(user, to) if user.pk == powers.user_id else _write(to)
        record("setup.message", **subjects.of_user(user))
    bell.ring()
    return trace_id


def _submit(user: User, me: Address) -> UUID:
    mail_id, at_us = new_ulid(), now_us()
    is_limited = user.pk in limits([user.pk])
    to = EnvelopeRecipient(user.address, str(me), user.pk, is_limited=is_limited)
    hand_in(
        _letter(me, at_us),
        mail_id=mail_id,
        user_id=user.pk,
        sender=me,
        recipients=[to],
        door=_DOOR,
        at_us=at_us,
        smtputf8=not me.is_ascii,
    )
    return mail_id


def _write(to: Address) -> UUID:
    letter_id, at_us = new_ulid(), now_us()
    raw = ownletters.compose(
        to=to, subject=SUBJECT, text=_text(), letter_id=letter_id, at_us=at_us, domain=to.domain
    )
    ownletters.queue(raw, ownletters.anybody(str(to)), letter_id=letter_id, at_us=at_us)
    return letter_id


def _letter(me: Address, at_us: int) -> bytes:
    utf8 = not me.is_ascii
    return b"".join(
        (
            fold_addresses("From", [("", me)], utf8=utf8),
            fold_addresses("To", [("", me)], utf8=utf8),
            fold("Subject", SUBJECT, utf8=utf8),
            date_field(datetime.fromtimestamp(at_us // 1_000_000, UTC)),
            b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n",
            _text().replace("\n", "\r\n").encode() + b"\r\n",
        )
    )


def _text() -> str:
    return "\n".join(
        (
            "If you can read this, your mail server works: this message was handed in,",
            "looked at by the spam filter, and filed into this mailbox.",
            "",
            "Next, write to this address from an account elsewhere. That shows that the",
            "world finds this server, too.",
            "",
            f"The mail service at {settings.MAIL_HOSTNAME}",
        )
    )
