"""Cards of a file into an address book. A card that came before (by its uid, or one without a uid
by its name and addresses) is written anew, never a second time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from django.db import transaction

from apps.contacts.cards.card import UID, Card
from apps.contacts.cards.reading import read
from apps.contacts.checking import key_of, mended
from apps.contacts.models import (
    Contact,
    ContactEmail,
    ContactGroup,
    ContactMember,
    ContactPhone,
)
from apps.contacts.services.contacts import (
    MOST,
    emails_of,
    phones_of,
    require_room,
    row_of,
    uid_by,
)
from apps.contacts.services.groups import MOST as GROUPS_MOST

T = TypeVar("T")
LARGEST: Final = 20 * 1024 * 1024
"""Octets of a file: pictures make them large."""
_AT_ONCE: Final = 500
_COLUMNS: Final = "name parts company title note rest folded words changed_at".split()


@dataclass(slots=True)
class Taken:
    """What became of a file.

    Args:
        addresses: those that are none, and were left out.
    """

    added: int = 0
    replaced: int = 0
    broken: int = 0
    pictures: int = 0
    addresses: int = 0


def take(*, user_id: int, octets: bytes) -> Taken:
    """Keep the cards of a file, all of them or none.

    Raises:
        LimitReached: there are more than may be.
    """
    reading = read(octets, most=MOST)
    taken = Taken(broken=reading.broken, pictures=reading.pictures)
    people: dict[str, Card] = {}
    teams = []
    for card in reading.cards:
        whole, lost = mended(card)
        taken.addresses += lost
        if whole.is_group:
            teams.append(whole)
        else:
            people[_uid(whole)] = whole
    with transaction.atomic():
        known = set(_known(user_id, list(people)))
        taken.added, taken.replaced = len(people.keys() - known), len(known)
        require_room(user_id, taken.added)
        numbers: dict[str, int] = {}
        for some in _pieces(list(people.items())):
            numbers |= _keep(user_id, dict(some))
        _group(user_id, people, teams, numbers)
    return taken


def _uid(card: Card) -> str:
    if card.uid:
        return card.uid
    addresses = sorted(key_of(one.value) for one in card.emails)
    return uid_by("\n".join((card.name, *addresses)))


def _known(user_id: int, uids: Sequence[str]) -> Iterator[str]:
    for some in _pieces(uids):
        rows = Contact.objects.filter(user_id=user_id, uid__in=some)
        yield from rows.values_list("uid", flat=True)


def _keep(user_id: int, people: dict[str, Card]) -> dict[str, int]:
    """Write some cards; their numbers by uid. As many statements for one as for all."""
    rows = [row_of(user_id, card, uid) for uid, card in people.items()]
    Contact.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user", "uid"], update_fields=_COLUMNS
    )
    kept = list(Contact.objects.filter(user_id=user_id, uid__in=list(people)))
    ContactEmail.objects.filter(contact__in=kept).delete()
    ContactPhone.objects.filter(contact__in=kept).delete()
    ContactEmail.objects.bulk_create(
        [one for row in kept for one in emails_of(row, people[row.uid])]
    )
    ContactPhone.objects.bulk_create(
        [one for row in kept for one in phones_of(row, people[row.uid])]
    )
    return {row.uid: row.pk for row in kept}


def _group(
    user_id: int, people: dict[str, Card], teams: Sequence[Card], numbers: dict[str, int]
) -> None:
    """Put them into the groups that the file names; there may be too many to make all."""
    wanted: dict[str, set[int]] = {}
    names: dict[str, str] = {}
    for uid, card in people.items():
        for name in card.groups:
            names.setdefault(name.casefold(), name)
            wanted.setdefault(name.casefold(), set()).add(numbers[uid])
    bare = {_bare(uid): number for uid, number in numbers.items()}
    for team in teams:
        name = team.name[:100]
        names.setdefault(name.casefold(), name)
        members = {bare[_bare(one)] for one in team.members if _bare(one) in bare}
        wanted.setdefault(name.casefold(), set()).update(members)
    groups = _groups(user_id, names)
    members_ = [
        ContactMember(group=groups[name], contact_id=number)
        for name, found in wanted.items()
        if name in groups
        for number in sorted(found)
    ]
    ContactMember.objects.bulk_create(members_, ignore_conflicts=True, batch_size=_AT_ONCE)


def _groups(user_id: int, names: dict[str, str]) -> dict[str, ContactGroup]:
    """Those groups, made where there is none, as long as there is room; by name casefolded."""
    mine = ContactGroup.objects.filter(user_id=user_id)
    have = {one.name.casefold(): one for one in mine}
    new = [name for key, name in names.items() if key not in have]
    room = max(0, GROUPS_MOST - len(have))
    ContactGroup.objects.bulk_create(
        [ContactGroup(user_id=user_id, name=name) for name in new[:room]], ignore_conflicts=True
    )
    return {one.name.casefold(): one for one in mine.all()}


def _bare(uid: str) -> str:
    """A uid without what programs write before it, or leave away."""
    return uid[:UID].lower().removeprefix("urn:uuid:")


def _pieces(found: Sequence[T]) -> Iterator[Sequence[T]]:
    return (found[start : start + _AT_ONCE] for start in range(0, len(found), _AT_ONCE))
