"""`python -m bench search`: a large mailbox among much other mail, searched through two doors.

One user's INBOX is filled, and others get copies of all of it into theirs, each with index rows of
their own. It is measured how fast mail gets in, how fast the index follows, and how long queries
take then: by IMAP SEARCH, and as a web process asks (apps.search.finding). On SQLite, or on what
DATABASE_URL in the environment says.
"""

import contextlib
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from bench import processes, report
from bench.imap import put
from bench.letters import letter
from bench.mailrows import ME
from bench.ours import Ours
from bench.processes import BenchError
from bench.service import USERS
from bench.talk import Imap
from mailhost.env import ROOT

LIMIT_MS: Final = 200.0
PAGE: Final = "docs/benchmarks-search.md"
COPIED: Final = 10_000  # by one command
CATCH_UP: Final = 4 * 3600.0
PAUSE: Final = 1.0

IMAP_QUERIES: Final = (
    'TEXT "dull poet"',
    'BODY "dull poet"',
    'BODY "{rare}"',
    'BODY "invoice contract"',
    'TEXT "contract"',
    'BODY "qu"',
    'BODY "~"',
    'SUBJECT "number 777"',
    'FROM "s77@"',
    'HEADER Message-ID "<4321."',
    "HEADER List-Id {empty}",
    'UNSEEN TEXT "invoice contract"',
    'NOT TEXT "contract"',
    'OR SUBJECT "number 77" BODY "dull poet"',
    "SINCE 1-Jan-2024 LARGER 1000",
)
WEB_QUERIES: Final = (
    '"dull poet"',
    "{rare}",
    '"invoice contract"',
    "contract",
    "qu",
    "from:s77 subject:777",
    "filename:report has:attachment",
    "is:unread contract -tuesday",
    "invoice OR subject:4321",
    "after:2024-01-01 larger:1K",
)

SUGGESTED: Final = ("", "fro", "s77", "from:s7", "in:", "po")
"""What somebody has typed when the search box asks for suggestions."""
SUGGEST_LIMIT_MS: Final = 50.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A query at a door; milliseconds."""

    door: str
    query: str
    hits: int
    times: tuple[float, ...]

    @property
    def p95(self) -> float:
        """The 95th percentile; of fewer than twenty runs the slowest."""
        if len(self.times) < 20:
            return max(self.times)
        return statistics.quantiles(self.times, n=20)[-1]

    @property
    def limit(self) -> float:
        """Milliseconds that it may take."""
        return SUGGEST_LIMIT_MS if self.door == "suggest" else LIMIT_MS


@dataclass(frozen=True, slots=True)
class Done:
    """All that was measured.

    filled, copied: messages a second into the mailboxes. indexed: into the index, from the first
    message on. lag: seconds from the last answer until the index had seen all.
    other_cpu: cores that others used while queries were asked.
    """

    database: str
    messages: int
    others: int
    filled: float
    copied: float
    indexed: float
    lag: float
    other_cpu: float
    asked: tuple[Asked, ...]


def race(messages: int, others: int, runs: int) -> Done:
    """Fill, wait for the index, and ask everything `runs` times."""
    with Ours() as ours, _finder(ours) as finder:
        began = time.monotonic()
        with Imap(ours.imaps_port, ME) as client:
            put(client, ME, messages)
            filled = messages / (time.monotonic() - began)
            _tell(f"filled with {filled:.0f} messages a second")
            copied = _copy(ours, client, messages, others)
        ended = time.monotonic()
        _catch_up(finder)
        caught_up = time.monotonic()
        _tell(f"the index was {caught_up - ended:.0f} s behind")
        busy, began_asking = _others_cpu(ours, finder), time.monotonic()
        with Imap(ours.imaps_port, ME) as client:
            client.run("SELECT INBOX")
            asked = [_by_imap(client, query, runs) for query in _queries(IMAP_QUERIES)]
        asked += [_by_service(finder, query, runs) for query in _queries(WEB_QUERIES)]
        asked += [_by_page(finder, "page", query, runs) for query in _queries(WEB_QUERIES)]
        asked += [_by_page(finder, "suggest", query, runs) for query in SUGGESTED]
        busy = _others_cpu(ours, finder) - busy
        return Done(
            database=ours.database,
            messages=messages,
            others=others,
            filled=filled,
            copied=copied,
            indexed=(messages + others) / (caught_up - began),
            lag=caught_up - ended,
            other_cpu=max(0.0, busy) / (time.monotonic() - began_asking),
            asked=tuple(asked),
        )


def _others_cpu(ours: Ours, finder: "subprocess.Popen[str]") -> float:
    """Processor seconds that neither the service nor who asks it has used so far."""
    used = processes.cpu_seconds(ours.roots()) + processes.own_cpu_seconds([finder.pid])
    return processes.machine_cpu_seconds() - used - time.process_time()


def _queries(texts: Sequence[str]) -> Iterator[str]:
    # A word that a two-hundredth of the letters have: see bench.letters.
    found = re.search(r"\b[0-9a-f]{9,}\b", letter(7).decode().partition("\r\n\r\n")[2])
    rare = found[0] if found else "quarterly"
    for text in texts:
        yield text.format(rare=rare, empty='""')


def _copy(ours: Ours, client: Imap, messages: int, others: int) -> float:
    """Copy the INBOX into those of others, as often as needed; return messages a second.

    The right to do so is taken back: what is searched later is one's own mail.
    """
    if not others:
        return 0.0
    client.run("SELECT INBOX")
    began, left = time.monotonic(), others
    for user in USERS[1:]:
        with Imap(ours.imaps_port, user) as owner:
            owner.run(f"SETACL INBOX {ME} lrswipkxte")
        for start in range(1, messages + 1, COPIED):
            count = min(COPIED, messages + 1 - start, left)
            if count > 0:
                client.run(f'COPY {start}:{start + count - 1} "Other Users/{user}/INBOX"')
                left -= count
        with Imap(ours.imaps_port, user) as owner:
            owner.run(f"DELETEACL INBOX {ME}")
    if left:
        raise BenchError(f"--others is {len(USERS) - 1} times --messages at most.")
    return others / (time.monotonic() - began)


def _catch_up(finder: "subprocess.Popen[str]") -> None:
    """Wait until the index has seen all."""
    deadline = time.monotonic() + CATCH_UP
    while True:
        answer = _ask(finder, "waiting")
        if answer["is_whole"] and not answer["waiting"]:
            return
        if time.monotonic() > deadline:
            raise BenchError(f"The index was still {answer['waiting']} messages behind.")
        time.sleep(PAUSE)


def _by_imap(client: Imap, query: str, runs: int) -> Asked:
    answer = client.ask(f"SEARCH RETURN (COUNT) {query}")
    found = re.search(rb"COUNT (\d+)", answer)
    times = [client.run(f"SEARCH {query}") * 1e3 for _ in range(runs)]
    return _told(Asked("IMAP", query, int(found[1]) if found else 0, tuple(times)))


def _by_service(finder: "subprocess.Popen[str]", query: str, runs: int) -> Asked:
    answers = [_ask(finder, query) for _ in range(runs + 1)][1:]
    times = tuple(float(answer["ms"]) for answer in answers)
    return _told(Asked("service", query, int(answers[0]["hits"]), times))


def _by_page(finder: "subprocess.Popen[str]", door: str, query: str, runs: int) -> Asked:
    """The page of results, or the list under the box, with all that stands on it; hits are what it
    shows."""
    path = "/mail/search/suggest/" if door == "suggest" else "/mail/search/"
    line = f"page {path}?{urlencode({'q': query})}"
    answers = [_ask(finder, line) for _ in range(runs + 1)][1:]
    times = tuple(float(answer["ms"]) for answer in answers)
    return _told(Asked(door, query, int(answers[0]["hits"]), times))


def _told(asked: Asked) -> Asked:
    median = statistics.median(asked.times)
    _tell(f"{asked.door} {asked.query}: {asked.hits} hits, {median:.1f} ms, p95 {asked.p95:.1f}")
    return asked


@contextlib.contextmanager
def _finder(ours: Ours) -> Iterator["subprocess.Popen[str]"]:
    """A process that asks as the web does; it is ended at the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.finder", ME],
        cwd=ROOT,
        env=ours.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as finder:
        try:
            assert finder.stdout is not None
            if finder.stdout.readline() != "ready\n":
                raise BenchError("The search service did not start.")
            yield finder
        finally:
            finder.kill()


def _ask(finder: "subprocess.Popen[str]", line: str) -> dict[str, float]:
    assert finder.stdin is not None
    assert finder.stdout is not None
    finder.stdin.write(f"{line}\n")
    finder.stdin.flush()
    answer = finder.stdout.readline()
    if not answer:
        raise BenchError(f"The search service failed at {line!r}.")
    read: dict[str, float] = json.loads(answer)
    return read


def lines(done: Done) -> list[str]:
    """The table, as Markdown."""
    rows = [
        "| door | query | hits | p50, ms | p95, ms | |",
        "|---|---|--:|--:|--:|---|",
    ]
    for one in done.asked:
        verdict = "" if one.p95 < one.limit else f"OVER {one.limit:g}"
        median = statistics.median(one.times)
        cells = (f"{one.hits:,}", f"{median:.1f}", f"{one.p95:.1f}", verdict)
        rows.append(f"| {one.door} | `{one.query}` | {' | '.join(cells)} |")
    return rows


def notes(done: Done, runs: int) -> list[str]:
    """What a reader must know of the figures."""
    return [
        report.machine(),
        f"{done.database}. {done.messages:,} messages of about 4 KB in the mailbox that is"
        f" searched, {done.others:,} more in those of others; {runs} runs of each query.",
        f"Mail came in with {done.filled:,.0f} messages a second (MULTIAPPEND over TLS)"
        + (f", copies for others with {done.copied:,.0f}" if done.others else "")
        + f"; the index took in {done.indexed:,.0f} a second from the first message on, and had"
        f" seen all {done.lag:,.0f} s after the last.",
        f"Other processes used {done.other_cpu:.2f} cores while queries were asked: above 0.5"
        " believe no time.",
    ]


def passed(done: Done) -> bool:
    """Whether every query stayed under the limit."""
    return all(one.p95 < one.limit for one in done.asked)


def show(messages: int, others: int, runs: int, save: Path | None) -> bool:
    """Run it, print it, save it; whether every query stayed under the limit."""
    done = race(messages, others, runs)
    table, remarks = lines(done), [f"- {note}" for note in notes(done, runs)]
    print(*table, "", *remarks, sep="\n")
    if save is not None:
        _save(save, done.database, [*table, "", *remarks])
    return passed(done)


def _save(path: Path, database: str, rows: Sequence[str]) -> None:
    """Write the page; what it says of another database stays."""
    made_by = f"Made by `python -m bench search --save {PAGE}`; the limit is {LIMIT_MS:g} ms."
    said = path.read_text().split("\n## ")[1:] if path.exists() else []
    kept = [part.rstrip() for part in said if not part.startswith(f"{database}\n")]
    parts = sorted([*kept, "\n".join([database, "", *rows])], reverse=True)  # SQLite first
    text = "\n\n".join(["# Benchmarks of searching", made_by, *(f"## {part}" for part in parts)])
    path.write_text(f"{text}\n")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
