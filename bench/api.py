"""`python -m bench.api`: what the interface for programs costs, over HTTP, with very many users.

Starts `manage.py serve --only web` on a temporary data folder, on SQLite as shipped or on the
Postgres that DATABASE_URL names (a database that holds nothing else), with the organisations,
domains and users of `bench.console` in it. Adds BENCH_NEW users (10,000) in one request with a line
for each, and as many one by one with ten clients, all with passwords that are hashed at their full
cost; then asks for lists. Rates count until the last answer; `work` is processor time of the
service, which other load on the machine hardly changes. Exit 1 if the p95 of a list is over the
limit.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.consolerows import USERS, seed_directory
from bench.processes import accepts, cpu_seconds, free_ports, tree_pss_bytes, wait_until

NEW: Final = int(os.environ.get("BENCH_NEW", "10000"))
CLIENTS: Final = 10
RUNS: Final = int(os.environ.get("BENCH_RUNS", "50"))
LIMIT_MS: Final = 300
ROOT: Final = Path(__file__).parent.parent
PASSWORD: Final = "seven wombats dig at night"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="mailhost-bench-") as folder:
        port = free_ports(1)[0]
        os.environ |= {
            "MAILHOST_DATA": os.environ.get("MAILHOST_DATA", folder),
            "DJANGO_SETTINGS_MODULE": "mailhost.settings",
            "MAIL_HOSTNAME": "mail.bench.test",
            "WEB_TLS": "off",
            "WEB_LISTEN": f"127.0.0.1:{port}",
            "API_REQUESTS_PER_MINUTE": "0",
            "LOG_LEVEL": "warning",
        }
        token, vendor = _prepare()
        with _serving(port) as process:
            client = Client(port, token)
            print(f"{vendor}: {USERS:,} users; load {os.getloadavg()[0]:.1f}\n", flush=True)
            _in_one_request(client, process.pid)
            _one_by_one(port, token, process.pid)
            # A line of its own: the first one was idle for longer than a server waits.
            return 1 if _lists(Client(port, token), process.pid) else 0


def _prepare() -> tuple[str, str]:
    """Fill the database; an operator's token, and which database it is."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from apps.directory.apitokens import SCOPES
    from apps.directory.services import apitokens
    from apps.provisioning import services as provisioning

    call_command("migrate", verbosity=0)
    try:
        operator, _ = provisioning.create_operator("root@elsewhere.test", PASSWORD)
        seed_directory()
        for name in ("many.test", "each.test"):
            provisioning.add_domain(name, organization="Company 0001")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        _, token = apitokens.issue(user=operator, name="bench", scopes=SCOPES)
        return token, connection.vendor
    finally:
        connection.close()


@contextmanager
def _serving(port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "manage.py", "serve", "--only", "web"], cwd=ROOT)
    try:
        wait_until(lambda: accepts(port), seconds=120, what="the web door")
        yield process
    finally:
        process.terminate()
        process.wait(30)


class Client:
    """One connection that stays."""

    def __init__(self, port: int, token: str) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=3600)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, verb: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._line.request(verb, f"/api/v1/{path}", body, {**self._headers, **named})
        answer = self._line.getresponse()
        found = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"bench: {verb} {path}: {answer.status} {found[:300]!r}")
        return found


def _user(number: int, domain: str) -> bytes:
    made = {"address": f"user{number:06}@{domain}", "password": PASSWORD}
    return json.dumps(made).encode()


def _in_one_request(client: Client, pid: int) -> None:
    lines = b"\n".join(_user(number, "many.test") for number in range(NEW))
    client.ask("GET", "users")  # the first request loads the doors
    before, worked = tree_pss_bytes([pid]), cpu_seconds([pid])
    began = time.perf_counter()
    answer = client.ask("POST", "users/bulk", lines, Content_Type="application/x-ndjson")
    took = time.perf_counter() - began
    last = json.loads(answer.splitlines()[-1])
    if (last["done"], last["failed"]) != (NEW, 0):
        raise SystemExit(f"bench: not all of them were added: {last}")
    grown = (tree_pss_bytes([pid]) - before) / 2**20
    work = (cpu_seconds([pid]) - worked) / NEW * 1000
    print(
        f"one request, {NEW:,} lines: {took:.1f} s, {NEW / took:.0f} a second;"
        f" work {work:.1f} ms each; +{grown:.0f} MB",
        flush=True,
    )


def _one_by_one(port: int, token: str, pid: int) -> None:
    numbers, lock = iter(range(NEW)), threading.Lock()
    times: list[float] = []

    def add() -> None:
        client = Client(port, token)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            began = time.perf_counter()
            client.ask("POST", "users", _user(number, "each.test"))
            times.append((time.perf_counter() - began) * 1000)

    worked, began = cpu_seconds([pid]), time.perf_counter()
    threads = [threading.Thread(target=add) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if len(times) != NEW:
        raise SystemExit(f"bench: {len(times)} of {NEW} were added")
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    work = (cpu_seconds([pid]) - worked) / NEW * 1000
    print(
        f"one by one, {CLIENTS} clients, {NEW:,} requests: {took:.1f} s, {NEW / took:.0f} a second;"
        f" work {work:.1f} ms each; median {median:.0f} ms, p95 {p95:.0f} ms\n",
        flush=True,
    )


def _queries(client: Client) -> list[tuple[str, str]]:
    """What is asked for, in words and as an address."""
    page = json.loads(client.ask("GET", "users?limit=1000"))
    for _ in range(19):
        page = json.loads(client.ask("GET", f"users?limit=1000&cursor={page['next']}"))
    domains = json.loads(client.ask("GET", "domains?name=d00000.test"))
    large = domains["items"][0]["id"]
    return [
        ("users, 100", "users"),
        ("users, 1,000", "users?limit=1000"),
        ("users, after 20,000", f"users?cursor={page['next']}"),
        ("user by address", "users?address=anna.000005@d00000.test"),
        ("users by how addresses begin", "users?begins=carl.0500"),
        ("users by part of a name", "users?text=okafor"),
        ("users by what nobody is called", "users?text=zzzz"),
        ("users of a large domain", f"users?domain={large}"),
        ("users, suspended", "users?state=suspended"),
        ("users by last sign-in", "users?sort=idle"),
        ("domains, 100", "domains"),
        ("organisations", "organizations"),
    ]


def _lists(client: Client, pid: int) -> list[str]:
    """Ask for each; the names of those that are too slow."""
    slow = []
    print("| list | work, ms | median, ms | p95, ms |\n|---|--:|--:|--:|")
    for name, path in _queries(client):
        times = []
        worked = cpu_seconds([pid])
        for _ in range(RUNS):
            began = time.perf_counter()
            client.ask("GET", path)
            times.append((time.perf_counter() - began) * 1000)
        p95 = statistics.quantiles(times, n=20)[-1]
        work = (cpu_seconds([pid]) - worked) / RUNS * 1000
        print(f"| {name} | {work:.1f} | {statistics.median(times):.1f} | {p95:.1f} |", flush=True)
        if p95 > LIMIT_MS:
            slow.append(name)
    for name in slow:
        print(f"over the limit: {name}", file=sys.stderr)
    return slow


if __name__ == "__main__":
    sys.exit(main())
