"""What the first line of a file may call its columns, in any order and any case."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from apps.wire.errors import InvalidName

_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a kind of file.

    Args:
        field: what the house calls it.
        words: what people call it; the first of `names`.
        names: what else they do, in small letters without spaces and signs.
    """

    field: str
    words: str
    names: tuple[str, ...]
    is_needed: bool = False


_ADDRESS: Final = "emailaddress e mail email mailaddress useraddress user username login".split()
_TARGETS: Final = (
    "target to goto destination destinations members member recipients forwardto".split()
)
KINDS: Final[Mapping[str, tuple[Column, ...]]] = {
    "users": (
        Column("address", "Address", ("address", *_ADDRESS), is_needed=True),
        Column("name", "Name", ("name", "displayname", "fullname", "realname")),
        Column("quota", "Space", ("space", "quota", "storage", "size", "mailboxsize", "limit")),
        Column("password", "Password", ("password", "pass", "passwd", "pwd", "secret")),
        Column("kind", "Kind", ("kind", "type")),
    ),
    "aliases": (
        Column(
            "address", "Address", ("address", "alias", "pattern", "group", "from", *_ADDRESS), True
        ),
        Column(
            "targets",
            "Targets",
            ("targets", *_TARGETS),
            True,
        ),
    ),
    "domains": (
        Column("name", "Domain", ("domain", "name", "domainname", "fqdn"), is_needed=True),
        Column("organization", "Organisation", ("organisation", "organization", "tenant", "owner")),
        Column("alias_of", "Alias of", ("aliasof", "standsfor", "target")),
    ),
}
_SIGNS: Final = re.compile(r"[\W_]++")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns of a file are.

    Args:
        names: all of them, as they are written.
        fields: of each the house's word; "" for one that is not read.
    """

    names: list[str]
    fields: list[str]

    @property
    def unread(self) -> list[str]:
        """The names of columns that are not read."""
        return [name for name, field in zip(self.names, self.fields, strict=True) if not field]


def layout(kind: str, cells: Sequence[str]) -> Layout:
    """Know the columns by the first line.

    Raises:
        InvalidName: none of them is known, one is there twice, or one that is needed is not there.
    """
    known = {name: column for column in KINDS[kind] for name in column.names}
    names = [" ".join(cell.split())[:_SHOWN] for cell in cells]
    fields = []
    for name in names:
        column = known.get(_SIGNS.sub("", name).casefold())
        if column is not None and column.field in fields:
            words = f"Two columns of the first line say {column.words}: take one away"
            raise InvalidName("column twice", text=words)
        fields.append("" if column is None else column.field)
    for column in KINDS[kind]:
        if column.is_needed and column.field not in fields:
            words = f"The first line has to name the columns, and one of them {column.words}"
            raise InvalidName("column missing", text=words)
    return Layout(names, fields)


def words_of(kind: str, field: str) -> str:
    """What people call a field; "" of none."""
    return next((column.words for column in KINDS[kind] if column.field == field), "")
