"""The rows of the race that take more than one client, or clients that do more than one thing.

Sign-ins a second, a mixed workload, what idle clients cost, and how soon one is told of what SMTP
has accepted. What needs Dovecot's fast mode is in FAST_ROWS and is asked of other services.
"""

import random
import selectors
import socket
import statistics
import time
from collections.abc import Iterator
from typing import Final

from bench.idle import PEER_MOST, PEER_PER_USER, idlers, memory_of
from bench.idlers import Idler, context
from bench.lanes import Lane, Script, run_all
from bench.letters import letter
from bench.mailrows import Measure, Row, Side
from bench.peer import FAST_NAME, NAME
from bench.processes import BenchError
from bench.service import PASSWORD, USERS

AT_ONCE: Final = 20
SIGN_INS: Final = 400
WORKERS: Final = USERS[5:13]
"""Who do the mixed workload; each has `SHARE` messages."""
SHARE: Final = 250
OPERATIONS: Final = 2000
CROWD: Final = 2000
FAST_CROWD: Final = 30
"""A client whose mailbox is not watched by inotify is not put away, and Linux gives a system user
128 watchers, all of Dovecot's users together."""
NEWS: Final = 7
AT_LEAST: Final = 0.0001  # seconds, so that a ratio means something
SETTLE: Final = 3.0
"""Seconds until a client that idles is put away, where that is done."""


def sign_ins(*, tls: bool, count: int = SIGN_INS) -> Measure:
    """Sign-ins a second: connect, greeting, LOGIN, LOGOUT, of 20 users, 20 at once."""

    def measure(side: Side, _: int) -> float:
        port = side.service.imaps_port if tls else side.service.imap_port
        lanes = (
            Lane(port, _sign_in(USERS[number % len(USERS)]), tls=tls) for number in range(count)
        )
        began = time.perf_counter()
        run_all(lanes, AT_ONCE)
        return count / (time.perf_counter() - began)

    return measure


def _sign_in(user: str) -> Script:
    yield b"", b"* OK"
    yield f'a LOGIN {user} "{PASSWORD}"\r\n'.encode(), b"a OK"
    yield b"b LOGOUT\r\n", b"b OK"


def mixed(clients: int) -> Measure:
    """Operations a second of so many clients, each at a mailbox of its own, over TLS."""

    def measure(side: Side, turn: int) -> float:
        port = side.service.imaps_port
        each = OPERATIONS // clients
        lanes = [
            Lane(port, _day(user, each, random.Random(turn)), tls=True)
            for user in WORKERS[:clients]
        ]
        began = time.perf_counter()
        done = run_all(lanes, clients)
        return done / (time.perf_counter() - began)

    return measure


def _day(user: str, operations: int, dice: random.Random) -> Script:
    """What a mail program does, more or less, in an order that is the same for both services."""
    yield b"", b"* OK"
    yield f'a LOGIN {user} "{PASSWORD}"\r\n'.encode(), b"a OK"
    yield b"b SELECT INBOX\r\n", b"b OK"
    kinds = [kind for kind, times in _MIX.items() for _ in range(times)]
    for number in range(operations):
        tag = b"t%d" % number
        which = dice.randrange(1, SHARE - 20)
        text = dice.choice(kinds)
        if text == APPEND:
            raw = letter(which, user)
            yield b"%b APPEND Trash () {%d+}\r\n%b\r\n" % (tag, len(raw), raw), tag + b" OK"
        else:
            said = text.format(n=which, m=which + 19, sign=dice.choice("+-"))
            yield b"%b %b\r\n" % (tag, said.encode()), tag + b" OK"


APPEND: Final = "APPEND"
_MIX: Final = {
    "FETCH {n} (UID FLAGS BODY.PEEK[])": 6,
    "FETCH {n}:{m} (UID FLAGS RFC822.SIZE ENVELOPE)": 3,
    "STORE {n} {sign}FLAGS (\\Seen)": 3,
    "NOOP": 2,
    "STATUS Trash (MESSAGES UIDNEXT UNSEEN)": 2,
    "SEARCH UNSEEN": 1,
    "SELECT INBOX": 1,
    "COPY {n} Trash": 1,
    APPEND: 1,
}
"""Of twenty operations."""


def idle_memory(*, tls: bool) -> Measure:
    """Kilobytes that each of 2,000 idle clients adds after a start. Of Dovecot as shipped, which
    does not let so many in: of as many as it lets in; in its fast mode of `FAST_CROWD`."""

    def measure(side: Side, _: int) -> float:
        side.restart(cold=False)  # what clients before left behind would be used again
        service = side.service
        port, kind = (service.imaps_port, "implicit") if tls else (service.imap_port, "none")
        for user in USERS[:-1]:  # what a first sign-in loads is no client's
            first = Idler(port, kind, user, context())
            first.sign_in()
            first.close()
        with idlers(port, kind, {USERS[0]: 1}):
            side.settle()  # and what serves the first one that is put away
        before = memory_of(service)
        spread = dict(_spread(service.name, tls=tls))
        with idlers(port, kind, spread):
            side.settle()
            # Of few clients it may be less than what else happens in the processes of a service.
            return max(0.0, memory_of(service) - before) / 1024 / sum(spread.values())

    return measure


def _spread(service: str, *, tls: bool) -> Iterator[tuple[str, int]]:
    users = USERS[:-1]
    as_shipped = PEER_MOST if tls else PEER_PER_USER * len(users)
    most = {NAME: as_shipped, FAST_NAME: FAST_CROWD}.get(service, CROWD)
    each, more = divmod(most, len(users))
    for number, user in enumerate(users):
        if count := each + (number < more):
            yield user, count


def smtp_to_exists(side: Side, _: int) -> float:
    """Milliseconds from SMTP's 250 until a client that has been idling for a while is told; the
    median of some messages. `AT_LEAST`: told before the 250 came, or with it."""
    user = USERS[-1]
    taken = []
    waiting = Idler(side.service.imaps_port, "implicit", user, context())
    waiting.sign_in()
    waiting.idle()
    sender = _Sender(side.service.smtp_port, user)
    for _ in range(NEWS):
        time.sleep(SETTLE / 2)
        taken.append(sender.until_told(waiting))
    sender.close()
    waiting.close()
    return statistics.median(taken) * 1e3


class _Sender:
    """An SMTP client that stays connected."""

    def __init__(self, port: int, user: str) -> None:
        self._user = user
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answer()
        self._say(b"EHLO client.example")

    def close(self) -> None:
        self._socket.close()

    def until_told(self, waiting: Idler) -> float:
        """Send a message; return the seconds from its 250 until `waiting` is told of it."""
        self._say(b"MAIL FROM:<sender@client.example>")
        self._say(b"RCPT TO:<%b>" % self._user.encode())
        self._say(b"DATA")
        self._socket.sendall(b"Subject: news\r\n\r\nnews\r\n.\r\n")
        accepted = told = 0.0
        waiting.secure.setblocking(False)
        with selectors.DefaultSelector() as ready:
            ready.register(self._socket, selectors.EVENT_READ)
            ready.register(waiting.secure, selectors.EVENT_READ)
            while not accepted or not told:
                events = ready.select(60)
                now = time.perf_counter()
                if not events:
                    raise BenchError("nobody was told of a message")
                for key, _ in events:
                    if key.fileobj is self._socket:
                        self._answer()
                        accepted = now
                    elif b" EXISTS\r\n" in waiting.available():
                        told = now
        waiting.secure.setblocking(True)
        return max(told - accepted, AT_LEAST)

    def _say(self, line: bytes) -> None:
        self._socket.sendall(line + b"\r\n")
        self._answer()

    def _answer(self) -> None:
        said = b""
        while not said.endswith(b"\r\n") or said.splitlines()[-1][3:4] == b"-":
            data = self._socket.recv(4096)
            if not data:
                raise BenchError("the SMTP server closed the connection")
            said += data
        if said[:1] not in (b"2", b"3"):
            raise BenchError(f"SMTP answered by {said!r}")


ROWS: Final = (
    Row(
        "mixed work, 1 client",
        "ops/s",
        mixed(1),
        goal=1,
        less_is_better=False,
        why="A quarter of it writes: each is in the database and on the disk before the OK.",
    ),
    Row(
        "mixed work, 8 clients",
        "ops/s",
        mixed(8),
        goal=1,
        less_is_better=False,
        why="One process of ours serves all eight on one core; Dovecot has a process for each.",
    ),
    Row(
        "sign-ins without TLS",
        "per s",
        sign_ins(tls=False),
        goal=0.5,
        less_is_better=False,
        peer=FAST_NAME,
    ),
    Row(
        "sign-ins over TLS",
        "per s",
        sign_ins(tls=True),
        goal=1,
        less_is_better=False,
        peer=FAST_NAME,
    ),
    Row("SMTP's 250 until IDLE's EXISTS", "ms", smtp_to_exists, limit=15, runs=2, peer=FAST_NAME),
    Row(
        "memory of an idle client without TLS",
        "KB",
        idle_memory(tls=False),
        limit=30,
        once=True,
        peer=FAST_NAME,
    ),
    Row(
        "memory of an idle client over TLS",
        "KB",
        idle_memory(tls=True),
        limit=30,
        once=True,
        peer=FAST_NAME,
    ),
)
