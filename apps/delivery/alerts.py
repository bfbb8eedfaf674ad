"""Mail to administrators about what needs their eyes: an account that sends more than it may.

Goes to postmaster of the account's domain, which always is somebody, by the null path: nothing
answers it, and no limit holds it back. Queued in the caller's transaction, as mail of our own.
"""

from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from apps.blobs import services as blobs
from apps.directory import routing
from apps.directory.postmasters import POSTMASTER
from apps.directory.routing import Status
from apps.directory.services.limits import Refusal
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.mime.address import Address, AddressError
from apps.mime.dates import format_date
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid, ulid_text

DOOR = "report"

_TEXT = """\
{account} wanted to send a message to {recipients}. It was refused:

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


def limit_reached(message: Submission, account: str, refusal: Refusal) -> None:
    """Tell of the first refusal of an hour or a day, within the caller's transaction."""
    recipients = _readers(account)
    if not recipients:
        return
    alert_id, at_us = new_ulid(), now_us()
    raw = _compose(message, account, refusal, ulid_text(alert_id), at_us)
    mail = Submission(
        id=alert_id,
        trace_id=alert_id,
        blob=blobs.prepare(raw),
        prefix=b"",
        cuts=(),
        sender="",
        recipients=recipients,
        door=DOOR,
        user_id=None,
        client={},
        received_at_us=at_us,
        smtputf8=not raw.isascii(),
        body="" if raw.isascii() else "8BITMIME",
    )
    blobs.insert([mail.blob])
    mailqueue.enqueue([mail])
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


def _compose(
    message: Submission, account: str, refusal: Refusal, alert_id: str, at_us: int
) -> bytes:
    count = len({one.original for one in message.recipients})
    text = _TEXT.format(
        account=account,
        recipients="one recipient" if count == 1 else f"{count} recipients",
        words=refusal.error.reply.text,
    )
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
