"""What is told when mailboxes come, go, are renamed and subscribed to (RFC 5465, 5.4 and 5.5)."""

from collections.abc import Iterable

from apps.imap.picture import Box, Line, Picture, Wanted, differences
from apps.imap.proto.notify import Events

ALL = ~Events.NONE


def picture(boxes: dict[int, str], subscribed: Iterable[str] = ()) -> Picture:
    return Picture(
        {one: Box(name, "", True, True) for one, name in boxes.items()}, frozenset(subscribed)
    )


def shared(name: str, *, readable: bool = True) -> Picture:
    return Picture({9: Box(name, "", False, readable)}, frozenset())


def wants(events: Events, *names: str) -> Wanted:
    def wanted(_: Picture, name: str) -> Events:
        return events if not names or name in names else Events.NONE

    return wanted


def told(old: Picture, new: Picture, wanted: Wanted | None = None) -> list[Line]:
    return differences(old, new, wanted or wants(ALL))


def test_it_tells_nothing_of_what_is_as_it_was() -> None:
    assert told(picture({1: "INBOX"}, ["INBOX"]), picture({1: "INBOX"}, ["INBOX"])) == []


def test_it_tells_what_was_made_and_the_level_above_it() -> None:
    found = told(picture({1: "a"}), picture({1: "a", 2: "a/b"}))
    assert found == [Line("a/b", (b"\\HasNoChildren",)), Line("a", (b"\\HasChildren",))]


def test_it_tells_what_was_deleted_and_a_level_above_that_is_no_mailbox() -> None:
    found = told(picture({1: "a/b", 2: "a/c"}), picture({2: "a/c"}))
    assert found == [
        Line("a/b", (b"\\NonExistent",)),
        Line("a", (b"\\NonExistent", b"\\HasChildren")),
    ]


def test_it_tells_a_renaming_once_for_a_whole_family() -> None:
    old = picture({1: "a", 2: "a/b", 3: "a/b/c"}, ["a/b"])
    new = picture({1: "x", 2: "x/b", 3: "x/b/c"}, ["x/b"])
    assert told(old, new) == [Line("x", (b"\\HasChildren",), "a")]


def test_it_tells_those_below_a_renamed_level_that_is_no_mailbox() -> None:
    found = told(picture({2: "a/b", 3: "a/c"}), picture({2: "x/b", 3: "x/c"}))
    assert [(one.name, one.old_name) for one in found] == [("x/b", "a/b"), ("x/c", "a/c")]


def test_it_tells_a_family_once_that_has_a_level_which_is_no_mailbox() -> None:
    found = told(picture({1: "a", 3: "a/b/c"}), picture({1: "x", 3: "x/b/c"}))
    assert found == [Line("x", (b"\\HasChildren",), "a")]


def test_it_tells_a_child_that_was_renamed_otherwise_than_the_level_above() -> None:
    found = told(picture({1: "a", 2: "a/b"}), picture({1: "x", 2: "x/c"}))
    assert {(one.name, one.old_name) for one in found} == {("x", "a"), ("x/c", "a/b")}


def test_it_tells_a_renaming_to_who_watches_either_name() -> None:
    old, new = picture({1: "a"}), picture({1: "b"})
    for name in "ab":
        assert told(old, new, wants(ALL, name)) == [Line("b", (b"\\HasNoChildren",), "a")]
    assert told(old, new, wants(ALL, "c")) == []
    assert told(old, new, wants(ALL ^ Events.MAILBOX_NAME)) == []


def test_it_tells_a_name_once_when_another_mailbox_has_it_now() -> None:
    assert told(picture({1: "a"}), picture({2: "a"})) == [Line("a", (b"\\HasNoChildren",))]


def test_it_tells_subscriptions_with_all_attributes() -> None:
    boxes = {1: "a", 2: "a/b"}
    found = told(picture(boxes, ["a/b"]), picture(boxes, ["a"]))
    assert found == [
        Line("a", (b"\\Subscribed", b"\\HasChildren")),
        Line("a/b", (b"\\HasNoChildren",)),
    ]
    assert told(picture({}), picture({}, ["x"])) == [Line("x", (b"\\NonExistent", b"\\Subscribed"))]
    assert told(picture({}), picture({}, ["x"]), wants(Events.MAILBOX_NAME)) == []


def test_it_tells_that_a_right_is_gone_and_is_back() -> None:
    """Section 5.9, to whoever watches anything there."""
    seen, unseen = shared("Other Users/b@x/a"), shared("Other Users/b@x/a", readable=False)
    name = "Other Users/b@x/a"
    for events in (Events.MESSAGE_NEW, Events.MAILBOX_NAME):
        assert told(seen, unseen, wants(events, name)) == [
            Line(name, (b"\\NoAccess", b"\\HasNoChildren"))
        ]
        assert told(unseen, seen, wants(events, name)) == [Line(name, (b"\\HasNoChildren",))]
        assert told(seen, picture({}), wants(events, name)) == [
            Line(name, (b"\\NonExistent", b"\\NoAccess"))
        ]
    assert told(seen, unseen, wants(Events.NONE)) == []


def test_it_tells_what_was_deleted_before_a_renaming_that_would_take_it_along() -> None:
    found = told(picture({1: "a", 2: "a/b"}), picture({1: "x"}))
    assert [(one.name, one.old_name) for one in found][:2] == [("a/b", ""), ("x", "a")]
