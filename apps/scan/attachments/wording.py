"""How findings speak of files. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

_NAMES_SHOWN: Final = 4  # of a path: the file, what it is in, and so on


def file_name(fact: Mapping[str, Any]) -> str:
    """`“b.exe” in “a.zip”`; what has no name is told by what it is."""
    path: Sequence[str] = fact["path"]
    told = [f"“{name[-100:]}”" for name in reversed(path) if name][:_NAMES_SHOWN]
    if not path[-1]:
        told.insert(0, f"a part without a name ({fact['kind']})")
    return " in ".join(told)


def several(words: str, count: int) -> str:
    """The words of the first of `count` findings of one rule."""
    return words if count == 1 else f"{words}; {count - 1} more like it"
