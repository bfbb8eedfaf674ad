"""Doors for our own scripts: one small JSON object in, one out.

The body is bounded before it is read, its depth before it is parsed: `json` recurses. A form of
another site cannot send this content type without asking first (CORS), and CSRF tokens are
Django's.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.wire.errors import MailError

LONGEST: Final = 16 * 1024  # octets
DEEPEST: Final = 64  # brackets in all

Door = Callable[[HttpRequest, dict[str, Any]], HttpResponseBase]


def json_door(view: Door) -> Callable[[HttpRequest], HttpResponseBase]:
    """Give a view the object that was sent; answer for it if there is none, or if it fails."""

    @wraps(view)
    def door(request: HttpRequest) -> HttpResponseBase:
        if request.content_type != "application/json":
            return refusal("Send application/json", 415)
        body = _body(request)
        if body is None:
            return refusal("This is too long", 413)
        data = _parsed(body)
        if data is None:
            return refusal("This is not a JSON object", 400)
        try:
            return view(request, data)
        except MailError as error:
            return refusal(error.reply.text, error.http_status)

    return never_cache(require_POST(door))


def refusal(words: str, status: int, **more: str) -> JsonResponse:
    """An answer in one sentence."""
    return JsonResponse({"error": words, **more}, status=status)


def _body(request: HttpRequest) -> bytes | None:
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return None
    if announced > LONGEST:
        return None
    body = request.read(LONGEST + 1)
    return body if len(body) <= LONGEST else None


def _parsed(body: bytes) -> dict[str, Any] | None:
    if body.count(b"{") + body.count(b"[") > DEEPEST:
        return None
    try:
        data = json.loads(body or b"{}")
    except ValueError:  # not UTF-8, not JSON, a number without end
        return None
    return data if isinstance(data, dict) else None
