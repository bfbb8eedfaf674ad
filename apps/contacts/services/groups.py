"""The write door of groups of cards."""

from collections.abc import Iterable, Sequence
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from apps.contacts.checking import group_name
from apps.contacts.models import Contact, ContactGroup, ContactMember
from apps.wire.errors import AlreadyExists, LimitReached, NotFound

MOST: Final = 200
"""Groups of one user."""


def create(*, user_id: int, name: str) -> ContactGroup:
    """Make a group.

    Raises:
        InvalidName, AlreadyExists, LimitReached
    """
    text = group_name(name)
    with transaction.atomic():
        mine = ContactGroup.objects.filter(user_id=user_id)
        _require_free(mine.values_list("name", flat=True), text)
        if mine.count() >= MOST:
            words = _("You have %(count)d groups, and there can be no more: delete one first")
            raise LimitReached(f"user {user_id}", text=words % {"count": MOST})
        # Two at once: the database decides, and what it keeps is asked for.
        ContactGroup.objects.bulk_create(
            [ContactGroup(user_id=user_id, name=text)], ignore_conflicts=True
        )
        return mine.get(name__iexact=text)


def rename(*, user_id: int, group_id: int, name: str) -> None:
    """Call a group otherwise.

    Raises:
        NotFound, InvalidName, AlreadyExists
    """
    text = group_name(name)
    with transaction.atomic():
        mine = ContactGroup.objects.filter(user_id=user_id)
        _require_free(mine.exclude(pk=group_id).values_list("name", flat=True), text)
        if not mine.filter(pk=group_id).update(name=text):
            raise NotFound(f"group {group_id} of user {user_id}", text=_missing())


def delete(*, user_id: int, group_id: int) -> None:
    """Forget a group; those in it stay. Raises NotFound."""
    with transaction.atomic():
        if not ContactGroup.objects.filter(user_id=user_id, pk=group_id).delete()[0]:
            raise NotFound(f"group {group_id} of user {user_id}", text=_missing())


def add(*, user_id: int, group_id: int, contact_ids: Sequence[int]) -> int:
    """Put cards into a group; how many of them are the user's. Raises NotFound."""
    with transaction.atomic():
        group = _find(user_id, group_id)
        rows = list(Contact.objects.filter(user_id=user_id, pk__in=contact_ids))
        members = [ContactMember(group=group, contact=row) for row in rows]
        ContactMember.objects.bulk_create(members, ignore_conflicts=True)
    return len(rows)


def take_out(*, user_id: int, group_id: int, contact_ids: Sequence[int]) -> int:
    """Take cards out of a group; how many were in it. Raises NotFound."""
    with transaction.atomic():
        group = _find(user_id, group_id)
        found = ContactMember.objects.filter(group=group, contact_id__in=contact_ids)
        return found.delete()[0]


def _find(user_id: int, group_id: int) -> ContactGroup:
    group = ContactGroup.objects.filter(user_id=user_id, pk=group_id).first()
    if group is None:
        raise NotFound(f"group {group_id} of user {user_id}", text=_missing())
    return group


def _require_free(taken: Iterable[str], name: str) -> None:
    if name.casefold() in {one.casefold() for one in taken}:
        words = _("You have a group of this name already: choose another name")
        raise AlreadyExists(name, text=words)


def _missing() -> str:
    return _("This group is not there any more")
