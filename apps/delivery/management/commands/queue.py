"""`manage.py queue list|show|retry|hold|delete`: mail in flight, for administrators at a shell."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.delivery import administer
from apps.mailqueue import queries
from apps.mailqueue.queries import QueueRow
from apps.runtime.ulid import parse_ulid, ulid_text
from apps.trace import queries as trace


class Command(BaseCommand):
    help = "List, show, retry, hold or delete mail in the queue."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="unfinished messages, oldest first")
        listing.add_argument("--state", default="", choices=["", "accepted", "routed", "held"])
        listing.add_argument("--limit", type=_count, default=100, help="at most so many")
        listing.add_argument("--json", action="store_true", help="one JSON array")
        show = verbs.add_parser("show", help="one message, its recipients and its trace")
        show.add_argument("id")
        show.add_argument("--json", action="store_true", help="one JSON object")
        _acts(verbs.add_parser("retry", help="process held or waiting messages now"))
        held = verbs.add_parser("hold", help="keep messages from being delivered")
        _acts(held)
        held.add_argument("--reason", default="held by an administrator")
        _acts(verbs.add_parser("delete", help="delete messages; their senders are not told"))

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['verb']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = queries.page(limit=options["limit"], state=options["state"])
        if options["json"]:
            self.stdout.write(json.dumps([_as_data(row) for row in rows], indent=1))
            return
        for row in rows:
            self.stdout.write(
                f"{ulid_text(row.id)}  {row.state:8}  {_time(row.received_at_us)}  {row.size:>10}"
                f"  <{row.sender}>"
            )
            for address, state, words in row.recipients:
                self.stdout.write(f"    {address}  {state}  {words}".rstrip())
        if not rows:
            self.stdout.write("The queue is empty.")

    def _show(self, options: dict[str, Any]) -> None:
        (message_id,) = _ids([options["id"]])
        row = queries.one(message_id)
        if row is None:
            raise CommandError(f"There is no message {options['id']} in the queue.")
        events = trace.events_of(row.trace_id)
        if options["json"]:
            steps = [{"at_us": event.at_us, "kind": event.kind, **event.data} for event in events]
            self.stdout.write(json.dumps({**_as_data(row), "trace": steps}, indent=1))
            return
        for key, value in _as_data(row).items():
            self.stdout.write(f"{key:12} {value}")
        for event in events:
            self.stdout.write(f"{_time(event.at_us)}  {event.kind:16} {json.dumps(event.data)}")

    def _retry(self, options: dict[str, Any]) -> None:
        self._done(administer.retry(_ids(options["id"])), "put back to work")

    def _hold(self, options: dict[str, Any]) -> None:
        self._done(administer.hold(_ids(options["id"]), options["reason"]), "held")

    def _delete(self, options: dict[str, Any]) -> None:
        self._done(administer.delete(_ids(options["id"])), "deleted")

    def _done(self, count: int, word: str) -> None:
        if not count:
            raise CommandError("No message of that id is in a state where this can be done.")
        self.stdout.write(f"{count} {word}.")


def _count(word: str) -> int:
    number = int(word)
    if number < 1:
        raise ValueError
    return number


def _acts(parser: ArgumentParser) -> None:
    parser.add_argument("id", nargs="+", help="queue ids, as `queue list` shows them")


def _ids(words: list[str]) -> list[UUID]:
    found = [parse_ulid(word) for word in words]
    if None in found:
        raise CommandError(f"{words[found.index(None)]!r} is not a queue id.")
    return [item for item in found if item is not None]


def _as_data(row: QueueRow) -> dict[str, Any]:
    data = asdict(row)
    data["id"], data["trace_id"] = ulid_text(row.id), ulid_text(row.trace_id)
    data["recipients"] = [
        {"address": address, "state": state, "reply": words}
        for address, state, words in row.recipients
    ]
    return data


def _time(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
