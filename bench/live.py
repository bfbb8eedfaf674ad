"""`python -m bench live`: how long it takes until a client that idles is told of a change.

Flags are changed, and messages appended, by IMAP at intervals that nobody could have tuned for; the
same process serves both sides then. And messages are deleted by POP3, which knows nothing of IMAP:
that goes by event. Time runs to the untagged line at the last of the clients that wait, from the
command, which is before the commit, and from its answer, which is after it: "from commit to line"
lies between the two. With DATABASE_URL and REDIS_URL in the environment events go over Redis.
"""

import random
import selectors
import statistics
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from bench.idlers import Idler, context
from bench.ours import Ours
from bench.processes import BenchError
from bench.service import PASSWORD, USERS

WATCHERS: Final = 5
LIMIT: Final = 0.050
PATIENCE: Final = 30.0
_FLAGS: Final = (b"+FLAGS", b"-FLAGS")
_MESSAGE: Final = b"From: a@example.test\r\nSubject: live\r\n\r\nHello.\r\n"


class Times(NamedTuple):
    """Seconds of one change, from its command and from its answer (0 if that came later)."""

    command: float
    answer: float


def show(changes: int) -> bool:
    """Run and print the table; whether who waits is told within the limit, 95 times of 100."""
    with Ours() as ours:
        rows = _measure(ours.imaps_port, ours.pop3s_port, changes)
    print(
        "| change | times | from its command, median ms | p95 | from its answer, median ms | p95 |"
    )
    print("|---|--:|--:|--:|--:|--:|")
    for name, times in rows.items():
        cells = [f"{name} | {len(times)}"]
        for some in zip(*times, strict=True):
            cells.append(f"{statistics.median(some) * 1000:.1f} | {_p95(some) * 1000:.1f}")
        print(f"| {' | '.join(cells)} |")
    return all(_p95([one.answer for one in times]) < LIMIT for times in rows.values())


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _measure(port: int, pop3_port: int, changes: int) -> dict[str, list[Times]]:
    dice = random.Random(1)
    user = USERS[0]
    writer = Idler(port, "implicit", user, context())
    writer.sign_in()
    writer.ask(b"b SELECT INBOX", b"b OK")
    _append(writer)
    watchers = [Idler(port, "implicit", user, context()) for _ in range(WATCHERS)]
    for one in watchers:
        one.sign_in()
        one.idle()
    stored: list[Times] = []
    appended: list[Times] = []
    deleted: list[Times] = []
    for number in range(changes):
        time.sleep(dice.uniform(0.0, 0.1))  # between measurements
        command = b"x STORE 1 %b.SILENT (\\Flagged)\r\n" % _FLAGS[number % 2]
        stored.append(_until_told(writer, watchers, command, (b"x OK", b" FETCH (")))
        appended.append(_until_told(writer, watchers, _appending(), (b"x OK", b" EXISTS\r\n")))
    for _ in range(changes):
        time.sleep(dice.uniform(0.0, 0.1))
        eraser = _eraser(pop3_port)
        lines = (b"+OK", b" EXPUNGE\r\n")
        deleted.append(_until_told(eraser, watchers, b"QUIT\r\n", lines))
        eraser.close()
    for one in (writer, *watchers):
        one.close()
    return {
        "flags (STORE)": stored,
        "a message (APPEND)": appended,
        "a deletion (POP3's QUIT)": deleted,
    }


def _eraser(port: int) -> Idler:
    """A POP3 client that has asked for a message to be deleted."""
    one = Idler(port, "implicit", USERS[0], context())
    for command in (f"USER {USERS[0]}", f"PASS {PASSWORD}", "DELE 1"):
        one.ask(command.encode(), b"+OK")
    return one


def _appending() -> bytes:
    return b"x APPEND INBOX {%d+}\r\n%b\r\n" % (len(_MESSAGE), _MESSAGE)


def _append(writer: Idler) -> None:
    writer.ask(_appending()[:-2], b"x OK")


def _until_told(
    writer: Idler, watchers: Sequence[Idler], command: bytes, lines: tuple[bytes, bytes]
) -> Times:
    """Run a command. `lines`: what the writer is answered, what the watchers are told."""
    said = {one.secure.fileno(): b"" for one in (writer, *watchers)}
    wanted = {one.secure.fileno(): lines[1] for one in watchers}
    wanted[writer.secure.fileno()] = lines[0]
    with selectors.DefaultSelector() as waiting:
        for one in (writer, *watchers):
            one.secure.setblocking(False)
            waiting.register(one.secure, selectors.EVENT_READ, one)
        start = told = answered = time.monotonic()
        writer.secure.sendall(command)
        while wanted:
            ready = waiting.select(PATIENCE)
            if not ready:
                raise BenchError(f"nobody was told: {said!r}")
            for key, _ in ready:
                said[key.fd] += key.data.available()
                if wanted.get(key.fd, b"\n\n") in said[key.fd]:
                    if wanted.pop(key.fd) == lines[0]:
                        answered = time.monotonic()
                    else:
                        told = time.monotonic()
        for one in (writer, *watchers):
            one.secure.setblocking(True)
    return Times(told - start, max(told - answered, 0.0))
