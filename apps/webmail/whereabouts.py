"""Where somebody is signed in: browsers, and mail programs of late, for one partial page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.browsers import browsers_of
from apps.accounts.sessions import SessionStore
from apps.directory.models import Means, Outcome, SignIn, User
from apps.ui.clients import browser_words

_LATELY: Final = timedelta(days=30)
_ROWS: Final = 400  # of sign-ins looked at: a row is an hour of one program
_PROGRAMS: Final = 20
_HANDHELD: Final = ("iPhone", "iPad", "Android")


@dataclass(frozen=True, slots=True)
class Place:
    """A browser or a mail program as the list shows it."""

    words: str
    icon: str
    address: str
    seen_at: datetime
    since: datetime | None = None
    id: str = ""
    is_here: bool = False
    is_new_place: bool = False
    is_kept: bool = False
    acting: str = ""
    via: str = ""


def context(request: HttpRequest, user: User) -> dict[str, Any]:
    """`browsers` and `programs` for `webmail/_sessions.html`; three statements."""
    since = timezone.now() - _LATELY
    signed = list(
        SignIn.objects.filter(user=user, outcome=Outcome.OK, last_at__gte=since)
        .order_by("-last_at")
        .values_list("door", "means", "via", "address", "last_at", "is_new_place")[:_ROWS]
    )
    new = {address for door, _, _, address, _, is_new in signed if door == "web" and is_new}
    return {"browsers": _browsers(request, user, new), "programs": _programs(signed)}


def _browsers(request: HttpRequest, user: User, new: set[str]) -> list[Place]:
    session = request.session
    here = session.session_id if isinstance(session, SessionStore) else ""
    places = []
    for one in browsers_of(user):
        words = browser_words(one.client) or "A browser"
        places.append(
            Place(
                words=words,
                icon="smartphone" if any(word in words for word in _HANDHELD) else "laptop",
                address=one.address,
                seen_at=one.seen_at,
                since=one.created_at,
                id=one.id,
                is_here=one.id == here,
                is_new_place=one.address in new and one.id != here,
                is_kept=one.is_kept,
                acting=one.acting,
            )
        )
    return sorted(places, key=lambda place: not place.is_here)


def _programs(signed: list[tuple[str, str, str, str, datetime, bool]]) -> list[Place]:
    """The last use of each password at each door of mail programs."""
    found: dict[tuple[str, str, str], Place] = {}
    for door, means, via, address, last_at, _ in signed:
        if door == "web" or len(found) >= _PROGRAMS:
            continue
        how = via if means in (Means.APP_PASSWORD, Means.TOKEN) else ""
        place = Place(_DOORS.get(door, door.upper()), "plug", address, last_at, via=how)
        found.setdefault((door, means, via), place)
    return list(found.values())


_DOORS: Final = {"submission": "Sending (SMTP)", "imap": "IMAP", "pop3": "POP3"}
