"""Leave a mailing list: ask its host (RFC 8058), or send a letter of the reader's (RFC 2369)."""

import asyncio
from datetime import UTC, datetime
from typing import Final

from django.utils.translation import gettext as _

from apps.delivery.handing import hand_in
from apps.directory import routing, throttle
from apps.directory.models import User
from apps.directory.routing import Status
from apps.events import bell
from apps.mailqueue.services import EnvelopeRecipient
from apps.mime import dsn
from apps.mime.address import Address
from apps.mime.compose_header import date_field, fold, fold_addresses
from apps.remote.addresses import is_public
from apps.remote.webfetch import FetchError, Web
from apps.resolver.live import live_resolver
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.webmail.why.unsubscribing import Offer
from apps.wire.errors import Refused, Throttled

SECONDS: Final = 10.0
BODY: Final = b"List-Unsubscribe=One-Click"  # RFC 8058 section 3.2
MOST: Final = 30  # an hour, of one user
_HOUR: Final = 3_600


def admit(user_id: int) -> None:
    """Raises Throttled."""
    if not throttle.passes(f"unsubscribe:{user_id}", "", most=MOST, seconds=_HOUR):
        raise Throttled(text=_("Too many lists at once. Try again in an hour."))


def ask(offer: Offer) -> str:
    """Ask the list's host by one POST: no redirect, no cookie, no private address. What it answers
    is a stranger's, and only its status counts.

    Raises:
        Refused: it did not take it, in words.
    """
    try:
        status = asyncio.run(_post(offer.url))
    except FetchError as error:
        text = _("{host} could not be asked. Try its own page, or block the sender.")
        raise Refused(str(error), text=text.replace("{host}", offer.where)) from None
    if not 200 <= status < 300:
        text = _("{host} did not take it (it answered {status}). You may block the sender instead.")
        words = text.replace("{host}", offer.where).replace("{status}", str(status))
        raise Refused(f"status {status}", text=words)
    return _("{host} was asked to take you off the list.").replace("{host}", offer.where)


def client() -> Web:
    """The client of one errand, for the running loop."""
    return Web(live_resolver(), seconds=SECONDS, reaches=is_public)


async def _post(url: str) -> int:
    web = client()
    try:
        return await web.tell(url, BODY, "application/x-www-form-urlencoded")
    finally:
        await web.close()


def write(user: User, offer: Offer) -> str:
    """Send the letter that a list asks for, as the user and within the user's limits.

    Raises:
        MailError: it cannot be sent, in words.
    """
    mail_id, at_us = new_ulid(), now_us()
    me, to = Address.parse(user.address), Address.parse(offer.to)
    hand_in(
        _letter(me, to, offer, at_us),
        mail_id=mail_id,
        user_id=user.pk,
        sender=me,
        recipients=_recipients(to),
        door="webmail",
        at_us=at_us,
        smtputf8=not (me.is_ascii and to.is_ascii),
    )
    bell.ring()
    return _("A letter to {address} is on its way.").replace("{address}", str(to))


def _letter(me: Address, to: Address, offer: Offer, at_us: int) -> bytes:
    utf8 = not (me.is_ascii and to.is_ascii)
    body = (offer.text or "unsubscribe") + "\r\n"
    return b"".join(
        (
            fold_addresses("From", [("", me)], utf8=utf8),
            fold_addresses("To", [("", to)], utf8=utf8),
            fold("Subject", offer.subject, utf8=utf8),
            date_field(datetime.fromtimestamp(at_us // 1_000_000, UTC)),
            b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n",
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
            dsn.quoted_printable(body.encode("utf-8", "replace")),
        )
    )


def _recipients(to: Address) -> tuple[EnvelopeRecipient, ...]:
    found = routing.resolve(to)
    if found.status not in {Status.LOCAL, Status.REMOTE}:
        raise Refused("unsubscribe", text=_("That address is none that takes mail."))
    local = (EnvelopeRecipient(one.address, str(to), one.user_id) for one in found.users)
    return (*local, *(EnvelopeRecipient(one, str(to), None) for one in found.remote))
