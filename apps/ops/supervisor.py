"""The supervisor: starts the roles as children, restarts what dies, and ends them all.

Children are forked, not started anew: they share the memory of what the parent has imported, and
are up in a moment. So the parent stays single-threaded, and holds no database connection while it
forks.

Listening sockets are opened here and handed down. A role that dies leaves its callers waiting in
the kernel's line until it is back, instead of being refused.
"""

import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apps.runtime.process import die_with_parent, name_process
from apps.runtime.sockets import DoorError
from apps.runtime.tls import CertificateError

logger = logging.getLogger(__name__)

STOP_SECONDS = 28.0  # from SIGTERM until what still runs is killed
UNUSABLE = 78  # exit status of a child that cannot run as it is configured (EX_CONFIG)
_FIRST_PAUSE = 0.2  # seconds before a dead child is started again, doubled at each death
_LONGEST_PAUSE = 30.0
_SETTLED = 30.0  # seconds after which a child counts as healthy, and its next pause is the first
_SIGNALS = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})

Sockets = Mapping[str, list[socket.socket]]


@dataclass(slots=True)
class Role:
    """One child: what it runs, the doors whose sockets it gets, and how it fares."""

    name: str
    run: Callable[[Sockets], int]
    doors: Sequence[str] = ()
    pid: int = 0
    started: float = 0.0
    pause: float = _FIRST_PAUSE
    due: float = 0.0

    @property
    def runs(self) -> bool:
        return self.pid != 0


@dataclass(slots=True)
class Supervisor:
    """Runs `roles` until it is told to stop.

    Args:
        sockets: all that are open, by door.
        private: descriptors that no child may have (locks).
        folder: where `NAME.pid` of each child is kept.
    """

    roles: Sequence[Role]
    sockets: Sockets
    private: Sequence[int] = ()
    folder: Path = field(default_factory=Path)
    _stopping: bool = False
    _unusable: bool = False

    def run(self) -> int:
        """Blocks; returns the exit status: 0 after SIGTERM or SIGINT, 1 when a role cannot run."""
        # What is alive now is shared with the children; the collector must not touch, and so copy,
        # it.
        gc.collect()
        gc.freeze()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            while not self._stopping:
                self._start_what_is_due()
                self._handle(signal.sigtimedwait(_SIGNALS, self._until_next()))
            self._stop()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        return 1 if self._unusable else 0

    def _start_what_is_due(self) -> None:
        for role in self.roles:
            if not role.runs and role.due <= time.monotonic():
                self._start(role)

    def _until_next(self) -> float:
        waits = [role.due - time.monotonic() for role in self.roles if not role.runs]
        return max(0.0, min(waits, default=3600.0))

    def _handle(self, info: signal.struct_siginfo | None) -> None:
        if info is None:
            return
        if info.si_signo == signal.SIGCHLD:
            self._reap()
        elif info.si_signo == signal.SIGHUP:
            self._send(signal.SIGHUP)
        else:
            self._stopping = True

    def _start(self, role: Role) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # or the child would write it once more
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be(role, parent)
        role.pid, role.started = pid, time.monotonic()
        self._note(role)

    def _be(self, role: Role, parent: int) -> None:
        """In the child; never returns."""
        status = 1
        try:
            self._settle_in(role, parent)
            mine = {door: self.sockets[door] for door in role.doors if door in self.sockets}
            status = role.run(mine)
        except (DoorError, CertificateError) as error:
            sys.stderr.write(f"mailhost: {error}\n")
            status = UNUSABLE
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 1
        except BaseException:
            logger.exception("%s failed", role.name)
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(status)

    def _settle_in(self, role: Role, parent: int) -> None:
        # A group of its own: Ctrl-C in a terminal goes to the whole group, and must reach the
        # children once, as the supervisor's SIGTERM.
        os.setpgid(0, 0)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        die_with_parent(parent)
        name_process(f"mh-{role.name}")
        for descriptor in self.private:
            os.close(descriptor)
        for door, some in self.sockets.items():
            if door not in role.doors:
                for one in some:
                    one.close()

    def _note(self, role: Role) -> None:
        (self.folder / f"{role.name}.pid").write_text(f"{role.pid}\n")

    def _reap(self) -> None:
        for role in self.roles:
            if not role.runs:
                continue
            pid, status = os.waitpid(role.pid, os.WNOHANG)
            if pid:
                self._died(role, os.waitstatus_to_exitcode(status))

    def _died(self, role: Role, code: int) -> None:
        lived = time.monotonic() - role.started
        role.pid = 0
        (self.folder / f"{role.name}.pid").unlink(missing_ok=True)
        if self._stopping:
            return
        if code == UNUSABLE:  # it has said why
            self._stopping = self._unusable = True
            return
        if lived > _SETTLED:
            role.pause = _FIRST_PAUSE
        role.due = time.monotonic() + role.pause
        logger.error(
            "%s ended, it is started again",
            role.name,
            extra={"status": code, "lived": round(lived, 1), "pause": role.pause},
        )
        role.pause = min(role.pause * 2, _LONGEST_PAUSE)

    def _send(self, number: signal.Signals) -> None:
        for role in self.roles:
            if role.runs:
                os.kill(role.pid, number)  # ours until we have waited for it: never another's id

    def _stop(self) -> None:
        # From here on callers are refused by the kernel, not left in a line that nobody serves.
        for some in self.sockets.values():
            for one in some:
                one.close()
        self._send(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(role.runs for role in self.roles):
            left = deadline - time.monotonic()
            info = signal.sigtimedwait(_SIGNALS, max(0.0, left))
            if info is None or (info.si_signo == signal.SIGINT and left > 0):
                # Too slow, or Ctrl-C once more: the administrator does not want to wait.
                self._send(signal.SIGKILL)
            self._reap_after_stop(killed=info is None)

    def _reap_after_stop(self, *, killed: bool) -> None:
        for role in self.roles:
            if role.runs:
                pid, status = os.waitpid(role.pid, 0 if killed else os.WNOHANG)
                if pid:
                    self._died(role, os.waitstatus_to_exitcode(status))
