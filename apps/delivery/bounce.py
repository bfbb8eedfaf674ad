"""Reports to senders: that mail failed, waits, or arrived (RFC 3461, 3464).

`prepare` reads and composes outside any transaction; `send` queues within the transaction that
settles what the reports tell, so that a report exists exactly when its cause does. Promises:

- nobody is told who must not be: no report of a message that came by the null path (so none of a
  report), none against NOTIFY, none to a sender that is forged for certain; the trace says so
  instead;
- a report names the address that its reader wrote to, never where an alias or a forward of ours
  sent it further (RFC 3461 section 5.2.7.4);
- it returns headers only, unless one of our own users asked for RET=FULL.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction

from apps.blobs import queries as blob_reads
from apps.blobs import services as blobs
from apps.delivery import backscatter, reporting
from apps.delivery.ownmail import begun, own_mail
from apps.delivery.reporting import Subject
from apps.directory import routing
from apps.directory.routing import Resolution, Status
from apps.events import bell
from apps.mailqueue import services as mailqueue
from apps.mailqueue.services import ClaimedRecipient, EnvelopeRecipient, Submission
from apps.mailstore.shown import assemble
from apps.mime.address import Address, AddressError
from apps.mime.dsn import EXPANDED, Action
from apps.reception import judging
from apps.runtime.clock import now_us
from apps.runtime.ulid import ulid_text
from apps.trace import services as trace
from apps.wire.errors import Damaged

DOOR = "report"
NEVER = "NEVER"
RECIPIENTS_PER_REPORT = 200

NULL_SENDER = "it came by the null path, and a report of a report would never end"
NOT_WANTED = "its sender asked not to be told"
BAD_SENDER = "its sender's address cannot be read"
FORGED = "its sender's domain says that it did not come from there"
TOO_MANY = "its sender, who may be forged, has had too many reports in the last hour"
_NOWHERE = {
    Status.UNKNOWN: "its sender has no mailbox here",
    Status.SUSPENDED: "its sender's mailbox is switched off",
    Status.LOOP: "its sender's address leads in circles",
}


class Reported(Protocol):
    """The message that a report tells of; what the queue hands to workers is one."""

    @property
    def id(self) -> UUID: ...
    @property
    def trace_id(self) -> UUID: ...
    @property
    def blob_id(self) -> UUID: ...
    @property
    def prefix(self) -> bytes: ...
    @property
    def cuts(self) -> tuple[tuple[int, int], ...]: ...
    @property
    def sender(self) -> str: ...
    @property
    def user_id(self) -> int | None: ...
    @property
    def requires_tls(self) -> bool: ...
    @property
    def dsn_ret(self) -> str: ...
    @property
    def dsn_envid(self) -> str: ...
    @property
    def received_at_us(self) -> int: ...
    @property
    def judgement(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one recipient.

    Args:
        recipient_id: QueuedRecipient.id.
        status: enhanced status code (RFC 3463), such as 5.1.1.
        reply: what the other server said, or our own words; `code` its code, 0 if it has none.
        is_remote: whether `reply` is the other server's.
        host: name of the other server, "" if none was reached.
        at_us: Unix microseconds of the last try; 0 is now.
        until_us: DELAYED: we try until then.
    """

    recipient_id: int
    address: str
    original: str
    orcpt: str
    notify: str
    action: Action
    status: str
    reply: str = ""
    is_remote: bool = False
    code: int = 0
    host: str = ""
    at_us: int = 0
    until_us: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """A report ready to be queued: `mail` is None when nobody may be told; `events` say why."""

    mail: Submission | None
    events: tuple[trace.Event, ...]


def is_wanted(notify: str, action: Action) -> bool:
    """Whether a sender who said NOTIFY=`notify` ("" if nothing) is to be told (RFC 3461 s5.2).

    Without NOTIFY: of failures and delays. RELAYED and DELIVERED need SUCCESS, and EXPANDED what
    `dsn.for_members` made of it.
    """
    wishes = notify.split(",") if notify else ["FAILURE", "DELAY"]
    return _WISHES[action] in wishes


_WISHES = {
    Action.FAILED: "FAILURE",
    Action.DELAYED: "DELAY",
    Action.DELIVERED: "SUCCESS",
    Action.RELAYED: "SUCCESS",
    Action.EXPANDED: EXPANDED,
}


def at_processing(
    recipients: Iterable[ClaimedRecipient], delivered: Iterable[ClaimedRecipient]
) -> list[Fate]:
    """What is to be told of a message that is being processed: which addresses were expanded (once
    each), and which of those `delivered` to mailboxes here the sender asked for."""
    expanded = {one.original: one for one in recipients if EXPANDED in one.notify}
    return [
        *(_good_fate(one, one.original, Action.EXPANDED) for one in expanded.values()),
        *(
            _good_fate(one, one.address, Action.DELIVERED)
            for one in delivered
            if is_wanted(one.notify, Action.DELIVERED)
        ),
    ]


def _good_fate(one: ClaimedRecipient, address: str, action: Action) -> Fate:
    return Fate(one.id, address, one.original, one.orcpt, one.notify, action, "2.0.0")


def prepare(message: Reported, fates: Sequence[Fate], raw: bytes | None = None) -> list[Report]:
    """Compose what the sender is to be told of these fates; outside any transaction.

    Pass all fates: those of which the sender does not want to hear are left out here. An empty
    list where nobody need be told. Of a message that came by the null path nothing is reported.

    Args:
        raw: the bytes of the message's blob if the caller has them; else they are read when needed.

    Raises:
        StorageFull, StorageUnavailable: try again later; nothing was kept.
    """
    wanted = [fate for fate in fates if is_wanted(fate.notify, fate.action)]
    unheard = [fate for fate in fates if fate.action is Action.FAILED and fate not in wanted]
    if not message.sender:
        unheard = [fate for fate in fates if fate.action is Action.FAILED]
        return _dropped(message, unheard, NULL_SENDER)
    reports = _dropped(message, unheard, NOT_WANTED)
    if not wanted:
        return reports
    try:
        sender = Address.parse(message.sender)
    except AddressError:
        return reports + _dropped(message, wanted, BAD_SENDER)
    if message.user_id is None and backscatter.is_forged(sender, judging.read(message.judgement)):
        return reports + _dropped(message, wanted, FORGED)
    resolution = routing.resolve(sender)
    readers = _readers(sender, resolution)
    if not readers:
        words = _NOWHERE.get(resolution.status, _NOWHERE[Status.UNKNOWN])
        return reports + _dropped(message, wanted, words)
    if message.user_id is None and resolution.remote and not backscatter.admit(sender):
        return reports + _dropped(message, wanted, TOO_MANY)
    subject = _subject(message, sender, resolution, raw)
    return reports + [_report(message, subject, readers, part) for part in _parts(wanted)]


def send(reports: Sequence[Report]) -> None:
    """Queue reports, within the caller's transaction; the bell rings when it commits.

    Ids are made from what is reported, so a retry after a commit of unknown outcome adds nothing.
    """
    mails = [report.mail for report in reports if report.mail is not None]
    kept = mailqueue.known([mail.id for mail in mails]) if mails else set()
    fresh = [mail for mail in mails if mail.id not in kept]
    if fresh:
        blobs.insert([mail.blob for mail in fresh])
        mailqueue.enqueue(fresh)
        transaction.on_commit(bell.ring)
    trace.record(
        [
            event
            for report in reports
            if report.mail is None or report.mail.id not in kept
            for event in report.events
        ]
    )


def discard(reports: Sequence[Report]) -> None:
    """Remove what `prepare` wrote, after the transaction failed.

    A commit may have an unknown outcome: what is in the queue stays whole, and while the database
    does not say, everything stays, for the sweep of the object store to find.
    """
    mails = [report.mail for report in reports if report.mail is not None and report.mail.blob.key]
    if not mails:
        return
    try:
        kept = mailqueue.known([mail.id for mail in mails])
    except DatabaseError:
        return
    for mail in mails:
        if mail.id not in kept:
            blobs.discard(mail.blob)


def _dropped(message: Reported, fates: Sequence[Fate], why: str) -> list[Report]:
    if not fates:
        return []
    data = {"about": [fate.address for fate in fates[:RECIPIENTS_PER_REPORT]], "why": why}
    return [Report(None, (trace.Event(message.trace_id, "bounce.dropped", data),))]


def _readers(sender: Address, resolution: Resolution) -> tuple[EnvelopeRecipient, ...]:
    """Who gets mail for the sender. A full mailbox gets it too: it is about its owner's own mail,
    and nobody could be told that it was not delivered."""
    to = str(sender)
    if resolution.status not in (Status.LOCAL, Status.REMOTE):
        return ()
    local = tuple(
        EnvelopeRecipient(user.address, to, user.user_id, notify=NEVER, is_limited=False)
        for user in resolution.users
    )
    remote = resolution.remote or ((to,) if resolution.status is Status.REMOTE else ())
    return local + tuple(EnvelopeRecipient(one, to, None, notify=NEVER) for one in remote)


def _subject(
    message: Reported, sender: Address, resolution: Resolution, raw: bytes | None
) -> Subject:
    if raw is None:
        try:
            raw = blob_reads.read(message.blob_id)
        except Damaged:
            raw = b""  # It is told all the same, without anything of the message.
    is_ours = resolution.status is Status.LOCAL
    return Subject(
        sender=sender,
        is_ours=is_ours,
        shown=assemble(message.prefix, raw, message.cuts) if raw else b"",
        received_at_us=message.received_at_us,
        envelope_id=message.dsn_envid,
        # RFC 8689 section 5: a message that needs TLS all the way is never returned whole. And what
        # an outsider sends under another's name must not reach that other through us.
        is_full=message.dsn_ret == "FULL"
        and is_ours
        and message.user_id is not None
        and not message.requires_tls,
        host=settings.MAIL_HOSTNAME,
    )


def _parts(fates: Sequence[Fate]) -> list[list[Fate]]:
    """Fates by sort of report (failed, delayed, went well), at most so many in one."""
    sorts: dict[Action, list[Fate]] = {}
    for fate in fates:
        sort = fate.action if fate.action in (Action.FAILED, Action.DELAYED) else Action.DELIVERED
        sorts.setdefault(sort, []).append(fate)
    return [
        group[first : first + RECIPIENTS_PER_REPORT]
        for group in sorts.values()
        for first in range(0, len(group), RECIPIENTS_PER_REPORT)
    ]


def _report(
    message: Reported,
    subject: Subject,
    readers: tuple[EnvelopeRecipient, ...],
    fates: Sequence[Fate],
) -> Report:
    report_id, at_us = _id(message, fates), now_us()
    raw = reporting.compose(subject, fates, report_id, at_us)
    mail = own_mail(
        raw,
        mail_id=report_id,
        at_us=at_us,
        recipients=readers,
        door=DOOR,
        smtputf8=not subject.sender.is_ascii,
        requires_tls=message.requires_tls,
    )
    return Report(mail, _events(message, mail, fates))


def _id(message: Reported, fates: Sequence[Fate]) -> UUID:
    """The receive id of a report: made of what it tells, so that the same thing is told once. It
    sorts beside the message it is about."""
    told = sorted(f"{fate.recipient_id}/{fate.action.value}" for fate in fates)
    digest = hashlib.sha256(message.id.bytes + ",".join(told).encode()).digest()
    return UUID(bytes=message.id.bytes[:6] + digest[:10])


def _events(
    message: Reported, mail: Submission, fates: Sequence[Fate]
) -> tuple[trace.Event, trace.Event]:
    told = {
        "to": message.sender,
        "action": fates[0].action.value,
        "about": [fate.original or fate.address for fate in fates],
    }
    original = ulid_text(message.trace_id)
    return (
        trace.Event(message.trace_id, "bounce.sent", {**told, "trace": ulid_text(mail.trace_id)}),
        begun(mail, trace=original, about=told["about"], action=told["action"]),
    )
