"""What is told when mailboxes come, go, are renamed and subscribed to (RFC 5465, 5.4 and 5.5)."""

import random
from collections.abc import Iterable

import pytest

from apps.imap.news.picture import Box, Line, Picture, Wanted, differences
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
    return differences(old, new, wanted or wants(ALL)).lines


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


def test_it_tells_no_renaming_that_takes_along_what_has_its_own_to_come() -> None:
    """A level above goes after what left it, and a name is left before it is taken."""
    for old, new, names in (
        ({1: "a", 2: "a/b"}, {1: "x", 2: "y"}, [("y", "a/b"), ("x", "a")]),
        ({1: "a", 2: "b"}, {1: "b", 2: "c"}, [("c", "b"), ("b", "a")]),
    ):
        found = differences(picture(old), picture(new), wants(ALL))
        assert [(one.name, one.old_name) for one in found.lines if one.old_name] == names
        assert not found.mistaken


def test_it_tells_that_a_subscription_did_not_go_along_with_a_renamed_level() -> None:
    old = picture({1: "b", 2: "b/c"}, ["b/c"])
    assert told(old, picture({1: "x", 2: "x/c"}, [])) == [
        Line("x", (b"\\HasChildren",), "b"),
        Line("x/c", (b"\\HasNoChildren",)),
    ]
    # The name below is no mailbox: who hears of the level alone takes it along all the same.
    assert told(picture({1: "b"}, ["b/c"]), picture({1: "x"})) == [
        Line("x", (b"\\HasNoChildren",), "b"),
        Line("b/c", (b"\\NonExistent",)),
        Line("x/c", (b"\\NonExistent",)),
    ]


def test_it_tells_again_what_a_later_renaming_takes_along() -> None:
    """Here `b/b` went below itself before `b` went away without it."""
    old = {1: "b/b", 2: "b"}
    found = differences(picture(old), picture({1: "b/b/c", 2: "a/b"}), wants(ALL))
    assert found.lines == [
        Line("b/b/c", (b"\\HasNoChildren",), "b/b"),
        Line("a/b", (b"\\HasNoChildren",), "b"),
        Line("a/b/b/c", (b"\\NonExistent",)),
        Line("b/b/c", (b"\\HasNoChildren",)),
    ]
    assert found.mistaken == {1}  # what the client knew of it went with the name that is none


def test_it_knows_whose_state_is_believed_to_be_anothers() -> None:
    """Names were exchanged: no order of renamings says so."""
    old, new = picture({1: "a", 2: "b", 3: "c"}), picture({1: "b", 2: "a", 3: "c"})
    found = differences(old, new, wants(ALL))
    assert found.lines == [
        Line("a", (b"\\HasNoChildren",), "b"),
        Line("b", (b"\\HasNoChildren",), "a"),
        Line("a", (b"\\HasNoChildren",)),
    ]
    assert found.mistaken == {1, 2}
    unwanted = differences(old, new, wants(Events.MESSAGE_NEW))
    assert unwanted.lines == []
    assert unwanted.mistaken == {1, 2}


def test_it_tells_nothing_again_of_what_is_not_wanted() -> None:
    old, new = picture({1: "b"}, ["b/c"]), picture({1: "x"}, [])
    assert told(old, new, wants(Events.MAILBOX_NAME)) == [Line("x", (b"\\HasNoChildren",), "b")]


@pytest.mark.parametrize("seed", range(100))
def test_it_leaves_no_client_believing_what_is_not(seed: int) -> None:
    """Whatever happened at once."""
    chance = random.Random(seed)
    names = ["a", "b", "a/b", "a/b/c", "b/c", "b/b", "b/b/c"]
    old = dict(enumerate(chance.sample(names, 4), 1))
    ids = [one + chance.choice([0, 0, 0, 10]) for one in old]
    new = dict(zip(ids, chance.sample(names, chance.randint(1, 4)), strict=False))
    subscribed, still = chance.sample(names, 2), chance.sample(names, 1)
    found = differences(picture(old, subscribed), picture(new, still), wants(ALL))
    believed = heard(old, found.lines, subscribed)
    assert believed.keys() == {*new.values(), *still}
    for one, name in new.items():
        state, is_subscribed = believed[name]
        assert is_subscribed == (name in still)
        assert one in found.mistaken or state == (one if one in old else None)


Believed = dict[str, tuple[int | None, bool]]
"""By name: whose state the client believes the mailbox to have, None of a new one; subscribed."""


def heard(boxes: dict[int, str], lines: Iterable[Line], subscribed: Iterable[str] = ()) -> Believed:
    """What a client believes that takes all below a renamed level along."""
    known: dict[str, int | None] = {name: one for one, name in boxes.items()}
    marked = set(subscribed)
    for name, attributes, old in lines:
        if old:
            gone = [one for one in known if (one + "/").startswith(old + "/")]
            known |= {name + one[len(old) :]: known.pop(one) for one in gone}
            left = {one for one in marked if (one + "/").startswith(old + "/")}
            marked = (marked - left) | {name + one[len(old) :] for one in left}
        marked.discard(name)
        if b"\\Subscribed" in attributes:
            marked.add(name)
        if b"\\NonExistent" in attributes:
            known.pop(name, None)
        else:
            known.setdefault(name, None)
    return {one: (known.get(one), one in marked) for one in {*known, *marked}}
