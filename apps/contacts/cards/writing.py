"""Cards for other programs: vCard 3.0 (RFC 2426), which all read, and 4.0 (RFC 6350)."""

from collections.abc import Iterable, Iterator
from typing import Final

from apps.contacts.cards.card import Card, Way
from apps.contacts.cards.lines import escaped, folded

OLD: Final = "3.0"
NEW: Final = "4.0"
VERSIONS: Final = (OLD, NEW)
_TYPES: Final = {"home": "home", "work": "work", "mobile": "cell"}


def written(card: Card, version: str = OLD) -> str:
    """One card as it stands in a file."""
    return folded(_lines(card, version))


def _lines(card: Card, version: str) -> Iterator[str]:
    yield "BEGIN:VCARD"
    yield f"VERSION:{version}"
    yield f"UID:{escaped(card.uid)}"
    yield f"FN:{escaped(card.name)}"
    yield f"N:{card.parts or _parts(card)}"
    if card.company:
        yield f"ORG:{escaped(card.company)}"
    if card.title:
        yield f"TITLE:{escaped(card.title)}"
    yield from _ways("EMAIL", card.emails, version)
    yield from _ways("TEL", card.phones, version)
    if card.groups:
        yield f"CATEGORIES:{','.join(map(escaped, card.groups))}"
    if card.note:
        yield f"NOTE:{escaped(card.note)}"
    yield from card.rest
    yield "END:VCARD"


def _ways(name: str, ways: Iterable[Way], version: str) -> Iterator[str]:
    for place, way in enumerate(ways):
        types = [_TYPES[way.kind]] if way.kind in _TYPES else []
        if version == NEW:
            params = [f"TYPE={one}" for one in types] + ["PREF=1"] * (place == 0)
        else:
            first = ["internet"] if name == "EMAIL" else []
            types = [*first, *types, *(["pref"] if place == 0 else [])]
            params = [f"TYPE={','.join(types)}"] if types else []
        yield f"{';'.join([name, *params])}:{escaped(way.value)}"


def _parts(card: Card) -> str:
    """N, which vCard 3.0 demands: the last word is taken for the name of the family."""
    if card.name == card.company:
        return ";;;;"
    family, comma, given = card.name.partition(",")
    if not comma:
        given, _blank, family = card.name.rpartition(" ")
    return f"{escaped(family.strip())};{escaped(given.strip())};;;"
