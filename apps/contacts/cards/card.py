"""A card as a value, and the limits of one."""

from dataclasses import dataclass
from typing import Final

NAME: Final = 200
PARTS: Final = 500
NOTE: Final = 10_000
NUMBER: Final = 60
GROUP: Final = 100
UID: Final = 255
REST: Final = 16_000
"""Characters of each; of `rest`, all lines together."""
ADDRESSES: Final = 20
NUMBERS: Final = 20
GROUPS: Final = 50
"""How many one card has."""


@dataclass(frozen=True, slots=True)
class Way:
    """An address or a number, and what it is for: "", home, work, mobile."""

    value: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """Whoever is known.

    Args:
        parts: the value of N as it was written (family;given;more;before;after), "" if nobody said.
        groups: names of them.
        rest: further lines of a vCard, unfolded, as they were written.
        members: of a card that is a group: uids of those in it.
    """

    name: str
    uid: str = ""
    parts: str = ""
    company: str = ""
    title: str = ""
    note: str = ""
    emails: tuple[Way, ...] = ()
    phones: tuple[Way, ...] = ()
    groups: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    is_group: bool = False
    members: tuple[str, ...] = ()
