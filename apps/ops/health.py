"""`/healthz`: this process answers. `/readyz`: it can do its work. Both say a single word to
whoever asks.

What is wrong, and only that, is in the log: a stranger learns nothing about what stands behind the
door.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.provisioning.health import parts

logger = logging.getLogger(__name__)

_FRESH = 1.0  # seconds that an answer is given again: asking must not become a way to load us


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 ok, as long as pages are served at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 ok, or 503 unavailable when database, blob store or broker does not answer."""
    if _readiness.is_ready():
        return HttpResponse("ok\n", content_type="text/plain")
    return HttpResponse("unavailable\n", content_type="text/plain", status=503)


_PARTS: dict[str, Callable[[], None]] = {
    "database": parts.database,
    "blobs": parts.blobs,
    "broker": parts.broker,
}


class _Readiness:
    """The last answer, and when it was found."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = 0.0
        self._ready = False

    def is_ready(self) -> bool:
        with self._lock:
            if time.monotonic() - self._asked > _FRESH:
                failing = [name for name, ask in _PARTS.items() if not _answers(name, ask)]
                self._ready, self._asked = not failing, time.monotonic()
            return self._ready

    def forget(self) -> None:
        """Ask anew the next time (tests)."""
        self._asked = 0.0


def _answers(name: str, ask: Callable[[], None]) -> bool:
    try:
        ask()
    except Exception:
        logger.exception("not ready: %s does not answer", name)
        return False
    return True


_readiness = _Readiness()
