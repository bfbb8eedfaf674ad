"""`python -m bench.idlers PORT TLS USER=COUNT...`: IMAP clients that sign in, select, and IDLE.

A process of its own, so that what clients cost is not counted as the service's. It says "ready"
when all of them idle. On each line "news USER" it answers when the first and the last idler of that
user were told of one more message (monotonic seconds, the same clock in every process of a
machine). It leaves when its standard input ends.
"""

import resource
import selectors
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from bench.service import PASSWORD

PATIENCE: Final = 60.0


class Idler:
    """One client. `tls`: "implicit", "starttls" or "none"; `secure`: the socket it speaks over."""

    def __init__(self, port: int, tls: str, user: str, context: ssl.SSLContext) -> None:
        self.user = user
        plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket: socket.socket = plain
        if tls == "starttls":
            self.until(b"\r\n")
            self.ask(b"s STARTTLS", b"s OK")
        if tls != "none":
            self._socket = context.wrap_socket(plain)
        self.secure = self._socket
        if tls != "starttls":
            self.until(b"\r\n")

    def sign_in(self) -> None:
        """LOGIN alone."""
        self.ask(f'a LOGIN {self.user} "{PASSWORD}"'.encode(), b"a OK")

    def idle(self) -> None:
        """From here on only `read` what comes."""
        self.ask(b"b SELECT INBOX", b"b OK")
        self.ask(b"c IDLE", b"+ ")

    def close(self) -> None:
        self._socket.close()

    def ask(self, command: bytes, answer: bytes) -> None:
        """Send a command; its answer must begin so."""
        self._socket.sendall(command + b"\r\n")
        said = self.until(answer)
        if not said.rpartition(b"\r\n")[0].splitlines()[-1].startswith(answer):
            raise SystemExit(f"idlers: answered by {said[-200:]!r}")

    def available(self) -> bytes:
        """What has come and was not read; the socket must not block."""
        try:
            return self._socket.recv(65_536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return b""

    def until(self, answer: bytes) -> bytes:
        """Read up to the end of the line that begins with or holds `answer`."""
        said = b""
        while answer not in said or not said.endswith(b"\r\n"):
            data = self._socket.recv(65_536)
            if not data or b" NO " in data or b"* BYE" in data:
                raise SystemExit(f"idlers: answered by {(said + data)[-200:]!r}")
            said += data
        return said


@lru_cache(maxsize=1)
def context() -> ssl.SSLContext:
    """TLS that trusts everybody: both certificates are self-signed and made for this run."""
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


def news(idlers: Sequence[Idler]) -> tuple[float, float]:
    """When the first and the last of them were told of a new message."""
    with selectors.DefaultSelector() as waiting:
        for one in idlers:
            one.secure.setblocking(False)
            waiting.register(one.secure, selectors.EVENT_READ)
        deadline = time.monotonic() + PATIENCE
        told: list[float] = []
        while len(told) < len(idlers):
            ready = waiting.select(deadline - time.monotonic())
            if not ready:
                raise SystemExit(f"idlers: {len(idlers) - len(told)} were not told")
            for key, _ in ready:
                try:
                    said = key.fileobj.recv(65_536)  # type: ignore[union-attr]
                except (BlockingIOError, ssl.SSLWantReadError):
                    continue
                if b" EXISTS\r\n" in said or not said:
                    told.append(time.monotonic())
                    waiting.unregister(key.fileobj)
    return told[0], told[-1]


def main(arguments: Sequence[str]) -> int:
    port, tls, *wanted = arguments
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    secure, idlers = context(), list[Idler]()
    for pair in wanted:
        user, _, count = pair.partition("=")
        for _ in range(int(count)):
            idlers.append(Idler(int(port), tls, user, secure))
            idlers[-1].sign_in()
            idlers[-1].idle()
    print("ready", flush=True)
    for line in sys.stdin:
        user = line.split()[1]
        first, last = news([one for one in idlers if one.user == user])
        print(first, last, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
