"""Mail to administrators about what needs their eyes: an account that sends more than it may.

Goes to postmaster of the account's domain, which always is somebody, by the null path: nothing
answers it, and no limit holds it back. Queued in the caller's transaction, as mail of our own.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.blobs import services as blobs
from apps.delivery.ownmail import begun, own_mail
from apps.directory import routing
from apps.directory.limits import MeterReached
from apps.directory.models import User
from apps.directory.postmasters import POSTMASTER
from apps.directory.routing import Status
from apps.directory.services import limits
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import EnvelopeRecipient
from apps.mime.address import Address, AddressError
from apps.mime.dates import format_date
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid, ulid_text
from apps.trace import services as trace

logger = logging.getLogger(__name__)

DOOR = "report"

_TEXT = """\
{account} wanted to send a message that is over a limit. It was refused:

    {words}

The mail program has been told to try again later. Of the same limit you are told once in
its hour or day.

If this is a person at work, raise the limit:

    manage.py limit show {account}
    manage.py limit set {account} --messages-per-hour NUMBER

If it is not, somebody else may have the password. Stop it, then look at what was sent:

    manage.py user suspend {account}
    manage.py queue list
"""


def limit_reached(
    error: MeterReached, user_id: int, trace_id: UUID, client: Mapping[str, Any]
) -> None:
    """Tell of a limit that is reached, once in its hour or day, within the caller's transaction.

    Args:
        user_id: who wanted to send.
        trace_id, client: of the message, or of the connection if it has not come that far.
    """
    if not limits.is_news(error.key):
        return
    account = User.objects.filter(pk=user_id).values_list("address", flat=True).first() or ""
    told = {"account": account, "scope": error.key[0], "why": error.reply.text}
    logger.warning("a sending limit was reached", extra=told)
    trace.record([trace.Event(trace_id, "submission.limited", {**client, **told})])
    _send(account, error.reply.text)


@transaction.atomic
def limit_reached_early(
    error: MeterReached, user_id: int, trace_id: UUID, client: Mapping[str, Any]
) -> None:
    """The same in a transaction of its own, for who is refused before there is a message."""
    limit_reached(error, user_id, trace_id, client)


def _send(account: str, words: str) -> None:
    recipients = _readers(account)
    if not recipients:
        return
    alert_id, at_us = new_ulid(), now_us()
    raw = _compose(account, words, ulid_text(alert_id), at_us)
    mail = own_mail(
        raw,
        mail_id=alert_id,
        at_us=at_us,
        recipients=recipients,
        door=DOOR,
        smtputf8=not raw.isascii(),
    )
    blobs.insert([mail.blob])
    mailqueue.enqueue([mail])
    trace.record([begun(mail)])
    transaction.on_commit(bell.ring)


def _readers(account: str) -> tuple[EnvelopeRecipient, ...]:
    try:
        postmaster = Address(POSTMASTER, Address.parse(account).domain)
    except AddressError:
        return ()
    resolution = routing.resolve(postmaster)
    if resolution.status is not Status.LOCAL:
        resolution = routing.resolve_postmaster()
    original = str(postmaster)
    # Not `is_limited`: a full mailbox must not keep the one mail out that says so much.
    local = [
        EnvelopeRecipient(user.address, original, user.user_id, is_limited=False)
        for user in resolution.users
    ]
    return (*local, *(EnvelopeRecipient(one, original, None) for one in resolution.remote))


def _compose(account: str, words: str, alert_id: str, at_us: int) -> bytes:
    text = _TEXT.format(account=account, words=words)
    host = settings.MAIL_HOSTNAME
    header = (
        f"From: Mail service <{POSTMASTER}@{host}>",
        f"To: {POSTMASTER}@{Address.parse(account).domain}",
        f"Subject: {account} has reached a sending limit",
        f"Date: {format_date(datetime.fromtimestamp(at_us / 1_000_000, UTC))}",
        f"Message-ID: <{alert_id.lower()}@{host}>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    )
    lines = [*header, "", *text.splitlines(), ""]
    return "\r\n".join(lines).encode()
