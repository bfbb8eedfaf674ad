"""Letters to the administrators of domains whose required records are wrong in two checks in a row:
one for each trouble, until all of them are right again."""

import logging
import time
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.delivery import ownletters
from apps.directory.postmasters import POSTMASTER
from apps.dnscheck import queries
from apps.dnscheck.queries import Trouble
from apps.dnscheck.services import keeping
from apps.mime.address import Address
from apps.provisioning.notices import send, wrapped
from apps.ui.addresses import absolute
from apps.wire.errors import MailError, NotFound

logger = logging.getLogger(__name__)

RUN_SECONDS: Final = 60.0
"""After which a run begins no more: other housekeeping has its turn, and the next run goes on."""


def tell_all() -> int:
    """Tell of every trouble that nobody was told of yet; how many letters went.

    Two who run at once send one letter: whoever notes it first.
    """
    end, sent = time.monotonic() + RUN_SECONDS, 0
    for one in queries.untold():
        if time.monotonic() > end:
            break
        sent += _tell(one)
    return sent


def _tell(one: Trouble) -> bool:
    try:
        return tell(one)
    except MailError as error:
        logger.warning("a letter waits", extra={"domain": one.name, "detail": error.detail})
    except Exception:
        # A domain for which none can be made must not stop the others.
        logger.exception("no letter on a domain's records", extra={"domain": one.name})
    return False


def tell(one: Trouble) -> bool:
    """Tell of one, unless somebody else has; whether a letter went."""
    address = Address(POSTMASTER, one.name)
    recipients = ownletters.administrators(str(address))
    if not recipients:
        return False
    subject, text = compose(one)
    with transaction.atomic():
        if not keeping.note_told(one.domain_id, timezone.now()):
            return False
        send(address, recipients, domain=one.name, subject=subject, text=text)
    return True


def compose(one: Trouble) -> tuple[str, str]:
    """Subject and text. Pure but for settings."""
    lines = [
        *wrapped(
            f"Records of {one.name} in the DNS are wrong or missing; two checks in a row found it"
            " so. Mail to or from the domain may get lost or refused because of it."
        ),
        "",
        *(f"    {title}" for title in one.titles),
        "",
        *wrapped(
            "What each of them should be, and what is there, is on the domain's page. If it is so"
            " on purpose, say so there, and nobody is told any more."
        ),
        *_link(one),
        "",
        f"The mail service at {settings.MAIL_HOSTNAME}",
    ]
    return f"DNS records of {one.name} need work", "\n".join(lines)


def _link(one: Trouble) -> list[str]:
    try:
        return ["", f"    {absolute('console-domain', str(one.domain_id))}"]
    except NotFound:
        return []
