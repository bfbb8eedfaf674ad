"""What the data of an event says, whatever it is: the events of an older version, and those of a
newer one, are read as well. Pure; nothing here raises."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final

from apps.mime.headers import clean, printable
from apps.trace.queries import Recorded

ADDRESS_MOST: Final = 320  # characters
TEXT_MOST: Final = 1_000  # of any other text that is looked at
MOMENT_MOST: Final = 253_402_300_799_999_999  # the last microsecond that has a date

Data = Mapping[str, Any]


def data_of(event: Recorded) -> Data:
    """The data of an event; nothing if it is not an object."""
    return part(event.data)


def part(value: Any) -> Data:
    """A value as an object; an empty one if it is something else."""
    return value if isinstance(value, dict) else {}


def text(value: Any, most: int = TEXT_MOST) -> str:
    """A text as people may see it: one line, without what drives a terminal or turns a line round;
    "" for what is no text."""
    if not isinstance(value, str):
        return ""
    if len(value) <= most and "  " not in value and value.isprintable():
        return value.strip()
    # The cut comes first: what strangers wrote may be long, and only its beginning is shown.
    return " ".join(printable(clean(value[: most + TEXT_MOST].replace("\n", " "))).split())[:most]


def word(data: Data, key: str, most: int = TEXT_MOST) -> str:
    """The text of a key, as `text` reads it."""
    return text(data.get(key), most)


def address(value: Any) -> str:
    """An address as the events name each other by it; "" for what is none."""
    return text(value, ADDRESS_MOST)


def addresses(value: Any) -> list[str]:
    """Those of a list, or the one that stands alone, each once and in their order."""
    several = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(filter(None, map(address, several))))


def pairs(value: Any) -> dict[str, str]:
    """An object of addresses by addresses."""
    read = ((address(key), address(one)) for key, one in part(value).items())
    return {key: one for key, one in read if key and one}


def whole(value: Any, most: int = (1 << 63) - 1) -> int:
    """A number as a column keeps it; 0 for what is none, or negative, or beyond."""
    return value if type(value) is int and 0 <= value <= most else 0


def points(value: Any) -> float | None:
    """A number of points; None for what is none."""
    if type(value) not in (int, float) or not -1e6 < value < 1e6 or not isfinite(value):
        return None
    return float(value)


def first(texts: Sequence[str]) -> str:
    """The first that says something."""
    return next(filter(None, texts), "")
