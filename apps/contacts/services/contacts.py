"""The write door of cards. Rows change here, in `imports` and in `groups` alone; of one user at a
time, and what is another's is not there."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from apps.contacts.cards.card import Card, Way
from apps.contacts.checking import checked, key_of
from apps.contacts.models import (
    Contact,
    ContactEmail,
    ContactGroup,
    ContactMember,
    ContactPhone,
)
from apps.mime.address import Address, AddressError
from apps.mime.searchtext import folded
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.wire.errors import InvalidAddress, LimitReached, NotFound

MOST: Final = 10_000
"""Cards of one user."""
_NAMES: Final = uuid.UUID("6f1d5c1e-5f0e-4d0b-9b6c-2d9c3f6a7b10")  # of cards that have no uid
_FOLDED: Final = 400


def create(*, user_id: int, card: Card, group_ids: Sequence[int] = ()) -> Contact:
    """Keep a card.

    Raises:
        InvalidName, InvalidAddress, LimitReached
    """
    whole = checked(card)
    with transaction.atomic():
        require_room(user_id, 1)
        row = row_of(user_id, whole, whole.uid or f"urn:uuid:{new_ulid()}")
        row.save(force_insert=True)
        _hang_on(row, whole)
        _put_into(row, group_ids)
    return row


def change(*, user_id: int, contact_id: int, card: Card, group_ids: Sequence[int] = ()) -> Contact:
    """Write a card anew; what the form does not show of it stays.

    Raises:
        NotFound, InvalidName, InvalidAddress, LimitReached
    """
    whole = checked(card)
    with transaction.atomic():
        mine = Contact.objects.select_for_update().filter(user_id=user_id)
        before = mine.filter(pk=contact_id).first()
        if before is None:
            raise NotFound(f"contact {contact_id} of user {user_id}", text=_missing())
        row = row_of(user_id, whole, before.uid)
        # Whoever is called otherwise has other names in parts, too.
        row.parts = before.parts if before.name == row.name else ""
        row.pk, row.rest = before.pk, before.rest
        row.save(force_update=True)
        row.emails.all().delete()
        row.phones.all().delete()
        _hang_on(row, whole)
        ContactMember.objects.filter(contact=row).exclude(group_id__in=group_ids).delete()
        _put_into(row, group_ids)
    return row


def delete(*, user_id: int, contact_ids: Sequence[int]) -> int:
    """Forget cards; how many there were."""
    rows = Contact.objects.filter(user_id=user_id, pk__in=contact_ids)
    with transaction.atomic():
        return rows.delete()[1].get("contacts.Contact", 0)


def collect(*, user_id: int, address: str, name: str = "") -> Contact:
    """Keep the address of somebody that was written to, or who wrote. Asked twice, the card is the
    same.

    Raises:
        InvalidName, InvalidAddress, LimitReached
    """
    try:
        key = Address.parse(address).key
    except AddressError:
        words = _("“%(address)s” is not a mail address")
        shown = {"address": address[:100]}
        raise InvalidAddress(repr(address[:100]), text=words % shown) from None
    with transaction.atomic():
        known = ContactEmail.objects.filter(user_id=user_id, key=key).order_by("contact_id").first()
        if known is not None:
            return known.contact
        require_room(user_id, 1)
        whole = checked(Card(name=name or address, emails=(Way(address),)))
        row = row_of(user_id, whole, uid_by(key))
        # Two at once: the database lets one of them in.
        Contact.objects.bulk_create([row], ignore_conflicts=True)
        row = Contact.objects.get(user_id=user_id, uid=row.uid)
        ContactEmail.objects.bulk_create(emails_of(row, whole), ignore_conflicts=True)
    return row


def require_room(user_id: int, more: int) -> None:
    """Raises LimitReached."""
    if Contact.objects.filter(user_id=user_id).count() + more > MOST:
        words = _("You can have %(count)d contacts, and there is no room for more")
        raise LimitReached(f"user {user_id}", text=words % {"count": MOST})


def row_of(user_id: int, card: Card, uid: str) -> Contact:
    """The row of a card that was checked."""
    said = (card.name, card.company, card.title, *_values(card.emails), *_values(card.phones))
    return Contact(
        user_id=user_id,
        uid=uid,
        name=card.name,
        parts=card.parts,
        company=card.company,
        title=card.title,
        note=card.note,
        rest="\n".join(card.rest),
        folded=folded(card.name)[:_FOLDED],
        words=" ".join(map(folded, said)),
        changed_at=now(),
    )


def uid_by(text: str) -> str:
    """A uid for a card that has none: the same for the same text."""
    return f"urn:uuid:{uuid.uuid5(_NAMES, text)}"


def emails_of(row: Contact, card: Card) -> list[ContactEmail]:
    """Rows of its addresses."""
    return [
        ContactEmail(
            contact=row,
            user_id=row.user_id,
            place=place,
            key=key_of(one.value),
            address=one.value,
            kind=one.kind,
        )
        for place, one in enumerate(card.emails)
    ]


def phones_of(row: Contact, card: Card) -> list[ContactPhone]:
    """Rows of its numbers."""
    return [
        ContactPhone(contact=row, place=place, number=one.value, kind=one.kind)
        for place, one in enumerate(card.phones)
    ]


def _hang_on(row: Contact, card: Card) -> None:
    ContactEmail.objects.bulk_create(emails_of(row, card))
    ContactPhone.objects.bulk_create(phones_of(row, card))


def _put_into(row: Contact, group_ids: Sequence[int]) -> None:
    """Into those of the groups that are the user's own."""
    mine = ContactGroup.objects.filter(user_id=row.user_id, pk__in=group_ids)
    members = [ContactMember(group=group, contact=row) for group in mine]
    ContactMember.objects.bulk_create(members, ignore_conflicts=True)


def _values(ways: Iterable[Way]) -> list[str]:
    return [one.value for one in ways]


def _missing() -> str:
    return _("This contact is not there any more")
