"""The one door by which preferences change."""

import functools
import zoneinfo
from typing import Final

from django.conf import settings

from apps.runtime.db import translate_errors
from apps.webmail.models import Density, Layout, Preferences, Theme
from apps.wire.errors import InvalidName

_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "layout": tuple(Layout.values),
    "density": tuple(Density.values),
    "theme": tuple(Theme.values),
}
_SWITCHES: Final = ("has_conversations", "has_shortcuts", "marks_read", "writes_plain")
UNDO_SECONDS: Final = (0, 10, 20, 30)


@functools.cache
def time_zones() -> tuple[str, ...]:
    """The names that this machine knows, in order."""
    known = zoneinfo.available_timezones()
    # "localtime" and its like are the machine's own, "posix/…" and "right/…" files of the database.
    return tuple(sorted(name for name in known if "/" in name or name == "UTC"))


def change(*, user_id: int, **wanted: str | bool | int) -> Preferences:
    """Set what is named and leave the rest.

    Args:
        wanted: `layout`, `density`, `theme`, `language`, `time_zone` (words; "" for the language
            of the browser and the time of the server), `has_conversations`, `has_shortcuts`,
            `marks_read`, `writes_plain` (true or false), `undo_seconds` (one of `UNDO_SECONDS`).

    Raises:
        InvalidName: something else is named, or a value that there is not.
    """
    for name, value in wanted.items():
        if not _is_right(name, value):
            raise InvalidName(f"{name} of {user_id}", text="There is no such setting")
    with translate_errors():
        return Preferences.objects.update_or_create(user_id=user_id, defaults=wanted)[0]


def _is_right(name: str, value: str | bool | int) -> bool:
    if name in _SWITCHES:
        return isinstance(value, bool)
    if name == "undo_seconds":
        return not isinstance(value, bool) and value in UNDO_SECONDS
    if name == "language":
        return value == "" or value in dict(settings.LANGUAGES)
    if name == "time_zone":
        return value == "" or value in time_zones()
    return value in _CHOICES.get(name, ())
