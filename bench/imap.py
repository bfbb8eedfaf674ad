"""The race of reading: IMAP and POP3 against Debian's Dovecot, same machine, same run, same mail.

Both sides are started as shipped, filled over their own TLS doors with the same messages, and asked
the same things in turn, A B A B; a row's first round warms both and is not counted. All rows of the
IMAP part are here, those of POP3 in bench.pop3.
"""

import statistics
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench import pop3, processes
from bench.letters import letter
from bench.mailrows import ME, Row, Side, command
from bench.ours import Ours
from bench.processes import BenchError
from bench.service import Service
from bench.talk import Imap

AT_ONCE: Final = 50
SIX: Final = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"
OPENING: Final = (
    "(UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC SUBJECT MESSAGE-ID REFERENCES"
    " IN-REPLY-TO CONTENT-TYPE REPLY-TO X-PRIORITY LIST-POST)])"
)
"""What mutt, Thunderbird and others ask when they open a mailbox, but for a field or two."""
LIST_STATUS: Final = 'LIST "" * RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))'
NEWS: Final = 3
PAUSE: Final = 0.15  # seconds: a flood of news may be told in lumps, one letter may not wait
RESYNCS: Final = 5
NOOPS_UNTIL: Final = 2  # large FETCHes, one after another


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure; `other_cpu` in cores, used by neither the service nor this program meanwhile."""

    service: str
    value: float
    other_cpu: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A row and its samples in the order they were taken."""

    row: Row
    samples: tuple[Sample, ...]

    def of(self, service: str) -> list[float]:
        """The figures of one service; the n-th of each were taken side by side."""
        return [sample.value for sample in self.samples if sample.service == service]


def _first_select(side: Side, _: int) -> float:
    side.restart()
    with side.another() as client:
        return client.run("SELECT INBOX") * 1e3


def _first_six(side: Side, _: int) -> float:
    return side.imap.run(f"FETCH 1:* {SIX}") * 1e3


def _appends(side: Side, turn: int) -> float:
    began = time.perf_counter()
    letters = [letter(turn * AT_ONCE + number) for number in range(AT_ONCE)]
    began = time.perf_counter()
    tags = [side.imap.append("Trash", raw) for raw in letters]
    side.imap.wait(tags[-1])
    return AT_ONCE / (time.perf_counter() - began)


def _append(side: Side, turn: int) -> float:
    taken = []
    for number in range(10):
        raw = letter(turn * 10 + number)
        began = time.perf_counter()
        side.imap.wait(side.imap.append("Trash", raw))
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e3


def _expunge(side: Side, _: int) -> float:
    imap, count = side.imap, min(500, side.messages)
    imap.run(f"COPY 1:{count} Play")
    imap.run("SELECT Play")
    imap.run("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    taken = imap.run("EXPUNGE")
    imap.run("SELECT INBOX")
    return taken * 1e3


def _news(side: Side, turn: int) -> float:
    """From the first octet of an APPEND until another client, in IDLE, is told of it."""
    taken = []
    with side.another() as waiting:
        waiting.run("SELECT Play")
        for number in range(NEWS):
            tag = waiting.begin_idle()
            time.sleep(PAUSE)
            raw = letter(turn * NEWS + number)
            began = time.perf_counter()
            appended = side.imap.append("Play", raw)
            taken.append(waiting.until_exists() - began)
            side.imap.wait(appended)
            waiting.end_idle(tag)
    return statistics.median(taken) * 1e3


def _beside(side: Side, _: int) -> float:
    """The 99th percentile of another session's NOOP while one reads all of the mailbox."""
    over = threading.Event()

    def read() -> None:
        try:
            with side.another() as reader:
                reader.run("EXAMINE INBOX")
                for _ in range(NOOPS_UNTIL):
                    reader.run(f"FETCH 1:* {SIX}")
        finally:
            over.set()

    thread = threading.Thread(target=read)
    taken = []
    thread.start()
    while not over.is_set():
        taken.append(side.imap.run("NOOP"))
        time.sleep(0.001)
    thread.join()
    return sorted(taken)[int(len(taken) * 0.99)] * 1e3


def _resync(side: Side, turn: int) -> float:
    """SELECT of a client that was away while ten flags changed (QRESYNC, RFC 7162)."""
    taken = []
    with side.another() as back:
        back.run("ENABLE QRESYNC")
        for number in range(RESYNCS):
            answer = back.ask("SELECT INBOX")
            back.run("UNSELECT")
            sign = "+-"[(turn * RESYNCS + number) % 2]
            side.imap.run(f"STORE 101:110 {sign}FLAGS.SILENT (\\Draft)")
            known = f"{_code(answer, b'UIDVALIDITY')} {_code(answer, b'HIGHESTMODSEQ')}"
            taken.append(back.run(f"SELECT INBOX (QRESYNC ({known}))"))
            back.run("UNSELECT")
    return statistics.median(taken) * 1e3


def _code(answer: bytes, name: bytes) -> str:
    return answer.split(b"[" + name + b" ", 1)[1].split(b"]", 1)[0].decode("ascii")


ROWS: Final = (
    Row("FETCH 1:* of six items, never asked before", "ms", _first_six, goal=30, once=True),
    Row("SELECT, first after a start", "ms", _first_select, goal=3, runs=3),
    Row("SELECT, warm", "ms", command("SELECT INBOX", 30), goal=1),
    Row("STATUS of another mailbox", "ms", command("STATUS Trash (MESSAGES UNSEEN)", 30)),
    Row("NOOP", "ms", command("NOOP", 50), goal=1),
    Row("FETCH 1:* (FLAGS)", "ms", command("FETCH 1:* (FLAGS)", 5), goal=1.2, floor=0.7),
    Row("FETCH 1:* (ENVELOPE)", "ms", command("FETCH 1:* (ENVELOPE)", 3), goal=3, floor=1.5),
    Row("FETCH 1:* of six items", "ms", command(f"FETCH 1:* {SIX}", 3), goal=3),
    Row("UID FETCH 1:* of 12 header fields", "ms", command(f"UID FETCH 1:* {OPENING}", 2), goal=1),
    Row("FETCH of 50 envelopes", "ms", command("FETCH 1:50 (ENVELOPE)", 20), goal=1),
    Row("FETCH BODY.PEEK[] of one", "ms", command("FETCH {n} BODY.PEEK[]", 30), goal=0.7),
    Row("FETCH BODY.PEEK[] of 500", "ms", command("FETCH 1:500 BODY.PEEK[]", 2), goal=1),
    Row("SEARCH UNSEEN", "ms", command("SEARCH UNSEEN", 10), goal=1),
    Row("SEARCH FROM", "ms", command('SEARCH FROM "s77@"', 2), goal=10),
    Row("SEARCH SUBJECT", "ms", command('SEARCH SUBJECT "number 77"', 2), goal=10),
    Row("SEARCH BODY", "ms", command('SEARCH BODY "dull poet"', 1), goal=100, runs=3),
    Row("SEARCH RETURN (COUNT)", "ms", command("SEARCH RETURN (COUNT) SINCE 1-Jan-2024", 5)),
    Row("SORT by arrival", "ms", command("SORT (REVERSE ARRIVAL) UTF-8 ALL", 3), goal=1),
    Row("SORT by subject", "ms", command("SORT (SUBJECT) UTF-8 ALL", 3), goal=1),
    Row("SORT by date", "ms", command("SORT (DATE) UTF-8 ALL", 3), goal=1),
    Row("THREAD by references", "ms", command("THREAD REFERENCES UTF-8 ALL", 3), goal=1),
    Row("LIST with STATUS", "ms", command(LIST_STATUS, 10), goal=1),
    Row("SELECT with QRESYNC, ten flags changed", "ms", _resync, goal=1),
    Row("STORE one flag", "ms", command("STORE {n} {sign}FLAGS (\\Flagged)", 20), goal=0.5),
    Row("STORE all", "ms", command("STORE 1:* {sign}FLAGS.SILENT (\\Answered)", 1), goal=3),
    Row("APPEND of one", "ms", _append, goal=1),
    Row("APPEND, 50 on their way", "msg/s", _appends, goal=2, less_is_better=False),
    Row("COPY one", "ms", command("COPY {n} Trash", 20), goal=1),
    Row("COPY 500", "ms", command("COPY 1:500 Trash", 1), goal=1),
    Row("EXPUNGE of 500", "ms", _expunge, goal=1),
    Row("APPEND until IDLE's EXISTS", "ms", _news, goal=1),
    Row("NOOP beside a FETCH of all, p99", "ms", _beside),
    *pop3.ROWS,
)


def race(
    services: Sequence[Service], rows: Sequence[Row], messages: int, runs: int
) -> list[Measured]:
    """Fill the services and measure every row on each of them, in turn."""
    sides = [Side(service, messages) for service in services]
    try:
        for side in sides:
            _fill(side)
        return [_measured(row, sides, runs) for row in sorted(rows, key=lambda row: not row.once)]
    finally:
        for side in sides:
            side.leave()


def _fill(side: Side) -> None:
    began = time.perf_counter()
    with side.another() as client:
        client.run("CREATE Play")
        if side.name != Ours.name:
            client.run("CREATE Trash")
        _put(client, ME, side.messages)
    for user in pop3.PARALLEL:
        with Imap(side.service.imaps_port, user) as client:
            _put(client, user, pop3.SHARE)
    total = side.messages + pop3.SHARE * len(pop3.PARALLEL)
    _tell(f"{side.name}: filled with {total / (time.perf_counter() - began):.0f} messages a second")


def _put(client: Imap, user: str, count: int) -> None:
    """Put messages in, some on their way at once."""
    for start in range(0, count, AT_ONCE):
        tags = [
            client.append("INBOX", letter(number, user), "(\\Seen)" if number % 3 else "()")
            for number in range(start, min(start + AT_ONCE, count))
        ]
        client.wait(tags[-1])


def _measured(row: Row, sides: Sequence[Side], runs: int) -> Measured:
    runs = 1 if row.once else min(runs, row.runs or runs)
    samples = []
    for turn in range(0 if row.once else -1, runs):
        for side in sides:
            sample = _sample(row, side, turn + 1)
            if row.once or turn >= 0:
                samples.append(sample)
    done = Measured(row, tuple(samples))
    figures = [
        f"{side.name} {statistics.median(done.of(side.name)):.2f} {row.unit}" for side in sides
    ]
    _tell(f"{row.name}: {', '.join(figures)}")
    return done


def _sample(row: Row, side: Side, turn: int) -> Sample:
    began = time.perf_counter()
    machine, service = processes.machine_cpu_seconds(), processes.cpu_seconds(side.service.roots())
    own = time.process_time()
    value = row.measure(side, turn)
    seconds = time.perf_counter() - began
    used = processes.machine_cpu_seconds() - machine - (time.process_time() - own)
    # A restart begins the count of the service's processor time anew.
    served = max(0.0, processes.cpu_seconds(side.service.roots()) - service)
    return Sample(side.name, value, max(0.0, used - served) / seconds)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def rows_named(text: str) -> list[Row]:
    """The rows whose name holds the text. Raises BenchError if there is none."""
    found = [row for row in ROWS if text in row.name]
    if not found:
        raise BenchError(f"No row's name holds {text!r}.")
    return found
