"""What the targets of an alias are, as far as they are in somebody's sight; a few statements,
however many they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from apps.directory import permissions
from apps.directory.matching import Answer, Rule, Status, look_up
from apps.directory.models import Alias, Kind
from apps.directory.permissions import Powers
from apps.mime.address import Address
from apps.provisioning.administration.whereto import in_sight

_ELSEWHERE: Final = ("external-link", "Not in a domain of yours")
_WORDS: Final = {
    Rule.OUTSIDE: ("external-link", "Outside"),
    Rule.SUSPENDED: ("pause", "Its domain is suspended"),
    Rule.USER: ("user", "User"),
    Rule.ALIAS: ("at-sign", "Alias"),
    Rule.RETURN: ("undo-2", "A rewritten sender"),
    Rule.RETURN_BROKEN: ("circle-x", "A rewritten sender that is broken"),
    Rule.WILDCARD: ("at-sign", "Fits a pattern"),
    Rule.EXPRESSION: ("at-sign", "Fits a pattern"),
    Rule.CATCH_ALL: ("inbox", "Nobody has it: the catch-all takes it"),
    Rule.RELAY_LIST: ("server", "On the domain's other server"),
    Rule.RELAY_ASKED: ("server", "On the domain's other server, if it is there"),
    Rule.RELAY_ANY: ("server", "On the domain's other server"),
    Rule.ROUTED: ("ban", "Not relayed"),
    Rule.ROLE: ("shield", "Who answers for the domain"),
    Rule.NONE: ("circle-x", "Nobody has this address: its mail is lost"),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A target, and what it is.

    Args:
        url: its own page; "" if it has none that may be seen.
        is_bad: mail to it reaches nobody.
    """

    address: str
    icon: str
    words: str
    url: str = ""
    is_bad: bool = False


def targets_of(powers: Powers, alias: Alias) -> list[Target]:
    """The targets in the order in which they were added."""
    texts = list(alias.targets.order_by("pk").values_list("address", flat=True))
    addresses = {text: Address.parse(text) for text in texts}
    seen = in_sight(powers, addresses.values())
    mine = [one for one in addresses.values() if powers.is_operator or one.domain in seen]
    answers = look_up(mine)
    names = _names(powers, [answer for answer in answers.values() if answer.rule is Rule.USER])
    pages = _pages(powers, [one for one in mine if answers[one].rule is Rule.ALIAS])
    return [_target(text, one, answers.get(one), names, pages) for text, one in addresses.items()]


Named = dict[int, tuple[str, str]]
Pages = dict[tuple[str, str], int]


def _target(
    text: str, address: Address, answer: Answer | None, names: Named, pages: Pages
) -> Target:
    if answer is None:
        return Target(text, *_ELSEWHERE)
    icon, words = _WORDS[answer.rule]
    is_bad = answer.status in (Status.UNKNOWN, Status.SUSPENDED)
    url = ""
    if answer.status is Status.SUSPENDED and answer.rule is not Rule.SUSPENDED:
        words += ", suspended"
    if answer.rule is Rule.USER and len(answer.users) == 1:
        name, kind = names.get(answer.users[0].user_id, ("", Kind.PERSON))
        icon, words = ("users", "Shared mailbox") if kind == Kind.SHARED else (icon, name or words)
        url = reverse("console-user", args=[answer.users[0].user_id])
    if (page := pages.get(_place(address))) and answer.rule is Rule.ALIAS:
        url = reverse("console-alias", args=[page])
    return Target(text, icon, words, url, is_bad)


def _names(powers: Powers, answers: Sequence[Answer]) -> Named:
    ids = [user.user_id for answer in answers for user in answer.users]
    if not ids:
        return {}
    rows = permissions.users(powers).filter(pk__in=ids).values_list("pk", "name", "kind")
    return {pk: (name, kind) for pk, name, kind in rows}


def _pages(powers: Powers, addresses: Sequence[Address]) -> Pages:
    """The aliases that have exactly these addresses."""
    if not addresses:
        return {}
    places = [_place(address) for address in addresses]
    rows = permissions.aliases(powers).filter(
        domain__name__in={domain for domain, _ in places}, local__in={local for _, local in places}
    )
    return {(domain, local): pk for pk, domain, local in rows.values_list("pk", *_PLACE)}


_PLACE: Final = ("domain__name", "local")


def _place(address: Address) -> tuple[str, str]:
    return address.domain, address.key.removesuffix(f"@{address.domain}")
