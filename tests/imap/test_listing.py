"""What LIST and LSUB answer."""

import pytest

from apps.imap.listing import list_all, list_subscribed
from apps.imap.proto.patterns import Pattern

NAMES = {"INBOX": "inbox", "Sent": "sent", "a/b/c": "", "a/d": "", "Junk": "junk"}


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
    assert [one.name for one in list_all(NAMES, Pattern(pattern))] == found


def test_it_describes() -> None:
    known = {one.name: one.attributes for one in list_all(NAMES, Pattern("*"))}
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
    found = list_all(names, Pattern("*"), only_special=True)
    assert [(one.name, one.attributes) for one in found] == [
        ("Trash", (b"\\HasNoChildren", b"\\Trash"))
    ]
