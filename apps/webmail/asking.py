"""Questions to passkeys, until they are answered: for five minutes, for one purpose, user and
session.

They are kept in a signed cookie, not in the session. A sign-in page asks as soon as it is open, and
who then signs in by password gets a new session: an answer to the question that came after it would
put the old session's cookie in its place.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from apps.accounts.services.passkeys import LIFETIME, Question
from apps.accounts.sessions import SessionStore
from apps.accounts.sites import Site, site_of
from apps.directory import throttle
from apps.runtime.clock import now
from apps.wire.errors import AuthenticationFailed, NotPermitted, Throttled

_SALT: Final = "mailhost.passkey"
_WINDOW: Final = 600  # seconds
MOST: Final = 300  # questions of one network in that time: an office opens many sign-in pages
OVER: Final = "This took too long, or was answered already: try again"


@dataclass(frozen=True, slots=True)
class Purpose:
    """What is asked for, of whom; None is anybody."""

    name: str
    user_id: int | None


def site(request: HttpRequest) -> Site:
    """Where this page is open.

    Raises:
        NotPermitted: passkeys do not work there.
    """
    found = site_of(request.get_host(), is_secure=request.is_secure())
    if found is None:
        raise NotPermitted(
            "no site for passkeys",
            text="Passkeys work where this page is open by its host name, over https",
        )
    return found


def admit_stranger(address: str) -> None:
    """Let somebody whom we do not know ask.

    Raises:
        Throttled: that network has asked too often.
    """
    if not throttle.passes("passkey:asked", address, most=MOST, seconds=_WINDOW):
        raise Throttled("questions to passkeys")


def keep(
    request: HttpRequest, response: HttpResponse, purpose: Purpose, question: Question
) -> None:
    """Let the browser bring the question along with its answer."""
    held = {
        **_bound(request, purpose),
        "at": question.at,
        "challenge": question.challenge.hex(),
        "handle": question.handle.hex(),
    }
    response.set_cookie(
        cookie_name(),
        signing.dumps(held, salt=_SALT),
        max_age=LIFETIME,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def take(request: HttpRequest, purpose: Purpose) -> Question:
    """The question that is answered now.

    Raises:
        AuthenticationFailed: none was asked here for this purpose, or too long ago.
    """
    try:
        held: dict[str, Any] = signing.loads(request.COOKIES.get(cookie_name(), ""), salt=_SALT)
    except signing.BadSignature:
        raise AuthenticationFailed("nothing was asked", text=OVER) from None
    bound = _bound(request, purpose)
    is_in_time = 0 <= now() - held["at"] < LIFETIME
    if not is_in_time or {name: held[name] for name in bound} != bound:
        raise AuthenticationFailed("another question, or too late", text=OVER)
    challenge, handle = bytes.fromhex(held["challenge"]), bytes.fromhex(held["handle"])
    return Question({}, challenge, handle, held["at"])


def cookie_name() -> str:
    """As the session's."""
    return "__Host-passkey" if settings.SESSION_COOKIE_SECURE else "passkey"


def _bound(request: HttpRequest, purpose: Purpose) -> dict[str, object]:
    """What has to be the same for question and answer. A stranger has no session."""
    session = request.session
    assert isinstance(session, SessionStore)
    return {
        "for": purpose.name,
        "user": purpose.user_id,
        "session": "" if purpose.user_id is None else session.session_id,
    }
