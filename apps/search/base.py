"""What is asked of the search index, and what it answers.

An index knows pairs of an owner and a message, wherever the owner's mailboxes show it. Its answers
are exact: what it says of a message is what a scan of that message says (`apps.mime.searchtext`
is what both look at). What it has not seen yet it names, and the asker scans that.
"""

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum


class Field(StrEnum):
    """Where a text may stand: the columns of an index, as `apps.mime.searchtext.SearchText` names
    them."""

    SENDER = "sender"  # From
    TO = "to"
    CC = "cc"
    BCC = "bcc"
    SUBJECT = "subject"
    HEADER = "header"  # every field with its name, these among them
    BODY = "body"
    FILENAME = "filename"


@dataclass(frozen=True, slots=True)
class Term:
    """A text that stands in at least one of some fields.

    Args:
        text: folded (`apps.mime.searchtext.folded`), not empty.
        also: terms without any such that stand in the same message too: an index looks for all of
            them together much sooner than for each, if one of them is rare.
    """

    text: str
    fields: tuple[Field, ...]
    also: tuple["Term", ...] = ()

    def all(self) -> tuple["Term", ...]:
        """Itself and the others."""
        return (self, *self.also)


@dataclass(frozen=True, slots=True)
class Known:
    """What an index knows of the mail of one owner.

    Args:
        unindexed: ids of messages that it has not seen: they have to be scanned whatever `hits`
            says of them.
        hits: for each term the ids of the messages that have it; None if the index cannot tell,
            and all messages have to be scanned.
    """

    unindexed: Set[int]
    hits: tuple[Set[int] | None, ...]
