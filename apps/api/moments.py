"""Times of mail as programs read them: the databases keep Unix time, answers have RFC 3339."""

from datetime import UTC, datetime
from typing import Final

_SECOND: Final = 1_000_000  # microseconds


def of_us(at_us: int | None) -> datetime | None:
    """Of Unix microseconds; None for 0 and None, and for what no calendar has."""
    try:
        return datetime.fromtimestamp(at_us / _SECOND, UTC) if at_us and at_us > 0 else None
    except (OverflowError, ValueError, OSError):
        return None


def of_seconds(at: int | None) -> datetime | None:
    """Of Unix seconds, as `of_us`."""
    return of_us(at * _SECOND) if at else None


def us(moment: datetime) -> int:
    """Unix microseconds of a time with a zone."""
    return int(moment.timestamp() * _SECOND)
