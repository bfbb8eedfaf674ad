"""Letters to users about what happened to their accounts: what, when, from where, and what to do
if it was not they.

`tell` queues a letter in the caller's transaction, so that the act and its letter are one, and a
retry of a transaction that failed tells nothing twice. It never raises: an act that is right does
not fail because nobody can be told of it. The gravest go to the recovery address as well, because
who has taken an account reads its mailbox. A user is told of a number of acts a day; each of the
three budgets is its own, so that noise of one sort hides nothing of another.
"""

import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.db import transaction

from apps.audit.acting import current
from apps.delivery import ownletters
from apps.delivery.quoting import quoted
from apps.directory.models import User
from apps.directory.services import letters
from apps.mailqueue.services import EnvelopeRecipient
from apps.mime.address import Address, AddressError
from apps.provisioning.noticewords import WORDS, About, Words
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.ui.addresses import absolute
from apps.ui.clients import browser_words
from apps.wire.errors import NotFound

DETAIL_SHOWN: Final = 120  # characters
__all__ = ["About", "domain_of", "send", "tell", "wrapped"]


def tell(
    user: User,
    about: About,
    *,
    detail: str = "",
    by: str = "",
    address: str | None = None,
    client: str = "",
    also: Iterable[str] = (),
) -> bool:
    """Tell a user what happened, in the caller's transaction; whether a letter goes.

    Args:
        detail: which one (a name), how many, the reason; shown as somebody's words.
        by: who did it, if not the user; "" is whoever acts now (`apps.audit`).
        address: the client's IP address; None is that of whoever acts now.
        client: the User-Agent of a browser.
        also: addresses that get the letter too: a recovery address that was.
    """
    words = WORDS[about]
    readers = [one for one in _readers(user, about, also) if one[1]]
    with transaction.atomic():
        if not readers or not letters.may_go(words.budget.name, user.pk, words.budget.most):
            return False
        rows = _rows(user, words, detail, by, address, client)
        for reader, recipients in readers:
            send(
                reader,
                recipients,
                domain=domain_of(user),
                subject=words.subject,
                text=_text(user, words, rows, reader),
            )
    return True


def send(
    to: Address,
    recipients: Sequence[EnvelopeRecipient],
    *,
    domain: str,
    subject: str,
    text: str,
) -> None:
    """Queue a letter about an account, in the caller's transaction.

    Args:
        domain: whose postmaster writes: the account's, never a stranger's.
    """
    letter_id, at_us = new_ulid(), now_us()
    raw = ownletters.compose(
        to=to, subject=subject, text=text, letter_id=letter_id, at_us=at_us, domain=domain
    )
    ownletters.queue(raw, recipients, letter_id=letter_id, at_us=at_us)


def domain_of(user: User) -> str:
    """The domain whose postmaster writes to a user: this host for who has an address elsewhere."""
    if user.domain_id is None:
        return str(settings.MAIL_HOSTNAME)
    return Address.parse(user.address).domain


def _readers(
    user: User, about: About, also: Iterable[str]
) -> list[tuple[Address, tuple[EnvelopeRecipient, ...]]]:
    """The user first, then each further address once."""
    texts = [user.address, *also]
    if WORDS[about].goes_further and user.recovery_address and user.recovery_confirmed_at:
        texts.append(user.recovery_address)
    found: dict[str, tuple[Address, tuple[EnvelopeRecipient, ...]]] = {}
    for text in texts:
        try:
            address = Address.parse(text)
        except AddressError:
            continue
        found.setdefault(address.key, (address, ownletters.anybody(text)))
    return list(found.values())


def _rows(
    user: User, words: Words, detail: str, by: str, address: str | None, client: str
) -> list[tuple[str, str]]:
    actor = current()
    at = datetime.now(UTC)
    rows = [("When", at.strftime("%-d %B %Y, %H:%M UTC"))]
    if detail and words.label:
        rows.append((words.label, quoted(detail, DETAIL_SHOWN)))
    if not by and actor.kind == "command":
        by = "an administrator on the server"
    elif not by and actor.user_id not in {None, user.pk}:
        by = actor.name
    if by and by != user.address:
        rows.append(("By", quoted(by, DETAIL_SHOWN)))
    where = actor.address if address is None else address
    if where:
        rows.append(("From", where[:45]))
    if shown := browser_words(client):
        rows.append(("With", shown))
    return rows


def _text(user: User, words: Words, rows: Sequence[tuple[str, str]], reader: Address) -> str:
    shown = Address.parse(user.address)
    wide = max(len(label) for label, _ in rows) + 2
    lines = [
        *wrapped(words.what.format(address=shown.display)),
        "",
        *(f"    {label + ':':<{wide}}{value}" for label, value in rows),
        "",
        *wrapped(words.then),
        *_link(words.page),
        "",
    ]
    if reader.key != shown.key:
        why = "You get this letter because yours is, or was, the recovery address of"
        lines += [*wrapped(f"{why} {shown.display}."), ""]
    return "\n".join([*lines, f"The mail service at {settings.MAIL_HOSTNAME}"])


def _link(page: str) -> list[str]:
    try:
        return ["", f"    {absolute(page)}"]
    except NotFound:
        return []


def wrapped(text: str) -> list[str]:
    """A paragraph in lines that every mail program shows whole."""
    return textwrap.wrap(text, 72, break_long_words=False, break_on_hyphens=False)
