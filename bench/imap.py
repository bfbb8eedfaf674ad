"""`python -m bench.imap`: IMAP against Debian's Dovecot, same machine, same run, same mailbox.

Both sides are started as shipped (bench.ours, bench.peer), filled over their own TLS doors with the
same messages, and asked the same commands in turn; the median counts. A ratio above 1 means that we
are faster. Exit 0 done, 1 failed.
"""

import argparse
import contextlib
import socket
import ssl
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from bench.ours import Ours
from bench.peer import Peer
from bench.processes import BenchError
from bench.service import PASSWORD, USERS, Service

FILL_AT_ONCE: Final = 50
BODY: Final = b"All work and no play makes a dull benchmark of it, says the poet.\r\n" * 55
SIX: Final = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"


@dataclass(frozen=True, slots=True)
class Work:
    """One row: a command, how often it is timed per round, and the goal as a ratio."""

    name: str
    command: str
    times: int
    goal: float


ROWS: Final = (
    Work("SELECT, warm", "SELECT INBOX", 30, 1),
    Work("NOOP", "NOOP", 50, 1),
    Work("FETCH 1:* (FLAGS)", "FETCH 1:* (FLAGS)", 5, 1.2),
    Work("FETCH 1:* of six items", f"FETCH 1:* {SIX}", 3, 3),
    Work("FETCH of 50 envelopes", "FETCH 1:50 (ENVELOPE)", 20, 1),
    Work("FETCH BODY.PEEK[] of one", "FETCH 77 BODY.PEEK[]", 30, 0.7),
    Work("FETCH BODY.PEEK[] of 500", "FETCH 1:500 BODY.PEEK[]", 2, 1),
    Work("SEARCH UNSEEN", "SEARCH UNSEEN", 5, 1),
    Work("SEARCH SUBJECT", 'SEARCH SUBJECT "number 77"', 3, 1),
    Work("SEARCH BODY", 'SEARCH BODY "dull poet"', 1, 1),
    Work("STORE one flag", "STORE 7 {sign}FLAGS (\\Flagged)", 10, 0.5),
    Work("STORE all", "STORE 1:* {sign}FLAGS.SILENT (\\Answered)", 1, 3),
    Work("APPEND", "APPEND INBOX {{9+}}\r\na: b\r\n\r\nc", 10, 1),
    Work("COPY one", "COPY 5 Trash", 10, 1),
    Work("COPY 500", "COPY 1:500 Trash", 1, 1),
)


class Client:
    """One signed-in TLS connection."""

    def __init__(self, service: Service, user: str) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False  # both certificates are self-signed and made for this run
        context.verify_mode = ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", service.imaps_port), timeout=120)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(plain)
        self._count = 0
        self._socket.recv(4096)
        self.run(f'LOGIN {user} "{PASSWORD}"')

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, command: str) -> bytes:
        """Send a command and return its tag."""
        self._count += 1
        tag = f"t{self._count}"
        self._socket.sendall(f"{tag} {command}\r\n".encode())
        return tag.encode()

    def wait(self, tag: bytes) -> int:
        """Read up to the tagged answer; return the octets read."""
        end, total = b"", 0
        while True:
            data = self._socket.recv(1 << 20)
            if not data:
                raise BenchError("the server closed the connection")
            total += len(data)
            end = (end + data)[-1000:]
            start = end.rfind(b"\r\n", 0, -2) + 2 if end.count(b"\r\n") > 1 else 0
            if end.endswith(b"\r\n") and end.startswith(tag + b" ", start):
                if not end.startswith(tag + b" OK", start):
                    raise BenchError(f"answered by {end[start:]!r}")
                return total

    def run(self, command: str) -> float:
        """Run a command and return the seconds it took."""
        began = time.perf_counter()
        self.wait(self.send(command))
        return time.perf_counter() - began


def message(number: int) -> bytes:
    return (
        f"From: Sender {number} <s{number % 97}@example.net>\r\nTo: {USERS[0]}\r\n"
        f"Subject: Quarterly report number {number}\r\nDate: Tue, 01 Oct 2024 10:00:00 +0200\r\n"
        f"Message-ID: <{number}@example.net>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    ).encode() + BODY


def fill(client: Client, count: int) -> None:
    """Put the messages in, some on their way at once."""
    for start in range(0, count, FILL_AT_ONCE):
        tag = b""
        for number in range(start, min(start + FILL_AT_ONCE, count)):
            flags = "(\\Seen)" if number % 3 else "()"
            raw = message(number)
            tag = client.send(f"APPEND INBOX {flags} {{{len(raw)}+}}\r\n{raw.decode()}")
        client.wait(tag)


def measure(client: Client, work: Work, turn: int) -> float:
    """Return the median seconds of one round."""
    return statistics.median(
        client.run(work.command.format(sign="+-"[(turn * work.times + time) % 2]))
        for time in range(work.times)
    )


def race(services: Sequence[Service], messages: int, runs: int) -> list[list[float]]:
    """Return, for each row, the median milliseconds of each service."""
    table: list[list[float]] = []
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(service, USERS[0])) for service in services]
        for client, service in zip(clients, services, strict=True):
            began = time.perf_counter()
            fill(client, messages)
            seconds = time.perf_counter() - began
            print(f"{service.name}: {messages / seconds:.0f} APPENDs per second on one connection")
            client.run("CREATE Trash") if service.name != Ours.name else None
            client.run("SELECT INBOX")
            client.run(f"FETCH 1:* {SIX}")  # once unmeasured: both sides warm
        for work in ROWS:
            samples: list[list[float]] = [[] for _ in clients]
            for turn in range(runs):
                for client, taken in zip(clients, samples, strict=True):
                    taken.append(measure(client, work, turn) * 1e3)
            table.append([statistics.median(taken) for taken in samples])
    return table


def show(services: Sequence[Service], table: Sequence[Sequence[float]]) -> None:
    """Print the table as Markdown."""
    names = " | ".join(f"{service.name}, ms" for service in services)
    print(f"\n| work | {names} | ratio | goal |\n|---|{'---|' * len(services)}---|---|")
    for work, values in zip(ROWS, table, strict=True):
        shown = " | ".join(f"{value:.2f}" for value in values)
        ratio = f"{values[0] / values[1]:.1f}x" if len(values) == 2 else "-"
        print(f"| {work.name} | {shown} | {ratio} | {work.goal:g}x |")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.imap", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=("ours",), help="leave the peer out")
    options = parser.parse_args(arguments)
    try:
        with contextlib.ExitStack() as stack:
            services: list[Service] = []
            if options.only is None:
                services.append(stack.enter_context(Peer()))
            services.append(stack.enter_context(Ours()))
            show(services, race(services, options.messages, options.runs))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
