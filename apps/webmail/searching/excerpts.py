"""Words round a hit that stands in the text of a message: what a list shows instead of its begin.

Bounded: of a page of messages only so many octets are read, in one query; a message that is long,
away or damaged keeps its begin.
"""

from collections.abc import Collection, Sequence
from typing import Final

from apps.mailstore import queries
from apps.mailstore.queries import Shown
from apps.mime.searchtext import texts
from apps.mime.sections import load_parts
from apps.mime.tree import Part
from apps.webmail.searching.marks import piece
from apps.wire.errors import MailError

MESSAGE_MAX: Final = 256 * 1024
"""Octets of a message whose text is looked through."""
PAGE_MAX: Final = 1024 * 1024
"""Octets of all messages of a page."""


def excerpts(message_ids: Collection[int], needles: Sequence[str]) -> dict[int, str]:
    """For each message the words round the first of the needles in its text, by id; those in whose
    text none was found are left out. One query, and for messages that the database does not hold
    a look into the store.

    Args:
        needles: folded, not empty.
    """
    if not message_ids or not needles:
        return {}
    found: dict[int, str] = {}
    left = PAGE_MAX
    for number, parts, shown in queries.without_heads(sorted(message_ids)):
        if shown is None or shown.size > min(MESSAGE_MAX, left):
            continue
        left -= shown.size
        try:
            if words := _first(load_parts(parts), shown, needles):
                found[number] = words
        except MailError:  # damaged, or the store is away: the list is no worse without it
            continue
    return found


def _first(root: Part, shown: Shown, needles: Sequence[str]) -> str:
    whole = shown.whole()
    for text in texts(root, lambda start, end: whole[start:end]):
        if words := piece(text, needles):
            return words
    return ""
