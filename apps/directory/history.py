"""What a user is shown of its sign-ins: reads, no writes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from apps.directory.models import Outcome, SignIn
from apps.directory.places import place_of
from apps.runtime.rows import fetch
from apps.wire.errors import InvalidName

PAGE: Final = 50
MOST: Final = 1_000  # rows of a page
NEW_AFTER: Final = timedelta(days=30)

_PLACES: Final = """
SELECT address, max(last_at) >= %s FROM directory_signin
WHERE user_id = %s AND outcome = 'ok' AND means <> 'acting' GROUP BY address"""


@dataclass(frozen=True, slots=True)
class Page:
    """Some sign-ins, newest first, and the `before` of those that follow: "" if none do."""

    rows: list[SignIn]
    following: str


ALL: Final = ""
REFUSED: Final = "refused"
WEB: Final = "web"
PROGRAMS: Final = "programs"
_ONLY: Final = {
    ALL: Q(),
    REFUSED: ~Q(outcome=Outcome.OK),
    WEB: Q(door="web"),
    PROGRAMS: ~Q(door="web"),
}


def is_new_place(user_id: int, address: str, *, at: datetime | None = None) -> bool:
    """Whether a user who gets in from there was not there for 30 days. The first sign-in of all is
    from no new place. Asked before the sign-in is noted.
    """
    since = connection.ops.adapt_datetimefield_value((at or timezone.now()) - NEW_AFTER)
    known = fetch(_PLACES, [since, user_id])
    place = place_of(address)
    return bool(known) and not any(is_lately and place_of(one) == place for one, is_lately in known)


def of_user(user_id: int, *, only: str = ALL, before: str = "", limit: int = PAGE) -> Page:
    """A page of a user's sign-ins, in one statement.

    Args:
        only: all, those refused, at the web, or of mail programs; any other word is all.
        before: `following` of the page before, "" for the newest.

    Raises:
        InvalidName: `before` is none.
    """
    limit = min(max(limit, 1), MOST)
    wanted = SignIn.objects.filter(_ONLY.get(only, Q()), user_id=user_id)
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
