"""Questions to passkeys, kept in the session that asked until it answers: once, for five minutes,
for one purpose and one user."""

from dataclasses import dataclass
from typing import Any, Final

from django.contrib.sessions.backends.base import UpdateError
from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

from apps.accounts.services.passkeys import LIFETIME, Question
from apps.accounts.sites import Site, site_of
from apps.directory.throttle import network_of
from apps.runtime.clock import now
from apps.wire.errors import AuthenticationFailed, NotPermitted, Throttled

_KEY: Final = "passkey"
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
    """Let somebody whom we do not know ask, which costs a row for a quarter of an hour.

    Raises:
        Throttled: that network has asked too often.
    """
    key = f"passkey:begun:{network_of(address)}"
    try:
        cache.add(key, 0, _WINDOW)
        if cache.incr(key) > MOST:
            raise Throttled("questions to passkeys")
    except (RedisError, OSError, ValueError):  # the cache is away, or the count expired just now
        return


def keep(request: HttpRequest, purpose: Purpose, question: Question) -> None:
    """Remember a question until it is answered, or another one is asked."""
    request.session[_KEY] = {
        "for": purpose.name,
        "user": purpose.user_id,
        "at": now(),
        "challenge": question.challenge.hex(),
        "handle": question.handle.hex(),
    }


def take(request: HttpRequest, purpose: Purpose) -> Question:
    """The question that is answered now. It is forgotten before the answer is looked at.

    Raises:
        AuthenticationFailed: none was asked here for this purpose, or too long ago.
    """
    held: dict[str, Any] | None = request.session.pop(_KEY, None)
    if held is None:
        raise AuthenticationFailed("nothing was asked", text=OVER)
    try:
        request.session.save()
    except UpdateError:  # the session has ended meanwhile
        raise AuthenticationFailed("the session has ended", text=OVER) from None
    is_in_time = 0 <= now() - held["at"] < LIFETIME
    if not is_in_time or Purpose(held["for"], held["user"]) != purpose:
        raise AuthenticationFailed("another question, or too late", text=OVER)
    return Question({}, bytes.fromhex(held["challenge"]), bytes.fromhex(held["handle"]))
