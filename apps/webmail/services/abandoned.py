"""Forgets letters that nobody writes any more, and files that never came as a whole.

A letter's message is the mailbox's: what goes here is the row behind it, when it says nothing that
is not elsewhere. A letter that is being written stays as long as its message does. Bytes that no
row names afterwards are collected by `blobs.services.collect`.
"""

from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from apps.mailstore.models import Entry
from apps.runtime.clock import now
from apps.webmail.models import Draft, DraftFile, DraftState

DAY: Final = 24 * 3600  # seconds
NEVER_SAVED: Final = 2 * DAY
"""Of a letter that has files and was not saved once: its page was closed at once."""
DISCARDED: Final = 7 * DAY
"""In which a letter that was discarded can be had back."""
SENT: Final = DAY
"""After which a letter that has left needs its files no more; undo is long over."""
REMEMBERED: Final = 30 * DAY
"""In which a page that was left open is told that its letter was sent, and cannot send it again; or
writes on at a letter whose message was deleted."""
HALF: Final = 7 * DAY
"""In which an upload can go on."""
PAGE: Final = 200  # rows of one transaction
PAGES: Final = 50  # of one run


def prune() -> int:
    """Forget them; returns how many rows went. Each page is a transaction of its own."""
    _let_tails_go()
    return _forget(_letters()) + _forget(_files()) + _forget(_half())


def _let_tails_go() -> None:
    left = Draft.objects.filter(_left(now() - SENT), tail__isnull=False)
    left.update(tail=None, tail_made_of="")


def _letters() -> "QuerySet[Draft]":
    at = now()
    never = Q(state=DraftState.OPEN, revision=0, saved_at__lt=at - NEVER_SAVED)
    lost = Q(state=DraftState.OPEN, saved_at__lt=at - REMEMBERED, has_message=False)
    discarded = Q(state=DraftState.DISCARDED, saved_at__lt=at - DISCARDED)
    there = Entry.objects.filter(
        mailbox=OuterRef("mailbox"), uid=OuterRef("uid"), mailbox__deleted_at=None
    )
    coming = DraftFile.objects.filter(draft=OuterRef("pk"), created_at__gte=at - NEVER_SAVED)
    return (
        Draft.objects.annotate(has_message=Exists(there))
        .filter(never | lost | discarded | _left(at - REMEMBERED))
        .exclude(Exists(coming))
    )


def _left(before: int) -> Q:
    """Letters that left before a time; what waits until its hour has not."""
    return Q(state=DraftState.SENT, saved_at__lt=before, hold_until__lt=before * 1_000_000)


def _files() -> "QuerySet[DraftFile]":
    letters = Draft.objects.filter(_left(now() - SENT))
    return DraftFile.objects.filter(draft__in=letters)


def _half() -> "QuerySet[DraftFile]":
    return DraftFile.objects.filter(received__lt=F("size"), created_at__lt=now() - HALF)


def _forget(rows: "QuerySet[Any]") -> int:
    total = 0
    for _page in range(PAGES):
        with transaction.atomic():
            # Locked, so that a letter which is just brought back is seen to be.
            found = list(rows.select_for_update(of=("self",)).order_by("pk")[:PAGE])
            if not found:
                break
            rows.model.objects.filter(pk__in=[one.pk for one in found]).delete()
        total += len(found)
    return total
