"""The race of sending: mail to 100 domains, and mail beside a domain that is dead.

Both services get the same messages over 20 connections and hand each to the sink that the MX
record of its domain leads to; both ask the same name server. The first row counts from the first
command of the clients until Debian's smtp-sink has everything; the second tells how long mail to
living domains took from being handed in until it was at its sink, while a thousand messages wait
for a domain whose server takes connections and never speaks.
"""

import contextlib
import dataclasses
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from bench import processes, report, senders
from bench.names import ADDRESS, Names
from bench.ours import Ours
from bench.sendingpeer import SendingPeer
from bench.sinks import NotingSink, SmtpSink

DOMAINS: Final = 100
SIZE: Final = 4 * 1024
DEAD: Final = "dead.bench.example"
LIVE_ADDRESS, DEAD_ADDRESS = "127.0.3.1", "127.0.2.1"
DEAD_MESSAGES, LIVE_MESSAGES, LIVE_PAUSE = 1000, 300, 0.1
THROUGHPUT: Final = f"to {DOMAINS} domains"
BESIDE: Final = f"beside {DEAD_MESSAGES} messages for a dead domain"
SECONDS: Final = 240.0


class Sender(Protocol):
    """A started mail service that sends."""

    name: str
    signs_in: bool

    @property
    def port(self) -> int: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def roots(self) -> list[int]: ...

    def settings(self) -> list[str]: ...


class SendingOurs(Ours):
    """mailhost as shipped, but for the name server, the port of other servers, passwords in the
    clear on loopback (so that the client's TLS is not what is measured), and no sending limits."""

    signs_in = True

    def __init__(self, sink: int) -> None:
        limits = ("MESSAGES_PER_HOUR", "MESSAGES_PER_DAY", "RECIPIENTS_PER_HOUR")
        super().__init__(
            changed={
                "DNS_SERVERS": f"{ADDRESS}:53",
                "SMTP_OUT_PORT": str(sink),
                "SMTP_OUT_PRIVATE": "true",
                "CLEARTEXT_AUTH": "loopback",
                **{f"SEND_{name}": "0" for name in (*limits, "RECIPIENTS_PER_DAY")},
            }
        )

    @property
    def port(self) -> int:
        return self.submission_port


@dataclass(frozen=True, slots=True)
class Throughput:
    """One load. `seconds` until the sink had everything, `handed_in` until the last 250."""

    service: str
    messages: int
    seconds: float
    handed_in: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Waits:
    """How long mail to living domains took, in seconds."""

    service: str
    median: float
    p95: float
    longest: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """All samples of a race."""

    throughput: tuple[Throughput, ...]
    waits: tuple[Waits, ...]


def race(messages: int, runs: int, only: str | None) -> tuple[Outcome, dict[str, list[str]]]:
    """Run both rows `runs` times in turn; the samples, and each service's settings."""
    living = [f"d{number}.bench.example" for number in range(1, DOMAINS + 1)]
    (port,) = processes.free_ports(1)
    sinks = {domain: f"127.0.1.{number}" for number, domain in enumerate(living, 1)}
    with contextlib.ExitStack() as stack:
        stack.enter_context(Names(sinks))
        services = _started(stack, port, only)
        settings = {service.name: service.settings() for service in services}
        done = _throughputs(services, port, living, messages, runs)
    with contextlib.ExitStack() as stack:
        stack.enter_context(Names(dict.fromkeys(living, LIVE_ADDRESS) | {DEAD: DEAD_ADDRESS}))
        # New services: nothing of the first row waits in them, and each dead domain is new.
        waits = [_waits(service, port, living) for service in _started(stack, port, only)]
    return Outcome(tuple(done), tuple(waits)), settings


def _started(stack: contextlib.ExitStack, port: int, only: str | None) -> list[Sender]:
    services: list[Sender] = []
    if only != "ours":
        services.append(stack.enter_context(SendingPeer(port)))
    if only != "peer":
        services.append(stack.enter_context(SendingOurs(port)))
    return services


def _throughputs(
    services: Sequence[Sender], port: int, living: Sequence[str], messages: int, runs: int
) -> list[Throughput]:
    for service in services:
        _throughput(service, port, living, 2 * DOMAINS)  # not counted
    done = []
    for number in range(1, runs + 1):
        for service in services:
            sample = _throughput(service, port, living, messages)
            done.append(sample)
            rate = sample.messages / sample.seconds
            _tell(f"{THROUGHPUT}, run {number}, {service.name}: {rate:.0f}/s")
    return done


def _throughput(service: Sender, port: int, living: Sequence[str], messages: int) -> Throughput:
    os.sync()
    to = [f"someone@{living[number % len(living)]}" for number in range(messages)]
    with SmtpSink(port) as sink:
        cpu = processes.cpu_seconds(service.roots())
        began = senders.send(service.port, to, size=SIZE, signs_in=service.signs_in)
        handed_in = time.monotonic()
        ended = sink.wait_for(messages, seconds=SECONDS)
        cpu = processes.cpu_seconds(service.roots()) - cpu
    start = min(began.values())
    return Throughput(service.name, messages, ended - start, handed_in - start, cpu)


def _waits(service: Sender, port: int, living: Sequence[str]) -> Waits:
    with NotingSink(port, address=LIVE_ADDRESS, silent=DEAD_ADDRESS) as sink:
        dead = [f"someone@{DEAD}"] * DEAD_MESSAGES
        senders.send(service.port, dead, size=SIZE, signs_in=service.signs_in, first=1_000_000)
        to = [f"someone@{living[number % len(living)]}" for number in range(LIVE_MESSAGES)]
        began = senders.send(
            service.port,
            to,
            size=SIZE,
            signs_in=service.signs_in,
            connections=3,
            pause=LIVE_PAUSE,
        )
        waits = sink.wait_for(began, seconds=SECONDS)
    p95 = waits[int(len(waits) * 0.95)]
    _tell(f"{BESIDE}, {service.name}: p95 {p95 * 1e3:.0f} ms, longest {waits[-1] * 1e3:.0f} ms")
    return Waits(service.name, statistics.median(waits), p95, waits[-1])


def lines(outcome: Outcome) -> list[report.Line]:
    """The table."""
    rates = _medians(outcome, lambda one: one.messages / one.seconds)
    handed = _medians(outcome, lambda one: one.messages / one.handed_in)
    cpu = _medians(outcome, lambda one: one.cpu / one.messages * 1e3)
    table = [
        _line(THROUGHPUT, "delivered", "msg/s", rates),
        _line(THROUGHPUT, "handed in", "msg/s", handed),
        _line(THROUGHPUT, "CPU per message", "ms", cpu, less=True),
    ]
    for measured in ("median", "p95", "longest"):
        values = {one.service: getattr(one, measured) * 1e3 for one in outcome.waits}
        table.append(_line(BESIDE, measured, "ms", values, less=True))
    return table


def _medians(outcome: Outcome, read: Callable[[Throughput], float]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for one in outcome.throughput:
        found.setdefault(one.service, []).append(read(one))
    return {service: statistics.median(values) for service, values in found.items()}


def _line(
    work: str, measured: str, unit: str, values: dict[str, float], *, less: bool = False
) -> report.Line:
    ours, peer = values.get("mailhost"), values.get("Postfix")
    ratio = None
    if ours is not None and peer is not None:
        ratio = peer / max(ours, 1e-9) if less else ours / max(peer, 1e-9)
    return report.Line(
        work, measured, unit, peer, ours, ratio, low=None, high=None, goal="", verdict=""
    )


def notes(messages: int, runs: int) -> list[str]:
    """What a reader must know to read the table."""
    return [
        f"{messages} messages of {SIZE // 1024} KB, one recipient each, over"
        f" {senders.CONNECTIONS} connections, {runs} runs in turn, medians; from the first command"
        " of the clients until smtp-sink has everything.",
        f"Beside a dead domain: {DEAD_MESSAGES} messages for it first, then {LIVE_MESSAGES} to"
        f" {DOMAINS} living domains, about {3 / LIVE_PAUSE:.0f} a second; each from being handed in"
        " until its sink had it. The dead domain's server takes connections and never speaks.",
        "mailhost keeps its trace and signs each message twice (RSA-2048 and Ed25519); Postfix as"
        " shipped does neither.",
    ]


def as_json(outcome: Outcome, settings: dict[str, list[str]]) -> dict[str, Any]:
    """Every sample."""
    return {
        "throughput": [dataclasses.asdict(one) for one in outcome.throughput],
        "waits": [dataclasses.asdict(one) for one in outcome.waits],
        "settings": settings,
    }


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
