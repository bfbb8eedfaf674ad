"""The rows of the race of reading that one or two IMAP clients ask for."""

import statistics
import threading
import time
from typing import Final

from bench.letters import letter
from bench.mailrows import AT_ONCE, Measure, Row, Side, command

SIX: Final = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"
OPENING: Final = (
    "(UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC SUBJECT MESSAGE-ID REFERENCES"
    " IN-REPLY-TO CONTENT-TYPE REPLY-TO X-PRIORITY LIST-POST)])"
)
"""What mutt, Thunderbird and others ask when they open a mailbox, but for a field or two."""
LIST_STATUS: Final = 'LIST "" * RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))'
BATCH: Final = 500
"""Messages of one measurement of MULTIAPPEND, in commands of `AT_ONCE`."""
NEWS: Final = 3
PAUSE: Final = 0.15  # seconds: a flood of news may be told in lumps, one letter may not wait
RESYNCS: Final = 5
NOOPS_UNTIL: Final = 2  # large FETCHes, one after another

# What a reader is told of a goal that is missed.
_START: Final = (
    "The mailbox's columns are read from the database once after a start; Dovecot maps the file it"
    " left."
)
_DISK: Final = (
    "Ours is in the database and on the disk (fsync) before the OK; Dovecot as shipped leaves its"
    " index to the kernel."
)
_FIELDS: Final = (
    "Ours cuts the fields out of each kept header, for some of them are in no column; Dovecot has"
    " what was asked before in its cache."
)
_BODY: Final = "A query on a thread and a blob to unpack, against a file that is read as it is."
_ORDER: Final = (
    "Each is answered only when it is on the disk, and the commands of one client are carried out"
    " in their order."
)
_DERIVED: Final = (
    "Ours derives what it is asked for later (structure, envelope, threads) before the OK."
)
_FIRST: Final = (
    "Ours needs no first time, for all is derived at delivery; the goal was set beside a Dovecot"
    " that took five times as long."
)
_CLOSE: Final = "What is left is the interpreter: some hundredths of a millisecond."
_CACHED: Final = (
    "The index answers; Dovecot keeps subjects in its cache, and took 24 ms when the goal was set."
)
_LOADED: Final = (
    "Files of the index and of the database are read from the disk first, then it is as above."
)
_KEPT: Final = "Ours keeps a row of each for undelete and for QRESYNC, on the disk before the OK."


def _after_start(text: str, *, cold: bool, selected: bool = False) -> Measure:
    """A command of the first client after a start, in milliseconds.

    cold: nothing of the service's files is in memory. selected: the INBOX is selected before.
    """

    def measure(side: Side, _: int) -> float:
        side.restart(cold=cold)
        with side.another() as client:
            if selected:
                client.run("SELECT INBOX")
            return client.run(text) * 1e3

    return measure


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


def _multiappend(side: Side, turn: int) -> float:
    first = turn * BATCH
    commands = [
        [(letter(number), "()") for number in range(start, start + AT_ONCE)]
        for start in range(first, first + BATCH, AT_ONCE)
    ]
    began = time.perf_counter()
    for letters in commands:
        side.imap.wait(side.imap.multiappend("Fill", letters))
    return BATCH / (time.perf_counter() - began)


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


SEARCHES: Final = (
    Row("SEARCH UNSEEN", "ms", command("SEARCH UNSEEN", 10), goal=1),
    Row("SEARCH FROM", "ms", command('SEARCH FROM "s77@"', 2), goal=10),
    Row("SEARCH TO", "ms", command('SEARCH TO "user01"', 2)),
    Row(
        "SEARCH SUBJECT",
        "ms",
        command('SEARCH SUBJECT "number 77"', 2),
        goal=10,
        why=_CACHED,
    ),
    Row("SEARCH HEADER", "ms", command('SEARCH HEADER References "<4321@"', 2)),
    Row("SEARCH BODY", "ms", command('SEARCH BODY "dull poet"', 1), goal=100, runs=3),
    Row("SEARCH BODY, half have it", "ms", command('SEARCH BODY "invoice contract"', 1), runs=3),
    Row("SEARCH TEXT", "ms", command('SEARCH TEXT "dull poet"', 1), goal=100, runs=3),
    Row(
        "SEARCH BODY, cold",
        "ms",
        _after_start('SEARCH BODY "dull poet"', cold=True, selected=True),
        goal=100,
        runs=2,
        why=_LOADED,
    ),
    Row("SEARCH RETURN (COUNT)", "ms", command("SEARCH RETURN (COUNT) SINCE 1-Jan-2024", 5)),
    Row("SORT by arrival", "ms", command("SORT (REVERSE ARRIVAL) UTF-8 ALL", 3), goal=1),
    Row("SORT by subject", "ms", command("SORT (SUBJECT) UTF-8 ALL", 3), goal=1),
    Row("SORT by date", "ms", command("SORT (DATE) UTF-8 ALL", 3), goal=1),
    Row("THREAD by references", "ms", command("THREAD REFERENCES UTF-8 ALL", 3), goal=1),
)
ROWS: Final = (
    Row(
        "FETCH 1:* of six items, never asked before",
        "ms",
        _first_six,
        goal=30,
        once=True,
        why=_FIRST,
    ),
    Row(
        "IMAP fill by MULTIAPPEND",
        "msg/s",
        _multiappend,
        goal=2,
        less_is_better=False,
        why=_DERIVED,
    ),
    Row(
        "SELECT, first after a start",
        "ms",
        _after_start("SELECT INBOX", cold=False),
        goal=3,
        runs=3,
        why=_START,
    ),
    Row(
        "SELECT, cold",
        "ms",
        _after_start("SELECT INBOX", cold=True),
        goal=3,
        runs=3,
        why=_START,
    ),
    Row("SELECT, warm", "ms", command("SELECT INBOX", 30), goal=1, why=_CLOSE),
    Row("STATUS of another mailbox", "ms", command("STATUS Trash (MESSAGES UNSEEN)", 30)),
    Row("NOOP", "ms", command("NOOP", 50), goal=1),
    Row("FETCH 1:* (FLAGS)", "ms", command("FETCH 1:* (FLAGS)", 5), goal=1.2, floor=0.7),
    Row("FETCH 1:* (ENVELOPE)", "ms", command("FETCH 1:* (ENVELOPE)", 3), goal=3, floor=1.5),
    Row("FETCH 1:* of six items", "ms", command(f"FETCH 1:* {SIX}", 3), goal=3),
    Row(
        "UID FETCH 1:* of 12 header fields",
        "ms",
        command(f"UID FETCH 1:* {OPENING}", 2),
        goal=1,
        why=_FIELDS,
    ),
    Row("FETCH of 50 envelopes", "ms", command("FETCH 1:50 (ENVELOPE)", 20), goal=1),
    Row(
        "FETCH BODY.PEEK[] of one",
        "ms",
        command("FETCH {n} BODY.PEEK[]", 30),
        goal=0.7,
        why=_BODY,
    ),
    Row("FETCH BODY.PEEK[] of 500", "ms", command("FETCH 1:500 BODY.PEEK[]", 2), goal=1),
    *SEARCHES,
    Row("LIST with STATUS", "ms", command(LIST_STATUS, 10), goal=1, why=_CLOSE),
    Row("SELECT with QRESYNC, ten flags changed", "ms", _resync, goal=1),
    Row(
        "STORE one flag",
        "ms",
        command("STORE {n} {sign}FLAGS (\\Flagged)", 20),
        goal=0.5,
        why=_DISK,
    ),
    Row("STORE all", "ms", command("STORE 1:* {sign}FLAGS.SILENT (\\Answered)", 1), goal=3),
    Row(
        "APPEND of one",
        "ms",
        _append,
        goal=1,
        why=_DISK,
    ),
    Row(
        "APPEND, 50 on their way",
        "msg/s",
        _appends,
        goal=2,
        less_is_better=False,
        why=_ORDER,
    ),
    Row(
        "COPY one",
        "ms",
        command("COPY {n} Trash", 20),
        goal=1,
        why=_DISK,
    ),
    Row("COPY 500", "ms", command("COPY 1:500 Trash", 1), goal=1),
    Row(
        "EXPUNGE of 500",
        "ms",
        _expunge,
        goal=1,
        why=_KEPT,
    ),
    Row("APPEND until IDLE's EXISTS", "ms", _news, goal=1),
    Row("NOOP beside a FETCH of all, p99", "ms", _beside),
)
