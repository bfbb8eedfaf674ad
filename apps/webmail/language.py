"""The language and the time in which a page is written.

Chosen in the preferences, or else the language that the browser asks for (Accept-Language, RFC 9110
section 12.5.4) among those we speak; sign-in and the console follow it too.
"""

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from apps.webmail import preferences


class LanguageMiddleware:
    """Django's LocaleMiddleware, but no cookie and no address names a language: a person does."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        wanted = preferences.asked(request)
        language = _known(wanted.language) or translation.get_language_from_request(request)
        with translation.override(language), timezone.override(_zone(wanted.time_zone)):
            request.LANGUAGE_CODE = language  # as Django's own does
            response = self._get_response(request)
        response.headers.setdefault("Content-Language", language)
        if not wanted.language:
            patch_vary_headers(response, ("Accept-Language",))
        return response


def _known(language: str) -> str:
    return language if language in dict(settings.LANGUAGES) else ""


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    """None, the server's own, for "" and for a zone that this machine does not know any more."""
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
