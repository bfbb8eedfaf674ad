"""Quarantine: mail that is kept from its readers until somebody lets it go, or its days are over.

`take` belongs into the transaction that settles the copies in the queue, `prepare` before it. A
copy leaves by one UPDATE that compares its state, in the transaction that queues it again: it is
let go once, whoever asks for it at the same moment. Its bytes stay as long as the row names them,
and count in nobody's quota.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.directory.models import User
from apps.mailqueue.services import Claimed, ClaimedRecipient
from apps.mime.address import Address, AddressError
from apps.mime.headers import scan
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows
from apps.scan.base import Action, Finding
from apps.scan.models import Reason
from apps.scan.verdict import ELSEWHERE, Verdict
from apps.trace import services as trace

HEADER_LOOK: Final = 64 << 10  # octets of a header in which author and subject are looked for

_TAKE = ManyRows(
    "INSERT INTO scan_quarantined (user_id, is_elsewhere, trace_id, queue_id, blob_id, prefix,"
    " cuts, size, sender, address, original, domain, door, smtputf8, requires_tls, received_at,"
    " author, subject, reason, rule, words, points, kept_at, state, settled_at, settled_by,"
    " is_told)",
    "bigint boolean uuid uuid uuid bytea text bigint text text text text text boolean boolean"
    " bigint text text text text text float8 bigint text bigint text boolean",
)


@dataclass(frozen=True, slots=True)
class Taking:
    """One copy to be kept.

    Args:
        user_id: whose mailbox it was for; None for one that goes to another server.
        address, original: the final recipient, and the one that RCPT named.
        size: octets that a reader would see.
    """

    message: Claimed
    user_id: int | None
    address: str
    original: str
    size: int
    author: str
    subject: str
    reason: Reason
    rule: str
    words: str
    points: float


def prepare(
    message: Claimed,
    raw: bytes,
    verdict: Verdict,
    copies: Sequence[tuple[ClaimedRecipient, int | None]],
) -> list[Taking]:
    """What is to be kept of one message. No database.

    Args:
        copies: each recipient whose copy is kept, with the user who would have got it; None where
            it would have gone to another server.
    """
    block = scan(raw[:HEADER_LOOK])
    author, subject = block.text(b"from"), block.text(b"subject")
    size = len(message.prefix) + len(raw) - sum(end - start for start, end in message.cuts)
    takings = []
    for recipient, user_id in copies:
        demanding = _demanding(verdict, user_id)
        opinion = verdict.opinion(user_id)
        takings.append(
            Taking(
                message=message,
                user_id=user_id,
                address=recipient.address,
                original=recipient.original,
                size=size,
                author=author,
                subject=subject,
                reason=Reason.SPAM if demanding is None else _reason(demanding),
                rule="" if demanding is None else demanding.rule,
                words=opinion.why if demanding is None else demanding.words,
                points=opinion.points,
            )
        )
    return takings


def take(takings: Sequence[Taking]) -> None:
    """Keep copies, within the caller's transaction: one statement, and the events that tell it.

    Raises:
        django.db.Error: nothing may be settled.
    """
    if not takings:
        return
    at, owners = now(), _owners(takings)
    _TAKE.write([_row(one, owners, at) for one in takings])
    trace.record(
        [
            trace.Event(
                one.message.trace_id,
                "quarantine.kept",
                {
                    "to": one.original,
                    "reason": one.reason.value,
                    "rule": one.rule,
                    "why": one.words,
                },
            )
            for one in takings
        ]
    )


def _demanding(verdict: Verdict, user_id: int | None) -> Finding | None:
    """The finding that asks for the hardest action on this reader's copy, if one asks for more than
    points do."""
    concerned = [
        one
        for one in verdict.findings
        if one.reader in {None, user_id or ELSEWHERE} and one.action > Action.JUNK
    ]
    return max(concerned, key=lambda one: one.action, default=None)


def _reason(finding: Finding) -> Reason:
    if is_virus(finding.rule):
        return Reason.VIRUS
    return Reason.UNSCANNABLE if "UNSCANNABLE" in finding.rule else Reason.ATTACHMENT


def is_virus(rule: str) -> bool:
    """Whether a rule of this name found a virus: `CLAMD_VIRUS`, `VIRUS_EICAR`."""
    return "VIRUS" in rule.split("_")


def _owners(takings: Sequence[Taking]) -> dict[str, int]:
    """The users who have what would go to another server sent on, by the address that RCPT named;
    one query, if there is anything of that kind."""
    keys = {_key(one.original) for one in takings if one.user_id is None}
    if not keys:
        return {}
    found = User.objects.filter(key__in=keys).values_list("key", "pk")
    return dict(found)


def _key(address: str) -> str:
    try:
        return Address.parse(address).key
    except AddressError:
        return ""


def _row(one: Taking, owners: dict[str, int], at: int) -> tuple[Any, ...]:
    message, is_elsewhere = one.message, one.user_id is None
    return (
        owners.get(_key(one.original)) if is_elsewhere else one.user_id,
        is_elsewhere,
        message.trace_id.hex,
        message.id.hex,
        message.blob_id.hex,
        message.prefix,
        json.dumps(message.cuts) if message.cuts else "[]",
        one.size,
        message.sender,
        one.address,
        one.original,
        _domain(one.original),
        message.door,
        message.smtputf8,
        message.requires_tls,
        message.received_at_us,
        _text(one.author, 320),
        _text(one.subject, 300),
        one.reason.value,
        one.rule[:60],
        _text(one.words, 500),
        one.points,
        at,
        "kept",
        0,
        "",
        False,
    )


def _domain(address: str) -> str:
    try:
        return Address.parse(address).domain
    except AddressError:
        return ""


def _text(words: str, limit: int) -> str:
    """A stranger's words as a text column of Postgres takes them."""
    return words[:limit].encode("utf-8", "replace").decode().replace("\0", "?")
