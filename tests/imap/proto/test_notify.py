"""The grammar of RFC 5465 section 8, and what sections 3.1, 5 and 6.1 forbid in it."""

import pytest

from apps.imap.proto.fetch import Attribute
from apps.imap.proto.filters import NAMES_MAX, Filter, Which
from apps.imap.proto.notify import (
    GROUPS_MAX,
    MESSAGES,
    Events,
    Group,
    Notify,
    parse_notify,
)
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.wire.lines import Literal, RawCommand


def notify(text: bytes) -> Notify:
    return parse_notify(Scanner(RawCommand((text,))))


def test_it_reads_none() -> None:
    assert notify(b" none") == Notify()


def test_it_reads_groups_in_any_case() -> None:
    said = notify(
        b" Set StAtUs (SELECTED-Delayed (MESSAGENEW (UID FLAGS) messageexpunge FlagChange))"
        b' (subtree (Lists "a b") (MessageNew MessageExpunge)) (personal NONE)'
    )
    assert said == Notify(
        (
            Group(
                Filter(Which.SELECTED_DELAYED),
                MESSAGES | Events.FLAG_CHANGE,
                (Attribute.UID, Attribute.FLAGS),
            ),
            Group(Filter(Which.SUBTREE, (b"Lists", b"a b")), MESSAGES),
            Group(Filter(Which.PERSONAL), Events.NONE),
        ),
        status=True,
    )


def test_it_reads_names_that_are_literals() -> None:
    raw = RawCommand((b" SET (mailboxes ", Literal(b"a b"), b" (MailboxName))"))
    assert parse_notify(Scanner(raw)).groups == (
        Group(Filter(Which.MAILBOXES, (b"a b",)), Events.MAILBOX_NAME),
    )


@pytest.mark.parametrize("event", [b"AnnotationChange", b"Foo", b"MessageNew MessageExpunge X-Y"])
def test_it_knows_events_that_there_are_not(event: bytes) -> None:
    """They are no error of grammar (section 3.1): NO, with BADEVENT."""
    assert not notify(b" SET (SELECTED (%b))" % event).is_known


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b" FOO",
        b" NONE NONE",
        b" SET",
        b" SET ",
        b" SET STATUS",
        b" SET STATUS ()",
        b" SETSTATUS (PERSONAL NONE)",
        b" SET STATUS(PERSONAL NONE)",
        b" SET PERSONAL NONE",
        b" SET (PERSONAL)",
        b" SET (PERSONAL ())",
        b" SET (PERSONAL MessageNew)",
        b" SET (PERSONAL (NONE) )",
        b" SET (PERSONAL NONE)(SUBSCRIBED NONE)",
        b" SET (FOO (MessageNew MessageExpunge))",
        b" SET (MAILBOXES (MessageNew MessageExpunge))",
        b" SET (MAILBOXES () (MessageNew MessageExpunge))",
        b" SET (SUBTREE NONE)",
        b" SET (PERSONAL INBOX NONE)",
        # Section 5: all or none of them.
        b" SET (PERSONAL (MessageNew))",
        b" SET (PERSONAL (MessageExpunge))",
        b" SET (PERSONAL (FlagChange))",
        b" SET (PERSONAL (MessageExpunge FlagChange))",
        b" SET (SELECTED (MessageNew))",
        # Section 6.1: only one of them, and only events of messages.
        b" SET (SELECTED NONE) (SELECTED-DELAYED NONE)",
        b" SET (SELECTED NONE) (SELECTED NONE)",
        b" SET (SELECTED (MailboxName))",
        b" SET (SELECTED-DELAYED (MessageNew MessageExpunge SubscriptionChange))",
        b" SET (INBOXES NONE) (INBOXES NONE)",
        # Section 8: items of new messages of the selected mailbox only.
        b" SET (PERSONAL (MessageNew (UID) MessageExpunge))",
        b" SET (SELECTED (MessageNew () MessageExpunge))",
        b" SET (SELECTED (MessageNew MessageExpunge (UID)))",
        b" SET (SELECTED (MessageNew (UID) (FLAGS) MessageExpunge))",
        b" SET (SELECTED (MessageNew (FAST) MessageExpunge))",
    ],
)
def test_it_refuses_what_is_not_in_the_grammar(text: bytes) -> None:
    with pytest.raises(GrammarError):
        notify(text)


def test_it_bounds_groups_and_names() -> None:
    with pytest.raises(LimitError):
        notify(b" SET" + b" (MAILBOXES a NONE)" * (GROUPS_MAX + 1))
    names = b" ".join(b"%d" % number for number in range(NAMES_MAX + 1))
    with pytest.raises(LimitError):
        notify(b" SET (MAILBOXES (%b) NONE)" % names)
