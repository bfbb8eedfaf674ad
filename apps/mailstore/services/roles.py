"""Roles of mailboxes (RFC 6154): which one of a user takes drafts, sent mail, junk and so on.

A user's mailbox has one role at most, and one mailbox has it: to give a role to a mailbox takes it
from the one that had it, as section 5.4 shows. INBOX is what it is.
"""

from apps.events.bus import publish_on_commit
from apps.events.types import AnnotationsChanged, MailboxesChanged
from apps.mailstore.models import Mailbox, SpecialUse
from apps.mailstore.services.locks import lock
from apps.wire.errors import NotFound, NotPermitted


class NoRole(NotPermitted):
    """This mailbox can have no role, or not this one."""


def assign(*, user_id: int, mailbox_id: int, use: str) -> Mailbox | None:
    """Give a role to a mailbox of a user, or take its own from it, within the caller's transaction.

    Args:
        use: a value of `SpecialUse`, not INBOX; empty to take the role away.

    Returns:
        The mailbox that had the role before, if it was another.

    Raises:
        NotFound: the user has no such mailbox.
        NoRole: it is INBOX.
    """
    mine = Mailbox.objects.filter(user_id=user_id, deleted_at=None)
    mailbox = mine.filter(pk=mailbox_id).first()
    if mailbox is None:
        raise NotFound(f"mailbox {mailbox_id} of user {user_id}", text="No such mailbox")
    if mailbox.special_use == SpecialUse.INBOX:
        if not use:
            return None
        raise NoRole(f"INBOX of user {user_id}", text="INBOX can have no other special use")
    if mailbox.special_use == use:
        return None
    before = free(user_id=user_id, use=use)
    mine.filter(pk=mailbox_id).update(special_use=use)
    publish_on_commit(MailboxesChanged(user_id))
    publish_on_commit(AnnotationsChanged(user_id, mailbox_id))
    return before


def free(*, user_id: int, use: str) -> Mailbox | None:
    """Take a role from the mailbox that has it, within the caller's transaction; returns it."""
    if not use:
        return None
    lock(users=[user_id])  # two that give the same role at once: the later one gets it
    mine = Mailbox.objects.filter(user_id=user_id, deleted_at=None, special_use=use)
    before = mine.first()
    if before is not None:
        mine.update(special_use=SpecialUse.NONE)
        publish_on_commit(AnnotationsChanged(user_id, before.pk))
    return before
