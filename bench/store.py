"""`python -m bench.store`: what the mail store costs, without any protocol around it.

Runs in a temporary data folder on SQLite as shipped (WAL, synchronous=FULL), or on the Postgres
that DATABASE_URL names, in a database that holds nothing else. Each row is the median of several
runs; CPU is this process's own.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, Final

BATCH: Final = 64  # messages in one transaction, as the delivery worker takes them
MESSAGES: Final = 10_000
COLUMNS: Final = ("flags", "internaldate", "size", "envelope", "bodystructure")
LIMIT_FLAGS_MS: Final = 40
_WORDS: Final = b"the quick brown fox jumps over the lazy dog and runs away from it "


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="mailhost-bench-") as folder:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
        os.environ["MAILHOST_DATA"] = folder
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        print(f"{connection.vendor}, {MESSAGES} messages of 4 KB, batches of {BATCH}")
        try:
            _measure(_boxes())
        finally:
            connection.close()
    return 0


def _boxes() -> list[Any]:
    from apps.mailstore.models import Mailbox
    from apps.provisioning import services as provisioning
    from apps.wire.errors import AlreadyExists

    try:
        provisioning.add_domain("bench.test")
    except AlreadyExists:
        raise SystemExit("bench: the database is not empty") from None
    for number in range(20):
        provisioning.add_user(f"user{number}@bench.test", "correct horse battery")
    return list(Mailbox.objects.filter(user__domain__name="bench.test", name="INBOX"))


def _measure(boxes: list[Any]) -> None:
    target = boxes[0]
    _row("prepare (derive, hash, compress)", BATCH, _prepare_batch, runs=9)
    _row("deliver, one mailbox, prepared", BATCH, _delivering([target]), runs=MESSAGES // BATCH)
    _row("deliver, 20 mailboxes, prepared", BATCH, _delivering(boxes[1:]), runs=30)
    _row(
        "prepare + deliver, 20 mailboxes",
        BATCH,
        lambda: _deliver(_prepare_batch(), boxes[1:]),
        runs=30,
    )
    _fill(target)
    _reads(target)


def _fill(target: Any) -> None:
    from apps.mailstore.models import MailboxState

    while (state := MailboxState.objects.get(mailbox=target)).messages < MESSAGES:
        _deliver(_prepare_batch()[: MESSAGES - state.messages], [target])


def _reads(target: Any) -> None:
    from apps.mailstore import queries
    from apps.mailstore.origin import Origin
    from apps.mailstore.services.flags import FlagChange, store

    uids = list(queries.snapshot(target.pk).uids)
    origin = Origin("bench", None)
    mode = ["remove"]

    def flags(some: list[int]) -> None:
        mode[0] = "add" if mode[0] == "remove" else "remove"
        change = FlagChange(mode[0], 1)  # type: ignore[arg-type]
        store(mailbox_id=target.pk, uids=some, change=change, origin=origin)

    entry = queries.fetch_page(target.pk, uids[5_000:5_001], ["message_id", "head_id"])[0]
    _row("store one flag on one", 1, lambda: flags(uids[:1]), runs=31)
    _row("store one flag on all", len(uids), lambda: flags(uids), runs=6)
    _row("snapshot", len(uids), lambda: queries.snapshot(target.pk), runs=7)
    _row("fetch flags", len(uids), lambda: queries.fetch_page(target.pk, uids, ["flags"]), runs=7)
    _row("fetch six columns", len(uids), lambda: queries.fetch_page(target.pk, uids, COLUMNS), 7)
    page = uids[-50:]
    _row("fetch 50 envelopes", 50, lambda: queries.fetch_page(target.pk, page, ["envelope"]), 31)
    _row("one list page on the web", 50, lambda: queries.inbox_page(target.pk, None, 50), 31)
    _row("whole message", 1, lambda: queries.shown_bytes(entry[1], entry[2]), runs=31)
    since = queries.snapshot(target.pk).counters.highestmodseq
    _row("changes since, none", 1, lambda: queries.changes_since(target.pk, since), runs=31)


def _raw(number: int) -> bytes:
    head = (
        b"From: Ada Sender <ada@client.example>\r\nTo: user@bench.test\r\n"
        b"Subject: Minutes of meeting %d, second draft\r\nDate: Thu, 20 Nov 2025 10:11:12 +0100\r\n"
        b"Message-ID: <%d@client.example>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" % (number, number)
    )
    return head + _WORDS * ((4_096 - len(head)) // len(_WORDS)) + b"\r\n"


_numbers = iter(range(10**9))


def _prepare_batch() -> list[Any]:
    from apps.mailstore.services.prepare import prepare
    from apps.runtime.ulid import new_ulid

    prefix = b"Received: from a by b with ESMTP id c; Thu, 20 Nov 2025 10:11:12 +0100\r\n"
    return [prepare(_raw(next(_numbers)), prefix=prefix, trace_id=new_ulid()) for _ in range(BATCH)]


def _delivering(boxes: list[Any]) -> Callable[[], None]:
    """Deliver batches that were prepared before, so that the clock sees the transaction alone."""
    ready: list[list[Any]] = []

    def deliver() -> None:
        _deliver(ready.pop(), boxes)

    deliver.before = lambda: ready.append(_prepare_batch())  # type: ignore[attr-defined]
    return deliver


def _deliver(messages: list[Any], boxes: list[Any]) -> None:
    from django.db import transaction

    from apps.mailstore.origin import Origin
    from apps.mailstore.services.deliver import Filing, deliver

    origin = Origin("bench", None)
    filings = []
    for number, message in enumerate(messages):
        box = boxes[number % len(boxes)]
        head = b"Return-Path: <ada@client.example>\r\nDelivered-To: user@bench.test\r\n"
        filings.append(
            Filing(
                message=message,
                user_id=box.user_id,
                mailbox_id=box.pk,
                head=head,
                internaldate=1_763_629_872 + number,
                origin=origin,
            )
        )
    with transaction.atomic():
        deliver(filings)


def _row(name: str, count: int, work: Callable[[], object], runs: int) -> None:
    walls, cpus = [], []
    before = getattr(work, "before", lambda: None)
    for _ in range(runs):
        before()
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    print(
        f"{name:34} {count:6} {wall * 1000:9.2f} ms {count / wall:10.0f}/s"
        f" {cpu / count * 1e6:8.1f} µs CPU each"
    )


if __name__ == "__main__":
    sys.exit(main())
