"""How long a browser stays signed in.

Both limits are kept on the server: what a cookie says of its own age is the browser's word.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

# Nobody is signed in: a password was right and the code is still to come, or a passkey is asked.
UNKNOWN: Final = timedelta(minutes=15)
# An administrator looks as a user.
ACTING: Final = timedelta(minutes=60)
# How late `seen_at` may be: a page is read more often than it is worth a write.
SEEN: Final = timedelta(minutes=5)


def end_of(
    *, created_at: datetime, seen_at: datetime, is_known: bool, is_kept: bool, is_acting: bool
) -> datetime:
    """When a session ends.

    Args:
        created_at: of the sign-in.
        is_known: whether somebody is signed in.
        is_kept: "Keep me signed in on this device".
        is_acting: an administrator looks as the user.
    """
    if not is_known:
        return seen_at + UNKNOWN
    if is_acting:
        return created_at + ACTING
    if is_kept:
        return created_at + timedelta(days=settings.SESSION_DAYS)
    idle = seen_at + timedelta(hours=settings.SESSION_IDLE_HOURS)
    return min(idle, created_at + timedelta(hours=settings.SESSION_HOURS))
