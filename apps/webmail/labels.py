"""A person's labels as the pages show them.

A label is an IMAP keyword. Those that the person made have a name and a colour (`models.Label`);
those that another program put on messages are labels too, called as their keyword is, in a colour
that stays with the name. What programs note for each other (`$Forwarded`, `NonJunk`) is no label.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.mailstore import labelled
from apps.mailstore.services.marks import WORDS
from apps.ui.templatetags.ui import hue as hue_by_name
from apps.webmail.models import Label

HUES: Final = range(1, 9)
HIDDEN: Final = 0
"""The hue of a mailbox that is out of sight, where that there is no subscription says nothing: one
of another, to which nobody subscribes at first, or one of one's own while none is subscribed."""
# Thunderbird's five, which have no other name on the wire.
_WELL_KNOWN: Final[dict[str, str | Promise]] = {
    "$label1": _("Important"),
    "$label2": _("Work"),
    "$label3": _("Personal"),
    "$label4": _("To do"),
    "$label5": _("Later"),
}
_OF_PROGRAMS: Final = WORDS | {"forwarded", "redirected", "mdnsent", "old", "seen", "recent"}


@dataclass(frozen=True, slots=True)
class LabelView:
    """`id` is None for one that nobody has given a name or a colour here; `unseen` is known beside
    the list alone."""

    id: int | None
    keyword: str
    name: str
    hue: int
    unseen: int = 0

    @property
    def here(self) -> str:
        """What `folders.Side.here` is on its page."""
        return f"label:{self.keyword}"


def is_label(keyword: str) -> bool:
    """Whether a keyword says something to people."""
    folded = keyword.lower()
    return folded in _WELL_KNOWN or (folded[:1] != "$" and folded not in _OF_PROGRAMS)


def of_user(user_id: int) -> list[LabelView]:
    """All of a person's labels by name; two queries."""
    rows = Label.objects.filter(user_id=user_id).values_list("id", "keyword", "name", "hue")
    made = [LabelView(*row) for row in rows]
    return merged(made, labelled.in_use(user_id))


def with_unseen(found: Sequence[LabelView], user_id: int) -> list[LabelView]:
    """The same with how much unread mail each has; one query, none without labels."""
    counts = labelled.unread(user_id) if found else {}
    return [replace(one, unseen=counts.get(one.keyword.lower(), 0)) for one in found]


def merged(made: Sequence[LabelView], keywords: Iterable[str]) -> list[LabelView]:
    """Those that were made, and those that are found on messages."""
    known = {one.keyword.lower() for one in made}
    found = [
        plain(keyword) for keyword in keywords if keyword.lower() not in known and is_label(keyword)
    ]
    return sorted([*made, *found], key=lambda one: (one.name.casefold(), one.keyword))


def plain(keyword: str) -> LabelView:
    """A label that nobody made here."""
    name = str(_WELL_KNOWN.get(keyword.lower(), keyword))
    return LabelView(None, keyword, name, hue_by_name(keyword.lower()))
