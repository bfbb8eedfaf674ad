"""The cookie of a browser that need not show a second factor for 30 days."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.accounts.services import trusted
from apps.directory.models import User


def cookie_name() -> str:
    """As the session's: `__Host-` binds it to this host and to TLS (RFC 6265bis s4.1.3.2)."""
    return f"{_PREFIX if settings.SESSION_COOKIE_SECURE else ''}trusted"


_PREFIX: Final = "__Host-"


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Trust the browser of this request, which has just shown a second factor."""
    client = request.headers.get("User-Agent", "")
    response.set_cookie(
        cookie_name(),
        trusted.trust(user=user, client=client),
        max_age=trusted.LIFETIME,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_trusted(request: HttpRequest, user: User) -> bool:
    """Whether the browser of this request is one that the user trusts."""
    return trusted.is_trusted(user, request.COOKIES.get(cookie_name(), ""))


def forget(response: HttpResponse) -> None:
    """Take the cookie away."""
    response.delete_cookie(cookie_name(), samesite="Lax")
