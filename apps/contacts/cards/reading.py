"""A file of cards, whatever program wrote it. One broken card costs no other, one broken line no
card; cards within cards (AGENT of vCard 2.1) are passed over."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from apps.contacts.cards.card import (
    ADDRESSES,
    GROUP,
    GROUPS,
    NAME,
    NOTE,
    NUMBER,
    NUMBERS,
    PARTS,
    REST,
    UID,
    Card,
    Way,
)
from apps.contacts.cards.lines import Line, decoded, lines, unescaped

_FILES: Final = frozenset(("PHOTO", "LOGO", "SOUND", "KEY"))
_OURS: Final = frozenset(("VERSION", "PRODID", "REV", "BEGIN", "END", "SOURCE", "AGENT"))
_KINDS: Final = {"home": "home", "work": "work", "cell": "mobile", "mobile": "mobile"}
_GROUP_KIND: Final = frozenset(("KIND", "X-ADDRESSBOOKSERVER-KIND"))
_MEMBER: Final = frozenset(("MEMBER", "X-ADDRESSBOOKSERVER-MEMBER"))
_LINES: Final = 1_000  # of one card
_MEMBERS: Final = 10_000


@dataclass(slots=True)
class Reading:
    """What was found.

    Args:
        broken: cards without a name and an address, or without an end.
        pictures: pictures, sounds and keys that were left out.
    """

    cards: list[Card] = field(default_factory=list)
    broken: int = 0
    pictures: int = 0


def read(octets: bytes, *, most: int) -> Reading:
    """The cards of a file, at most `most`, and one more as a sign that there are more. Of a file
    with as many broken ones the rest is not looked at."""
    reading = Reading()
    found: list[Line] = []
    depth = 0
    for line in lines(decoded(octets)):
        is_card = line.value.strip().upper() == "VCARD"
        if line.name == "BEGIN" and is_card:
            depth += 1
            if depth == 1:
                found = []
        elif line.name == "END" and is_card and depth:
            depth -= 1
            if depth == 0:
                _take(reading, found)
                if max(len(reading.cards), reading.broken) > most:
                    return reading
        elif depth == 1 and len(found) < _LINES + _MEMBERS:
            found.append(line)
    reading.broken += depth > 0
    return reading


def _take(reading: Reading, found: list[Line]) -> None:
    reading.pictures += sum(line.name in _FILES for line in found)
    card = _card(found)
    if card is None:
        reading.broken += 1
    else:
        reading.cards.append(card)


def _card(found: list[Line]) -> Card | None:
    first: dict[str, Line] = {}
    for line in found:
        first.setdefault(line.name, line)
    emails = _ways(found, "EMAIL", "mailto:", 320)[:ADDRESSES]
    company = _said(", ".join(one for one in _fields(first, "ORG") if one.strip()), NAME)
    name = _name(first) or company or (emails[0].value if emails else "")
    if not name:
        return None
    return Card(
        name=name,
        uid=_said(_text(first, "UID"), UID),
        parts=_parts(first),
        company=company,
        title=_said(_text(first, "TITLE"), NAME),
        note=_text(first, "NOTE").strip()[:NOTE],
        emails=emails,
        phones=_ways(found, "TEL", "tel:", NUMBER)[:NUMBERS],
        groups=_groups(found),
        rest=_rest(found),
        is_group=any(
            line.name in _GROUP_KIND and line.text.strip().lower() == "group" for line in found
        ),
        members=tuple(_said(line.text, UID) for line in found if line.name in _MEMBER)[:_MEMBERS],
    )


def _text(first: dict[str, Line], name: str) -> str:
    line = first.get(name)
    return line.text if line is not None else ""


def _fields(first: dict[str, Line], name: str) -> list[str]:
    line = first.get(name)
    return line.fields if line is not None else []


def _said(text: str, most: int) -> str:
    """On one line, and printable."""
    plain = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(plain.split())[:most].strip()


def _name(first: dict[str, Line]) -> str:
    if name := _said(_text(first, "FN"), NAME):
        return name
    family, given, more, before, after, *_rest_of_them = [*_fields(first, "N"), *[""] * 5]
    return _said(" ".join((before, given, more, family, after)), NAME)


def _parts(first: dict[str, Line]) -> str:
    """N as it was written, where it says anything."""
    line = first.get("N")
    if line is None or len(line.value) > PARTS or not unescaped(line.value).strip("; \n"):
        return ""
    return line.value


def _ways(found: Iterable[Line], name: str, scheme: str, most: int) -> tuple[Way, ...]:
    """Addresses or numbers, the preferred one first."""
    rows: list[tuple[int, Way]] = []
    seen: set[str] = set()
    for line in found:
        value = line.text.strip() if line.name == name else ""
        if value[: len(scheme)].lower() == scheme:
            value = value[len(scheme) :]
        value = _said(value, most)
        if value and value.lower() not in seen:
            seen.add(value.lower())
            types = line.param("TYPE")
            kind = next((_KINDS[one] for one in types if one in _KINDS), "")
            rows.append((_preference(line), Way(value, kind)))
    rows.sort(key=lambda row: row[0])
    return tuple(way for _order, way in rows)


def _preference(line: Line) -> int:
    """1 to 100 (RFC 6350 section 5.3), 101 for none."""
    if "pref" in line.param("TYPE"):
        return 1
    value = (line.param("PREF") or [""])[0]
    return int(value) if value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= 100 else 101


def _groups(found: Iterable[Line]) -> tuple[str, ...]:
    names = {
        said: None
        for line in found
        if line.name == "CATEGORIES"
        for one in line.listed
        if (said := _said(one, GROUP))
    }
    return tuple(names)[:GROUPS]


_SHOWN: Final = (
    frozenset(("FN", "N", "ORG", "TITLE", "NOTE", "EMAIL", "TEL", "CATEGORIES", "UID"))
    | _FILES
    | _OURS
    | _GROUP_KIND
    | _MEMBER
)


def _rest(found: Iterable[Line]) -> tuple[str, ...]:
    """The lines of which we know nothing, as long as there is room."""
    found = list(found)
    # Labels of addresses and numbers, whose kind is known in another way (item1.X-ABLabel).
    taken = {line.group for line in found if line.group and line.name in ("EMAIL", "TEL")}
    kept, room = [], REST
    for line in found:
        if line.name in _SHOWN or (line.name == "X-ABLABEL" and line.group in taken):
            continue
        written = str(line)
        if "\n" in written or len(written) + 1 > room:
            continue
        room -= len(written) + 1
        kept.append(written)
    return tuple(kept)
