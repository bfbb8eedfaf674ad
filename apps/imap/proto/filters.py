"""Which mailboxes NOTIFY and ESEARCH speak of (RFC 5465 section 6, RFC 7377 section 2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from apps.imap.proto.scanner import GrammarError, LimitError, Scanner

NAMES_MAX = 500
"""Names in one filter."""


class Which(Enum):
    """The kinds of filters; those of the second half are followed by names."""

    SELECTED = b"SELECTED"
    SELECTED_DELAYED = b"SELECTED-DELAYED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    SUBTREE_ONE = b"SUBTREE-ONE"
    MAILBOXES = b"MAILBOXES"

    @property
    def is_selected(self) -> bool:
        """Whether it is about the selected mailbox, whichever that is."""
        return self in {Which.SELECTED, Which.SELECTED_DELAYED}

    @property
    def has_names(self) -> bool:
        """Whether mailbox names follow."""
        return self in {Which.SUBTREE, Which.SUBTREE_ONE, Which.MAILBOXES}


_KINDS = {one.value: one for one in Which}


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter; `names` as on the wire. No name is a pattern (RFC 5465 section 6.6)."""

    which: Which
    names: tuple[bytes, ...] = ()


def parse_filter(scanner: Scanner) -> Filter:
    """Take a filter with its names, a single one or a list of them."""
    which = _KINDS.get(scanner.word("a mailbox filter"))
    if which is None:
        known = ", ".join(word.decode("ascii") for word in _KINDS)
        raise GrammarError(f"expected one of the mailbox filters {known}")
    if not which.has_names:
        return Filter(which)
    scanner.space()
    if not scanner.take(b"("):
        return Filter(which, (scanner.astring("a mailbox name"),))
    names: dict[bytes, None] = {}
    while True:
        names[scanner.astring("a mailbox name")] = None
        if len(names) > NAMES_MAX:
            raise LimitError(f"At most {NAMES_MAX} mailbox names")
        if not scanner.take(b" "):
            scanner.expect(b")")
            return Filter(which, tuple(names))
