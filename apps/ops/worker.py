"""The workers: Celery for each queue, and the beat that sets the sweeps going.

`mail` (scan, route, file) has a small pool of processes. `heavy` does the same with mail that takes
long to look into. `outbound` is one event loop that speaks with all other servers, and
`housekeeping` one process that may take its time: these work in the worker's own process. So
nothing that one queue does can hold up another.

The queue's rows are the truth and the broker's messages only bells: those that piled up while no
worker ran are thrown away at the start, and the sweep finds what they stood for.
"""

import logging
import os
import socket
import warnings
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)

# Processes of each queue's pool; 0: the worker itself does the work, one task at a time.
PROCESSES: Final[Mapping[str, int]] = {
    "mail": 2,
    "heavy": 0,
    "outbound": 0,
    "housekeeping": 0,
}
QUEUES: Final = tuple(PROCESSES)
# Doors before hands: under load the processor goes first to whoever keeps a client waiting. What
# is in the queue is safe and loses milliseconds; on a quiet machine this changes nothing.
NICENESS = 10


def preload() -> None:
    """Import Celery, the tasks and what they call."""
    _app().loader.import_default_modules()


def run(queue: str, *, beat: bool) -> int:
    """Work on `queue` until SIGTERM: then running tasks finish. Returns the exit status."""
    os.nice(NICENESS)
    # As root it would say so on several lines; `serve` has said it on one.
    warnings.filterwarnings("ignore", "You're running the worker with superuser privileges")
    worker = _app().Worker(
        hostname=f"{queue}@{socket.gethostname()}-{os.getpid()}",
        queues=[queue],
        beat=beat,
        concurrency=PROCESSES[queue] or 1,
        pool="prefork" if PROCESSES[queue] else "solo",
        purge=True,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        redirect_stdouts=False,
        loglevel=settings.LOG_LEVEL.upper(),
        schedule_filename=str(settings.MAILHOST_DATA / "run" / "beat"),
    )
    worker.start()
    return int(worker.exitcode or 0)


def run_beat() -> int:
    """Only ring the times of the sweeps, for workers elsewhere, until SIGTERM."""
    beat = _app().Beat(
        schedule=str(settings.MAILHOST_DATA / "run" / "beat-alone"),
        quiet=True,
        remote_control=False,
        redirect_stdouts=False,
        loglevel=settings.LOG_LEVEL.upper(),
    )
    beat.run()
    return 0


def _app() -> Any:
    return import_string(settings.CELERY_APP)
