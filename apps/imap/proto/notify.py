"""NOTIFY as a typed value (RFC 5465 section 8), and the function that reads its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto

from apps.imap.proto.fetch import FetchItem, parse_items
from apps.imap.proto.filters import Filter, Which, parse_filter
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner

GROUPS_MAX = 100


class Events(Flag):
    """What may be told of."""

    NONE = 0
    MESSAGE_NEW = auto()
    MESSAGE_EXPUNGE = auto()
    FLAG_CHANGE = auto()
    MAILBOX_NAME = auto()
    SUBSCRIPTION_CHANGE = auto()
    MAILBOX_METADATA = auto()
    SERVER_METADATA = auto()


MESSAGES = Events.MESSAGE_NEW | Events.MESSAGE_EXPUNGE
OF_MESSAGES = MESSAGES | Events.FLAG_CHANGE
OF_NOTES = Events.MAILBOX_METADATA | Events.SERVER_METADATA
_NAMES = {
    b"MessageNew": Events.MESSAGE_NEW,
    b"MessageExpunge": Events.MESSAGE_EXPUNGE,
    b"FlagChange": Events.FLAG_CHANGE,
    b"MailboxName": Events.MAILBOX_NAME,
    b"SubscriptionChange": Events.SUBSCRIPTION_CHANGE,
    b"MailboxMetadataChange": Events.MAILBOX_METADATA,
    b"ServerMetadataChange": Events.SERVER_METADATA,
}
BAD_EVENT = b"BADEVENT (%b)" % b" ".join(_NAMES)
"""The response code that names all events there are (section 3.1)."""
_WORDS = {name.upper(): event for name, event in _NAMES.items()}


@dataclass(frozen=True, slots=True)
class Group:
    """An event group. `items` are those of MessageNew."""

    filter: Filter
    events: Events
    items: tuple[FetchItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Notify:
    """NOTIFY; without groups it is NOTIFY NONE.

    status: whether the state of the mailboxes that are watched is told first.
    is_known: whether all events are some that there are; if not, nothing but BADEVENT is right.
    """

    groups: tuple[Group, ...] = ()
    status: bool = False
    is_known: bool = True


def parse_notify(scanner: Scanner) -> Notify:
    """NONE, or SET with its groups."""
    scanner.space()
    word = scanner.word("SET or NONE")
    if word == b"NONE":
        scanner.end()
        return Notify()
    if word != b"SET":
        raise GrammarError("expected SET or NONE")
    scanner.space()
    status = scanner.take_word(b"STATUS")
    if status:
        scanner.space()
    groups: list[Group] = []
    is_known = True
    while True:
        group, known = _group(scanner)
        groups.append(group)
        is_known = is_known and known
        if len(groups) > GROUPS_MAX:
            raise LimitError(f"At most {GROUPS_MAX} event groups")
        if not scanner.take(b" "):
            break
    scanner.end()
    _check_once(groups)
    return Notify(tuple(groups), status, is_known)


def _check_once(groups: list[Group]) -> None:
    """Insist on filters that do not contradict each other (section 6.1)."""
    kinds = [group.filter.which for group in groups if not group.filter.which.has_names]
    if len([one for one in kinds if one.is_selected]) > 1:
        raise GrammarError("expected SELECTED or SELECTED-DELAYED only once")
    if len(set(kinds)) < len(kinds):
        raise GrammarError("expected each of INBOXES, PERSONAL and SUBSCRIBED only once")


def _group(scanner: Scanner) -> tuple[Group, bool]:
    """Take a group; tell also whether all its events are known."""
    scanner.expect(b"(")
    mailboxes = parse_filter(scanner)
    scanner.space()
    events, items, is_known = _events(scanner, mailboxes.which)
    scanner.expect(b")")
    if mailboxes.which.is_selected and events & ~OF_MESSAGES:
        raise GrammarError("expected only events of messages for the selected mailbox")
    # Section 5: both or none, and no FlagChange without them.
    if events & OF_MESSAGES and events & MESSAGES != MESSAGES:
        raise GrammarError("expected MessageNew and MessageExpunge together")
    return Group(mailboxes, events, items), is_known


def _events(scanner: Scanner, which: Which) -> tuple[Events, tuple[FetchItem, ...], bool]:
    if not scanner.take(b"("):
        if scanner.word("a list of events or NONE") != b"NONE":
            raise GrammarError("expected a list of events or NONE")
        return Events.NONE, (), True
    events, is_known = Events.NONE, True
    items: tuple[FetchItem, ...] = ()
    while True:
        word = scanner.atom("an event").upper()
        event = _WORDS.get(word)
        if event is None:
            is_known = False
        else:
            events |= event
        is_more = scanner.take(b" ")
        if is_more and scanner.peek(b"("):
            if event is not Events.MESSAGE_NEW or not which.is_selected:
                raise GrammarError("expected FETCH items only with MessageNew of SELECTED")
            items = parse_items(scanner)
            is_more = scanner.take(b" ")
        if not is_more:
            scanner.expect(b")")
            return events, items, is_known
