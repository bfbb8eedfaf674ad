"""Which groups speak of which mailbox (RFC 5465 section 6)."""

from apps.imap.news.interests import Interests
from apps.imap.proto.fetch import Attribute
from apps.imap.proto.filters import Filter, Which
from apps.imap.proto.notify import MESSAGES, Events, Group
from apps.imap.wishes import NOTHING, Wishes

NAME = Events.MAILBOX_NAME


def interests(*groups: Group) -> Interests:
    return Interests(groups, lambda raw: None if raw == b"bad" else raw.decode())


def of(known: Interests, name: str, *, personal: bool = True, subscribed: bool = False) -> Events:
    return known.of(name, personal=personal, subscribed=subscribed)


def test_it_joins_what_several_groups_ask_for() -> None:
    """The example of section 6."""
    known = interests(
        Group(Filter(Which.MAILBOXES, (b"INBOX",)), MESSAGES),
        Group(Filter(Which.PERSONAL), Events.SUBSCRIPTION_CHANGE),
    )
    assert of(known, "INBOX") == MESSAGES | Events.SUBSCRIPTION_CHANGE
    assert of(known, "a") == Events.SUBSCRIPTION_CHANGE
    assert of(known, "a", personal=False) == Events.NONE
    assert known.anything == MESSAGES | Events.SUBSCRIPTION_CHANGE


def test_it_tells_what_is_personal_and_what_is_subscribed_apart() -> None:
    known = interests(Group(Filter(Which.SUBSCRIBED), MESSAGES), Group(Filter(Which.INBOXES), NAME))
    assert of(known, "a", personal=False, subscribed=True) == MESSAGES
    assert of(known, "a") == NAME


def test_it_knows_what_is_below() -> None:
    tree = interests(Group(Filter(Which.SUBTREE, (b"a/b", b"x")), NAME))
    assert [name for name in ("a", "a/b", "a/b/c", "a/b/c/d", "a/bc", "x/y") if of(tree, name)] == [
        "a/b",
        "a/b/c",
        "a/b/c/d",
        "x/y",
    ]
    one = interests(Group(Filter(Which.SUBTREE_ONE, (b"a",)), NAME))
    assert [name for name in ("a", "a/b", "a/b/c") if of(one, name)] == ["a", "a/b"]


def test_it_takes_no_name_for_a_pattern_and_passes_over_what_is_none() -> None:
    known = interests(Group(Filter(Which.MAILBOXES, (b"*", b"%", b"bad")), NAME))
    assert of(known, "a") == Events.NONE
    assert of(known, "*") == NAME


def test_it_wishes_nothing_of_the_selected_mailbox_unless_said() -> None:
    """Section 3.1: the same as SELECTED NONE."""
    assert interests(Group(Filter(Which.PERSONAL), MESSAGES)).wishes == NOTHING
    assert interests(Group(Filter(Which.SELECTED), Events.NONE)).wishes == NOTHING


def test_it_wishes_what_selected_says() -> None:
    at_once = interests(Group(Filter(Which.SELECTED), MESSAGES, (Attribute.UID,)))
    assert at_once.wishes == Wishes(
        flags=False, uids=True, between=True, at_once=True, items=(Attribute.UID,)
    )
    assert of(at_once, "INBOX") == Events.NONE
    events = MESSAGES | Events.FLAG_CHANGE
    delayed = interests(Group(Filter(Which.SELECTED_DELAYED), events))
    assert delayed.wishes == Wishes(uids=True, between=True)
