"""Where a user is signed in on the web: what its owner is shown. Reads, no writes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth import HASH_SESSION_KEY
from django.utils import timezone

from apps.accounts.models import WebSession
from apps.accounts.sessions import SessionStore, facts_of
from apps.directory.models import User

MOST: Final = 50  # the newest ones; "sign out everywhere else" ends them all


@dataclass(frozen=True, slots=True)
class Browser:
    """A session.

    Args:
        id: for `services.sessions.end`.
        client: its User-Agent, as it was sent: anything.
        acting: the address of the administrator who looks as the user; "" is the user.
    """

    id: str
    address: str
    client: str
    means: str
    created_at: datetime
    seen_at: datetime
    is_kept: bool
    acting: str = ""


def browsers_of(user: User) -> list[Browser]:
    """The sessions of a user that still open something, the last used first; one statement.

    A row of before the last change of password or state opens nothing, and is left out.
    """
    now = timezone.now()
    living = WebSession.objects.filter(user=user, expire_date__gt=now).select_related("acting")
    proof, store = user.get_session_auth_hash(), SessionStore()
    return [
        Browser(
            id=row.pk,
            address=row.address,
            client=row.client,
            means=row.means,
            created_at=row.created_at,
            seen_at=row.seen_at,
            is_kept=row.is_kept,
            acting=row.acting.address if row.acting is not None else "",
        )
        for row in living.order_by("-seen_at")[:MOST]
        if facts_of(row).end(row.seen_at) > now
        and store.decode(row.session_data).get(HASH_SESSION_KEY) == proof
    ]
