"""An address book as a file. Read in pieces: a thousand cards need no more memory than some."""

from collections.abc import Iterator
from typing import Final

from django.db.models import QuerySet

from apps.contacts.cards.card import Card, Way
from apps.contacts.cards.writing import written
from apps.contacts.models import Contact

_AT_ONCE: Final = 200


def card_of(row: Contact) -> Card:
    """The card of a row whose addresses, numbers and groups are read already."""
    by_place = sorted(row.emails.all(), key=lambda one: one.place)
    numbers = sorted(row.phones.all(), key=lambda one: one.place)
    return Card(
        name=row.name,
        uid=row.uid,
        parts=row.parts,
        company=row.company,
        title=row.title,
        note=row.note,
        emails=tuple(Way(one.address, one.kind) for one in by_place),
        phones=tuple(Way(one.number, one.kind) for one in numbers),
        groups=tuple(sorted(one.name for one in row.groups.all())),
        rest=tuple(row.rest.split("\n")) if row.rest else (),
    )


def exported(rows: QuerySet[Contact], version: str) -> Iterator[str]:
    """Card after card."""
    whole = rows.prefetch_related("emails", "phones", "groups")
    for row in whole.iterator(chunk_size=_AT_ONCE):
        yield written(card_of(row), version)
