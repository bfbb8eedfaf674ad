"""Mail of a user of ours that is held back by the filter: its sender is told, and the
administrators.

A message that is held has not left at all. Its sender hears of each, up to a number in an hour:
who sends hundreds is no person, or not the one whose account it is. The administrators of the
domain hear of the first in an hour, with the commands that show and release it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from apps.delivery import ownletters
from apps.directory.models import User
from apps.directory.postmasters import POSTMASTER
from apps.mailqueue.services import Claimed
from apps.mime.address import Address, display_domain
from apps.mime.dsn import shown_address
from apps.mime.headers import clean, scan
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid, ulid_text
from apps.scan.services import notices
from apps.scan.verdict import Verdict

HOUR_SECONDS: Final = 3600
TOLD_IN_AN_HOUR: Final = 20  # messages of which one sender is told
RECIPIENTS_SHOWN: Final = 10
HEADER_LOOK: Final = 64 << 10
UNKNOWN: Final = "it looks like something that must not leave"

_SENDER = """\
Your message has not been sent. It is held back on this server, whole, because
of what a check found in it:

    {why}

Subject:  {subject}
To:       {recipients}

The administrators of {domain} have been told. They can release it, and it is
sent then; you need not send it again. If it was not you who wrote it, somebody
else may have your password: change it now, and tell them.
{last}
The mail service at {domain}
"""
_LAST = """
This is the last letter of this kind within the hour: more of your messages may
be held without a word.
"""
_ADMINISTRATORS = """\
A message of {account} is held back, because of what a check found in it:

    {why}

Subject:  {subject}
To:       {recipients}
Client:   {client}

Nothing of it has left, and its sender has been told. See why, and release it
if it is all right:

    manage.py queue show {queue_id}
    manage.py queue release {queue_id}

If it is not, delete it; if somebody else has the password of the account, stop
it first:

    manage.py user suspend {account}
    manage.py queue delete {queue_id}

More may be held. You are told of the first within an hour:

    manage.py queue list --state held
"""


@dataclass(frozen=True, slots=True)
class HeldNotice:
    """What is told of one message; `why` in one sentence without a full stop."""

    queue_id: UUID
    user_id: int
    why: str
    subject: str
    recipients: str
    client: str


def prepare(message: Claimed, raw: bytes, verdict: Verdict) -> HeldNotice:
    """What to tell of a message of a user that is to be held. No database."""
    opinion = verdict.opinion(None)
    written = list(dict.fromkeys(one.original for one in message.recipients))
    shown = [shown_address(one) for one in written[:RECIPIENTS_SHOWN]]
    if len(written) > RECIPIENTS_SHOWN:
        shown.append(f"and {len(written) - RECIPIENTS_SHOWN} more")
    return HeldNotice(
        queue_id=message.id,
        user_id=message.user_id or 0,
        why=clean(opinion.why)[:500] or UNKNOWN,
        subject=scan(raw[:HEADER_LOOK]).text(b"subject")[:200],
        recipients=", ".join(shown),
        client=clean(str(json.loads(message.client).get("address", "")))[:60],
    )


def send(held: Sequence[HeldNotice]) -> None:
    """Queue the letters, within the caller's transaction that holds the messages; call it last in
    there: it locks the counts of letters, which must not be waited for by who holds mailboxes."""
    users = {one.user_id for one in held}
    accounts: dict[int, str] = dict(
        User.objects.filter(pk__in=users).values_list("pk", "address") if users else ()
    )
    # In one order, so that two who hold mail of the same senders never wait in a circle.
    for one in sorted(held, key=lambda each: (each.user_id, each.queue_id)):
        if one.user_id in accounts:
            _tell_sender(one, accounts[one.user_id])
    for domain, first in sorted(_firsts(held, accounts).items()):
        if notices.count(f"held {domain}", HOUR_SECONDS) == 1:
            _tell_administrators(first, accounts[first.user_id])


def _firsts(held: Sequence[HeldNotice], accounts: Mapping[int, str]) -> dict[str, HeldNotice]:
    """One held message of each domain."""
    found: dict[str, HeldNotice] = {}
    for one in held:
        if one.user_id in accounts:
            found.setdefault(Address.parse(accounts[one.user_id]).domain, one)
    return found


def _tell_sender(one: HeldNotice, account: str) -> None:
    number = notices.count(f"held for {one.user_id}", HOUR_SECONDS)
    if number > TOLD_IN_AN_HOUR or not (recipients := ownletters.readers(account)):
        return
    to = Address.parse(account)
    text = _SENDER.format(
        why=one.why,
        subject=one.subject or "(none)",
        recipients=one.recipients,
        domain=display_domain(to.domain),
        last=_LAST if number == TOLD_IN_AN_HOUR else "",
    )
    subject = f"Not sent: {one.subject}" if one.subject else "A message of yours was not sent"
    letter_id, at_us = new_ulid(), now_us()
    raw = ownletters.compose(to=to, subject=subject, text=text, letter_id=letter_id, at_us=at_us)
    ownletters.queue(raw, recipients, letter_id=letter_id, at_us=at_us)


def _tell_administrators(one: HeldNotice, account: str) -> None:
    if not (recipients := ownletters.administrators(account)):
        return
    to = Address(POSTMASTER, Address.parse(account).domain)
    text = _ADMINISTRATORS.format(
        account=account,
        why=one.why,
        subject=one.subject or "(none)",
        recipients=one.recipients,
        client=one.client or "unknown",
        queue_id=ulid_text(one.queue_id),
    )
    letter_id, at_us = new_ulid(), now_us()
    raw = ownletters.compose(
        to=to,
        subject=f"A message of {account} is held back",
        text=text,
        letter_id=letter_id,
        at_us=at_us,
    )
    ownletters.queue(raw, recipients, letter_id=letter_id, at_us=at_us)
