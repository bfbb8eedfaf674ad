"""Minutes of a person's own clock, as `<input type="datetime-local">` writes them. Pure.

What a minute is on the clock of the world is decided here: an hour that the clock leaves out in
spring is the one after it, one that comes twice in autumn is the first.
"""

import re
from datetime import UTC, datetime, tzinfo
from typing import Final

_FORM: Final = "%Y-%m-%dT%H:%M"
# Some browsers add seconds.
_TYPED: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::\d\d(?:\.\d{1,6})?)?", re.ASCII)


def read(text: str, zone: tzinfo) -> int | None:
    """The Unix seconds of a minute; None if it is none, or none that this century has."""
    found = _TYPED.fullmatch(text[:40].strip())
    if found is None:
        return None
    try:
        at = datetime.strptime(f"{found[1]}T{found[2]}", _FORM).replace(tzinfo=zone, fold=0)
        seconds = int(at.astimezone(UTC).timestamp())
    except (ValueError, OverflowError, OSError):  # the 31st of February, the year 1
        return None
    return seconds if 0 < seconds < 4_102_444_800 else None


def write(seconds: int, zone: tzinfo) -> str:
    """The inverse; "" for 0."""
    return datetime.fromtimestamp(seconds, zone).strftime(_FORM) if seconds else ""
