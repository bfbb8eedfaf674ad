"""Quarantine: mail that is kept from its readers until somebody lets it go, or its days are over.

`take` belongs into the transaction that settles the copies in the queue, `prepare` before it. A
copy leaves by one UPDATE that compares its state, in the transaction that queues it again: it is
let go once, whoever asks for it at the same moment. Its bytes stay as long as the row names them,
and count in nobody's quota.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from django.db import transaction

from apps.blobs import services as blobs
from apps.blobs.services import PreparedBlob
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import Claimed, ClaimedRecipient, EnvelopeRecipient, Submission
from apps.mailqueue.services.columns import cuts_of, told
from apps.mime.address import Address, AddressError
from apps.mime.headers import scan
from apps.runtime.clock import now
from apps.runtime.rows import ManyRows
from apps.runtime.ulid import new_ulid
from apps.scan import phishing, wanted
from apps.scan.base import Action, Finding
from apps.scan.letter.people import people
from apps.scan.models import Quarantined, QuarantineState, Reason
from apps.scan.verdict import Verdict
from apps.trace import services as trace

DAY_SECONDS: Final = 86_400
PRUNE_ROWS: Final = 1_000  # of one transaction
HEADER_LOOK: Final = 64 << 10  # octets of a header in which author and subject are looked for
HARMFUL: Final = frozenset({"ATTACHMENT_EXPLOIT", "ATTACHMENT_MACROS_HARMFUL"})

RESTORABLE_SECONDS: Final = 900
"""For so long what an administrator deleted can be had back, at the least."""

_GRAVITY: Final = (Reason.VIRUS, Reason.HARMFUL, Reason.ATTACHMENT, Reason.SPAM)

_TAKE = ManyRows(
    "INSERT INTO scan_quarantined (user_id, is_elsewhere, trace_id, queue_id, blob_id, prefix,"
    " cuts, size, sender, address, original, domain, door, smtputf8, body, requires_tls,"
    " received_at, author, author_address, subject, reason, rule, words, points, kept_at, state,"
    " settled_at, settled_by, is_told, is_wanted)",
    "bigint boolean uuid uuid uuid bytea text bigint text text text text text boolean text"
    " boolean bigint text text text text text text float8 bigint text bigint text boolean"
    " boolean",
)


@dataclass(frozen=True, slots=True)
class Keep:
    """A copy that is to be kept.

    Args:
        user_id: whose it is; None: it would have gone to another server, by nobody's wish.
        is_elsewhere: it would have gone to another server.
    """

    recipient: ClaimedRecipient
    user_id: int | None
    is_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Taking:
    """One copy to be kept.

    Args:
        user_id, is_elsewhere: as in `Keep`.
        address, original: the final recipient, and the one that RCPT named.
        size: octets that a reader would see.
        body: as BODY of MAIL FROM says it.
    """

    message: Claimed
    user_id: int | None
    is_elsewhere: bool
    address: str
    original: str
    size: int
    body: str
    author: str
    author_address: str
    subject: str
    reason: Reason
    rule: str
    words: str
    points: float
    is_wanted: bool = False


def prepare(
    message: Claimed,
    raw: bytes,
    verdict: Verdict,
    copies: Sequence[Keep],
) -> list[Taking]:
    """What is to be kept of one message. No database."""
    block = scan(raw[:HEADER_LOOK])
    author, subject = block.text(b"from"), block.text(b"subject")
    address = next((one.address for one in people(block.addresses(b"from")) if one.domain), "")
    size = len(message.prefix) + len(raw) - sum(end - start for start, end in message.cuts)
    body = "" if raw.isascii() else "8BITMIME"
    takings = []
    for one in copies:
        recipient = one.recipient
        demanding = _demanding(verdict, one.user_id)
        opinion = verdict.opinion(one.user_id)
        reason = _reason(verdict, one.user_id, demanding)
        takings.append(
            Taking(
                message=message,
                user_id=one.user_id,
                is_elsewhere=one.is_elsewhere,
                address=recipient.address,
                original=recipient.original,
                size=size,
                body=body,
                author=author,
                author_address=address,
                subject=subject,
                reason=reason,
                rule="" if demanding is None else demanding.rule,
                words=opinion.why if demanding is None else demanding.words,
                points=opinion.points,
                is_wanted=wanted.is_wanted(
                    wanted.hints(
                        wanted.Kept(
                            reason,
                            verdict.findings_of(one.user_id),
                            message.prefix,
                            opinion.points,
                            verdict.standing(one.user_id).junk,
                        )
                    )
                ),
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
    at = now()
    _TAKE.write([_row(one, at) for one in takings])
    trace.record(
        [
            trace.Event(
                one.message.trace_id,
                "quarantine.kept",
                {
                    "to": one.address,
                    **_written(one.address, one.original),
                    "reason": one.reason.value,
                    "rule": one.rule,
                    "why": one.words,
                },
            )
            for one in takings
        ]
    )


@transaction.atomic
def release(ids: Sequence[int], *, by: str) -> list[int]:
    """Let kept copies go: each is queued again, cleared of all checks, in this transaction; the
    ids of those that were still kept.

    The copies of one message share its bytes, as those of any delivery. No report of what becomes
    of them goes to the sender, whom nobody has proved.

    Args:
        by: who does it, for the row and the trace.
    """
    rows = _kept(ids)
    together = attrgetter("queue_id")
    for _, group in groupby(sorted(rows, key=together), key=together):
        mailqueue.enqueue([_again(list(group))])
    _settle(rows, QuarantineState.RELEASED, by)
    if rows:
        transaction.on_commit(bell.ring)
    return [one.pk for one in rows]


@transaction.atomic
def delete(ids: Sequence[int], *, by: str, is_restorable: bool = False) -> list[int]:
    """Delete kept copies; the ids of those that were still kept.

    Args:
        is_restorable: their bytes stay for RESTORABLE_SECONDS at the least (`restore`).
    """
    rows = _kept(ids)
    _settle(rows, QuarantineState.DELETED, by, keeps_bytes=is_restorable)
    return [one.pk for one in rows]


@transaction.atomic
def restore(ids: Sequence[int], *, by: str) -> list[int]:
    """Keep copies again that were deleted so that they can be had back; the ids of those that still
    could be."""
    rows = list(
        Quarantined.objects.select_for_update()
        .filter(pk__in=ids, state=QuarantineState.DELETED)
        .exclude(blob=None)
        .order_by("pk")
    )
    Quarantined.objects.filter(pk__in=[one.pk for one in rows]).update(
        state=QuarantineState.KEPT, settled_at=0, settled_by=""
    )
    trace.record([_told(one, "quarantine.restored", {"by": by}) for one in rows])
    return [one.pk for one in rows]


def forget_deleted() -> int:
    """Let go of the bytes of what was deleted, and cannot be had back any more; of how many."""
    before, total = now() - RESTORABLE_SECONDS, 0
    gone = Quarantined.objects.filter(state=QuarantineState.DELETED, settled_at__lt=before)
    gone = gone.exclude(blob=None).order_by("pk")
    while ids := list(gone.values_list("pk", flat=True)[:PRUNE_ROWS]):
        # Whoever restores one at this moment wins, also if it is deleted again: the state and its
        # time are compared once more.
        total += gone.filter(pk__in=ids).order_by().update(blob=None)
    return total


def rename_domain(before: str, after: str) -> None:
    """A domain has another name: its administrators go on seeing what is kept for it."""
    Quarantined.objects.filter(domain=before).update(domain=after)


def leave_domain(name: str) -> None:
    """A domain is hosted here no more: what is kept for it is an operator's matter, and none of
    whoever has a domain of that name hosted next."""
    Quarantined.objects.filter(domain=name).update(domain="")


def prune(days: int) -> int:
    """Forget copies that were kept for longer, and what became of others; how many rows went."""
    before, total = now() - days * DAY_SECONDS, 0
    while ids := list(
        Quarantined.objects.filter(kept_at__lt=before)
        .order_by("kept_at")
        .values_list("pk", flat=True)[:PRUNE_ROWS]
    ):
        with transaction.atomic():
            rows = Quarantined.objects.filter(pk__in=ids)
            named = list(rows.exclude(blob=None).values_list("blob", flat=True).distinct())
            kept = _kept(ids)
            trace.record([_told(one, "quarantine.expired", {"days": days}) for one in kept])
            rows.delete()
        blobs.release(named)
        total += len(ids)
    return total


def _kept(ids: Sequence[int]) -> list[Quarantined]:
    """Lock those that are still kept, in one order."""
    rows = Quarantined.objects.select_for_update().filter(pk__in=ids, state=QuarantineState.KEPT)
    return list(rows.order_by("pk"))


def _settle(
    rows: Sequence[Quarantined], state: QuarantineState, by: str, *, keeps_bytes: bool = False
) -> None:
    settled: dict[str, Any] = {"state": state, "settled_at": now(), "settled_by": told(by, 40)}
    if not keeps_bytes:
        settled["blob"] = None
    Quarantined.objects.filter(pk__in=[one.pk for one in rows]).update(**settled)
    trace.record([_told(one, f"quarantine.{state.value}", {"by": by}) for one in rows])


def _told(one: Quarantined, kind: str, how: dict[str, Any]) -> trace.Event:
    told = {"to": one.address, **_written(one.address, one.original), **how}
    return trace.Event(one.trace_id, kind, told)


def _again(rows: Sequence[Quarantined]) -> Submission:
    """What to queue for copies of one message. Its blob is in the database."""
    one = rows[0]
    assert one.blob_id is not None  # a row that is kept names it
    cuts = cuts_of(one.cuts)
    hidden = sum(end - start for start, end in cuts)
    size = one.size - len(one.prefix) + hidden
    return Submission(
        id=new_ulid(),
        trace_id=one.trace_id,
        blob=PreparedBlob(one.blob_id, b"", size, 0, None),
        prefix=bytes(one.prefix),
        cuts=cuts,
        sender=one.sender,
        recipients=tuple(
            EnvelopeRecipient(
                row.address,
                row.original,
                None if row.is_elsewhere else row.user_id,
                notify="NEVER",
                is_limited=False,
            )
            for row in rows
        ),
        door=one.door,
        user_id=None,
        client={},
        received_at_us=one.received_at,
        smtputf8=one.smtputf8,
        body=one.body,
        requires_tls=one.requires_tls,
        is_cleared=True,
    )


def _demanding(verdict: Verdict, user_id: int | None) -> Finding | None:
    """The finding for which this reader's copy is kept, if one asks for more than points do: the
    gravest, then the one that asks for the hardest action. A policy that refuses programs must not
    hide that this one is a virus, or its reader could let it go."""
    concerned = [one for one in verdict.findings_of(user_id) if one.action > Action.JUNK]
    return min(
        concerned, key=lambda one: (_GRAVITY.index(reason_of(one.rule)), -one.action), default=None
    )


def _reason(verdict: Verdict, user_id: int | None, demanding: Finding | None) -> Reason:
    reason = Reason.SPAM if demanding is None else reason_of(demanding.rule)
    if reason is Reason.SPAM and phishing.is_phishing(verdict.findings_of(user_id)):
        return Reason.PHISHING
    return reason


def _written(address: str, original: str) -> dict[str, str]:
    """The address that people know, where it is another one."""
    return {} if address == original else {"original": original}


def reason_of(rule: str) -> Reason:
    """Why a copy is kept, by the rule that asked for it: `CLAMD_VIRUS`, `VIRUS_EICAR`."""
    words = rule.split("_")
    if "VIRUS" in words:
        return Reason.VIRUS
    if rule in HARMFUL:
        return Reason.HARMFUL
    return Reason.ATTACHMENT if words[0] == "ATTACHMENT" else Reason.SPAM


def _parsed(address: str) -> Address | None:
    try:
        return Address.parse(address)
    except AddressError:
        return None


def _row(one: Taking, at: int) -> tuple[Any, ...]:
    message = one.message
    named = _parsed(one.original)
    return (
        one.user_id,
        one.is_elsewhere,
        message.trace_id.hex,
        message.id.hex,
        message.blob_id.hex,
        message.prefix,
        json.dumps(message.cuts) if message.cuts else "[]",
        one.size,
        message.sender,
        one.address,
        one.original,
        "" if named is None else named.domain,
        message.door,
        message.smtputf8,
        one.body,
        message.requires_tls,
        message.received_at_us,
        told(one.author, 320),
        told(one.author_address, 320),
        told(one.subject, 300),
        one.reason.value,
        one.rule[:60],
        told(one.words, 500),
        float(one.points),
        at,
        "kept",
        0,
        "",
        False,
        one.is_wanted,
    )
