"""`python -m bench.console`: what pages of the console cost the server with very many users.

Runs in a temporary data folder on SQLite as shipped, or on the Postgres that DATABASE_URL names, in
a database that holds nothing else. Pages are asked for by Django's own client in this process, so a
figure is all that the server does for a page but the socket. `work` is processor time, of this
process and of its process at the database server if that is on this machine: what a page takes on a
machine that is at rest, whatever else runs on this one. Exit 1 if a page's p95 is over the limit.
"""

import os
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from bench import flowrows, keptrows
from bench.consolerows import ALIASES, DOMAINS, RECORDS, USERS, WAITING, seed

RUNS: Final = int(os.environ.get("BENCH_RUNS", "25"))
LIMIT_MS: Final = 300
LIVE: Final = "dashboard, its live part"
LIVE_QUEUE: Final = "queue, its live part"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="mailhost-bench-") as folder:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
        os.environ.setdefault("MAILHOST_DATA", folder)
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("check", verbosity=0)  # all pages can be loaded
        call_command("migrate", verbosity=0)
        try:
            began = time.perf_counter()
            people = seed()
            print(
                f"{connection.vendor}: {USERS} users, {DOMAINS} domains, {ALIASES} aliases,"
                f" {RECORDS} records of the audit log, {WAITING} recipients that wait,"
                f" made in {time.perf_counter() - began:.0f} s; load {_load()}",
                flush=True,
            )
            slow = [name for who, user in people.items() for name in _measure(who, user)]
            print(f"\nload {_load()}", flush=True)
        finally:
            connection.close()
    for name in slow:
        print(f"over the limit: {name}", file=sys.stderr)
    return 1 if slow else 0


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def _pages(who: Any) -> list[tuple[str, str]]:
    """Names and addresses of pages, of what is in sight of somebody."""
    from django.urls import reverse

    from apps.directory import permissions
    from apps.provisioning.administration.queue import in_sight

    powers = permissions.powers_of(who)
    domain = permissions.domains(powers).order_by("name")[0]
    user = permissions.users(powers).filter(domain=domain).order_by("pk")[3]
    alias = permissions.aliases(powers).order_by("pk")[10]
    users, domains, aliases, queue = (
        reverse(f"console-{noun}") for noun in ("users", "domains", "aliases", "queue")
    )
    waiting = list(in_sight(powers).order_by("pk").values_list("pk", flat=True)[:1_000])
    return [
        ("dashboard", reverse("console-dashboard")),
        (LIVE, reverse("console-dashboard")),
        *flowrows.pages(),
        ("domains", domains),
        ("domains, searched", f"{domains}?text=d0099"),
        ("domains, that need work", f"{domains}?only=work"),
        ("domain: DNS", reverse("console-domain", args=[domain.pk])),
        ("users", users),
        ("users, a deep page", f"{users}?after=carl.050002@d00002.test"),
        ("users, by part of a name", f"{users}?text=okafor"),
        ("users, by what nobody is called", f"{users}?text=zzzz"),
        ("users, of a domain", f"{users}?domain={domain.name}"),
        ("users, suspended", f"{users}?state=suspended"),
        ("users, by storage", f"{users}?sort=storage"),
        ("users, by last sign-in", f"{users}?sort=idle"),
        ("users, not seen for 90 days", f"{users}?idle=90"),
        ("users, removed", reverse("console-users-removed")),
        ("user", reverse("console-user", args=[user.pk])),
        ("user: sharing", reverse("console-user-sharing", args=[user.pk])),
        ("user: activity", reverse("console-user-activity", args=[user.pk])),
        ("aliases", aliases),
        ("aliases, searched", f"{aliases}?text=alias-0400"),
        ("aliases, groups", f"{aliases}?only=groups"),
        ("alias", reverse("console-alias", args=[alias.pk])),
        ("shared mailboxes", reverse("console-shared")),
        ("organisations", reverse("console-organizations")),
        ("policies", reverse("console-policies")),
        *_of_queue(queue, waiting),
        ("audit log", reverse("console-audit")),
        ("audit log, of a user", f"{reverse('console-audit')}?subject={user.address}"),
        ("audit log, what nobody is called", f"{reverse('console-audit')}?text=zzzz"),
        ("found by the palette", f"{reverse('console-find')}?q=anna"),
        ("import", reverse("console-import")),
        *keptrows.pages(powers, domain.name),
    ]


def _of_queue(queue: str, waiting: list[UUID]) -> list[tuple[str, str]]:
    """Pages of the queue; of a message only if there is one in sight."""
    from django.urls import reverse

    found = [
        ("queue", queue),
        (LIVE_QUEUE, queue),
        ("queue, that waits", f"{queue}?state=waiting"),
        ("queue, that is held", f"{queue}?state=held"),
        ("queue, of a large destination", f"{queue}?destination=place000.test"),
        ("queue, of a small destination", f"{queue}?destination=place004.test"),
        ("queue, by part of an address", f"{queue}?text=person77"),
        ("queue, by what nobody is called", f"{queue}?text=zzzz"),
        ("queue, older than an hour", f"{queue}?age=1"),
        ("queue, all destinations", f"{queue}?places=all"),
    ]
    if waiting:
        found.append(("queue, a deep page", f"{queue}?after={waiting[-1]}"))
        found.append(("queue: message", reverse("console-queue-message", args=[waiting[0]])))
    return found


def _measure(who: str, user: Any) -> list[str]:
    from django.conf import settings
    from django.test import Client

    from apps.accounts.sessions import SessionStore
    from apps.directory.models import Means
    from apps.runtime.clock import now

    client = Client(headers={"host": "localhost"})
    client.force_login(user, settings.AUTHENTICATION_BACKENDS[0])
    session = client.session
    assert isinstance(session, SessionStore)
    session.signed_in(means=Means.PASSWORD)
    session["proved"] = int(now())
    session.save()
    slow = []
    print(f"\n{who:40} status queries  median      p95     work")
    for name, address in _pages(user):
        headers = {"HX-Request": "true"} if name in (LIVE, LIVE_QUEUE) else {}
        status, queries = _counted(client, address, headers)
        if status == 404:  # not for this role
            continue
        walls, cpus = zip(*[_timed(client, address, headers) for _ in range(RUNS)], strict=True)
        p95 = sorted(walls)[RUNS * 95 // 100] * 1000
        print(
            f"{name:40} {status:6} {queries:7} {statistics.median(walls) * 1000:7.1f} {p95:8.1f}"
            f" {statistics.median(cpus) * 1000:8.1f}",
            flush=True,
        )
        if p95 > LIMIT_MS:
            slow.append(f"{who}: {name}")
    return slow


def _counted(client: Any, address: str, headers: dict[str, str]) -> tuple[int, int]:
    from django.db import connection

    said: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        said.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        status = client.get(address, secure=True, headers=headers).status_code
    return status, len(said)


def _timed(client: Any, address: str, headers: dict[str, str]) -> tuple[float, float]:
    wall, work = time.perf_counter(), _work()
    client.get(address, secure=True, headers=headers)
    return time.perf_counter() - wall, _work() - work


def _work() -> float:
    """Seconds of processor time so far."""
    from django.db import connection

    spent = time.process_time()
    if connection.vendor == "postgresql" and connection.connection is not None:
        with suppress(OSError):  # it is elsewhere
            server = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
            spent += int(server.read_text().split()[0]) / 1e9
    return spent


if __name__ == "__main__":
    sys.exit(main())
