"""All checks at once: beside each other, within a deadline, and kept for a moment.

What asks the database is asked on the caller's own thread and connection, a few quick statements;
all that may wait for somebody else (doors, name server, scanners, broker, disk) has a thread of its
own. One that hangs says so, and its thread is left to end by itself; it is not asked again before
it has ended.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Final

from apps.provisioning.health import (
    certificate,
    doors,
    flow,
    mailtrace,
    names,
    risks,
    scanners,
    storage,
)
from apps.provisioning.health.checks import Check, Group, Report, State
from apps.runtime.clock import now

logger = logging.getLogger(__name__)

Ask = Callable[[], list[Check]]

SECONDS: Final = 2.8  # for all that is asked aside
FRESH: Final = 10.0  # seconds that a report is given again
OLD: Final = 300.0  # seconds after which it tells nothing any more

# In the order in which people read them; True: it asks the database.
GROUPS: Final[Mapping[str, tuple[tuple[str, Ask, bool], ...]]] = {
    "Storage": (
        ("Database", storage.database, True),
        ("Message store", storage.blobs, False),
        ("Disk", storage.disk, False),
        ("Search index", storage.index, True),
        ("Backup", storage.backup, True),
    ),
    "Mail flow": (
        ("Workers", flow.workers, False),
        ("Broker", storage.broker, False),
        ("Queue", flow.queue, True),
        ("Message trace", mailtrace.keeping_up, True),
        ("Mail", mailtrace.moving, True),
    ),
    "Doors": (("Doors", doors.listeners, False), ("Certificate", certificate.certificate, False)),
    "Names": (("Name server", names.names, False),),
    "Filtering": (
        ("Other scanners", scanners.scanners, False),
        ("Libraries", scanners.libraries, False),
    ),
    "Settings": (("Settings", risks.risks, False),),
}


class _Asker:
    """Runs checks; one of a process."""

    def __init__(self, groups: Mapping[str, tuple[tuple[str, Ask, bool], ...]]) -> None:
        self._groups = groups
        self._lock = threading.Lock()
        self._last: Report | None = None
        self._asked = 0.0
        self._running: dict[str, Future[list[Check]]] = {}

    def lately(self) -> Report | None:
        """What was found last, if that was not long ago; nothing is asked."""
        is_known = self._last is not None and time.monotonic() - self._asked < OLD
        return self._last if is_known else None

    def report(self) -> Report:
        """What is found now, or was a moment ago. Who comes while it is asked waits for it."""
        with self._lock:
            if self._last is None or time.monotonic() - self._asked > FRESH:
                self._last = self._look()
                self._asked = time.monotonic()
            return self._last

    def forget(self) -> None:
        """Ask anew the next time (tests)."""
        self._last = None

    def _look(self) -> Report:
        deadline = time.monotonic() + SECONDS
        rows = [row for group in self._groups.values() for row in group]
        for name, ask, is_database in rows:
            if not is_database and name not in self._running:
                self._running[name] = self._aside(name, ask)
        found = {name: _asked(name, ask) for name, ask, is_database in rows if is_database}
        wait(list(self._running.values()), max(0.0, deadline - time.monotonic()))
        for name, future in list(self._running.items()):
            if future.done():
                found[name] = future.result()
                del self._running[name]
            else:
                found[name] = [_hanging(name)]
        return Report(
            now(),
            tuple(
                Group(head, tuple(check for name, _, _ in group for check in found[name]))
                for head, group in self._groups.items()
            ),
        )

    def _aside(self, name: str, ask: Ask) -> Future[list[Check]]:
        """On a daemon thread: one that hangs must not keep the process from its end."""
        future: Future[list[Check]] = Future()

        def run() -> None:
            future.set_result(_asked(name, ask))

        threading.Thread(target=run, name=f"health-{name}", daemon=True).start()
        return future


def _asked(name: str, ask: Ask) -> list[Check]:
    try:
        return ask()
    except Exception as error:
        logger.exception("a check of health failed: %s", name)
        words = f"It could not be looked at: {type(error).__name__}."
        return [Check(_key(name), name, State.UNKNOWN, words, "The log tells more.")]


def _hanging(name: str) -> Check:
    words = f"There was no answer within {SECONDS:g} seconds."
    return Check(_key(name), name, State.BAD, words, "What it asks hangs: see the log.")


def _key(name: str) -> str:
    return name.lower().replace(" ", "-")


_asker = _Asker(GROUPS)


def report() -> Report:
    """How everything stands, at most FRESH seconds old. It takes SECONDS at most, and what the
    database takes."""
    return _asker.report()


def lately() -> Report | None:
    """What was found in the last minutes, without asking anything; None if nobody has asked."""
    return _asker.lately()


def forget() -> None:
    """Ask anew the next time (tests)."""
    _asker.forget()
