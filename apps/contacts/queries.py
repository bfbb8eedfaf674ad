"""Reads of the address book. A user's own rows alone; constant statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, QuerySet

from apps.contacts.models import Contact, ContactEmail, ContactGroup, ContactMember
from apps.mime.searchtext import folded
from apps.runtime.rows import Values, fetch

PAGE: Final = 50
MEMBERS: Final = 200
"""Members of a group that a letter is offered to."""

_PAIRS = Values("wanted", "user_id bigint, key text")
_KNOWN = """
SELECT DISTINCT e.user_id, e.key FROM {wanted}
JOIN contacts_contactemail e ON e.user_id = wanted.user_id AND e.key = wanted.key"""


@dataclass(frozen=True, slots=True)
class Known:
    """An address in somebody's address book, and how it is called there."""

    name: str
    address: str
    key: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group and how many are in it."""

    id: int
    name: str
    count: int


def known(pairs: Sequence[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those pairs of user and `Address.key` where the user's address book has the address; one
    statement for any number."""
    if not pairs:
        return set()
    rows = fetch(_KNOWN.format(wanted=_PAIRS.sql), Values.parameters(sorted(set(pairs))))
    return {(user, key) for user, key in rows}


def knows(user_id: int, key: str) -> bool:
    """Whether a user's address book has an address (its `Address.key`)."""
    return ContactEmail.objects.filter(user_id=user_id, key=key).exists()


def with_address(user_id: int, key: str) -> int | None:
    """The first card that has an address (its `Address.key`); None if there is none."""
    rows = ContactEmail.objects.filter(user_id=user_id, key=key).order_by("contact_id")
    return rows.values_list("contact_id", flat=True).first()


def names_of(user_id: int, keys: Sequence[str]) -> dict[str, str]:
    """What a user calls those of these addresses that the address book has, by `Address.key`."""
    rows = ContactEmail.objects.filter(user_id=user_id, key__in=keys)
    return dict(rows.order_by("-contact_id").values_list("key", "contact__name"))


def search(user_id: int, text: str, *, group: int | None = None) -> QuerySet[Contact]:
    """The cards that have every word of `text` somewhere, by name."""
    rows = Contact.objects.filter(user_id=user_id)
    if group is not None:
        rows = rows.filter(memberships__group_id=group)
    for word in folded(text).split()[:8]:
        rows = rows.filter(words__contains=word)
    return rows.order_by("folded", "id")


def page(
    user_id: int, text: str, *, group: int | None = None, after: tuple[str, int] | None = None
) -> list[Contact]:
    """One more than a page of them, with their addresses; two statements.

    Args:
        after: (folded, id) of the last one of the page before.
    """
    rows = search(user_id, text, group=group).defer("rest", "note", "words")
    if after is not None:
        name, number = after
        same = rows.filter(folded=name, id__gt=number)
        rows = (rows.filter(folded__gt=name) | same).order_by("folded", "id")
    return list(rows.prefetch_related("emails")[: PAGE + 1])


def place_of(user_id: int, number: int) -> tuple[str, int] | None:
    """Where a card stands among the others, for `page`; None if there is no such card."""
    rows = Contact.objects.filter(user_id=user_id, pk=number)
    return rows.values_list("folded", "pk").first() if number else None


def named(user_id: int, chosen: Sequence[int]) -> list[Contact]:
    """Those of these cards that are the user's, by name."""
    rows = Contact.objects.filter(user_id=user_id, pk__in=chosen)
    return list(rows.only("id", "name").order_by("folded", "id"))


def find(user_id: int, number: int) -> Contact | None:
    """A card with all that it has; four statements."""
    rows = Contact.objects.filter(user_id=user_id, pk=number)
    return rows.prefetch_related("emails", "phones", "groups").first()


def count(user_id: int) -> int:
    """How many cards a user has."""
    return Contact.objects.filter(user_id=user_id).count()


def groups(user_id: int) -> list[Group]:
    """All groups of a user by name; one statement."""
    rows = ContactGroup.objects.filter(user_id=user_id).annotate(count=Count("members"))
    found = [Group(row.pk, row.name, row.count) for row in rows]
    return sorted(found, key=lambda one: folded(one.name))


def addresses(user_id: int, text: str, *, limit: int) -> list[Known]:
    """Addresses on cards that have every word of `text` in them, by name."""
    rows = ContactEmail.objects.filter(user_id=user_id)
    for word in folded(text).split()[:8]:
        rows = rows.filter(contact__words__contains=word)
    found = rows.order_by("contact__folded", "contact_id", "place")
    columns = found.values_list("contact__name", "address", "key")[:limit]
    return [Known(name, address, key) for name, address, key in columns]


def members(user_id: int, group_ids: Sequence[int]) -> dict[int, list[Known]]:
    """The first address of each member of groups, by name; one statement."""
    rows = ContactMember.objects.filter(
        group_id__in=group_ids, contact__user_id=user_id, contact__emails__place=0
    )
    found: dict[int, list[Known]] = {number: [] for number in group_ids}
    columns = ("group_id", "contact__name", "contact__emails__address", "contact__emails__key")
    for group, *known_as in rows.order_by("contact__folded", "contact_id").values_list(*columns):
        if len(found[group]) < MEMBERS:
            found[group].append(Known(*known_as))
    return found
