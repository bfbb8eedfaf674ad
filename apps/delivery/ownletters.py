"""Letters of the service to its own users and administrators: text, and HTML beside it if wanted.

Whatever stands in them came from strangers, perhaps: `fold` keeps header fields to one, the text is
cleaned of what drives a terminal, and templates escape. They are queued as mail of our own, by the
null path, in the caller's transaction.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.blobs import services as blobs
from apps.delivery.members import members
from apps.delivery.ownmail import begun, own_mail
from apps.directory import routing
from apps.directory.postmasters import POSTMASTER
from apps.directory.routing import Resolution, Status
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import EnvelopeRecipient
from apps.mime import dsn
from apps.mime.address import Address, AddressError
from apps.mime.compose_header import date_field, fold, fold_addresses
from apps.runtime.ulid import ulid_text
from apps.trace import services as trace

DOOR: Final = "report"


def compose(
    *,
    to: Address,
    subject: str,
    text: str,
    letter_id: UUID,
    at_us: int,
    html: str = "",
    domain: str = "",
) -> bytes:
    """A letter from the postmaster of a domain of ours, CRLF line ends. Pure but for settings.

    Args:
        domain: whose postmaster writes; "" is the reader's own.
        html: a whole document that says the same; "" for none.
        letter_id: of the mail, and so of its Message-ID.
        at_us: Unix microseconds.
    """
    utf8 = not to.is_ascii
    name = ulid_text(letter_id).lower()
    head = (
        fold_addresses("From", [("Mail service", Address(POSTMASTER, domain or to.domain))]),
        fold_addresses("To", [("", to)], utf8=utf8),
        fold("Subject", subject, utf8=utf8),
        date_field(datetime.fromtimestamp(at_us // 1_000_000, UTC)),
        fold("Message-ID", f"<{name}@{settings.MAIL_HOSTNAME}>"),
        b"Auto-Submitted: auto-generated\r\n",
        b"MIME-Version: 1.0\r\n",
    )
    plain = _part("plain", text)
    if not html:
        return b"".join((*head, plain))
    # Lines of both parts are quoted-printable or ours: none can be this boundary.
    line = f"--=_{name}".encode()
    kind = fold("Content-Type", f'multipart/alternative; boundary="=_{name}"')
    parts = (line, b"\r\n", plain, line, b"\r\n", _part("html", html), line, b"--\r\n")
    return b"".join((*head, kind, b"\r\n", *parts))


def _part(kind: str, text: str) -> bytes:
    """Content-Type, encoding, empty line, body."""
    body = ("\r\n".join(text.splitlines()) + "\r\n").encode("utf-8", "replace")
    return b"".join(
        (
            f"Content-Type: text/{kind}; charset=utf-8\r\n".encode(),
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
            dsn.quoted_printable(body),
        )
    )


def queue(
    raw: bytes, recipients: Sequence[EnvelopeRecipient], *, letter_id: UUID, at_us: int
) -> None:
    """Queue a letter, within the caller's transaction."""
    mail = own_mail(
        raw,
        mail_id=letter_id,
        at_us=at_us,
        recipients=tuple(recipients),
        door=DOOR,
        smtputf8=any(not one.address.isascii() for one in recipients),
    )
    blobs.insert([mail.blob])
    mailqueue.enqueue([mail])
    trace.record([begun(mail, **members(recipients))])
    transaction.on_commit(bell.ring)


def readers(address: str) -> tuple[EnvelopeRecipient, ...]:
    """Who gets a letter to a user of ours: the user, and where the user's mail is sent on."""
    try:
        resolution = routing.resolve(Address.parse(address))
    except AddressError:
        return ()
    return _recipients(address, resolution) if resolution.status is Status.LOCAL else ()


def anybody(address: str) -> tuple[EnvelopeRecipient, ...]:
    """Who gets a letter to any address, of ours or elsewhere; nobody if it leads nowhere."""
    try:
        resolution = routing.resolve(Address.parse(address))
    except AddressError:
        return ()
    return led_to(address, resolution)


def led_to(address: str, resolution: Resolution) -> tuple[EnvelopeRecipient, ...]:
    """Who gets a letter to an address that leads there; nobody if it leads nowhere."""
    goes = resolution.status in {Status.LOCAL, Status.REMOTE}
    return _recipients(address, resolution) if goes else ()


def administrators(account: str) -> tuple[EnvelopeRecipient, ...]:
    """Who gets a letter about an account to its administrators: postmaster of its domain, which
    always is somebody."""
    try:
        postmaster = Address(POSTMASTER, Address.parse(account).domain)
    except AddressError:
        return ()
    resolution = routing.resolve(postmaster)
    if resolution.status is not Status.LOCAL:
        resolution = routing.resolve_postmaster()
    return _recipients(str(postmaster), resolution)


def _recipients(original: str, resolution: Resolution) -> tuple[EnvelopeRecipient, ...]:
    # Not `is_limited`: a full mailbox must not keep out the one letter that says so much.
    local = [
        EnvelopeRecipient(user.address, original, user.user_id, notify="NEVER", is_limited=False)
        for user in resolution.users
    ]
    elsewhere = [
        EnvelopeRecipient(one, original, None, notify="NEVER") for one in resolution.remote
    ]
    return (*local, *elsewhere)
