"""What a record may tell besides who, what and on whom: little, on one line, and never a secret."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from apps.mime.headers import printable

MOST_KEYS: Final = 20
MOST_VALUES: Final = 20  # of one list
KEY_LENGTH: Final = 40  # characters
VALUE_LENGTH: Final = 300  # characters
MOST_OCTETS: Final = 4_000  # of all as JSON
_DEPTH: Final = 2

# Words of a name that would stand before something which opens a door.
SECRET_WORDS: Final = frozenset(
    "password passwords passwd secret secrets token tokens digest digests cookie cookies salt hash"
    " code codes pin credential credentials".split()
)
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


class SecretError(ValueError):
    """Somebody tried to record a secret: a mistake in the program, found by its tests."""


def bounded(detail: Mapping[str, object]) -> dict[str, object]:
    """The same, as short as a record has it: of what is too much the beginning.

    Raises:
        SecretError: a name says that its value is a secret. Numbers and truths are none: how long
            a password has to be may be told.
        TypeError: a value that JSON has no word for.
    """
    found = _mapping(detail, _DEPTH)
    while found and _octets(found) > MOST_OCTETS:
        longest = max(found, key=lambda key: _octets(found[key]))
        if found[longest] == "…":  # the names alone are too much
            del found[longest]
        else:
            found[longest] = "…"
    return found


def line(text: str, most: int) -> str:
    """Words of others as a record has them: nothing that drives a terminal or turns a line round,
    nothing that a text column of Postgres refuses."""
    return printable(text) if len(text) <= most else f"{printable(text[: most - 1])}…"


def _mapping(values: Mapping[str, object], depth: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in values.items():
        if len(found) == MOST_KEYS:
            found["…"] = len(values) - MOST_KEYS
            break
        if SECRET_WORDS.intersection(map(str.lower, _WORDS.findall(key))) and _has_text(value):
            raise SecretError(f"a record is no place for {key!r}")
        found[line(key, KEY_LENGTH)] = _value(value, depth - 1)
    return found


def _value(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # JSON has no word for the others
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else str(value)
    if isinstance(value, str):  # also the choices of a model, which are texts with a class
        return line(str(value), VALUE_LENGTH)
    if depth < 0:
        return "…"
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        shown = [_value(one, depth - 1) for one in items[:MOST_VALUES]]
        return [*shown, f"… {len(items) - MOST_VALUES} more"] if len(items) > MOST_VALUES else shown
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise TypeError(f"a record cannot hold {type(value).__name__}")


def _has_text(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_text, value.values()))
    if isinstance(value, str | bytes | bytearray | memoryview):
        return bool(value)
    return isinstance(value, Sequence | set | frozenset) and any(map(_has_text, value))


def _octets(value: object) -> int:
    return len(json.dumps(value))
