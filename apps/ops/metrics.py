"""`/metrics`: who may read them, and how often they are looked up anew.

There is nothing at this address for whoever may not: it answers as any that does not exist. An
address counts for nothing if the request has come through a proxy, which speaks for everybody: one
that nobody has named in TRUSTED_PROXIES would open this page of a loopback door to the world. Names
that lead here and are not ours are refused before (ALLOWED_HOSTS), so no page of a stranger has a
browser on this machine read it.
"""

import ipaddress
import threading
import time
from contextlib import suppress
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST

from apps.ops.exposition import exposition

FRESH: Final = 5.0  # seconds that an answer is given again: asking must not become a way to load us
_FORWARDED: Final = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP",
                     "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO")  # fmt: skip


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures as text, or 404."""
    if not (_has_token(request) or _is_near(request)):
        raise Http404
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    response = HttpResponse(_kept.get(), content_type=CONTENT_TYPE_LATEST)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    return response


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = str(settings.METRICS_TOKEN)
    is_right = constant_time_compare(token.strip(), wanted)
    return bool(wanted) and scheme.lower() == "bearer" and is_right


def _is_near(request: HttpRequest) -> bool:
    if any(name in request.META for name in _FORWARDED):
        return False
    with suppress(ValueError):
        address = ipaddress.ip_address(str(request.META.get("REMOTE_ADDR", "")))
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in settings.METRICS_NETWORKS)
    return False


class _Kept:
    """The last answer, and when it was found."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = 0.0
        self._text = b""

    def get(self) -> bytes:
        with self._lock:
            if not self._text or time.monotonic() - self._asked > FRESH:
                self._text = exposition()
                self._asked = time.monotonic()
            return self._text

    def forget(self) -> None:
        """Ask anew the next time (tests)."""
        self._text = b""


_kept: Final = _Kept()
