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


def test_it_lists_what_is_subscribed() -> None:
    """RFC 3501 section 6.3.9: `%` shows a level above a subscribed one as \\Noselect."""
    found = list_subscribed(["a/b/c", "INBOX"], Pattern("%"), text="%")
    assert [(one.name, one.attributes) for one in found] == [
        ("INBOX", ()),
        ("a", (b"\\Noselect",)),
    ]
    assert [one.name for one in list_subscribed(["a/b/c"], Pattern("*"), text="*")] == ["a/b/c"]
