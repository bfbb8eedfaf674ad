"""What a client wants to be told of its selected mailbox without asking (RFC 5465 section 6.1).

Pure. Before the first NOTIFY a client wants everything, told with the answers to its commands and
in IDLE. What it does not want stays what it is to be told, for it may want it later.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.imap.proto.fetch import FetchItem


@dataclass(frozen=True, slots=True)
class Wishes:
    """The wishes of one connection; those of the default are any client's.

    messages: that messages came and went: EXISTS, RECENT, and EXPUNGE or VANISHED.
    flags: that flags are others: FETCH, which carries the UID if `uids` (section 5.1).
    between: also while no command runs; EXPUNGE then only if `at_once` (SELECTED, and not
        SELECTED-DELAYED).
    items: of new messages.
    """

    messages: bool = True
    flags: bool = True
    uids: bool = False
    between: bool = False
    at_once: bool = False
    items: tuple[FetchItem, ...] = ()


EVERYTHING = Wishes()
NOTHING = Wishes(messages=False, flags=False)
