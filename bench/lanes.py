"""Clients of one thread, each at its own script: the load of many without many threads.

A script yields what to say and the tag of the answer to wait for; a client says the next thing the
moment it has the answer to the one before. Nothing of an answer is looked at but its end.
"""

import selectors
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from typing import Final

from bench.idlers import context
from bench.processes import BenchError

Script = Iterator[tuple[bytes, bytes]]
"""(octets to send, how the last line of the answer begins); nothing is sent for a greeting."""
PATIENCE: Final = 60.0
_READ: Final = 1 << 18
_TAIL: Final = 1000  # octets: the longest last line of an answer


class Lane:
    """One connection, which never blocks. `tls` begins with the first octet."""

    def __init__(self, port: int, script: Script, *, tls: bool) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setblocking(False)
        self.socket: socket.socket = plain
        self._secure: ssl.SSLSocket | None = None
        if tls:
            self._secure = context().wrap_socket(plain, do_handshake_on_connect=False)
            self.socket = self._secure
        self._script = script
        self._is_open = not tls
        self._wanted = b""
        self._end = b""
        self.answers = 0

    def begin(self) -> None:
        """Say the first thing, or wait for the greeting."""
        if not self._is_open:
            self._shake_hands()
        self._say()

    def go_on(self) -> bool:
        """Read what is there, and say the next thing if it is its turn; False at the end."""
        if not self._is_open and not self._shake_hands():
            return True
        while True:
            try:
                data = self.socket.recv(_READ)
            except (BlockingIOError, ssl.SSLWantReadError):
                return True
            if not data:
                raise BenchError("the server closed the connection")
            self._end = (self._end + data)[-_TAIL:]
            if self._is_answered():
                self.answers += 1
                self._end = b""
                if not self._say():
                    return False

    def close(self) -> None:
        """Leave without a word."""
        self.socket.close()

    def _shake_hands(self) -> bool:
        assert self._secure is not None
        try:
            self._secure.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self._is_open = True
        return True

    def _say(self) -> bool:
        try:
            octets, self._wanted = next(self._script)
        except StopIteration:
            return False
        if octets:
            self.socket.sendall(octets)
        return True

    def _is_answered(self) -> bool:
        end = self._end
        if not end.endswith(b"\r\n"):
            return False
        start = end.rfind(b"\r\n", 0, -2) + 2 if end.count(b"\r\n") > 1 else 0
        if not end.startswith(self._wanted.split()[0] + b" ", start):
            return False
        if not end.startswith(self._wanted, start):
            raise BenchError(f"answered by {end[start:]!r}")
        return True


def run_all(lanes: Iterable[Lane], at_once: int) -> int:
    """Run the clients to the end of their scripts, so many at once; return the answers they got."""
    waiting, answers, open_lanes = iter(lanes), 0, 0
    with selectors.DefaultSelector() as ready:
        deadline = time.monotonic() + PATIENCE
        while True:
            while open_lanes < at_once and (lane := next(waiting, None)) is not None:
                ready.register(lane.socket, selectors.EVENT_READ, lane)
                lane.begin()
                open_lanes += 1
            if not open_lanes:
                return answers
            events = ready.select(deadline - time.monotonic())
            if not events:
                raise BenchError("a client was not answered in time")
            deadline = time.monotonic() + PATIENCE
            for key, _ in events:
                lane = key.data
                if not lane.go_on():
                    ready.unregister(lane.socket)
                    lane.close()
                    answers += lane.answers
                    open_lanes -= 1
