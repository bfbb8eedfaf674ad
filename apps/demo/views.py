"""The one address of the demo: it signs the main user in."""

import logging

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.demo import links

log = logging.getLogger(__name__)

BACKEND = "apps.directory.backends.MailhostBackend"
_FETCHED_AHEAD = ("Sec-Purpose", "Purpose", "X-Moz")  # what browsers say who only guess


@never_cache
@require_safe
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in and go to the inbox. A look at the link alone (HEAD, prefetch) changes nothing."""
    if not settings.DEMO:
        raise Http404
    try:
        user = links.user_of(token)
    except links.LinkOver:
        return _silent(render(request, "demo/over.html", status=410))
    if user is None:
        raise Http404
    if request.method == "HEAD" or _is_ahead(request):
        return _silent(HttpResponse(status=204))
    login(request, user, backend=BACKEND)
    request.session.cycle_key()  # Django keeps the key of who was signed in as the same user
    log.info("signed in by the demo's link", extra={"user": user.pk})
    return _silent(redirect(settings.LOGIN_REDIRECT_URL))


def _is_ahead(request: HttpRequest) -> bool:
    return any("prefetch" in request.headers.get(name, "").lower() for name in _FETCHED_AHEAD)


def _silent(response: HttpResponse) -> HttpResponse:
    """The address is a secret: no page that follows is told of it, no cache keeps it."""
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response
