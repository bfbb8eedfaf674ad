"""The words of the scripts in the languages we speak: what `word()` of page.js looks into.

A script of our own host passes the pages' Content-Security-Policy, and browsers keep it: its
address names the language, and a version that changes with the words.
"""

import functools
import hashlib

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog

KEPT = 30 * 86400  # seconds
DOMAIN = "djangojs"


@functools.cache
def _script(language: str) -> bytes:
    with translation.override(language):
        view = JavaScriptCatalog(domain=DOMAIN, packages=["apps.webmail"])
        return bytes(view.get(HttpRequest()).content)


@functools.cache
def _digest(language: str) -> str:
    return hashlib.sha256(_script(language)).hexdigest()[:12]


def version() -> str:
    """That of the words in the language of this page."""
    return _digest(_spoken(translation.get_language() or ""))


def _spoken(language: str) -> str:
    return language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


@require_safe
def script(request: HttpRequest, language: str) -> HttpResponse:
    """The words of a language; there is nothing of anybody in it, so who asks does not matter."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    response = HttpResponse(_script(language), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={KEPT}"
    response["ETag"] = f'"{_digest(language)}"'
    return response
