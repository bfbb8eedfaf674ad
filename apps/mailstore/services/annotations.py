"""Notes on mailboxes and on the account (RFC 5464): the only door through which they change.

A note below /private belongs to the user who wrote it, one below /shared to the owner of the
mailbox, and counts in that one's limits. `/private/specialuse` is no note but the role of a mailbox
(RFC 6154 section 4). Whoever may write what is for the caller to know.

The notes on a deleted mailbox stay with it, unseen, until it is purged: it may be brought back. One
of the same name is another mailbox and does not inherit them (RFC 5464 section 4.1).
"""

from collections.abc import Mapping
from typing import Final

from django.db import transaction
from django.db.models import Count, Sum
from django.db.models.functions import Length

from apps.events.bus import publish_on_commit
from apps.events.types import EVERYBODY, AnnotationsChanged
from apps.mailstore.models import Annotation, Mailbox
from apps.mailstore.services import roles
from apps.mailstore.services.locks import lock
from apps.runtime.rows import fetch
from apps.wire.errors import LimitReached, MessageTooLarge, NotFound, QuotaExceeded
from apps.wire.limits import LITERAL_AFTER_LOGIN

SPECIAL_USE: Final = "/private/specialuse"
SHARED: Final = "/shared/"
NOTES_MAX: Final = 100
"""On one mailbox of one user, and on an account: RFC 5464 section 4.1 wants 10 at least."""
VALUE_MAX: Final = LITERAL_AFTER_LOGIN
"""Octets of a value, the longest literal of an ordinary command: RFC 5464 section 4.1 wants 1,024
at least."""
TOTAL_MAX: Final = 4 * 1024 * 1024
"""Octets of all values of one user."""


class TooLarge(MessageTooLarge):
    """A value above VALUE_MAX."""


class TooMany(LimitReached):
    """More than NOTES_MAX."""


def change(
    *,
    user_id: int,
    owner_id: int,
    mailbox_id: int | None,
    values: Mapping[str, bytes | None],
    use: str | None = None,
) -> Mailbox | None:
    """Write notes, all or none.

    Args:
        owner_id: whose mailbox it is; on an account the user.
        mailbox_id: None for the account.
        values: by entry, in lower case; None removes a note.
        use: a role that the mailbox of the user takes, "" for none, None to leave it.

    Returns:
        The mailbox that lost that role to this one, if any.

    Raises:
        NotFound: the mailbox is gone.
        TooLarge, TooMany
        QuotaExceeded: more than TOTAL_MAX.
        roles.NoRole: that mailbox can have none.
    """
    for value in values.values():
        if value is not None and len(value) > VALUE_MAX:
            raise TooLarge(f"{len(value)} octets", text=f"At most {VALUE_MAX} octets in a value")
    shared = {entry: value for entry, value in values.items() if entry.startswith(SHARED)}
    private = {entry: value for entry, value in values.items() if entry not in shared}
    with transaction.atomic():
        lock(users={user_id, owner_id})
        if mailbox_id is not None and not _is_live(mailbox_id):
            raise NotFound(f"mailbox {mailbox_id}", text="No such mailbox")
        for whose, some in ((user_id, private), (owner_id, shared)):
            _write(whose, mailbox_id, some)
        _tell(user_id, mailbox_id, private=bool(private), shared=bool(shared))
        if use is None or mailbox_id is None:
            return None
        return roles.assign(user_id=user_id, mailbox_id=mailbox_id, use=use)


def _is_live(mailbox_id: int) -> bool:
    sql = "SELECT 1 FROM mailstore_mailbox WHERE id = %s AND deleted_at IS NULL"
    return bool(fetch(sql, [mailbox_id]))


def _write(user_id: int, mailbox_id: int | None, values: Mapping[str, bytes | None]) -> None:
    if not values:
        return
    mine = Annotation.objects.filter(user=user_id)
    here = mine.filter(mailbox=mailbox_id)
    here.filter(entry__in=list(values)).delete()
    # New rows, with new ids: who remembers the id of a note sees that it is another.
    made = [
        Annotation(user_id=user_id, mailbox_id=mailbox_id, entry=entry, value=value)
        for entry, value in values.items()
        if value is not None
    ]
    Annotation.objects.bulk_create(made)
    if not made:
        return
    if _has_too_many(user_id, mailbox_id):
        raise TooMany(f"user {user_id}", text=f"At most {NOTES_MAX} annotations here")
    if _octets(user_id) <= TOTAL_MAX:
        return
    # What is kept only because a deleted mailbox can be brought back gives way.
    mine.filter(mailbox__deleted_at__isnull=False).delete()
    if _octets(user_id) > TOTAL_MAX:
        raise QuotaExceeded(f"user {user_id}", text="No space left for annotations")


def _octets(user_id: int) -> int:
    total = Annotation.objects.filter(user=user_id).aggregate(total=Sum(Length("value")))["total"]
    return int(total or 0)


def _has_too_many(user_id: int, mailbox_id: int | None) -> bool:
    here = Annotation.objects.filter(user=user_id, mailbox=mailbox_id)
    return int(here.aggregate(count=Count("pk"))["count"]) > NOTES_MAX


def _tell(user_id: int, mailbox_id: int | None, *, private: bool, shared: bool) -> None:
    if shared:
        publish_on_commit(AnnotationsChanged(EVERYBODY, mailbox_id or 0))
    elif private:
        publish_on_commit(AnnotationsChanged(user_id, mailbox_id or 0))


def copy_all(source_id: int, target_id: int) -> None:
    """Give a mailbox the notes of another, within the caller's transaction: INBOX was renamed, and
    keeps its own (RFC 5464 section 4.1)."""
    Annotation.objects.bulk_create(
        Annotation(user_id=note.user_id, mailbox_id=target_id, entry=note.entry, value=note.value)
        for note in Annotation.objects.filter(mailbox=source_id)
    )
