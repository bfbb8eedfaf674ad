"""Examples of what can be typed: each is a search of its own."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.webmail.searching.chips import address


@dataclass(frozen=True, slots=True)
class Example:
    """A query, and what it finds."""

    query: str
    text: str
    address: str


def examples() -> list[Example]:
    """The ones that the page shows."""
    said = [
        ("from:me", _("what you wrote yourself")),
        ("is:unread has:attachment", _("not read yet, with files")),
        ("filename:.pdf newer_than:1m", _("PDF files of the last month")),
        ("larger:5M older_than:1y", _("large and old")),
        ('subject:"order" OR subject:"invoice"', _("one of two words in the subject")),
        ("is:starred -in:inbox", _("starred, but not in the inbox")),
        ("in:anywhere is:unread", _("Junk and Trash too")),
    ]
    return [Example(query, text, address(query)) for query, text in said]
