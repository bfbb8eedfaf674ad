"""The race of receiving: both services up, the same loads in turn, A B A B.

One load gives all figures of its row: messages per second until the last 250 (accepted), until
every inbox shows them (visible), and the processor time both took for it. Each row begins with a
warm-up that is not counted, and each load begins only after the one before is wholly delivered
and written to disk.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import load, mailboxes, processes
from bench.load import Workload
from bench.service import USERS, Service

SMALL: Final = 4 * 1024
LARGE: Final = 100 * 1024
MANY: Final = len(USERS)


@dataclass(frozen=True, slots=True)
class Sample:
    """One load on one service. Rates in messages per second, times in processor seconds."""

    service: str
    accepted: float
    visible: float
    service_cpu: float
    listener_cpu: float
    client_cpu: float
    other_cpu: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Memory:
    """PSS of all processes of a service, in bytes: before the first load and after the last."""

    service: str
    idle: int
    after: int


@dataclass(frozen=True, slots=True)
class Row:
    """A workload and its samples, in the order they were taken."""

    workload: Workload
    samples: tuple[Sample, ...]

    def of(self, service: str) -> list[Sample]:
        """The samples of one service; the n-th of each were taken side by side."""
        return [sample for sample in self.samples if sample.service == service]


def workloads(messages: int) -> list[Workload]:
    """All rows. `messages` is for 4 KB over 20 connections; slower rows get a part of it, in whole
    shares."""

    def part(divisor: int) -> int:
        return max(MANY, messages // divisor // MANY * MANY)

    return [
        Workload("4 KB, 20 connections, kept", SMALL, MANY, True, part(1)),
        Workload("4 KB, 20 connections, one message each", SMALL, MANY, False, part(1)),
        Workload("4 KB, 1 connection, kept", SMALL, 1, True, part(6)),
        Workload("4 KB, 1 connection, one message each", SMALL, 1, False, part(6)),
        Workload("100 KB, 20 connections, kept", LARGE, MANY, True, part(6)),
        Workload("100 KB, 20 connections, one message each", LARGE, MANY, False, part(6)),
        Workload("100 KB, 1 connection, kept", LARGE, 1, True, part(12)),
        Workload("100 KB, 1 connection, one message each", LARGE, 1, False, part(12)),
    ]


def race(
    services: Sequence[Service], rows: Sequence[Workload], runs: int
) -> tuple[list[Row], list[Memory]]:
    """Run every row on every started service, `runs` times in turn."""
    idle = {service.name: processes.tree_pss_bytes(service.roots()) for service in services}
    with tempfile.TemporaryDirectory(prefix="bench-load-") as folder:
        files = {size: Path(folder) / f"{size}.eml" for size in {row.size for row in rows}}
        for size, file in files.items():
            file.write_text(load.compose(size))
        done = [_row(services, workload, files[workload.size], runs) for workload in rows]
    memory = [
        Memory(service.name, idle[service.name], processes.tree_pss_bytes(service.roots()))
        for service in services
    ]
    return done, memory


def _row(services: Sequence[Service], workload: Workload, file: Path, runs: int) -> Row:
    warm = Workload(workload.name, workload.size, workload.connections, workload.kept, 10 * MANY)
    for service in services:
        _measure(service, warm, file)
    samples = []
    for number in range(1, runs + 1):
        for service in services:
            sample = _measure(service, workload, file)
            samples.append(sample)
            _tell(
                f"{workload.name}, run {number}, {sample.service}:"
                f" {sample.accepted:.0f}/s accepted, {sample.visible:.0f}/s visible,"
                f" others used {sample.other_cpu / sample.seconds:.2f} cores"
            )
    return Row(workload, tuple(samples))


def _measure(service: Service, workload: Workload, file: Path) -> Sample:
    os.sync()  # nobody pays for what the one before left in the page cache
    listeners = processes.listeners_of(service.smtp_port, service.roots())
    with mailboxes.Mailboxes(service.imaps_port) as inboxes:
        shares = load.shares(workload.messages)
        before = inboxes.counts()
        used = _Meters(service, listeners)
        sent = load.send(service.smtp_port, workload, file)
        seen = inboxes.wait_for({user: before[user] + share for user, share in shares.items()})
        service_cpu, listener_cpu, machine_cpu, own_cpu = used.since()
    seconds = seen - sent.began
    return Sample(
        service=service.name,
        accepted=workload.messages / (sent.ended - sent.began),
        visible=workload.messages / seconds,
        service_cpu=service_cpu,
        listener_cpu=listener_cpu,
        client_cpu=sent.client_cpu,
        other_cpu=max(0.0, machine_cpu - service_cpu - sent.client_cpu - own_cpu),
        seconds=seconds,
    )


class _Meters:
    """Processor time since the meters were made: the service, its listeners, the machine, this
    program."""

    def __init__(self, service: Service, listeners: Sequence[int]) -> None:
        self._read: tuple[Callable[[], float], ...] = (
            lambda: processes.cpu_seconds(service.roots()),
            lambda: processes.own_cpu_seconds(listeners),
            processes.machine_cpu_seconds,
            lambda: sum(os.times()[:2]),
        )
        self._began = self._now()

    def _now(self) -> list[float]:
        return [read() for read in self._read]

    def since(self) -> list[float]:
        return [now - began for now, began in zip(self._now(), self._began, strict=True)]


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
