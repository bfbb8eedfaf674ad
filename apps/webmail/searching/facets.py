"""What results have in common: whom they are from, where they lie, their files, their months.

They are made of the newest hits alone, and say so; where they lie is counted of all.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.search.finding.pages import Count, Hit
from apps.search.finding.scope import Folder as Found
from apps.search.language.nodes import Days, In, Node, Query, Some, Text, Where
from apps.webmail.rows import moment
from apps.webmail.searching.chips import address
from apps.webmail.searching.composing import added
from apps.webmail.searching.looks import Looks, named, place

SHOWN: Final = 6
"""Choices of each kind."""
_ENDINGS_MAX: Final = 4  # of one kind of file that a query names
_FEW_MONTHS: Final = 6  # up to so many are told one by one


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to narrow by: `address` is the page of the query with it."""

    text: str
    count: int
    address: str


@dataclass(frozen=True, slots=True)
class Facet:
    """Choices of one kind."""

    name: str
    choices: tuple[Choice, ...]


def facets(
    query: Query,
    hits: Sequence[Hit],
    count: Count | None,
    names: Mapping[int, tuple[str, ...]],
    looks: Looks,
) -> list[Facet]:
    """The kinds that there is something to choose of.

    Args:
        hits: the newest ones.
        count: of all of them.
        names: of their files, by message.
    """
    asked = {factor.node for factor in query.factors}
    kinds = (
        (_("Who"), _people(hits)),
        (_("Where"), _places(hits, count, looks)),
        (_("Files"), _files(hits, names)),
        (_("When"), _times(hits)),
    )
    found = []
    for name, offered in kinds:
        fresh = [one for one in offered if one[2] not in asked][:SHOWN]
        choices = tuple(
            Choice(text, many, address(added(query, node))) for text, many, node in fresh
        )
        if choices:
            found.append(Facet(name, choices))
    return found


_Offered = tuple[str, int, Node]


def _people(hits: Sequence[Hit]) -> list[_Offered]:
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for hit in hits:
        if sender := hit.row.sender_address:
            counts[key := sender.lower()] += 1
            names.setdefault(key, hit.row.sender_name or sender)
    nodes = ((key, Text(Where.FROM, key)) for key, _ in counts.most_common(SHOWN + 1))
    return [(names[key], counts[key], node) for key, node in nodes]


def _places(hits: Sequence[Hit], count: Count | None, looks: Looks) -> list[_Offered]:
    """Only where several places have some: else it narrows nothing."""
    known = {hit.folder.id: hit.folder for hit in hits}
    counted = count.by_mailbox if count else Counter(hit.folder.id for hit in hits)
    if len(counted) < 2:
        return []
    offered: list[_Offered] = []
    for one, many in counted.items():
        if one in known:
            offered.append((looks.name(known[one]), many, _in(known[one])))
        elif one in looks.folders:
            own = looks.folders[one]
            offered.append((own.name, many, named(own)))
    return sorted(offered, key=lambda one: -one[1])


def _in(folder: Found) -> In:
    return place(folder.owner_key, folder.special_use, folder.name)


def _kinds() -> Iterator[tuple[str, str]]:
    yield _("PDF"), "pdf"
    yield _("Images"), "jpg jpeg png gif webp heic tif tiff bmp svg"
    yield _("Documents"), "doc docx odt rtf txt md pages"
    yield _("Tables"), "xls xlsx ods csv numbers"
    yield _("Slides"), "ppt pptx odp key"
    yield _("Archives"), "zip 7z rar tar gz tgz"
    yield _("Invitations"), "ics"
    yield _("Messages"), "eml msg"
    yield _("Drawings"), "dwg dxf step stp"
    yield _("Sound and film"), "mp3 wav m4a ogg mp4 mov avi mkv"


def _files(hits: Sequence[Hit], names: Mapping[int, tuple[str, ...]]) -> list[_Offered]:
    """Each message counts once for each kind of file in it."""
    kinds = {ending: kind for kind, endings in _kinds() for ending in endings.split()}
    messages: Counter[str] = Counter()
    seen: dict[str, Counter[str]] = {}
    for hit in hits:
        endings = {_ending(name) for name in names.get(hit.row.message_id, ())}
        messages.update({kinds[one] for one in endings if one in kinds})
        for one in endings:
            if one in kinds:
                seen.setdefault(kinds[one], Counter())[one] += 1
    return [
        (kind, many, _named([one for one, _ in seen[kind].most_common(_ENDINGS_MAX)]))
        for kind, many in messages.most_common(SHOWN + 1)
    ]


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _named(endings: Sequence[str]) -> Node:
    texts = tuple(Text(Where.FILENAME, f".{one}") for one in sorted(endings))
    return texts[0] if len(texts) == 1 else Some(texts)


def _times(hits: Sequence[Hit]) -> list[_Offered]:
    """Months if they are few, else years, newest first."""
    days = [timezone.localtime(moment(hit.row.internaldate)).date() for hit in hits]
    months = Counter(day.replace(day=1) for day in days)
    if len(months) <= _FEW_MONTHS:
        return [
            (date_format(first, "YEAR_MONTH_FORMAT"), many, Days(first, _after(first, 1)))
            for first, many in sorted(months.items(), reverse=True)
            if len(months) > 1 and first.year < date.max.year
        ]
    years = Counter(day.replace(month=1, day=1) for day in days)
    return [
        (str(first.year), many, Days(first, _after(first, 12)))
        for first, many in sorted(years.items(), reverse=True)
        if len(years) > 1 and first.year < date.max.year
    ]


def _after(first: date, months: int) -> date:
    """So many months later."""
    count = first.year * 12 + first.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)
