"""The worker's side of the cage (`caged`): one for each worker process, started when needed.

Whatever happens in there, `look` answers with facts or with words that say why there are none. It
never raises, and comes back within `SECONDS` and a few more.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

from apps.scan.attachments import caged
from apps.scan.attachments.walker import Facts

_PATIENCE: Final = caged.SECONDS + 8  # a server that starts on a busy machine, or sends 50 MB
_ROOT: Final = Path(__file__).resolve().parents[3]


class Cage:
    """A server process and the socket to it; both are made anew when they are gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def look(self, raw: bytes) -> Facts:
        """The facts of a message, or `{"failed": words}`."""
        with self._lock:
            for _ in range(2):
                try:
                    answer = self._ask(raw)
                except TimeoutError:
                    self.close()
                    return {"failed": "it took too long"}
                except OSError:
                    answer = None
                if answer is not None:
                    return answer
                # The server itself was gone: ended by somebody, or out of memory. Once more.
                self.close()
        return {"failed": "nothing could be opened: the process that does it cannot be started"}

    def close(self) -> None:
        """End the server."""
        if self._socket is not None:
            self._socket.close()
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        self._socket = self._process = None

    @property
    def pid(self) -> int | None:
        """The server's, None if there is none."""
        return self._process.pid if self._process is not None else None

    def _ask(self, raw: bytes) -> dict[str, Any] | None:
        connection = self._connected()
        caged.send(connection, raw)
        answer = caged.receive(connection, caged.ANSWER_MOST + 1)
        if answer is None:
            return None
        found: dict[str, Any] = json.loads(answer)
        return found

    def _connected(self) -> socket.socket:
        if self._socket is not None and self._owner == os.getpid():
            return self._socket
        # After a fork the socket of the parent is there too: two must not ask over it.
        self.close()
        self._owner = os.getpid()
        ours, theirs = socket.socketpair()
        self._socket = ours
        ours.settimeout(_PATIENCE)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (our own module, no shell)
                [sys.executable, "-m", "apps.scan.attachments.caged", str(theirs.fileno())],
                cwd=_ROOT,
                env={"LANG": "C.UTF-8"},
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return ours


CAGE: Final = Cage()
