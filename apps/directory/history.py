"""What a user is shown of its sign-ins: reads, no writes."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from apps.directory.models import Outcome, SignIn
from apps.directory.places import place_of
from apps.runtime.keyset import Column, Order, Piece, piece
from apps.runtime.rows import fetch
from apps.wire.errors import InvalidName

PAGE: Final = 50
MOST: Final = 1_000  # rows of a page
NEW_AFTER: Final = timedelta(days=30)

_PLACES: Final = """
SELECT address, max(last_at) >= %s FROM directory_signin
WHERE user_id = %s AND outcome = 'ok' AND means <> 'acting' GROUP BY address"""
_NEWEST: Final = Order(Column("last_at", datetime, falls=True), Column("pk", falls=True))
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


def of_user(user_id: int, *, only: str = ALL, before: str = "", limit: int = PAGE) -> Piece[SignIn]:
    """A page of a user's sign-ins, newest first, in one statement.

    Args:
        only: all, those refused, at the web, or of mail programs; any other word is all.
        before: `following` of the page before, "" for the newest.

    Raises:
        InvalidName: `before` is none.
    """
    limit = min(max(limit, 1), MOST)
    wanted = SignIn.objects.filter(_ONLY.get(only, Q()), user_id=user_id)
    found = piece(wanted, _NEWEST, before, limit)
    if before and found.is_first:
        raise InvalidName("before", text="There is no such page of sign-ins")
    return found
