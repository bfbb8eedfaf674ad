"""The race of reading: IMAP and POP3 against Debian's Dovecot, same machine, same run, same mail.

All sides are filled over their own TLS doors with the same messages, left alone until they have
done what they do in the background, and asked the same things in turn, A B A B; a row's first round
warms all and is not counted. There are two stages: one with large mailboxes, both sides as shipped,
and one of crowds, where Dovecot runs in its fast mode too.
"""

import contextlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bench import crowds, imaprows, pop3, processes
from bench.letters import letter
from bench.mailrows import AT_ONCE, ME, Row, Side
from bench.ours import Ours
from bench.peer import Peer
from bench.processes import BenchError
from bench.service import USERS, Service
from bench.talk import Imap

CROWDS: Final = MappingProxyType({"CLEARTEXT_AUTH": "loopback", "CONNECTIONS_PER_USER": "2000"})


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


@dataclass(frozen=True, slots=True)
class Stage:
    """Rows, what they are asked of, and how many messages each user has besides `ME`."""

    rows: tuple[Row, ...]
    peers: tuple[Callable[[], Service], ...]
    ours: Callable[[], Service]
    shares: Mapping[str, int]
    is_large: bool = False  # whether ME has as many messages as were asked for


STAGES: Final = (
    Stage(
        rows=(*imaprows.ROWS, *pop3.ROWS),
        peers=(Peer,),
        ours=lambda: Ours(changed={"CLEARTEXT_AUTH": "loopback"}),
        shares=MappingProxyType(dict.fromkeys(pop3.PARALLEL, pop3.SHARE)),
        is_large=True,
    ),
    Stage(
        rows=crowds.ROWS,
        peers=(Peer, lambda: Peer(fast=True)),
        ours=lambda: Ours(changed=CROWDS),
        shares=MappingProxyType(dict.fromkeys(crowds.WORKERS, crowds.SHARE)),
    ),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the race is run."""

    messages: int
    runs: int
    rows: str = ""
    only: str | None = None  # "ours" or "peer"


def race(wanted: Wanted) -> tuple[list[Measured], dict[str, list[str]]]:
    """Run all stages; return what was measured, and each service's settings by its name.

    Raises:
        BenchError: no row's name holds the text, or a service did not do what it was asked.
    """
    done: list[Measured] = []
    settings: dict[str, list[str]] = {}
    stages = [(stage, [row for row in stage.rows if wanted.rows in row.name]) for stage in STAGES]
    if not any(rows for _, rows in stages):
        raise BenchError(f"No row's name holds {wanted.rows!r}.")
    for stage, rows in stages:
        if rows:
            done += _stage(stage, rows, wanted, settings)
    return done, settings


def _stage(
    stage: Stage, rows: Sequence[Row], wanted: Wanted, settings: dict[str, list[str]]
) -> list[Measured]:
    made = [
        *(stage.peers if wanted.only != "ours" else ()),
        *([stage.ours] if wanted.only != "peer" else ()),
    ]
    with contextlib.ExitStack() as stack:
        services = [stack.enter_context(make()) for make in made]
        for service in services:
            settings.setdefault(service.name, service.settings())
        sides = [Side(service, wanted.messages) for service in services]
        for side in sides:
            stack.callback(side.leave)
            _fill(side, stage)
        for side in sides:
            side.settle()
        return [
            _measured(row, sides, wanted.runs) for row in sorted(rows, key=lambda row: not row.once)
        ]


def _fill(side: Side, stage: Stage) -> None:
    began = time.perf_counter()
    total = sum(stage.shares.values())
    for user in USERS:
        with Imap(side.service.imaps_port, user) as client:
            if side.name != Ours.name:
                client.run("CREATE Trash")
            if user == ME and stage.is_large:
                for name in ("Play", "Fill"):
                    client.run(f"CREATE {name}")
                put(client, user, side.messages)
                total += side.messages
            put(client, user, stage.shares.get(user, 0))
    _tell(f"{side.name}: filled with {total / (time.perf_counter() - began):.0f} messages a second")


def put(client: Imap, user: str, count: int) -> None:
    """Put messages into the INBOX, some in one command."""
    for start in range(0, count, AT_ONCE):
        letters = [
            (letter(number, user), "(\\Seen)" if number % 3 else "()")
            for number in range(start, min(start + AT_ONCE, count))
        ]
        client.wait(client.multiappend("INBOX", letters))


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
    own = sum(time_used())
    value = row.measure(side, turn)
    seconds = time.perf_counter() - began
    used = processes.machine_cpu_seconds() - machine - (sum(time_used()) - own)
    # A restart begins the count of the service's processor time anew.
    served = max(0.0, processes.cpu_seconds(side.service.roots()) - service)
    return Sample(side.name, value, max(0.0, used - served) / seconds)


def time_used() -> Sequence[float]:
    """Processor seconds of this program and of the clients it started that are gone."""
    return os.times()[:4]


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
