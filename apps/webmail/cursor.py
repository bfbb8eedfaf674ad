"""Where a page of the list begins: the keys of the row before it, as they stand in an address."""

import re
from typing import Final

# A date from before 1970 is a negative number. No more digits than a database's integer holds.
_TWO: Final = re.compile(r"(-?[0-9]{1,15})-([0-9]{1,15})")
_THREE: Final = re.compile(r"(-?[0-9]{1,15})-([0-9]{1,15})-([0-9]{1,15})")


def write(key: tuple[int, ...]) -> str:
    """For the address of the next page."""
    return "-".join(map(str, key))


def parse(text: str) -> tuple[int, int] | None:
    """(internaldate, UID) in a mailbox; None, the first page, for anything that is no cursor."""
    found = _TWO.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


def parse_across(text: str) -> tuple[int, int, int] | None:
    """(internaldate, mailbox, UID) in a place of many mailboxes; None as above."""
    found = _THREE.fullmatch(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def date_of(text: str) -> int | None:
    """The internaldate that either of them begins with."""
    found = parse(text) or parse_across(text)
    return found[0] if found else None
