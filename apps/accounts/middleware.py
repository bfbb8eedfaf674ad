"""Ties a request to its session, and notes now and then that somebody is still there."""

import logging
from typing import Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.accounts.sessions import SessionStore
from apps.directory import throttle
from apps.directory.models import Means, Outcome
from apps.directory.services import history

log = logging.getLogger(__name__)

ELSEWHERE: Final = "the same session from another network"


class WebSessionMiddleware(SessionMiddleware):
    """Django's, with three things of our own.

    A sign-in is noted with address and browser; a session that was ended while a request of it was
    under way is let go without a word; and the cookie of one that has ended stays until a page has
    said so, because the redirect to that page is too early to take it away.
    """

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        session = request.session
        assert isinstance(session, SessionStore)
        session.address = str(request.META.get("REMOTE_ADDR", ""))[:45]
        session.client = _line(request.headers.get("User-Agent", ""))
        session.is_quiet = _asks_by_itself(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        _end_of_nobody(request)
        try:
            answer = super().process_response(request, response)
        except SessionInterrupted:
            answer = response
        if has_ended(request) and not 200 <= answer.status_code < 300:
            _keep_cookie(answer)
        _see(request, answer)
        return answer


def _asks_by_itself(request: HttpRequest) -> bool:
    """Whether a page that was left open asks what is new, and no person."""
    return "X-Peek" in request.headers or request.headers.get("Accept") == "text/event-stream"


def _end_of_nobody(request: HttpRequest) -> None:
    """End the session of who may not be here any more. Django does so itself after a change of the
    password, not for a user who is suspended or gone."""
    user = getattr(request, "_cached_user", None)
    session = request.session
    is_nobody = user is not None and not user.is_authenticated
    if is_nobody and session.session_key is not None and SESSION_KEY in session:
        session.flush()


def has_ended(request: HttpRequest) -> bool:
    """Whether the browser brings the cookie of a session that is no more."""
    session = getattr(request, "session", None)
    if session is None or session.is_left or not request.COOKIES.get(settings.SESSION_COOKIE_NAME):
        return False
    # Asked of the data, not of the key: nobody is to load a session only to be told that.
    return bool(session.accessed) and bool(session.is_empty())


def _keep_cookie(response: HttpResponse) -> None:
    cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
    if cookie is not None and not cookie.value:
        del response.cookies[settings.SESSION_COOKIE_NAME]


def _see(request: HttpRequest, response: HttpResponse) -> None:
    """A page is given whether or not the disk takes a note of it."""
    session = request.session
    now = timezone.now()
    if not isinstance(session, SessionStore) or response.status_code >= 500:
        return
    if session.is_quiet:
        return
    is_elsewhere = _is_elsewhere(session)
    if not is_elsewhere and not session.is_due(now):
        return
    try:
        session.see(now)
    except DatabaseError:
        log.exception("the use of a session was not noted")
    if is_elsewhere and session.facts is not None and session.facts.user_id is not None:
        history.note(
            user_id=session.facts.user_id,
            outcome=Outcome.OK,
            door="web",
            means=Means(session.facts.means or Means.PASSWORD),
            via=ELSEWHERE,
            address=session.address,
            client=session.client,
        )


def _is_elsewhere(session: SessionStore) -> bool:
    """Whether its cookie comes from another network than before: a telephone on its way, or a
    thief. It works on, and its owner can see it. Told once an hour for each network."""
    facts = session.facts
    if facts is None or facts.user_id is None or session.session_key is None:
        return False
    network = throttle.network_of(session.address)
    if not (session.address and facts.address) or network == throttle.network_of(facts.address):
        return False
    what = f"session:{session.session_id}"
    return throttle.passes(what, session.address, most=1, seconds=3_600)


def _line(text: str) -> str:
    """What a browser calls itself, as one printable line."""
    return "".join(char if char.isprintable() else " " for char in text[:200]).strip()
