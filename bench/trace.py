"""`python -m bench.trace`: what searching the message trace costs among very many events.

Runs in a temporary data folder on SQLite as shipped with 1,000,000 events, or on the Postgres that
DATABASE_URL names, in a database that holds nothing else, with 5,000,000 (BENCH_EVENTS: another
number). The real indexer makes a part of the index; rows such as it makes are copied in for the
rest. Each kind of search is asked as an operator, and as administrators of a domain that two in
five messages are for and of one that hardly any are for: another word each time, the first page and
the fiftieth. `index` says how many events a second the indexer read. Exit 1 if a p95 is over the
limit.
"""

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, Final

from bench import tracerows
from bench.tracerows import LARGE_DOMAIN, SMALL_DOMAIN, SUBJECTS, USERS, Message

RUNS: Final = int(os.environ.get("BENCH_RUNS", "25"))
LIMIT_MS: Final = 500
DEEP: Final = 50  # pages
INDEXED_PART: Final = 25  # of so many messages the real indexer makes the index of one


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="mailhost-bench-") as folder:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
        os.environ.setdefault("MAILHOST_DATA", folder)
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        try:
            on_sqlite = connection.vendor == "sqlite"
            events = tracerows.EVENTS or (1_000_000 if on_sqlite else 5_000_000)
            messages = tracerows.messages_of(events)
            people = tracerows.people()
            began = time.perf_counter()
            read, took = tracerows.record(messages, messages // INDEXED_PART)
            print(
                f"{connection.vendor}: {events:,} events of {messages:,} messages, made in"
                f" {time.perf_counter() - began:.0f} s; load {os.getloadavg()[0]:.1f} on"
                f" {os.cpu_count()} processors\nindex: {read:,} events in {took:.0f} s,"
                f" {read / took:,.0f} events/s",
                flush=True,
            )
            slow = [name for who, user in people.items() for name in _measure(who, user, messages)]
        finally:
            connection.close()
    for name in slow:
        print(f"over the limit: {name}", file=sys.stderr)
    return 1 if slow else 0


def _measure(who: str, user: Any, messages: int) -> list[str]:
    from apps.delivery.recorder.journey import viewer_of
    from apps.directory.permissions import powers_of

    viewer = viewer_of(powers_of(user))
    print(f"\n{who:44} found  median      p95  (ms)")
    slow = []
    for name, question in _questions(who).items():
        for pages in (1, DEEP):
            found, times = _timed(question, viewer, pages, messages)
            if not times:
                continue
            label = name if pages == 1 else f"{name}, page {pages}"
            p95 = sorted(times)[len(times) * 95 // 100] * 1_000
            print(
                f"{label:44} {found:5} {statistics.median(times) * 1_000:7.1f} {p95:8.1f}",
                flush=True,
            )
            if p95 > LIMIT_MS:
                slow.append(f"{who}: {label}")
    return slow


def _questions(who: str) -> dict[str, Callable[[Message, random.Random], dict[str, Any]]]:
    """The kinds of searches: what is asked about a message that was picked."""
    own = SMALL_DOMAIN if "small" in who else LARGE_DOMAIN
    return {
        "everything": lambda one, by: {},
        "sender": lambda one, by: {"text": one.sender, "role": "sender"},
        "recipient": lambda one, by: {"text": f"u{by.randrange(USERS)}@{own}"},
        "domain of senders": lambda one, by: {"text": one.sender.split("@")[1]},
        "domain of recipients": lambda one, by: {"text": own},
        "a word of subjects": lambda one, by: {"text": by.choice(SUBJECTS)},
        "two words of subjects": lambda one, by: {"text": " ".join(by.sample(SUBJECTS, 2))},
        "a rare word of subjects": lambda one, by: {"text": one.subject.split()[-1]},
        "the beginning of addresses": lambda one, by: {"text": f"s{by.randrange(300)}"},
        "what nothing has": lambda one, by: {"text": f"zzz{by.randrange(9_999)}"},
        "client": lambda one, by: {"text": one.client},
        "Message-ID": lambda one, by: {"text": f"<{one.number}@{one.peer}>"},
        "trace id": lambda one, by: {"text": str(one.trace_id)},
        "outcome: refused": lambda one, by: {"outcome": "refused"},
        "outcome: bounced (none)": lambda one, by: {"outcome": "bounced"},
        "domain and outcome": lambda one, by: {"text": own, "outcome": "quarantined"},
        "peer server": lambda one, by: {"peer": one.peer},
        "points": lambda one, by: {"least": 8.9},
        "7 days": lambda one, by: {"since_us": time.time_ns() // 1_000 - 7 * 86_400_000_000},
    }


def _timed(
    question: Callable[[Message, random.Random], dict[str, Any]],
    viewer: Any,
    pages: int,
    messages: int,
) -> tuple[int, list[float]]:
    """How many were found last, and the seconds of each search; of a deep page without the way
    there. No times where there are not so many pages."""
    from apps.delivery.recorder.find import Question, find

    times, found = [], 0
    for run in range(RUNS if pages == 1 else max(3, RUNS // 5)):
        by = random.Random(run)
        asked = Question(**question(Message(by.randrange(messages), messages), by))
        after = None
        for _ in range(pages - 1):
            page = find(asked, viewer, after=after)
            after = page.following or page.looked_to
            if after is None:
                break
        if pages > 1 and after is None:
            continue
        began = time.perf_counter()
        page = find(asked, viewer, after=after)
        times.append(time.perf_counter() - began)
        found = len(page.rows)
    return found, times


if __name__ == "__main__":
    sys.exit(main())
