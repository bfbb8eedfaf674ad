"""Proving again who one is, before what an open browser alone must not do."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.runtime import clock
from apps.ui.answers import wants_page

SECONDS: Final = 15 * 60
_KEY: Final = "proved"

View = Callable[..., HttpResponseBase]


def mark(request: HttpRequest) -> None:
    """Note that password or passkey were shown now."""
    request.session[_KEY] = int(clock.now())


def is_recent(request: HttpRequest) -> bool:
    """Whether they were shown in the last 15 minutes."""
    age = clock.now() - float(request.session.get(_KEY, 0))
    return 0 <= age < SECONDS


def recently_proved(view: View) -> View:
    """Ask for password or passkey first, unless they were shown in the last 15 minutes."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if is_recent(request) else ask(request)

    return login_required(asked)


def ask(request: HttpRequest) -> HttpResponse:
    """The way to the page that asks; a form that was sent is lost, so its page comes after it."""
    here = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
    there = f"{reverse('login-confirm')}?{urlencode({'next': here})}"
    if wants_page(request):
        return redirect(there)
    words = "Show your password or passkey again"
    return JsonResponse({"error": words, "confirm": reverse("login-confirm")}, status=403)
