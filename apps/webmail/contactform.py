"""What the form of a contact says: read from a request or a card, written back into the page."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from apps.contacts.cards.card import ADDRESSES, NUMBERS, Card, Way

LONGEST: Final = 12_000  # characters of a field; more is nobody's note
_SPARE: Final = 2  # empty lines for more addresses, and for more numbers
_TEXTS: Final = ("name", "company", "title", "note")
EMAIL_KINDS: Final[tuple[tuple[str, str | Promise], ...]] = (
    ("", pgettext_lazy("kind of address", "Other")),
    ("home", pgettext_lazy("kind of address", "Home")),
    ("work", pgettext_lazy("kind of address", "Work")),
)
PHONE_KINDS: Final[tuple[tuple[str, str | Promise], ...]] = (
    *EMAIL_KINDS,
    ("mobile", pgettext_lazy("kind of address", "Mobile")),
)


@dataclass(slots=True)
class ContactForm:
    """The fields, and what is wrong with them."""

    name: str = ""
    company: str = ""
    title: str = ""
    note: str = ""
    emails: list[Way] = field(default_factory=list)
    phones: list[Way] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    error: str = ""

    @classmethod
    def of(cls, posted: QueryDict) -> "ContactForm":
        """Cut to what a page can show again."""
        texts = {key: posted.get(key, "")[:LONGEST] for key in _TEXTS}
        return cls(
            **texts,
            emails=list(_ways(posted, "email", ADDRESSES + 1)),
            phones=list(_ways(posted, "phone", NUMBERS + 1)),
            groups=numbers(posted, "group"),
        )

    @classmethod
    def of_card(cls, card: Card, groups: list[int]) -> "ContactForm":
        """As it is kept."""
        return cls(
            card.name,
            card.company,
            card.title,
            card.note,
            list(card.emails),
            list(card.phones),
            groups,
        )

    @property
    def card(self) -> Card:
        """As it is to be kept."""
        return Card(
            name=self.name,
            company=self.company,
            title=self.title,
            note=self.note,
            emails=tuple(self.emails),
            phones=tuple(self.phones),
        )

    @property
    def email_lines(self) -> list[Way]:
        """With empty ones for more."""
        return _with_spare(self.emails, ADDRESSES)

    @property
    def phone_lines(self) -> list[Way]:
        """With empty ones for more."""
        return _with_spare(self.phones, NUMBERS)


def numbers(posted: QueryDict, name: str, most: int = 500) -> list[int]:
    """The numbers that a field has; what is none is none of ours."""
    found = [one for one in posted.getlist(name)[:most] if one.isascii() and one.isdecimal()]
    return [int(one) for one in found if len(one) < 19]  # a database's integer


def _ways(posted: QueryDict, name: str, most: int) -> Iterator[Way]:
    kinds = posted.getlist(f"{name}_kind")
    for place, value in enumerate(posted.getlist(name)[: most + _SPARE]):
        if value.strip():
            yield Way(value[:LONGEST], kinds[place] if place < len(kinds) else "")


def _with_spare(ways: list[Way], most: int) -> list[Way]:
    spare = 1 if ways else _SPARE
    return [*ways, *[Way("")] * min(spare, max(0, most - len(ways)))]
