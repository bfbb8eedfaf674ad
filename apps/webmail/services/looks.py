"""The colours of folders, and which of them are out of sight. Rows change here alone."""

from django.db import transaction

from apps.events.bus import publish_on_commit
from apps.events.types import LooksChanged
from apps.webmail.labels import HIDDEN, HUES
from apps.webmail.models import FolderLook
from apps.wire.errors import InvalidName


@transaction.atomic
def colour(*, user_id: int, mailbox_id: int, hue: int) -> None:
    """Give a folder a colour, 1 to 8, or none by 0; the caller has found it in the user's reach.

    Raises:
        InvalidName: there is no such colour.
    """
    mine = FolderLook.objects.filter(user_id=user_id, mailbox_id=mailbox_id)
    if hue == 0:
        mine.delete()
    elif hue not in HUES:
        raise InvalidName(f"hue {hue}", text="There is no such colour")
    else:
        _write(user_id, mailbox_id, hue)
    publish_on_commit(LooksChanged(user_id))


@transaction.atomic
def hide(*, user_id: int, mailbox_id: int) -> None:
    """Put a mailbox out of this user's sight; it has no colour then."""
    _write(user_id, mailbox_id, HIDDEN)
    publish_on_commit(LooksChanged(user_id))


@transaction.atomic
def show(*, user_id: int, mailbox_id: int) -> None:
    """Have it in sight again; nothing happens if it is."""
    FolderLook.objects.filter(user_id=user_id, mailbox_id=mailbox_id, hue=HIDDEN).delete()
    publish_on_commit(LooksChanged(user_id))


def hidden(user_id: int) -> set[int]:
    """The mailboxes that are out of sight; one query."""
    mine = FolderLook.objects.filter(user_id=user_id, hue=HIDDEN)
    return set(mine.values_list("mailbox_id", flat=True))


def _write(user_id: int, mailbox_id: int, hue: int) -> None:
    FolderLook.objects.bulk_create(
        [FolderLook(user_id=user_id, mailbox_id=mailbox_id, hue=hue)],
        update_conflicts=True,
        unique_fields=["user", "mailbox"],
        update_fields=["hue"],
    )
