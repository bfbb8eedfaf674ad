"""What openers hand over. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from apps.scan.attachments.budget import Budget

# Marks: what is known of a file beside its name, kind and content.
SHOWN: Final = "shown"  # text of a message, which programs show as such: no file to be opened
UNREAD: Final = "unread"  # its name is known, its content cannot be unpacked here
MISSING: Final = "missing"  # it could be, if libarchive were on this machine
SOURCE: Final = "source"  # text of a macro
OBJECT: Final = "object"  # a piece of a document, and no file of its own
CARRIED: Final = "carried"  # within a page, for its script to make a file of
MACROS: Final = "macros"  # a document that has some
INSTALLER: Final = "installer"  # an OLE file that is a Windows Installer package
LOCKED: Final = "locked"  # only who knows the password can read it
CUT: Final = "cut"  # only its beginning was looked at


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a container.

    Args:
        name: as the container spells it, folders included.
        content: its octets; None if they could not be read.
        declared: the Content-Type it came with, where containers have such.
        is_locked: only who knows the password can read it.
        is_cut: `content` is only its beginning.
        why_not: why it could not be read (whole), in words.
        marks: of the words above.
        other_names: further spellings of the name, of which a reader may choose another one.
    """

    name: str
    content: bytes | None = None
    declared: str = ""
    is_locked: bool = False
    is_cut: bool = False
    why_not: str = ""
    marks: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()


Opener = Callable[[bytes, Budget], Iterator[Member | str]]
"""Yields what is inside, and marks of the container itself; raises Damaged, Locked or TooMuch."""
