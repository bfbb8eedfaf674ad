"""Makes messages and mailboxes full of them, and counts what is really there."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apps.mailstore.models import FLAG_SEEN, Entry, Expunged, Mailbox, MailboxState, Usage
from apps.mailstore.origin import Origin
from apps.mailstore.services.append import Appending, AppendResult, append
from apps.mailstore.services.deliver import Filed, Filing, deliver
from apps.mailstore.services.prepare import PreparedMessage, prepare
from apps.runtime.ulid import new_ulid

ORIGIN = Origin("test", None)
RAW = (
    b"From: Bob Baker <bob@example.test>\r\nTo: alice@example.test\r\nSubject: Lunch\r\n"
    b"Date: Wed, 25 Nov 2026 18:00:00 +0100\r\nMessage-ID: <1@example.test>\r\n\r\nAt noon?\r\n"
)
DATE = 1_795_600_000


def numbered(number: int, size: int = 0) -> bytes:
    """A message that differs from all others, with a body of at least `size` bytes."""
    return RAW.replace(b"Lunch", b"Lunch %d" % number) + b"x" * size


def prepared(raw: bytes = RAW, **more: Any) -> PreparedMessage:
    return prepare(raw, trace_id=new_ulid(), **more)


def filing(mailbox: Mailbox, message: PreparedMessage | None = None, **more: Any) -> Filing:
    return Filing(
        message=message or prepared(),
        user_id=mailbox.user_id,
        mailbox_id=mailbox.pk,
        internaldate=more.pop("internaldate", DATE),
        origin=more.pop("origin", ORIGIN),
        **more,
    )


def delivered(filings: Sequence[Filing]) -> list[Filed]:
    with transaction.atomic():
        return deliver(filings)


def filled(mailbox: Mailbox, count: int, **more: Any) -> list[int]:
    """Append `count` small messages; their UIDs."""
    messages = [Appending(prepared(numbered(n)), DATE + n, **more) for n in range(count)]
    return [one.uid for one in appended(mailbox, messages)]


def appended(mailbox: Mailbox, messages: Sequence[Appending]) -> list[AppendResult]:
    return append(mailbox_id=mailbox.pk, user_id=mailbox.user_id, messages=messages, origin=ORIGIN)


def box(user: Any, name: str = "INBOX") -> Mailbox:
    return Mailbox.objects.get(user=user, name=name, deleted_at=None)


def assert_counters_are_exact() -> None:
    """Every counter equals a recount by the ORM, and no UID or modseq is above its mailbox's."""
    totals: dict[int, list[int]] = {}
    kept: dict[int, int] = {}
    for gone in Expunged.objects.select_related("mailbox"):
        kept[gone.mailbox.user_id] = kept.get(gone.mailbox.user_id, 0) + gone.cost
    for state in MailboxState.objects.select_related("mailbox"):
        entries = list(Entry.objects.filter(mailbox=state.mailbox_id))
        counted = (
            len(entries),
            sum(not entry.flags & FLAG_SEEN for entry in entries),
            sum(entry.size for entry in entries),
        )
        if state.mailbox.deleted_at is None:  # nobody reads those of one that is being purged
            assert (state.messages, state.unseen, state.size) == counted
        assert all(0 < entry.uid < state.uidnext for entry in entries)
        assert all(1 < entry.modseq <= state.highestmodseq for entry in entries)
        if state.mailbox.deleted_at is not None:
            kept[state.mailbox.user_id] = kept.get(state.mailbox.user_id, 0) + counted[2]
        else:
            total = totals.setdefault(state.mailbox.user_id, [0, 0])
            total[0] += counted[2]
            total[1] += counted[0]
    for usage in Usage.objects.all():
        assert [usage.size, usage.messages] == totals.get(usage.user_id, [0, 0])
        assert usage.expunged == kept.get(usage.user_id, 0)
