"""`python -m bench idle`: what clients cost that are signed in and wait for news (IMAP IDLE).

The clients are a process of their own (bench.idlers). Memory is the growth of what serves them,
per connection: of our listener process; of all of Dovecot's, which has one per connection.
"""

import contextlib
import smtplib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench import processes
from bench.idlers import Idler, context
from bench.ours import Ours
from bench.peer import Peer
from bench.processes import BenchError
from bench.service import USERS, Service

LIMIT_KB: Final = 40.0
LIMIT_CPU: Final = 0.02  # of a core, while nothing happens
REST_SECONDS: Final = 10.0
PEER_PER_USER: Final = 10  # Dovecot's mail_max_userip_connections, as shipped
PEER_MOST: Final = 80  # its default_process_limit is 100 sign-in processes, one per TLS client
AT_ONE_MAILBOX: Final = 350
NEWS: Final = 9
SIGN_INS: Final = 11


@dataclass(frozen=True, slots=True)
class Row:
    """What one crowd of idlers cost. Times in seconds; `cpu` in cores."""

    name: str
    connections: int
    kilobytes: float
    cpu: float
    sign_in: float
    told: int
    news: float


def show(connections: int, *, peer: bool) -> bool:
    """Run all crowds and print the table; whether ours cost no more than they may."""
    changed = {"CONNECTIONS_PER_USER": str(connections)}
    rows = []
    print("| service | idle | KB each | cores at rest | sign-in, ms | one mailbox | told, ms |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for tls in ("implicit", "starttls"):
        with Ours(changed=changed) as ours:
            port = ours.imaps_port if tls == "implicit" else ours.imap_port
            rows.append(_crowd(ours, port, tls, _spread(connections, AT_ONE_MAILBOX)))
        _print(rows[-1])
    right = all(row.kilobytes < LIMIT_KB and row.cpu < LIMIT_CPU for row in rows)
    if peer:
        with Peer() as dovecot:
            spread = _spread(min(connections, PEER_MOST), PEER_PER_USER)
            _print(_crowd(dovecot, dovecot.imaps_port, "implicit", spread))
    verdict = "met" if right else "MISSED"
    print(f"\nOur limits, {LIMIT_KB:g} KB and {LIMIT_CPU:g} cores, are {verdict}.")
    return right


def _spread(connections: int, first: int) -> dict[str, int]:
    """How many connections each user has: the first one `first`, the last none: it signs in."""
    others = USERS[1:-1]
    first = min(first, connections)
    each, more = divmod(connections - first, len(others))
    rest = {user: each + (number < more) for number, user in enumerate(others)}
    return {USERS[0]: first} | {user: count for user, count in rest.items() if count}


def _crowd(service: Service, port: int, tls: str, spread: Mapping[str, int]) -> Row:
    for user in USERS:  # once each, unmeasured: what a first sign-in loads is no client's
        _sign_in(port, tls, user)
    before, total = memory_of(service), sum(spread.values())
    with idlers(port, tls, spread) as crowd:
        kilobytes = (memory_of(service) - before) / 1024 / total
        began = processes.cpu_seconds(service.roots())
        time.sleep(REST_SECONDS)
        cpu = (processes.cpu_seconds(service.roots()) - began) / REST_SECONDS
        sign_in = statistics.median(_sign_in(port, tls, USERS[-1]) for _ in range(SIGN_INS))
        news = statistics.median(_news(service, crowd) for _ in range(NEWS))
    name = f"{service.name}, {tls} TLS"
    return Row(name, total, kilobytes, cpu, sign_in, spread[USERS[0]], news)


def memory_of(service: Service) -> int:
    """Octets (PSS) of the process that has our door; of all processes of Dovecot, where each client
    has its own, or hands itself on."""
    if isinstance(service, Ours):
        (pid, *_) = processes.listeners_of(service.imaps_port, _children(service))
        return processes.pss_bytes(pid)
    return processes.tree_pss_bytes(service.roots())


def _children(service: Service) -> list[int]:
    """The supervisor has the door open too, and serves nobody."""
    roots = service.roots()
    return [one.pid for one in processes.tree(roots) if one.pid not in roots]


def _sign_in(port: int, tls: str, user: str) -> float:
    """Seconds from the first packet to the OK."""
    began = time.perf_counter()
    client = Idler(port, tls, user, context())
    client.sign_in()
    seconds = time.perf_counter() - began
    client.close()
    return seconds


@contextlib.contextmanager
def idlers(port: int, tls: str, spread: Mapping[str, int]) -> Iterator["subprocess.Popen[str]"]:
    """So many clients of each user, signed in and idling, as a process of their own."""
    wanted = [f"{user}={count}" for user, count in spread.items()]
    with subprocess.Popen(
        [sys.executable, "-m", "bench.idlers", str(port), tls, *wanted],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as crowd:
        assert crowd.stdout is not None
        try:
            if crowd.stdout.readline() != "ready\n":
                raise BenchError("The idling clients did not all get in.")
            yield crowd
        finally:
            crowd.kill()


def _news(service: Service, crowd: "subprocess.Popen[str]") -> float:
    """Seconds between the 250 for a message and the last idler that is told of it."""
    assert crowd.stdin is not None
    assert crowd.stdout is not None
    crowd.stdin.write(f"news {USERS[0]}\n")
    crowd.stdin.flush()
    with smtplib.SMTP("127.0.0.1", service.smtp_port, timeout=60) as client:
        client.sendmail("sender@client.example", [USERS[0]], b"Subject: news\r\n\r\nnews\r\n")
        kept = time.monotonic()
    answer = crowd.stdout.readline().split()
    if len(answer) != 2:
        raise BenchError("Not all clients were told of a message.")
    return float(answer[1]) - kept


def _print(row: Row) -> None:
    print(
        f"| {row.name} | {row.connections} | {row.kilobytes:.1f} | {row.cpu:.3f} "
        f"| {row.sign_in * 1e3:.1f} | {row.told} | {row.news * 1e3:.0f} |",
        flush=True,
    )
