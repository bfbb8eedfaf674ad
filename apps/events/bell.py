"""The bells wake whoever works on the queue. The rows are the queue; a lost ring costs seconds.

`ring()` is for mail to be processed, `ring_heavy()` for such as takes long to look into,
`ring_outgoing()` for mail to be sent to other servers, `ring_learning()` for the outbox of what
users said of mail, `ring_recovery()` for who has forgotten a password, `ring_imports()` for lines
of a file that are to be added. A ring costs the caller nothing: a thread of the bell's own tells
the worker loops that listen on the event bus, and only when none does, it sends the Celery task
that starts one. The broker may be slow or away: the caller never waits for it and never hears of
it; the sweep finds the rows.
"""

import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string

from apps.events import bus
from apps.events.types import Event, HeavyRang, OutgoingRang, QueueRang

logger = logging.getLogger(__name__)

# Rings closer together than this are one ring. The first of them is passed on at once.
_COALESCE = 0.005
_BETWEEN_TASKS = 0.05
# Tasks that wait unread on the broker: with so many there, one more wakes nobody. This bounds what
# piles up while no worker runs.
_MOST_WAITING = 8
_TASK_LIFE = 60  # seconds, then the worker throws it away unread


@dataclass(frozen=True, slots=True)
class _Call:
    """What a bell says to loops that run (None: there are none), and the task that starts one, on
    which queue."""

    event: Event | None
    task: str
    queue: str


_HEAVY: Final = _Call(HeavyRang(), "delivery.process_heavy", "heavy")
_PROCESS: Final = _Call(QueueRang(), "delivery.process", "mail")
_SEND: Final = _Call(OutgoingRang(), "delivery.send", "outbound")
_LEARN: Final = _Call(None, "scan.learn", "housekeeping")
_RECOVER: Final = _Call(None, "provisioning.answer_wishes", "housekeeping")
_IMPORT: Final = _Call(None, "console.run_imports", "housekeeping")


def ring() -> None:
    """Mail waits in the queue, and its transaction has committed. Never waits, never raises."""
    _bell(_PROCESS).ring()


def ring_heavy() -> None:
    """Mail waits in the heavy lane of the queue. The same promises."""
    _bell(_HEAVY).ring()


def ring_outgoing() -> None:
    """Mail waits for other servers, and its transaction has committed. The same promises."""
    _bell(_SEND).ring()


def ring_learning() -> None:
    """Users said what is spam and what is not. The same promises."""
    _bell(_LEARN).ring()


def ring_recovery() -> None:
    """Somebody has forgotten a password. The same promises."""
    _bell(_RECOVER).ring()


def ring_imports() -> None:
    """An administrator has begun an import. The same promises."""
    _bell(_IMPORT).ring()


def call_worker() -> None:
    """Have a loop of the fast lane begin, though nobody has mail for it now; unless some task waits
    already, which is as good."""
    _bell(_PROCESS).ring(tasks=1)


def call_senders() -> None:
    """Ring, and start one more loop that sends even if some run already; for the sweep, so that
    all workers share what one alone does not get done."""
    _bell(_SEND).ring(tasks=_MOST_WAITING)


def warm() -> None:
    """Load what the first ring needs, so that it does not hold up an event loop later."""
    _app()


class _Bell:
    def __init__(self, call: _Call) -> None:
        self._call = call
        self._rung = threading.Event()
        self._wanted = 0
        self._away = False
        threading.Thread(target=self._run, name="bell", daemon=True).start()

    def ring(self, *, tasks: int = 0) -> None:
        """Args:
        tasks: send one even if a loop heard, unless so many wait already.
        """
        self._wanted = max(self._wanted, tasks)
        self._rung.set()

    def _run(self) -> None:
        while True:
            self._rung.wait()
            self._rung.clear()
            wanted, self._wanted = self._wanted, 0
            try:
                heard = bus.send_now(self._call.event) if self._call.event else 0
                if wanted or not heard:
                    self._send_task(wanted if heard else _MOST_WAITING)
                self._note("")
            except Exception as error:  # noqa: BLE001 - the sweep finds what was not rung for
                self._note(f"{type(error).__name__}: {error}")
                heard = 0
            time.sleep(_COALESCE if heard else _BETWEEN_TASKS)

    def _send_task(self, most: int) -> None:
        app = _app()
        with app.pool.acquire(block=True, timeout=1) as connection:
            if _waiting(connection, self._call.queue) < most:
                app.send_task(
                    self._call.task,
                    connection=connection,
                    expires=_TASK_LIFE,
                    retry=False,
                    ignore_result=True,
                )

    def _note(self, problem: str) -> None:
        """Log the beginning and the end of an absence of the broker, not each ring in it."""
        if problem and not self._away:
            logger.warning("the bell cannot reach the broker", extra={"detail": problem})
        elif self._away and not problem:
            logger.info("the bell reaches the broker again")
        self._away = bool(problem)


def _waiting(connection: Any, queue: str) -> int:
    try:
        declared = connection.default_channel.queue_declare(queue, passive=True)
    except connection.channel_errors:
        return 0  # Redis knows no empty queues: it is there only while something waits
    return int(declared.message_count)


def _app() -> Any:
    """The Celery application; named by a setting, because it lives above this floor."""
    return import_string(settings.CELERY_APP)


_made: dict[_Call, _Bell] = {}
_making = threading.Lock()


def _bell(call: _Call = _PROCESS) -> _Bell:
    found = _made.get(call)
    if found is None:
        with _making:
            found = _made.get(call) or _made.setdefault(call, _Bell(call))
    return found


# The threads do not survive a fork.
os.register_at_fork(after_in_child=_made.clear)
