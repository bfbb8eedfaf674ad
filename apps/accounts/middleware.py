"""Ties a request to its session, and notes now and then that somebody is still there."""

import logging

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.accounts.sessions import SessionStore

log = logging.getLogger(__name__)


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

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            answer = super().process_response(request, response)
        except SessionInterrupted:
            answer = response
        if has_ended(request) and not 200 <= answer.status_code < 300:
            _keep_cookie(answer)
        _see(request, answer)
        return answer


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
    if session.is_due(now):
        try:
            session.see(now)
        except DatabaseError:
            log.exception("the use of a session was not noted")


def _line(text: str) -> str:
    """What a browser calls itself, as one printable line."""
    return "".join(char if char.isprintable() else " " for char in text[:200]).strip()
