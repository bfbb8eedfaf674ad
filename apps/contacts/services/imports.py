"""Cards of a file into an address book. A card that came before (by its uid, or one without a uid
by its name and addresses) is written anew, never a second time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from django.db import transaction

from apps.contacts.cards.card import GROUP, UID, Card
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
    """Keep the cards of a file. Some hundreds are a transaction, so that mail need not wait for a
    long file; what was kept when one fails stays, and taking the file again goes on from there.

    Raises:
        LimitReached: there are more than may be; none is kept.
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
    known = set(_known(user_id, list(people)))
    taken.added, taken.replaced = len(people.keys() - known), len(known)
    require_room(user_id, taken.added)
    groups = _groups(user_id, [*_names(people.values()), *(team.name[:GROUP] for team in teams)])
    numbers: dict[str, int] = {}
    for some in _pieces(list(people.items())):
        numbers |= _keep(user_id, dict(some), groups)
    _gather(teams, groups, numbers)
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


def _names(cards: Iterable[Card]) -> Iterator[str]:
    return (name for card in cards for name in card.groups)


def _keep(user_id: int, people: dict[str, Card], groups: dict[str, ContactGroup]) -> dict[str, int]:
    """Write some cards; their numbers by uid. As many statements for one as for all."""
    rows = [row_of(user_id, card, uid) for uid, card in people.items()]
    with transaction.atomic():
        Contact.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["user", "uid"], update_fields=_COLUMNS
        )
        kept = list(Contact.objects.filter(user_id=user_id, uid__in=list(people)))
        ContactEmail.objects.filter(contact__in=kept).delete()
        ContactPhone.objects.filter(contact__in=kept).delete()
        whole = [(row, people[row.uid]) for row in kept]
        ContactEmail.objects.bulk_create(
            [one for row, card in whole for one in emails_of(row, card)]
        )
        ContactPhone.objects.bulk_create(
            [one for row, card in whole for one in phones_of(row, card)]
        )
        _put([(name, row.pk) for row, card in whole for name in card.groups], groups)
    return {row.uid: row.pk for row in kept}


def _gather(
    teams: Sequence[Card], groups: dict[str, ContactGroup], numbers: dict[str, int]
) -> None:
    """Put people into the groups that stand in the file as cards."""
    bare = {_bare(uid): number for uid, number in numbers.items()}
    for team in teams:
        found = [bare[_bare(one)] for one in team.members if _bare(one) in bare]
        for some in _pieces(found):
            with transaction.atomic():
                _put([(team.name[:GROUP], number) for number in some], groups)


def _put(wanted: Sequence[tuple[str, int]], groups: dict[str, ContactGroup]) -> None:
    """Put cards into groups by their names; there may have been no room for some of these."""
    members = [
        ContactMember(group=groups[name.casefold()], contact_id=number)
        for name, number in wanted
        if name.casefold() in groups
    ]
    ContactMember.objects.bulk_create(members, ignore_conflicts=True)


def _groups(user_id: int, names: Sequence[str]) -> dict[str, ContactGroup]:
    """Those groups, made where there is none, as long as there is room; by name casefolded."""
    if not names:
        return {}
    wanted = {name.casefold(): name for name in reversed(names)}
    with transaction.atomic():
        mine = ContactGroup.objects.filter(user_id=user_id)
        have = {one.name.casefold() for one in mine}
        new = [wanted[key] for key in sorted(wanted.keys() - have)]
        ContactGroup.objects.bulk_create(
            [
                ContactGroup(user_id=user_id, name=name)
                for name in new[: max(0, GROUPS_MOST - len(have))]
            ],
            ignore_conflicts=True,
        )
        return {one.name.casefold(): one for one in mine.all()}


def _bare(uid: str) -> str:
    """A uid without what programs write before it, or leave away."""
    return uid[:UID].lower().removeprefix("urn:uuid:")


def _pieces(found: Sequence[T]) -> Iterator[Sequence[T]]:
    return (found[start : start + _AT_ONCE] for start in range(0, len(found), _AT_ONCE))
