"""Very many messages for `bench.trace`: their events in natural proportions, five of each message.

The real indexer makes the index of the newest part of them, and rows such as it makes are copied in
for the rest: what searches read is the same.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

EVENTS_OF_ONE: Final = 5
SMALL_DOMAIN, LARGE_DOMAIN = "small.test", "large.test"
SMALL_EVERY: Final = 4_000  # messages, of which one is the small domain's
SUBJECTS: Final = (
    *("invoice", "meeting", "planting", "plan", "garden", "order", "shipping", "weekly", "report"),
    *("newsletter", "reminder", "photos", "holiday", "draft", "contract", "signed", "lunch"),
)
USERS: Final = 400  # of each domain but the small one
DOMAINS: Final = 60
END_US: Final = time.time_ns() // 1_000
SPAN_US: Final = 85 * 86_400_000_000
_COPIED: Final = 50_000  # rows of a statement


class Message:
    """The message with a number, always the same; greater numbers are younger."""

    __slots__ = (
        "at",
        "client",
        "number",
        "outcome",
        "peer",
        "points",
        "sender",
        "subject",
        "to",
        "trace_id",
    )

    def __init__(self, number: int, messages: int) -> None:
        chance = random.Random(number)
        self.number = number
        self.at = END_US - (messages - number) * (SPAN_US // messages)
        self.trace_id = UUID(int=(self.at // 1_000 << 80) | chance.getrandbits(80))
        domain = _domain(number, chance)
        people = 3 if domain == SMALL_DOMAIN else USERS
        self.to = f"u{chance.randrange(people)}@{domain}"
        server = int(chance.random() ** 3 * 2_000)
        self.peer = f"mx.far{server}.example"
        self.sender = f"s{int(chance.random() ** 2 * 300)}@far{server}.example"
        self.client = f"198.51.{server // 250}.{server % 250}"
        words = [chance.choice(SUBJECTS) for _ in range(4)]
        self.subject = f"{' '.join(words)} {number % 97_003}"
        self.points = round(chance.random() * 9, 1)
        self.outcome = chance.choices(
            ("delivered", "junk", "refused", "quarantined", "deferred"), (880, 70, 40, 5, 5)
        )[0]

    def events(self) -> list[tuple[str, int, str, str]]:
        """As the doors and workers record them."""
        came = {
            "from": self.sender,
            "to": [self.to],
            "queue_id": "0" * 26,
            "size": 9_000,
            "address": self.client,
            "helo": self.peer,
            "subject": self.subject,
            "message_id": f"<{self.number}@{self.peer}>",
            "tls": "TLSv1.3",
        }
        verdict = {"action": "none", "points": self.points}
        judged: dict[str, Any] = {"doubts": [], "authentication": {}}
        filed = {"to": self.to, "mailbox": "INBOX", "uid": self.number}
        told = [("mx.received", came), ("reception.judged", judged), ("scan.judged", verdict)]
        ends: dict[str, list[tuple[str, dict[str, Any]]]] = {
            "delivered": [("local.delivered", filed), ("vacation.silent", {"for": self.to})],
            "junk": [("local.delivered", {**filed, "junk": "spam"}), ("vacation.silent", {})],
            "refused": [("mx.refused", {**came, "why": "it is full", "cause": "full"})],
            "quarantined": [("quarantine.kept", {"to": self.to, "why": "a virus"})],
            "deferred": [("queue.waiting", {"to": self.to, "why": "the disk is full"})],
        }
        end = ends[self.outcome]
        told += [*end, ("bounce.dropped", {"about": [self.to]})][: EVENTS_OF_ONE - 3]
        return [
            (self.trace_id.hex, self.at + place * 90_000, kind, json.dumps(data))
            for place, (kind, data) in enumerate(told)
        ]


def _domain(number: int, chance: random.Random) -> str:
    if number % SMALL_EVERY == 0:
        return SMALL_DOMAIN
    return LARGE_DOMAIN if chance.random() < 0.4 else f"d{chance.randrange(DOMAINS)}.test"


def people() -> dict[str, Any]:
    """Domains, users, an operator, and administrators of a large and of a small domain."""
    from datetime import timedelta

    from django.utils import timezone

    from apps.directory.models import Domain, Role, User
    from apps.directory.services import roles
    from apps.provisioning import services as provisioning

    operator, _ = provisioning.create_operator("root@elsewhere.test", "correct horse battery")
    long_ago = timezone.now() - timedelta(days=100)
    for name in (SMALL_DOMAIN, LARGE_DOMAIN, *(f"d{n}.test" for n in range(DOMAINS))):
        domain = provisioning.add_domain(name)
        User.objects.bulk_create(
            User(key=f"u{n}@{name}", address=f"u{n}@{name}", domain=domain, created_at=long_ago)
            for n in range(3 if name == SMALL_DOMAIN else USERS)
        )
    Domain.objects.update(created_at=long_ago)
    found = {"operator": operator}
    for who, name in (("a large tenant", LARGE_DOMAIN), ("a small tenant", SMALL_DOMAIN)):
        admin = User.objects.get(key=f"u1@{name}")
        roles.grant(user=admin, role=Role.DOMAIN_ADMIN, domain=Domain.objects.get(name=name))
        found[who] = admin
    return found


def record(messages: int, indexed: int) -> tuple[int, float]:
    """Write the events of so many messages, and index them: the last `indexed` by the real indexer.

    Returns how many events that read, and in how many seconds.
    """
    from django.db import connection

    from apps.delivery.recorder import index
    from apps.trace.models import Cursor

    copy = _copier()
    made = (Message(number, messages) for number in range(messages))
    older = islice(made, messages - indexed)
    with _without_indexes(connection) as again:
        for some in _portions(older, 10_000):
            copy(
                "trace_traceevent",
                "trace_id at kind data",
                [e for one in some for e in one.events()],
            )
            _copy_index(copy, some)
        again()
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM trace_traceevent")
        (last,) = cursor.fetchone()
    Cursor.objects.update_or_create(name="events", defaults={"event_id": last})
    for some in _portions(made, 10_000):
        copy("trace_traceevent", "trace_id at kind data", [e for one in some for e in one.events()])
    began = time.perf_counter()
    step = index.catch_up(seconds=86_400)
    took = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return step.events, took


def _portions(rows: Iterable[Message], many: int) -> Iterator[list[Message]]:
    rest = iter(rows)
    while some := list(islice(rest, many)):
        yield some


Copy = Callable[[str, str, Sequence[tuple[Any, ...]]], None]


def _copier() -> Copy:
    from django.db import connection, transaction

    def copy(table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        names = ", ".join(columns.split())
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                marks = ", ".join(["%s"] * len(columns.split()))
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
                return
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as out:
                for row in rows:
                    out.write_row(row)

    return copy


def _copy_index(copy: Copy, some: Sequence[Message]) -> None:
    """Such rows as the indexer makes."""
    from apps.directory.models import User
    from apps.trace import words

    if not _OWNERS:
        _OWNERS.update(
            {
                key: (pk, home)
                for key, pk, home in User.objects.values_list("key", "pk", "domain_id")
            }
        )
    passages: list[tuple[Any, ...]] = []
    parties: list[tuple[Any, ...]] = []
    subjects: list[tuple[Any, ...]] = []
    for one in some:
        trace = one.trace_id.hex
        passages.append(
            (
                *(trace, one.at, one.at + 360_000, "incoming", "mx", one.sender, one.to, 1),
                *(one.subject, f"<{one.number}@{one.peer}>", one.client, one.peer, 9_000),
                *(one.points, one.outcome, "In the mailbox.", 270_000),
            )
        )
        nobody = (None,) * 5
        parties.append((trace, one.at, "sender", one.sender, one.sender.split("@")[1], *nobody))
        user, home = _OWNERS.get(one.to, (None, None))
        whose = (user, home, one.outcome, 270_000, home)
        parties.append((trace, one.at, "written", one.to, one.to.split("@")[1], *whose))
        found = " ".join(dict.fromkeys(words.words_of(one.subject)))
        subjects.append((words.place(one.at, one.trace_id), found, trace))
    copy(
        "trace_passage",
        "trace_id at last_at direction door sender recipient recipients subject message_id address"
        " peer size points outcome cause took",
        passages,
    )
    copy(
        "trace_party",
        "trace_id at role address domain user_id domain_id outcome took counted_id",
        parties,
    )
    copy("trace_subject", "rowid words trace_id", subjects)


_OWNERS: dict[str, tuple[int | None, int | None]] = {}


class _without_indexes:  # noqa: N801 - a context
    """Within: the tables have no indexes but their keys, on Postgres; `again` makes them."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __enter__(self) -> Callable[[], None]:
        self._made: list[str] = []
        if self._connection.vendor == "sqlite":
            return lambda: None
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('trace_passage',"
                " 'trace_party', 'trace_subject', 'trace_traceevent')"
                " AND indexname NOT LIKE '%pkey' AND indexname <> 'party_once'"
            )
            found = cursor.fetchall()
            for name, _ in found:
                cursor.execute(f'DROP INDEX "{name}"')
        self._made = [sql for _, sql in found]
        return self._again

    def _again(self) -> None:
        if not self._made:
            return
        with self._connection.cursor() as cursor:
            cursor.execute("SET maintenance_work_mem = '512MB'")
            while self._made:
                cursor.execute(self._made.pop())

    def __exit__(self, *_: object) -> None:
        self._again()


def messages_of(events: int) -> int:
    """How many messages have so many events."""
    return events // EVENTS_OF_ONE


EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "0"))
