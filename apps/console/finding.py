"""What the palette finds: pages by their words, things by the beginning of their address or name, a
message by its id.

A few statements of a few rows each, by indexes, however many there are: beginnings only.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from django.urls import reverse

from apps.console.navigation import menu
from apps.delivery.recorder.find import Question, find
from apps.delivery.recorder.journey import viewer_of
from apps.directory import permissions
from apps.directory.permissions import Ability, Powers
from apps.directory.written import stored_address, stored_domain
from apps.mime.address import take_apart
from apps.mime.headers import clean
from apps.provisioning.aliaslists import pattern_of
from apps.runtime.prefixes import beginning
from apps.runtime.ulid import parse_ulid

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
        *_messages(powers, text),
        *_domains(powers, stored_domain(text)),
        *_users(powers, stored_address(text), text),
        *_aliases(powers, folded),
    ]


def _messages(powers: Powers, text: str) -> list[Result]:
    """What became of a message, by a trace or queue id or a Message-ID that was pasted."""
    if not powers.may(Ability.TRACE_MAIL):
        return []
    is_id = parse_ulid(text) is not None or text.startswith("<")
    found = find(Question(text), viewer_of(powers), most=MOST).rows if is_id else []
    return [
        Result(
            clean(one.subject) or "No subject",
            f"Message of {clean(one.sender) or 'nobody'}",
            "route",
            reverse("console-trace-message", args=[one.trace_id]),
        )
        for one in found
    ]


def _domains(powers: Powers, folded: str) -> list[Result]:
    rows = permissions.domains(powers).filter(beginning("name", folded)).order_by("name")
    return [
        Result(name, "Domain", "globe", reverse("console-domain", args=[pk]))
        for pk, name in rows.values_list("pk", "name")[:MOST]
    ]


def _users(powers: Powers, folded: str, text: str) -> list[Result]:
    wanted = beginning("key", folded) | beginning("name", text)
    rows = permissions.users(powers).filter(wanted).order_by("key")
    return [
        Result(
            name or address,
            address if name else "User",
            "user",
            reverse("console-user", args=[pk]),
        )
        for pk, name, address in rows.values_list("pk", "name", "address")[:MOST]
    ]


def _aliases(powers: Powers, folded: str) -> list[Result]:
    local, domain = take_apart(folded)
    has_sign = domain != folded
    rows = permissions.aliases(powers).filter(beginning("local", local if has_sign else folded))
    if has_sign:
        rows = rows.filter(beginning("domain__name", domain))
    return [
        Result(
            str(pattern_of(alias)), "Alias", "at-sign", reverse("console-alias", args=[alias.pk])
        )
        for alias in rows.select_related("domain").order_by("local", "domain__name")[:MOST]
    ]
