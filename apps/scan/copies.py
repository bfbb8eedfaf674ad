"""Where a reader's copy of a message stands: one truth for Junk and quarantine alike.

A copy is named by its reader and the message's trace. Quarantine rows and mailboxes are asked each
time; nothing else remembers where it is, so nothing can disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from apps.directory.homes import homes_of, organizations_of
from apps.mailstore.models import Entry, Message, SpecialUse
from apps.reception.judging import parts
from apps.scan import queries
from apps.scan.deeds import Done
from apps.scan.models import DANGEROUS, Quarantined, QuarantineState, Reason
from apps.scan.queries import Judged
from apps.wire.errors import NotFound


class Place(StrEnum):
    """Where it is."""

    QUARANTINE = "quarantine"
    JUNK = "junk"
    MAILBOX = "mailbox"  # in another one of the reader's mailboxes
    RELEASED = "released"  # it was let go: to another server, or the reader has removed it since
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Copy:
    """One reader's copy.

    Args:
        author: From as it is written; `author_address` is what it names.
        sender: the reverse-path, "" if only the mailbox has the copy.
        words: why it was set aside, "" if that is not kept.
        received_at: Unix seconds.
        kept: the quarantine rows that still keep it.
        entries: (mailbox, UID) of it in Junk, or else in other mailboxes.
        ours: those of its addresses that are of the reader's own organisation.
    """

    user_id: int
    trace_id: UUID
    place: Place
    author: str
    author_address: str
    sender: str
    subject: str
    words: str
    reason: Reason | None
    received_at: int
    kept: tuple[int, ...] = ()
    entries: tuple[tuple[int, int], ...] = ()
    ours: frozenset[str] = frozenset()

    @property
    def blockable(self) -> str:
        """The address that is blocked with it: From, by which its reader knows the sender; the
        reverse-path if From names nobody, or somebody of the reader's own organisation, whose name
        forgers like best; "" if neither does."""
        return _first(self.author_address, self.sender, self.ours)

    @property
    def is_dangerous(self) -> bool:
        """Whether only an administrator may let it go."""
        return self.reason in DANGEROUS


def find(user_id: int, trace_id: UUID) -> Copy:
    """Find a reader's copy; a few queries.

    Raises:
        NotFound: the reader has none, or it is so long ago that nothing is kept of it.
    """
    rows = list(Quarantined.objects.filter(user=user_id, trace_id=trace_id).order_by("pk"))
    # In two steps: a planner without statistics would read all mail of the user for it.
    messages = list(Message.objects.filter(trace_id=trace_id).values_list("pk", flat=True))
    entries = list(
        Entry.objects.filter(message__in=messages, mailbox__user=user_id, mailbox__deleted_at=None)
        .select_related("message", "mailbox")
        .defer("message__header", "message__bodystructure", "message__parts")
        .order_by("mailbox_id", "uid")
    )
    if rows:
        return _with_ours(_of_row(rows, entries))
    if entries:
        return _with_ours(_of_entry(user_id, entries))
    raise NotFound(f"copy {trace_id} of user {user_id}", text="This message is not here any more")


def blockable(author_address: str, sender: str, organization_id: int | None) -> str:
    """As `Copy.blockable`, for readers of that organisation; two statements at the most."""
    return _first(author_address, sender, _ours(author_address, sender, organization_id))


def _first(author_address: str, sender: str, ours: frozenset[str]) -> str:
    return next((one for one in (author_address, sender) if one and one not in ours), "")


def _with_ours(found: Copy) -> Copy:
    mine = organizations_of([found.user_id]).get(found.user_id)
    return replace(found, ours=_ours(found.author_address, found.sender, mine))


def _ours(author_address: str, sender: str, organization_id: int | None) -> frozenset[str]:
    domains = {one: parts(one)[1] for one in (author_address, sender) if one}
    homes = homes_of(set(domains.values()))
    return frozenset(
        one
        for one, domain in domains.items()
        if domain in homes and homes[domain].organization_id == organization_id
    )


def _of_row(rows: Sequence[Quarantined], entries: Sequence[Entry]) -> Copy:
    kept = [one for one in rows if one.state == QuarantineState.KEPT]
    # A copy that was to be sent on besides may be kept for another reason: the graver one counts.
    one = min(kept or rows, key=lambda row: row.reason not in DANGEROUS)
    if kept:
        place = Place.QUARANTINE
    elif entries:
        place = _place(entries)
    else:
        is_released = any(row.state == QuarantineState.RELEASED for row in rows)
        place = Place.RELEASED if is_released else Place.DELETED
    return Copy(
        user_id=one.user_id or 0,
        trace_id=one.trace_id,
        place=place,
        author=one.author,
        author_address=one.author_address,
        sender=one.sender,
        subject=one.subject,
        words=one.words,
        reason=Reason(one.reason),
        received_at=one.received_at // 1_000_000,
        kept=tuple(row.pk for row in kept),
        entries=_there(entries),
    )


def _of_entry(user_id: int, entries: Sequence[Entry]) -> Copy:
    message = entries[0].message
    name, address = message.sender_name, message.sender_address
    return Copy(
        user_id=user_id,
        trace_id=message.trace_id,
        place=_place(entries),
        author=f"{name} <{address}>" if name else address,
        author_address=address,
        sender="",
        subject=message.subject,
        words=_why(user_id, message.trace_id),
        reason=None,
        received_at=entries[0].internaldate,
        entries=_there(entries),
    )


def _why(user_id: int, trace_id: UUID) -> str:
    """Why the filter put a message into a user's Junk, "" if it did not."""
    judged = queries.of_traces([trace_id]).get(trace_id, [])
    return next((why for one in judged if (why := junked(one, user_id))), "")


def junked(judged: Judged, user_id: int) -> str | None:
    """Why the filter put a message into a user's Junk; None if it did not."""
    for deed in judged.deeds:
        if deed.user_id == user_id and deed.done is Done.JUNK:
            return deed.why
    return None


def _place(entries: Sequence[Entry]) -> Place:
    return Place.JUNK if _in_junk(entries) else Place.MAILBOX


def _there(entries: Sequence[Entry]) -> tuple[tuple[int, int], ...]:
    """In Junk, if a copy of it is there; else wherever it is."""
    return tuple((one.mailbox_id, one.uid) for one in _in_junk(entries) or entries)


def _in_junk(entries: Sequence[Entry]) -> list[Entry]:
    return [one for one in entries if one.mailbox.special_use == SpecialUse.JUNK]
