"""The things that a query asks, as chips that can be taken off, and what it was not taken as."""

import re
from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.search.language import writing
from apps.search.language.nodes import Hint, Query

_ICONS: Final = {
    "from": "user",
    "to": "users",
    "cc": "users",
    "bcc": "users",
    "has": "paperclip",
    "filename": "file-text",
    "in": "folder",
    "label": "tag",
    "before": "calendar",
    "after": "calendar",
    "on": "calendar",
    "is": "mail",
    "larger": "hard-drive",
    "smaller": "hard-drive",
}
_SHOWN: Final = 60  # characters of a chip
_QUOTED: Final = re.compile("“([^”]*)”")


@dataclass(frozen=True, slots=True)
class Chip:
    """One of the things that all must hold.

    Args:
        text: as people read it, without the sign of denial.
        address: the page of the query without it.
    """

    text: str
    icon: str
    is_denied: bool
    address: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something in a query was not taken as it may have been meant.

    Args:
        fixed: the query as it was meant, perhaps; empty if nobody can know.
        address: of its page.
    """

    text: str
    fixed: str = ""
    address: str = ""


def address(text: str, **more: str) -> str:
    """The address of the results of a query."""
    fields = {"q": text, **{name: value for name, value in more.items() if value}}
    return f"{reverse('search')}?{urlencode(fields)}"


def chips(query: Query, **more: str) -> list[Chip]:
    """All things, in their order."""
    return [
        Chip(_told(one), _ICONS.get(one.name, "search"), one.is_denied, address(one.rest, **more))
        for one in writing.chips(query)
    ]


def _told(chip: writing.Chip) -> str:
    value = chip.value if len(chip.value) <= _SHOWN else f"{chip.value[:_SHOWN]}…"
    return f"{chip.name}: {value}" if chip.name else value


def remarks(query: Query, hints: tuple[Hint, ...]) -> list[Remark]:
    """What there is to say of a query, each thing once."""
    found = [_remark(query.text, hint) for hint in hints]
    return list({one.text: one for one in found}.values())


def _remark(text: str, hint: Hint) -> Remark:
    names = _QUOTED.findall(hint.text)
    name = names[0] if names else ""
    if hint.code == "unknown-operator" and len(names) > 1:
        fixed = f"{text[: hint.start]}{names[1]}{text[hint.end :]}"
        words = _("There is no operator “%(name)s”: it was searched as words.") % {"name": name}
        return Remark(words, fixed, address(fixed))
    told = _words().get(hint.code)
    return Remark(told % {"name": name} if told else hint.text)


def _words() -> dict[str, str]:
    """A sentence for each code of `language.parsing` and `finding`."""
    return {
        "unknown-operator": _("There is no operator “%(name)s”: it was searched as words."),
        "odd-value": _("“%(name)s” was searched as words: such a value does not go there."),
        "no-value": _("“%(name)s” wants something to follow, and was left out."),
        "odd-word": _("“%(name)s” has nothing to join there, and was searched as a word."),
        "open-quote": _("A quote is not closed: all that follows it was taken as one phrase."),
        "open-bracket": _("A bracket is not closed: it was taken to reach to the end."),
        "empty-bracket": _("There is nothing in the brackets."),
        "too-deep": _("There are too many brackets inside each other: some were left out."),
        "too-many": _("That is too much to look for at once: only the first things were taken."),
        "too-long": _("That is too long: only its begin was searched for."),
        "no-mailbox": pgettext("search", "There is no folder “%(name)s”."),
        "no-label": pgettext("search", "No message here has the label “%(name)s”."),
        "damaged": _("Some messages are damaged, and may have been missed."),
    }
