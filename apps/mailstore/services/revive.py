"""Brings a deleted mailbox back: the same row, with its messages, UIDs, flags, keywords, rights and
notes.

It gets its name, or one like it if another mailbox has that now; its role, unless another has it.
Its UIDVALIDITY stays, so clients that still know its messages go on, except when another mailbox
had the name meanwhile: a client that remembers that one must be told a larger number (RFC 3501
section 2.3.1.1).
"""

from typing import Final, NamedTuple

from django.db import connection, transaction

from apps.directory.models import UserState
from apps.events.bus import publish_on_commit
from apps.events.types import MailboxesChanged
from apps.mailstore.models import FLAG_SEEN, Mailbox, SpecialUse, Subscription
from apps.mailstore.origin import Origin
from apps.mailstore.services import filing, mailboxes, quota, sharing
from apps.mailstore.services.filing import Change, Growth, Use
from apps.mailstore.services.locks import lock
from apps.mailstore.services.mailboxes import LEVEL_MAX, NAME_MAX, SEPARATOR
from apps.runtime.rows import fetch
from apps.wire.errors import NotFound, NotPermitted

# The counters of a deleted mailbox are not kept up to date while it is purged in pieces.
_COUNT: Final = f"""
SELECT COUNT(*), COALESCE(SUM(1 - (flags & {FLAG_SEEN})), 0), COALESCE(SUM(size), 0)
FROM mailstore_entry WHERE mailbox_id = %s"""
_RESTATE: Final = """
UPDATE mailstore_mailboxstate SET messages = %s, unseen = %s, size = %s WHERE mailbox_id = %s"""


class Revived(NamedTuple):
    """A mailbox that is back. `size` in bytes; `before` is the name it had."""

    mailbox_id: int
    name: str
    before: str
    uidvalidity: int
    messages: int
    size: int


def mailbox(*, mailbox_id: int, origin: Origin, acts_as: int | None = None) -> Revived:
    """Bring a deleted mailbox back, in one transaction.

    Args:
        acts_as: the owner, where `origin.user_id` is an administrator.

    Raises:
        NotFound: there is no such deleted mailbox (any more), or its owner was removed.
        NotPermitted: who acts is not the owner.
        QuotaExceeded: the owner has no room for what it holds; nothing has changed.
        LimitReached: the owner has too many mailboxes.
        AlreadyExists: somebody took the name at the same moment.
    """
    user_id = _dead(mailbox_id).user_id
    actor = origin.user_id if acts_as is None else acts_as
    if actor not in (None, user_id):
        raise NotPermitted(f"user {actor} in mail of {user_id}")
    with mailboxes.unique(str(mailbox_id)), transaction.atomic():
        mailboxes.one_at_a_time()
        lock(users=[user_id], mailboxes=[mailbox_id])
        box = _dead(mailbox_id)  # again: it may have been purged, or brought back
        mailboxes.check_limit(user_id)
        ((messages, unseen, size),) = fetch(_COUNT, [mailbox_id])
        quota.require_room(user_id, int(size))
        before = box.name
        _name(box)
        box.deleted_at = None
        box.save(update_fields=["name", "special_use", "uidvalidity", "deleted_at"])
        with connection.cursor() as cursor:
            cursor.execute(_RESTATE, [messages, unseen, size, mailbox_id])
        modseq = filing.grow({mailbox_id: Growth(0, 0, 0, 0)})[mailbox_id].modseq
        filing.use([Use(user_id, int(size), messages, expunged=-int(size))])
        was, done = {"name": before}, {"name": box.name}
        filing.record([Change(mailbox_id, "restore", [], modseq, origin, was, done)])
        _keep_in_sight(user_id, before, box.name)
        sharing.tell([mailbox_id])
        publish_on_commit(MailboxesChanged(user_id))
    return Revived(mailbox_id, box.name, before, box.uidvalidity, messages, int(size))


def _dead(mailbox_id: int) -> Mailbox:
    found = Mailbox.objects.filter(pk=mailbox_id, deleted_at__isnull=False)
    box = found.exclude(user__state=UserState.REMOVED).first()
    if box is None:
        raise NotFound(f"deleted mailbox {mailbox_id}", text="There is no such deleted mailbox")
    return box


def _name(box: Mailbox) -> None:
    """Give it its name, role and UIDVALIDITY."""
    mine = Mailbox.objects.filter(user_id=box.user_id).exclude(pk=box.pk)
    live = mine.filter(deleted_at=None)
    box.name = free_name(box.name, set(live.values_list("name", flat=True)))
    if box.special_use and live.filter(special_use=box.special_use).exists():
        box.special_use = SpecialUse.NONE
    if mine.filter(name=box.name, uidvalidity__gt=box.uidvalidity).exists():
        box.uidvalidity = mailboxes.take_uidvalidities(1)


def free_name(name: str, taken: set[str]) -> str:
    """The name, or the first of `name (restored)`, `name (restored 2)` … that is not taken; cut to
    the limits of names."""
    if name not in taken:
        return name
    above, separator, level = name.rpartition(SEPARATOR)
    number = 1
    while True:
        mark = " (restored)" if number == 1 else f" (restored {number})"
        most = min(LEVEL_MAX, NAME_MAX - len(above + separator)) - len(mark)
        found = above + separator + level[: max(most, 1)].rstrip() + mark
        if found not in taken:
            return found
        number += 1


def _keep_in_sight(user_id: int, before: str, name: str) -> None:
    """The mailbox was subscribed under its old name, so it is under the new one."""
    mine = Subscription.objects.filter(user_id=user_id)
    if name != before and mine.filter(name=before).exists():
        Subscription.objects.bulk_create(
            [Subscription(user_id=user_id, name=name)], ignore_conflicts=True
        )
