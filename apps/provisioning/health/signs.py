"""Signs of life: each worker and the beat leave one every few seconds, wherever they run.

A thread of their own does it, so a long task is no silence; a process that is gone is. Whether the
work itself moves on, the age of the queue tells. With Redis signs are seen between machines, in its
cache; else they are files beside the pid files, for a single machine.
"""

import logging
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from apps.runtime.clock import now

logger = logging.getLogger(__name__)

EVERY: Final = 10.0  # seconds
SILENT: Final = 45.0  # seconds without one: nobody is there
_KEPT: Final = 86_400  # seconds
_KEY: Final = "sign-of-life:"


def keep(names: Iterable[str]) -> None:
    """Leave signs from now on, until this process ends."""
    wanted = sorted(names)

    def run() -> None:
        while True:
            for name in wanted:
                leave(name)
            time.sleep(EVERY)

    threading.Thread(target=run, name="signs-of-life", daemon=True).start()


def leave(name: str) -> None:
    """Leave one sign now. Never raises: who looks for it sees that it is missing."""
    try:
        if settings.REDIS_URL:
            cache.set(f"{_KEY}{name}", now(), _KEPT)
        else:
            file = _file(name)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.write_text(f"{now()}\n")
    except (RedisError, OSError) as error:
        logger.debug("no sign of life could be left", extra={"detail": repr(error)})


def ages(names: Iterable[str]) -> dict[str, float | None]:
    """Seconds since the last sign of each; None if there is none."""
    at = now()
    found = {name: _seen(name) for name in names}
    return {name: None if when is None else max(0.0, at - when) for name, when in found.items()}


def _seen(name: str) -> float | None:
    with suppress(RedisError, OSError, ValueError):
        if settings.REDIS_URL:
            when = cache.get(f"{_KEY}{name}")
            return None if when is None else float(when)
        return float(_file(name).read_text()[:40])
    return None


def _file(name: str) -> Path:
    folder: Path = settings.MAILHOST_DATA / "run"
    return folder / f"{name}.alive"
