"""What to answer who is asked to sign in: the sign-in page suits a browser that asks for a page."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse

from apps.ui.answers import wants_page

WORDS: Final = "Sign in first"


class AdmissionMiddleware:
    """Stands outside all views, so that each says `login_required` and no more.

    A script gets a status that it can tell from a page. A form that was sent too late leads back to
    the page that it stood on: its own address shows nothing.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if response.status_code != 302:
            return response
        if not response.headers["Location"].startswith(f"{reverse('login')}?next="):
            return response
        if not wants_page(request):
            return JsonResponse({"error": WORDS, "login": reverse("login")}, status=401)
        if request.method not in {"GET", "HEAD"}:
            return redirect_to_login(_page_before(request))
        return response


def _page_before(request: HttpRequest) -> str:
    """The path of the page that the form stood on; "/" if it is not known to be ours."""
    before = urlsplit(request.headers.get("Referer", ""))
    if before.netloc != request.get_host() or not before.path.startswith("/"):
        return "/"
    return f"{before.path}?{before.query}" if before.query else before.path
