"""What a user is shown of its sign-ins: reads, no writes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from apps.directory.models import SignIn
from apps.wire.errors import InvalidName

PAGE: Final = 50
MOST: Final = 1_000  # rows of a page


@dataclass(frozen=True, slots=True)
class Page:
    """Some sign-ins, newest first, and the `before` of those that follow: "" if none do."""

    rows: list[SignIn]
    following: str


def of_user(user_id: int, *, before: str = "", limit: int = PAGE) -> Page:
    """A page of a user's sign-ins, in one statement.

    Args:
        before: `following` of the page before, "" for the newest.

    Raises:
        InvalidName: `before` is none.
    """
    limit = min(max(limit, 1), MOST)
    wanted = SignIn.objects.filter(user_id=user_id)
    if before:
        last_at, pk = _place(before)
        wanted = wanted.filter(last_at__lte=last_at).filter(Q(last_at__lt=last_at) | Q(pk__lt=pk))
    rows = list(wanted.order_by("-last_at", "-pk")[: limit + 1])
    shown = rows[:limit]
    following = f"{shown[-1].last_at.isoformat()}_{shown[-1].pk}" if len(rows) > limit else ""
    return Page(shown, following)


def _place(text: str) -> tuple[datetime, int]:
    """Where a page begins, as a stranger may have written it into a URL."""
    time, _, number = text[:60].partition("_")
    try:
        last_at, pk = datetime.fromisoformat(time), int(number)
    except ValueError:
        last_at, pk = None, 0
    is_usable = last_at is not None and last_at.utcoffset() == timedelta(0)
    if last_at is None or not is_usable or not 0 < pk < 2**63:
        raise InvalidName("before", text="There is no such page of sign-ins")
    return last_at, pk
