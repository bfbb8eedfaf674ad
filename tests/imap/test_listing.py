"""What LIST and LSUB answer."""

from collections.abc import Mapping, Sequence
from random import Random

import pytest

from apps.imap.names.listing import Box, Listed, Wanted, list_all, list_subscribed, role_of
from apps.imap.proto.patterns import Pattern

NAMES = {"INBOX": "inbox", "Sent": "sent", "a/b/c": "", "a/d": "", "Junk": "junk"}
SUBSCRIBED = (b"SUBSCRIBED",)


def listed(names: Mapping[str, str], *patterns: str, **wanted: object) -> list[Listed]:
    boxes = {name: Box(use) for name, use in names.items()}
    subscribed: Sequence[str] = wanted.pop("subscribed", ())  # type: ignore[assignment]
    asked = Wanted([Pattern(one) for one in patterns], **wanted)  # type: ignore[arg-type]
    return list_all(boxes, asked, subscribed)


def boxes(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("%", ["INBOX", "Sent", "Junk", "a"]),
        ("a/%", ["a/d", "a/b"]),
        ("*c", ["a/b/c"]),
        ("nothing", []),
    ],
)
def test_it_lists(pattern: str, found: list[str]) -> None:
    assert [one.name for one in listed(NAMES, pattern)] == found


def test_it_describes() -> None:
    known = {one.name: one.attributes for one in listed(NAMES, "*")}
    assert known["Sent"] == (b"\\HasNoChildren", b"\\Sent")
    assert known["INBOX"] == (b"\\HasNoChildren",)
    assert known["a"] == (b"\\Noselect", b"\\HasChildren")
    assert known["a/b"] == (b"\\Noselect", b"\\HasChildren")
    assert known["a/d"] == (b"\\HasNoChildren",)


def subscribed(names: list[str], text: str) -> list[tuple[str, tuple[bytes, ...]]]:
    found = list_subscribed(names, {"INBOX", "a", "a/b/c"}, Pattern(text), text=text)
    return [(one.name, one.attributes) for one in found]


def test_it_lists_what_is_subscribed() -> None:
    """RFC 3501 section 6.3.9: `%` shows a level above a subscribed one as \\Noselect."""
    assert subscribed(["a/b/c", "INBOX"], "%") == [("INBOX", ()), ("a", (b"\\Noselect",))]
    assert subscribed(["a/b/c"], "*") == [("a/b/c", ())]


def test_it_lists_subscriptions_to_what_is_gone() -> None:
    assert subscribed(["Gone", "INBOX"], "*") == [("Gone", (b"\\Noselect",)), ("INBOX", ())]


def test_it_lists_only_what_has_a_special_use() -> None:
    """RFC 6154 section 2, the selection option."""
    names = {"INBOX": "inbox", "Trash": "trash", "Work": ""}
    found = listed(names, "*", criteria=(b"SPECIAL-USE",))
    assert [(one.name, one.attributes) for one in found] == [
        ("Trash", (b"\\HasNoChildren", b"\\Trash"))
    ]


def test_it_tells_that_a_mailbox_cannot_be_opened() -> None:
    """RFC 5819 section 2: the right to see it, and not the one to read it."""
    (found,) = list_all({"x": Box(is_open=False)}, Wanted([Pattern("*")], extended=True))
    assert found.attributes == (b"\\Noselect", b"\\HasNoChildren")


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (("%",), [("music", True)]),  # RFC 5258 section 5, example 11: a2
        (("*",), [("music/rock", False)]),  # a1
        (("%", "music/rock"), [("music/rock", False)]),  # a3.1
        (("music", "music"), [("music", True)]),
        (("music*", "%"), [("music/rock", False)]),
    ],
)
def test_it_tells_a_missing_level_only_if_nothing_below_does(
    patterns: Sequence[str], found: list[tuple[str, bool]]
) -> None:
    lines = listed(boxes("music/rock"), *patterns, extended=True)
    assert [(one.name, b"\\NonExistent" in one.attributes) for one in lines] == found


def childinfo(
    names: Mapping[str, str], pattern: str, subscribed: Sequence[str]
) -> list[tuple[str, set[bytes], bool]]:
    lines = listed(
        names,
        pattern,
        criteria=SUBSCRIBED,
        recursive=True,
        tells_subscribed=True,
        extended=True,
        subscribed=subscribed,
    )
    told = {b"\\Subscribed", b"\\NonExistent"}
    return sorted((one.name, told & {*one.attributes}, one.has_selected) for one in lines)


YES, NO = {b"\\Subscribed"}, set[bytes]()
BELOW = ["baz2/bar2", "baz2/bar22", "baz2/bar222"]
TREE = boxes("INBOX", "foo2", "foo2/bar1", "foo2/bar2", "baz2", *BELOW, "eps2", "eps2/mamba")
TREE |= boxes("qux2/bar2")
MINE = ["foo2/bar1", "foo2/bar2", *BELOW, "eps2", "eps2/mamba", "qux2/bar2"]


def test_it_matches_recursively() -> None:
    """RFC 5258 section 5, example 9."""
    assert childinfo(TREE, "*2", MINE) == [
        ("baz2/bar2", YES, False),
        ("baz2/bar22", YES, False),
        ("baz2/bar222", YES, False),
        ("eps2", YES, True),
        ("foo2", NO, True),
        ("foo2/bar2", YES, False),
        ("qux2/bar2", YES, False),
    ]
    assert childinfo(TREE, "*", MINE) == [
        ("baz2", NO, True),
        ("baz2/bar2", YES, False),
        ("baz2/bar22", YES, False),
        ("baz2/bar222", YES, False),
        ("eps2", YES, True),
        ("eps2/mamba", YES, False),
        ("foo2", NO, True),
        ("foo2/bar1", YES, False),
        ("foo2/bar2", YES, False),
        ("qux2/bar2", YES, False),
    ]


def test_it_tells_childinfo_where_nothing_below_is_told() -> None:
    """RFC 5258 section 5, example 8, and the table of section 3.5."""
    tree = boxes("INBOX", "Foo", "Foo/Bar", "Foo/Baz", "Moo")
    assert childinfo(tree, "%", ["Foo/Baz"]) == [("Foo", NO, True)]
    assert childinfo(tree, "%", ["Foo", "Foo/Baz"]) == [("Foo", YES, True)]
    assert childinfo(tree, "%", []) == []
    assert childinfo(tree, "%", ["Foo", "Moo"]) == [("Foo", YES, False), ("Moo", YES, False)]
    without = boxes("INBOX", "Foo/Bar", "Foo/Baz", "Moo")
    assert childinfo(without, "%", ["Foo/Baz"]) == [("Foo", {b"\\NonExistent"}, True)]
    gone = {b"\\NonExistent", b"\\Subscribed"}
    assert childinfo(without, "%", ["Foo", "Foo/Baz"]) == [("Foo", gone, True)]
    assert childinfo(without, "%", ["Foo"]) == [("Foo", gone, False)]


def test_it_tells_childinfo_of_subscriptions_without_a_mailbox() -> None:
    """RFC 5258 section 5, example 10: CHILDINFO with \\HasNoChildren."""
    lines = listed(
        boxes("foo"),
        "foo",
        criteria=SUBSCRIBED,
        recursive=True,
        extended=True,
        subscribed=["foo/bar"],
    )
    assert [(one.attributes, one.has_selected, one.is_selected) for one in lines] == [
        ((b"\\HasNoChildren",), True, False)
    ]


def test_it_lists_what_the_rules_say() -> None:
    """RFC 5258 section 3.3, principle 2, and the table of section 3.5, for random trees."""
    random = Random(5258)
    parts = ["a", "b", "ab"]
    for _ in range(500):
        names = {"/".join(random.choices(parts, k=random.randint(1, 3))) for _ in range(6)}
        tree = boxes(*random.sample(sorted(names), random.randint(0, len(names))))
        mine = random.sample(sorted(names), random.randint(0, len(names)))
        texts = random.choices(["*", "%", "a%", "*b", "a/%", "%/%", "a/b", "a*b"], k=2)
        patterns = [Pattern(text) for text in texts]

        def shows(name: str, patterns: list[Pattern] = patterns) -> bool:
            return any(pattern.matches(name) for pattern in patterns)

        levels = {name.rsplit("/", cut)[0] for name in names for cut in range(3)}
        expected = {}
        for name in filter(shows, levels):
            below = [one for one in mine if one.startswith(name + "/")]
            ends = [text[-1] == "*" and Pattern(text).matches(name) for text in texts]
            is_open = name in tree and any(ends) and below
            if name in mine or is_open or not all(map(shows, below)):
                expected[name] = (name in mine, name not in tree, bool(below))
        lines = listed(
            tree,
            *texts,
            criteria=SUBSCRIBED,
            recursive=True,
            extended=True,
            subscribed=mine,
        )
        assert len(lines) == len({one.name for one in lines})
        assert expected == {
            one.name: (one.is_selected, b"\\NonExistent" in one.attributes, one.has_selected)
            for one in lines
        }


@pytest.mark.parametrize(
    ("attributes", "role"),
    [
        ([], ""),
        ([b"\\sent"], "sent"),
        ([b"\\Junk"], "junk"),
        ([b"\\All"], None),
        ([b"\\Sent", b"\\Junk"], None),
        ([b"Sent"], None),
    ],
)
def test_it_knows_the_role_of_attributes(attributes: list[bytes], role: str | None) -> None:
    assert role_of(attributes) == role
