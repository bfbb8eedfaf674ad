"""Where to go after sign-in: to a page of ours, whatever the address says."""

from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

_LONGEST: Final = 2_000  # characters
# They lead round in a circle, or take forms alone.
_NO_PLACES: Final = frozenset(
    {
        "login",
        "login-verify",
        "login-confirm",
        "logout",
        "acting-stop",
        "sessions-end",
        "acts",
        "undo",
        "block",
        "allow",
    }
)


def own_path(text: str) -> str | None:
    """The path if it leads to a page of ours, else None.

    A path alone: no scheme, no host (not even ours, which is the client's word), nothing that a
    browser or a proxy could read as one.
    """
    if not text.startswith("/") or len(text) > _LONGEST or not text.isprintable():
        return None
    if "\\" in text or " " in text or not url_has_allowed_host_and_scheme(text, None):
        return None
    try:
        match = resolve(urlsplit(text).path)
    except (Resolver404, ValueError):
        return None
    return None if match.url_name in _NO_PLACES else text


def asked(request: HttpRequest) -> str:
    """What the form or the address asks for, "" if that is no page of ours."""
    return own_path(str(request.POST.get("next") or request.GET.get("next") or "")) or ""


def after(path: str) -> str:
    """That page, or the first one."""
    return own_path(path) or settings.LOGIN_REDIRECT_URL
