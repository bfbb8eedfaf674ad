"""`manage.py queue VERB`: mail in flight, for administrators at a shell."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit.shell import at_shell
from apps.delivery import administer, story
from apps.mailqueue import queries
from apps.mailqueue.queries import AttemptRow, DestinationRow, QueueRow, RecipientRow
from apps.mailqueue.services import EVERYWHERE
from apps.mime.headers import printable
from apps.runtime.ulid import parse_ulid, ulid_text
from apps.trace import queries as trace

_CLIENT = ("address", "helo", "tls")
AT_ONCE = 200  # messages of one transaction, where a destination stands for many

_ACTS = {
    "retry": "try held or waiting messages again now, where they were to go",
    "reroute": "choose anew where held or waiting messages are to go",
    "release": "send at once what its sender holds back until later, or what the filter holds",
    "hold": "keep messages from being delivered",
    "bounce": "give messages up and tell their senders",
    "cancel": "cancel messages of which nothing has left, as their senders may",
    "delete": "delete messages; their senders are not told",
}
_DONE = {
    "retry": "put back to work",
    "reroute": "to be routed anew",
    "release": "released",
    "hold": "held",
    "bounce": "given up",
    "cancel": "cancelled",
    "delete": "deleted",
}
_PAUSING = {
    "pause": "send nothing to other servers, or to one of them, until `resume`",
    "resume": "let what was paused go on where it was",
}


class Command(BaseCommand):
    help = (
        "List, show, retry, reroute, release, hold, bounce, cancel or delete mail in the queue;"
        " pause and resume sending."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="unfinished messages, oldest first")
        listing.add_argument(
            "--state", default="", choices=["", "offered", "accepted", "routed", "held"]
        )
        listing.add_argument("--destination", default="", help="those that go there")
        _output(listing)
        _output(verbs.add_parser("destinations", help="where mail waits to go, and how it goes"))
        for verb, words in _PAUSING.items():
            pausing = verbs.add_parser(verb, help=words)
            pausing.add_argument(
                "--destination", default="", help="only to there, such as mx/a.test"
            )
        show = verbs.add_parser("show", help="one message: recipients, attempts, its story")
        show.add_argument("id")
        show.add_argument("--json", action="store_true", help="one JSON object")
        for verb, words in _ACTS.items():
            act = verbs.add_parser(verb, help=words)
            act.add_argument("id", nargs="*", help="queue ids, as `queue list` shows them")
            act.add_argument("--destination", default="", help="all that waits for it or is held")
        verbs.choices["hold"].add_argument("--reason", default="held by an administrator")
        verbs.choices["bounce"].add_argument("--reason", default=administer.GIVEN_UP_WORDS)

    def handle(self, *args: Any, **options: Any) -> None:
        verb = options["verb"]
        if verb in _ACTS:
            with at_shell():
                self._act(verb, options)
        elif verb in _PAUSING:
            with at_shell():
                self._pausing(verb, options["destination"])
        else:
            getattr(self, f"_{verb}")(options)

    def _pausing(self, verb: str, name: str) -> None:
        where = name or EVERYWHERE
        act = administer.pause if verb == "pause" else administer.resume
        place = f"to {name}" if name else "to any other server"
        if not act(where):
            state = "paused already" if verb == "pause" else "not paused"
            raise CommandError(f"Sending {place} is {state}.")
        self._line(f"Sending {place} {'is paused' if verb == 'pause' else 'goes on'}.")

    def _list(self, options: dict[str, Any]) -> None:
        rows = queries.page(
            limit=options["limit"], state=options["state"], destination=options["destination"]
        )
        if options["json"]:
            self._json([_as_data(row) for row in rows])
            return
        for row in rows:
            held = f"  not before {_time(row.hold_until_us)}" if row.hold_until_us else ""
            self._line(
                f"{ulid_text(row.id)}  {row.state:8}  {_time(row.received_at_us)}  {row.size:>10}"
                f"  <{row.sender}>{held}"
            )
            if row.last_error:
                self._line(f"    {row.last_error}")
            for recipient in row.recipients:
                self._line(f"    {_recipient_text(recipient)}")
        if not rows:
            self._line("The queue is empty.")

    def _destinations(self, options: dict[str, Any]) -> None:
        rows = queries.destinations(options["limit"])
        if options["json"]:
            self._json([asdict(row) for row in rows])
            return
        if paused := queries.paused_everywhere():
            since = f"since {_time(paused.paused_at_us)} by {paused.paused_by}"
            self._line(f"Sending to other servers is paused {since}.")
        for row in rows:
            self._line(_destination_text(row))
        if not rows:
            self._line("No mail waits to be sent.")

    def _show(self, options: dict[str, Any]) -> None:
        (message_id,) = _ids([options["id"]])
        row = queries.one(message_id)
        if row is None:
            raise CommandError(f"There is no message {options['id']} in the queue.")
        attempts = queries.attempts_of(message_id)
        events = trace.events_of(row.trace_id)
        if options["json"]:
            steps = [{"at_us": event.at_us, "kind": event.kind, **event.data} for event in events]
            tries = [asdict(attempt) for attempt in attempts]
            self._json({**_as_data(row), "attempts": tries, "trace": steps})
            return
        for key, value in _facts(row):
            self._line(f"{key:16} {value}")
        for recipient in row.recipients:
            self._line(f"{'recipient':16} {_recipient_text(recipient)}")
        for attempt in attempts:
            for line in _attempt_lines(attempt):
                self._line(line)
        for event in events:
            for sentence in story.sentences(event):
                self._line(f"{story.moment(event.at_us)}  {event.kind:16} {sentence}")

    def _act(self, verb: str, options: dict[str, Any]) -> None:
        ids = _ids(options["id"])
        if options["destination"]:
            ids += queries.bound_for(options["destination"])
        elif not ids:
            raise CommandError("Name messages by their queue ids, or a --destination.")
        act = administer.release_hold if verb == "release" else getattr(administer, verb)
        reason = [options["reason"]] if "reason" in options else []
        count = sum(act(part, *reason) for part in _portions(ids))
        if not count:
            raise CommandError("No message of that id is in a state where this can be done.")
        self._line(f"{count} {_DONE[verb]}.")

    def _json(self, data: Any) -> None:
        self.stdout.write(json.dumps(data, indent=1))

    def _line(self, text: str) -> None:
        """Strangers choose senders and replies: nothing of them may drive a terminal."""
        self.stdout.write(printable(text))


def _portions(ids: list[UUID]) -> Iterator[list[UUID]]:
    for first in range(0, len(ids), AT_ONCE):
        yield ids[first : first + AT_ONCE]


def _count(word: str) -> int:
    number = int(word)
    if number < 1:
        raise ValueError
    return number


def _output(parser: ArgumentParser) -> None:
    parser.add_argument("--limit", type=_count, default=100, help="at most so many")
    parser.add_argument("--json", action="store_true", help="one JSON array")


def _ids(words: list[str]) -> list[UUID]:
    found = [parse_ulid(word) for word in words]
    if None in found:
        raise CommandError(f"{words[found.index(None)]!r} is not a queue id.")
    return [item for item in found if item is not None]


def _as_data(row: QueueRow) -> dict[str, Any]:
    return {**asdict(row), "id": ulid_text(row.id), "trace_id": ulid_text(row.trace_id)}


def _facts(row: QueueRow) -> Iterator[tuple[str, str]]:
    yield "id", ulid_text(row.id)
    if row.trace_id != row.id:
        yield "trace", ulid_text(row.trace_id)
    yield "sender", f"<{row.sender}>"
    yield "state", f"{row.state}: {row.last_error}" if row.last_error else row.state
    yield "size", f"{row.size} bytes"
    known = {key: value for key, value in row.client.items() if key in _CLIENT and value}
    told = "".join(f", {key} {value}" for key, value in known.items())
    yield "received", f"{_time(row.received_at_us)}, door {row.door}{told}"
    if row.hold_until_us:
        yield "not before", _time(row.hold_until_us)


def _recipient_text(one: RecipientRow) -> str:
    written = f" (written to {one.original})" if one.original != one.address else ""
    way = f"  {one.destination}" if one.destination else ""
    when = ""
    if one.is_under_way:
        when = "  under way"
    elif one.next_attempt_us:
        when = f"  {one.attempts} tries, next {_time(one.next_attempt_us)}"
    return f"{one.address}{written}  {one.state}{way}{when}  {one.reply}".rstrip()


def _destination_text(row: DestinationRow) -> str:
    if row.paused_at_us:
        how = f"paused since {_time(row.paused_at_us)} by {row.paused_by}"
    elif row.closed_until_us:
        how = f"closed until {_time(row.closed_until_us)} after {row.failures} failures"
        how += f": {row.last_reply}"
    elif row.under_way:
        how = f"{row.under_way} under way"
    elif row.due or not row.next_us:
        how = f"{row.due} due"
    else:
        how = f"next {_time(row.next_us)}"
    held = f", {row.held} held" if row.held else ""
    since = f"  since {_time(row.oldest_us)}" if row.oldest_us else ""
    return f"{row.waiting:>8} waiting{held}{since}  {row.name}  {how}"


def _attempt_lines(one: AttemptRow) -> Iterator[str]:
    tls = f" over {one.tls}" if one.tls else ""
    yield f"{'attempt':16} {_time(one.at_us)}  {one.address}  {one.outcome}"
    yield f"{'':16} {one.remote or 'no server'}{tls}: {one.reply}"
    for line in one.transcript.splitlines():
        yield f"{'':18} {line}"


def _time(at_us: int) -> str:
    return story.moment(at_us).partition(".")[0]
