"""A page for what is nobody's defect: a database or disk that is away, a mailbox that is full.

Without it each would be Django's page for a broken program, and a traceback in the log. Real
defects pass through to those.
"""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.template.loader import render_to_string

from apps.runtime.failures import translated
from apps.wire.errors import MailError, NotFound, QuotaExceeded, Temporary

log = logging.getLogger(__name__)


class TroubleMiddleware:
    """Answers a `MailError` that a view did not expect: 503 if it may pass, else 404 or 409."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        return _explained(request, response) if response.status_code == 405 else response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page, or None for what is a defect of ours."""
        return page_of(error)


def _explained(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """A page for people who opened the address of a button: where a form led, the browser shows
    that address. Programs get the bare answer that they got."""
    asked = request.headers.get("Accept", "")
    is_bare = isinstance(response, HttpResponseNotAllowed) and not response.content
    if request.method != "GET" or "text/html" not in asked or not is_bare:
        return response
    page = HttpResponse(render_to_string("405.html"), status=405)
    page["Allow"] = response["Allow"]  # RFC 9110 section 15.5.6
    return page


def page_of(error: Exception) -> HttpResponse | None:
    """The page for trouble, None for a defect. Middlewares ask by themselves: Django looks for a
    page only when a view fails."""
    told = error if isinstance(error, MailError) else translated(error)
    if told is None:
        return None
    log.warning(
        "a page could not be given",
        extra={"reason": type(told).__name__, "detail": told.detail},
    )
    # Without the request: who is signed in stands in the database, which may be what is away.
    page = render_to_string("503.html", {"words": told.reply.text})
    response = HttpResponse(page, status=_status(told))
    if response.status_code == 503:
        response["Retry-After"] = "30"
    return response


def _status(error: MailError) -> int:
    if isinstance(error, Temporary) and not isinstance(error, QuotaExceeded):
        return 503
    return 404 if isinstance(error, NotFound) else 409
