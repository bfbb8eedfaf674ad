"""Whom a search may be about: who wrote lately, and whom one wrote to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from apps.mailstore import queries
from apps.mailstore.models import SpecialUse
from apps.mime.searchtext import folded
from apps.reception.queries import newest_of
from apps.search.finding.pages import find
from apps.search.language.nodes import Factor, Query, Text, Where

RECENT: Final = 200
"""Messages of the inbox whose senders are offered, and addresses that were written to."""
_WORTH: Final = 3  # characters from which all mail is asked
_FOUND: Final = 40  # messages of all mail whose senders are offered
_SECONDS: Final = 0.05  # an index that cannot tell must not make anybody wait


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an address; `name` may be empty."""

    name: str
    address: str


def people(user_id: int, begin: str, limit: int) -> list[Person]:
    """People in whose name or address a word begins so; who wrote last comes first. Three queries
    and one search at most.

    Args:
        begin: as typed; empty for anybody.
    """
    wanted = folded(begin).strip()
    inbox = queries.boxes([user_id], SpecialUse.INBOX).get(user_id)
    rows = queries.inbox_page(inbox, None, RECENT) if inbox is not None else []
    seen = [Person(row.sender_name, row.sender_address) for row in rows]
    seen += [Person("", address) for _, address in newest_of([user_id], limit=RECENT)]
    found = _once(one for one in seen if _fits(one, wanted))
    if len(found) < limit and len(wanted) >= _WORTH:
        found = _once([*found, *(one for one in _anywhere(user_id, wanted) if _fits(one, wanted))])
    return found[:limit]


def _anywhere(user_id: int, wanted: str) -> list[Person]:
    query = Query(wanted, (Factor(Text(Where.FROM, wanted), 0, 0),), ())
    page = find(query, user_id=user_id, limit=_FOUND, with_count=False, seconds=_SECONDS)
    return [Person(hit.row.sender_name, hit.row.sender_address) for hit in page.hits]


def _fits(one: Person, wanted: str) -> bool:
    if not one.address:
        return False
    if not wanted:
        return True
    name, address = folded(one.name), folded(one.address)
    return address.startswith(wanted) or f" {name}".find(f" {wanted}") >= 0 or wanted in address


def _once(found: Iterable[Person]) -> list[Person]:
    """Each address once, by the first name that it has."""
    kept: dict[str, Person] = {}
    for one in found:
        key = folded(one.address)
        if key not in kept or (one.name and not kept[key].name):
            kept[key] = one
    return list(kept.values())
