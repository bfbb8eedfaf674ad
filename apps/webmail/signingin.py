"""The steps of a sign-in on the web, whatever was shown at each.

Between password and code the browser holds a session in which nobody is signed in. It knows whose
password was right, for five minutes and five tries; it holds no password.
"""

from dataclasses import dataclass
from typing import Final

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.accounts.sessions import SessionStore
from apps.directory.backends import MailhostBackend
from apps.directory.models import Means, User
from apps.provisioning.arrivals import arrived
from apps.runtime import clock
from apps.ui import proving
from apps.webmail import nextpage

BACKEND: Final = "apps.directory.backends.MailhostBackend"
DOOR: Final = "web"
SECONDS: Final = 5 * 60  # from password to code
TRIES: Final = 5
_KEY: Final = "pending"


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in whose password was right."""

    user: User
    kept: bool
    next: str
    tries: int


def client_address(request: HttpRequest) -> str:
    """The client's address; the web server has already looked through trusted proxies."""
    return str(request.META.get("REMOTE_ADDR", ""))


def client(request: HttpRequest) -> str:
    """What the browser calls itself: anything, on one line."""
    session = request.session
    return session.client if isinstance(session, SessionStore) else ""


def complete_sign_in(
    request: HttpRequest, user: User, *, means: Means, kept: bool | None = None, via: str = ""
) -> str:
    """Sign a user in who has shown all that is asked for; return the path to go to.

    Whatever the session held before is gone with its key, but for where to go and whether to stay
    (if `kept` is None), which a pending sign-in knows.
    """
    waiting = pending(request)
    wanted = nextpage.asked(request)
    if waiting is not None and waiting.user.pk == user.pk:
        wanted = waiting.next or wanted
        kept = waiting.kept if kept is None else kept
    session = fresh_session(request)
    login(request, user, backend=BACKEND)
    session.signed_in(means=means, is_kept=bool(kept))
    proving.mark(request)
    arrived(
        user,
        door=DOOR,
        means=means,
        via=via,
        address=client_address(request),
        client=client(request),
    )
    return nextpage.after(wanted)


def fresh_session(request: HttpRequest) -> SessionStore:
    """An empty session, under a key that nobody knows who knew the last one."""
    session = request.session
    assert isinstance(session, SessionStore)
    session.flush()
    return session


def begin_second_step(request: HttpRequest, user: User, kept: bool, next: str = "") -> HttpResponse:
    """Keep in mind whose password was right, and ask for the second factor."""
    session = fresh_session(request)
    session[_KEY] = {
        "user": user.pk,
        "version": user.credential_version,
        "at": int(clock.now()),
        "tries": 0,
        "next": nextpage.own_path(next) or "",
        "kept": kept,
    }
    return redirect("login-verify")


def pending(request: HttpRequest) -> Pending | None:
    """Who is between password and second factor here; None if nobody, or not any more."""
    held = request.session.get(_KEY)
    if not isinstance(held, dict) or not 0 <= clock.now() - held["at"] < SECONDS:
        return None
    if held["tries"] >= TRIES:
        return None
    user = MailhostBackend().get_user(held["user"])
    if user is None or user.credential_version != held["version"]:
        return None
    return Pending(user, held["kept"], held["next"], held["tries"])


def is_begun(request: HttpRequest) -> bool:
    """Whether a password was right in this browser, however long ago."""
    return _KEY in request.session


def count_try(request: HttpRequest) -> None:
    """One code was wrong."""
    held = request.session.get(_KEY)
    if isinstance(held, dict):
        request.session[_KEY] = {**held, "tries": held["tries"] + 1}


def forget(request: HttpRequest) -> None:
    """Somebody else is to sign in."""
    fresh_session(request)
    leave(request)


def leave(request: HttpRequest) -> None:
    """Who leaves need not be told that the session has ended."""
    session = request.session
    assert isinstance(session, SessionStore)
    session.is_left = True
