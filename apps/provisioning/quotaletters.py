"""Letters to users whose mailboxes fill up: at 80, 95 and 100 % of the quota, once at each until it
has fallen clearly below (`mailstore.fullness`).

The letter arrives in a full mailbox too. Of a shared mailbox, which nobody reads as its own, those
are told who have the right to administer it, and the domain's administrators if nobody has. A user
who is suspended is told afterwards.
"""

import logging
import time
from typing import Final

from django.db import transaction
from django.template.defaultfilters import filesizeformat

from apps.delivery import ownletters
from apps.directory.models import Kind
from apps.mailqueue.services import EnvelopeRecipient
from apps.mailstore import fullness, shares
from apps.mailstore.fullness import Changed
from apps.mailstore.services import quotanotices
from apps.mime.address import Address
from apps.provisioning.notices import send, wrapped
from apps.runtime.clock import now
from apps.ui.addresses import absolute
from apps.wire.errors import MailError, NotFound

logger = logging.getLogger(__name__)

RUN_SECONDS: Final = 60.0
"""After which a run begins no more: other housekeeping has its turn, and the next run goes on."""
PAGE: Final = 500
KEEPERS: Final = 20  # of a shared mailbox who are told
FULL: Final = 100

_NEXT: Final = {
    80: "There is room for now. When it is full, new mail is turned away.",
    95: "There is little room left. When it is full, new mail is turned away.",
    FULL: (
        "New mail is turned away from now on. The servers of most senders try again for some days;"
        " then the senders are told that their mail did not arrive."
    ),
}
_ROOM: Final = (
    "To make room, empty the folders Trash and Junk, and delete large messages that nobody needs"
    " any more. What is deleted takes up room until Trash is emptied."
)


def tell_all() -> int:
    """Tell every user whose mailbox has reached a level since the last run; how many letters went.

    Two who run at once send one letter: whoever notes it first.
    """
    end, sent, after = time.monotonic() + RUN_SECONDS, 0, 0
    while page := fullness.changed(after=after, limit=PAGE):
        for one in page:
            if time.monotonic() > end:
                return sent
            sent += _tell(one)
        after = page[-1].user_id
    return sent


def _tell(one: Changed) -> bool:
    try:
        return tell(one)
    except MailError as error:
        logger.warning("a letter waits", extra={"user": one.user_id, "detail": error.detail})
    except Exception:
        # A user for whom none can be made must not stop the others.
        logger.exception("no letter on a quota", extra={"user": one.user_id})
    return False


def tell(one: Changed) -> bool:
    """Tell one, unless the mailbox is emptier or somebody else has; whether a letter went."""
    if one.level <= one.told:
        quotanotices.lower(one)
        return False
    recipients = _recipients(one)
    if not recipients:
        return False
    address = Address.parse(one.address)
    subject, text = compose(one, address)
    with transaction.atomic():
        if not quotanotices.claim(one, now()):
            return False
        send(address, recipients, domain=address.domain, subject=subject, text=text)
    return True


def _recipients(one: Changed) -> tuple[EnvelopeRecipient, ...]:
    if one.kind == Kind.PERSON:
        return ownletters.readers(one.address)
    found: dict[str, EnvelopeRecipient] = {}
    for keeper in shares.keepers(one.user_id, most=KEEPERS):
        for recipient in ownletters.readers(keeper):
            found.setdefault(recipient.address, recipient)
    return tuple(found.values()) or ownletters.administrators(one.address)


def compose(one: Changed, address: Address) -> tuple[str, str]:
    """Subject and text. Pure but for settings."""
    is_own = one.kind == Kind.PERSON
    whose = "Your mailbox" if is_own else f"The mailbox {address.display}"
    much = "full" if one.level == FULL else f"{one.percent} % full"
    used, quota = _size(one.used), _size(one.quota)
    who = "your administrator" if is_own else "an administrator"
    lines = [
        *wrapped(
            f"The mailbox {address.display} is {much}: it holds {used}, and may hold {quota}."
        ),
        "",
        *wrapped(_NEXT[one.level]),
        "",
        *wrapped(f"{_ROOM} Or ask {who} for more room."),
    ]
    if is_own:
        lines += _link()
    return f"{whose} is {much}", "\n".join(lines)


def _size(size: int) -> str:
    return filesizeformat(size).replace("\xa0", " ")


def _link() -> list[str]:
    try:
        return ["", f"    {absolute('home')}"]
    except NotFound:
        return []
