"""Which events a client wants of which mailbox: the event groups of NOTIFY (RFC 5465 section 6).

Pure. Several groups may name one mailbox; what any of them asks for is told. The selected mailbox's
messages are not asked about here: `apps.imap.wishes`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from apps.imap.proto.fetch import FetchItem
from apps.imap.proto.filters import Which
from apps.imap.proto.notify import MESSAGES, Events, Group
from apps.imap.proto.patterns import DELIMITER
from apps.imap.wishes import NOTHING, Wishes

_PERSONAL = frozenset({Which.PERSONAL, Which.INBOXES})
# Which mailboxes mail is delivered to depends on rules and addresses: section 6.3 has both alike.


class Interests:
    """The groups of one NOTIFY SET.

    Args:
        named: reads a name from the wire; None for one that no mailbox can have.
    """

    def __init__(self, groups: Iterable[Group], named: Callable[[bytes], str | None]) -> None:
        self._personal = self._subscribed = self._any = Events.NONE
        self._names: dict[str, Events] = defaultdict(lambda: Events.NONE)
        self._children: dict[str, Events] = defaultdict(lambda: Events.NONE)
        self._trees: dict[str, Events] = defaultdict(lambda: Events.NONE)
        self.wishes = NOTHING
        for group in groups:
            which = group.filter.which
            if which.is_selected:
                self.wishes = wishes_of(group.events, group.items, at_once=which is Which.SELECTED)
                continue
            self._any |= group.events
            if which in _PERSONAL:
                self._personal |= group.events
            elif which is Which.SUBSCRIBED:
                self._subscribed |= group.events
            for raw in group.filter.names:
                name = named(raw)
                if name is not None:
                    self._add(which, name, group.events)

    def _add(self, which: Which, name: str, events: Events) -> None:
        self._names[name] |= events
        if which is Which.SUBTREE:
            self._trees[name] |= events
        elif which is Which.SUBTREE_ONE:
            self._children[name] |= events

    @property
    def anything(self) -> Events:
        """What is asked for of any mailbox."""
        return self._any

    def of(self, name: str, *, personal: bool, subscribed: bool) -> Events:
        """Return what is asked for of a mailbox, or of a name that is none (yet)."""
        events = self._names.get(name, Events.NONE)
        if personal:
            events |= self._personal
        if subscribed:
            events |= self._subscribed
        if self._children:
            events |= self._children.get(name.rpartition(DELIMITER)[0], Events.NONE)
        if self._trees:
            levels = name.split(DELIMITER)
            for depth in range(1, len(levels)):
                events |= self._trees.get(DELIMITER.join(levels[:depth]), Events.NONE)
        return events


def wishes_of(events: Events, items: tuple[FetchItem, ...], *, at_once: bool) -> Wishes:
    """Return what is wished of the selected mailbox."""
    if not events & MESSAGES:
        return NOTHING
    return Wishes(
        flags=Events.FLAG_CHANGE in events, uids=True, between=True, at_once=at_once, items=items
    )
