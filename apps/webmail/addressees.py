"""Whom a letter may be for, while its address is still being typed.

Offered are the person's contacts and groups, those whom they wrote to, and the people of their own
organisation. Who only wrote to them is not: a stranger who takes the name of a friend would stand
beside the friend, and get the friend's letters.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q

from apps.contacts import queries as contacts
from apps.contacts.queries import Known
from apps.directory.models import State, User, UserState
from apps.mime.searchtext import folded
from apps.reception.queries import correspondents
from apps.webmail import calledby

MOST: Final = 10
LONGEST: Final = 200  # characters of what was typed
_WRITTEN_TO: Final = 1_000  # correspondents that are looked through
_WORTH: Final = 2  # characters from which the directory is asked


@dataclass(frozen=True, slots=True)
class Addressee:
    """A line that is offered.

    Args:
        address: "" of a group.
        source: contact, group, correspondent or directory.
        members: of a group.
    """

    name: str
    address: str
    source: str
    members: tuple[Known, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As our script reads it."""
        found: dict[str, Any] = {"name": self.name, "address": self.address, "from": self.source}
        if self.source == "group":
            found["members"] = [{"name": one.name, "address": one.address} for one in self.members]
        return found


def addressees(user: User, text: str) -> list[Addressee]:
    """At most `MOST`. In whose name or address a word begins so comes first; then whom the person
    wrote to, the last one first, contacts by name, groups, the directory. Ten statements at most,
    however much there is.

    Args:
        text: as typed; empty for those whom the person wrote to last.
    """
    wanted = folded(text[:LONGEST]).strip()
    written = correspondents(user.pk, limit=_WRITTEN_TO)
    if not wanted:
        return list(_once(_written(user.pk, wanted, written[:MOST], [])))
    cards = contacts.addresses(user.pk, wanted, limit=4 * MOST)
    people = list(_once(_written(user.pk, wanted, written, cards)))
    found = [*_once([*people, *(Addressee(one.name, one.address, "contact") for one in cards)])]
    found += _groups(user.pk, wanted)
    if len(wanted) >= _WORTH:
        found = list(_once([*found, *_colleagues(user, text[:LONGEST].strip(), wanted)]))
    return sorted(found, key=lambda one: not _begins(wanted, one))[:MOST]


def _written(
    user_id: int, wanted: str, keys: list[str], cards: Collection[Known]
) -> Iterator[Addressee]:
    """Those of `keys` that are meant, by the names that contacts or letters give them."""
    on_cards = {one.key: one for one in cards}
    called = calledby.names(user_id)
    own = contacts.names_of(user_id, keys[: 4 * MOST])
    for key in keys:
        if (card := on_cards.get(key)) is not None:
            yield Addressee(card.name, card.address, "contact")
        elif _fits(wanted, name := own.get(key) or called.get(key, ""), key):
            yield Addressee(name, key, "contact" if key in own else "correspondent")


def _groups(user_id: int, wanted: str) -> list[Addressee]:
    meant = [one for one in contacts.groups(user_id) if _fits(wanted, one.name)]
    meant = [one for one in meant if one.count][:MOST]
    members = contacts.members(user_id, [one.id for one in meant])
    found = [Addressee(one.name, "", "group", tuple(members[one.id])) for one in meant]
    return [one for one in found if one.members]


def _colleagues(user: User, typed: str, wanted: str) -> list[Addressee]:
    """People and shared mailboxes of the person's own organisation."""
    if user.domain_id is None:
        return []
    # SQLite tells only the letters of ASCII from their capitals.
    spelled = {typed, typed.lower(), typed.capitalize(), typed.title()}
    meant = Q(key__contains=wanted)
    for one in spelled:
        meant |= Q(name__icontains=one)
    rows = User.objects.living().filter(
        meant,
        domain__organization__domains=user.domain_id,
        domain__state=State.ACTIVE,
        state__in=(UserState.ACTIVE, UserState.LOCKED),
    )
    found = rows.order_by("name", "key").values_list("name", "address")[: 2 * MOST]
    return [Addressee(name, address, "directory") for name, address in found]


def _once(found: Collection[Addressee] | Iterator[Addressee]) -> Iterator[Addressee]:
    """Each address once, the first one; groups have none."""
    seen: set[str] = set()
    for one in found:
        key = folded(one.address)
        if not key or key not in seen:
            seen.add(key)
            yield one


def _fits(wanted: str, name: str, address: str = "") -> bool:
    """Whether all words that were typed stand in a name or an address."""
    text = f"{folded(name)} {folded(address)}"
    return all(word in text for word in wanted.split())


def _begins(wanted: str, one: Addressee) -> bool:
    """Whether an address, or a word of a name, begins so."""
    return folded(one.address).startswith(wanted) or f" {wanted}" in f" {folded(one.name)}"
