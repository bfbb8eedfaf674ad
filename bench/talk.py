"""Clients of the races: IMAP over TLS, POP3 with or without, with as little of their own as can be.

They look for the end of an answer and at nothing else in it, so that the client is never what is
measured. An answer that is not OK ends the run.
"""

import socket
import ssl
import time
from collections.abc import Sequence
from typing import Final, Self

from bench.processes import BenchError
from bench.service import PASSWORD

_READ: Final = 1 << 20
_TIMEOUT: Final = 120.0


class _Talk:
    """One connection."""

    def __init__(self, port: int, *, tls: bool = True) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False  # both certificates are self-signed and made for this run
        context.verify_mode = ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket: socket.socket = context.wrap_socket(plain) if tls else plain

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave without a word."""
        self._socket.close()

    def _receive(self) -> bytes:
        data = self._socket.recv(_READ)
        if not data:
            raise BenchError("the server closed the connection")
        return data


class Imap(_Talk):
    """A signed-in IMAP client."""

    def __init__(self, port: int, user: str) -> None:
        super().__init__(port)
        self._count = 0
        self._receive()
        self.run(f'LOGIN {user} "{PASSWORD}"')

    def send(self, command: bytes) -> bytes:
        """Send a command and return its tag."""
        self._count += 1
        tag = b"t%d" % self._count
        self._socket.sendall(b"%b %b\r\n" % (tag, command))
        return tag

    def wait(self, tag: bytes) -> int:
        """Read up to the tagged answer; return the octets read."""
        end, total = b"", 0
        while True:
            data = self._receive()
            total += len(data)
            end = (end + data)[-1000:]
            start = end.rfind(b"\r\n", 0, -2) + 2 if end.count(b"\r\n") > 1 else 0
            if end.endswith(b"\r\n") and end.startswith(tag + b" ", start):
                if not end.startswith(tag + b" OK", start):
                    raise BenchError(f"answered by {end[start:]!r}")
                return total

    def run(self, command: str | bytes) -> float:
        """Carry a command out and return the seconds it took."""
        raw = command.encode() if isinstance(command, str) else command
        began = time.perf_counter()
        self.wait(self.send(raw))
        return time.perf_counter() - began

    def ask(self, command: str) -> bytes:
        """Carry a command out and return all that was answered."""
        tag = self.send(command.encode())
        answer = b""
        while not answer.startswith(tag + b" ") and b"\r\n" + tag + b" " not in answer:
            answer += self._receive()
        if tag + b" OK" not in answer:
            raise BenchError(f"answered by {answer[-200:]!r}")
        return answer

    def append(self, mailbox: str, raw: bytes, flags: str = "()") -> bytes:
        """Send a message without waiting for the answer; return the tag."""
        return self.send(
            b"APPEND %b %b {%d+}\r\n%b" % (mailbox.encode(), flags.encode(), len(raw), raw)
        )

    def multiappend(self, mailbox: str, letters: Sequence[tuple[bytes, str]]) -> bytes:
        """Send messages with their flags in one command (RFC 3502); return the tag."""
        parts = [b" %b {%d+}\r\n%b" % (flags.encode(), len(raw), raw) for raw, flags in letters]
        return self.send(b"APPEND %b" % mailbox.encode() + b"".join(parts))

    def begin_idle(self) -> bytes:
        """Begin to IDLE; return the tag."""
        tag = self.send(b"IDLE")
        self._until(b"+ ")
        return tag

    def end_idle(self, tag: bytes) -> None:
        """Say DONE."""
        self._socket.sendall(b"DONE\r\n")
        self.wait(tag)

    def until_exists(self) -> float:
        """Read until a new number of messages is told; return the moment it was."""
        self._until(b" EXISTS\r\n")
        return time.perf_counter()

    def _until(self, wanted: bytes) -> None:
        seen = b""
        while wanted not in seen:
            seen += self._receive()


class Pop3(_Talk):
    """A POP3 client, signed in."""

    def __init__(self, port: int, user: str, *, tls: bool = True) -> None:
        super().__init__(port, tls=tls)
        self._line()
        self.run(f"USER {user}")
        self.run(f"PASS {PASSWORD}")

    def run(self, command: str) -> float:
        """Carry out a command that is answered by one line; return the seconds it took."""
        began = time.perf_counter()
        self._socket.sendall(f"{command}\r\n".encode())
        self._line()
        return time.perf_counter() - began

    def read(self, command: str) -> float:
        """Carry out a command that is answered by many lines; return the seconds it took."""
        began = time.perf_counter()
        self._socket.sendall(f"{command}\r\n".encode())
        data = self._receive()
        _check(data)
        end = data[-5:]
        while end != b"\r\n.\r\n":
            end = (end + self._receive())[-5:]
        return time.perf_counter() - began

    def _line(self) -> None:
        data = self._receive()
        while not data.endswith(b"\r\n"):
            data += self._receive()
        _check(data)


def _check(data: bytes) -> None:
    if not data.startswith(b"+OK"):
        raise BenchError(f"answered by {data[:200]!r}")
