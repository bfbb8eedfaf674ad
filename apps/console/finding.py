"""What the palette finds: pages by their words, things by the beginning of their address or name.

Three statements of a few rows each, by indexes, however many there are: beginnings only.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from apps.console.navigation import menu
from apps.directory import permissions
from apps.directory.models import Alias, PatternKind
from apps.directory.permissions import Powers
from apps.directory.services.aliases import Pattern
from apps.mime.address import take_apart

MAX_TEXT: Final = 320
MOST: Final = 8  # of each sort


@dataclass(frozen=True, slots=True)
class Result:
    """One thing that was found."""

    words: str
    hint: str
    icon: str
    url: str

    def as_json(self) -> dict[str, Any]:
        """For the palette."""
        return asdict(self)


def found(powers: Powers, text: str) -> list[Result]:
    """Pages, domains, users and aliases; without a text the pages."""
    folded = text.casefold()
    pages = [
        Result(item.words, "Page", item.icon, url)
        for _, items in menu(powers)
        for item, url in items
        # By the beginning of a word: else "bo" has the Dashboard above Bob.
        if f" {folded}" in f" {item.words.casefold()}"
    ]
    if not folded:
        return pages
    return [
        *pages,
        *_domains(powers, folded),
        *_users(powers, folded, text),
        *_aliases(powers, folded),
    ]


def _domains(powers: Powers, folded: str) -> list[Result]:
    rows = permissions.domains(powers).filter(**_beginning("name", folded)).order_by("name")
    return [
        Result(name, "Domain", "globe", url)
        for pk, name in rows.values_list("pk", "name")[:MOST]
        if (url := _address("console-domain", pk))
    ]


def _users(powers: Powers, folded: str, text: str) -> list[Result]:
    wanted = Q(**_beginning("key", folded)) | Q(**_beginning("name", text))
    rows = permissions.users(powers).filter(wanted).order_by("key")
    return [
        Result(name or address, address if name else "User", "user", _address("console-user", pk))
        for pk, name, address in rows.values_list("pk", "name", "address")[:MOST]
    ]


def _aliases(powers: Powers, folded: str) -> list[Result]:
    local, domain = take_apart(folded)
    has_sign = domain != folded
    rows = permissions.aliases(powers).filter(**_beginning("local", local if has_sign else folded))
    if has_sign:
        rows = rows.filter(**_beginning("domain__name", domain))
    return [
        Result(_written(alias), "Alias", "at-sign", url)
        for alias in rows.select_related("domain").order_by("local", "domain__name")[:MOST]
        if (url := _address("console-alias", alias.pk))
    ]


def _written(alias: Alias) -> str:
    return str(Pattern(PatternKind(alias.kind), alias.local, alias.domain.name))


def _beginning(column: str, text: str) -> dict[str, str]:
    """A range rather than LIKE: an index serves it on both databases, whatever their collation."""
    return {f"{column}__gte": text, f"{column}__lt": text + "\U0010ffff"}


def _address(name: str, pk: int) -> str:
    try:
        return reverse(name, args=[pk])
    except NoReverseMatch:
        return ""
