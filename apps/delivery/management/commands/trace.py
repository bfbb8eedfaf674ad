"""`manage.py trace ADDRESS|ID|MESSAGE-ID`: what happened to a message, line by line."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.delivery import story
from apps.delivery.recorder import journey as recorder
from apps.delivery.recorder.sight import Viewer
from apps.delivery.states import RecipientState
from apps.delivery.story import Story
from apps.mime.headers import printable
from apps.runtime.ulid import ulid_text
from apps.trace.queries import Found


class Command(BaseCommand):
    help = "Tell the story of a message, or list the messages of an address."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "word",
            metavar="ADDRESS|ID|MESSAGE-ID",
            help="an address lists its newest messages; a trace or queue id, or a Message-ID,"
            " tells the story of one",
        )
        parser.add_argument("--days", type=_count, default=7, help="how far back to look (7)")
        parser.add_argument("--limit", type=_count, default=20, help="at most so many (20)")
        parser.add_argument("--json", action="store_true", help="write JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = story.find(options["word"], days=options["days"], limit=options["limit"])
        if not found:
            raise CommandError(f"Nothing is recorded of {options['word']!r}.")
        ids = [one for one in found if isinstance(one, UUID)]
        if not ids:
            self._list([one for one in found if isinstance(one, Found)], as_json=options["json"])
            return
        stories = [story.tell(one) for one in ids]
        if options["json"]:
            self.stdout.write(json.dumps([_story_data(one) for one in stories], indent=1))
            return
        for one in stories:
            self._tell(one)

    def _list(self, found: list[Found], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps([_found_data(one) for one in found], indent=1))
            return
        for one in found:
            people = ", ".join(one.recipients)
            refused = ", refused" if one.is_refused else ""
            about = f"<{one.sender}> to {people}{refused}"
            self._line(f"{ulid_text(one.trace_id)}  {story.moment(one.at_us)}  {about}")

    def _tell(self, one: Story) -> None:
        self._line(f"Trace {ulid_text(one.trace_id)}")
        journey = recorder.tell(one.trace_id, Viewer(sees_all=True))
        if journey is not None:
            self._line(journey.headline)
        for event in one.events:
            for sentence in story.sentences(event):
                self._line(f"{story.moment(event.at_us)}  {sentence}")
            for said in story.dialogue(event):
                self._line(f"    {said}")
        for recipient in one.recipients:
            reply = f" ({recipient.reply})" if recipient.reply else ""
            self._line(f"{recipient.shown}: {recipient.state}. {recipient.text}{reply}")

    def _line(self, text: str) -> None:
        """Strangers choose senders, names and replies: nothing of them may drive a terminal."""
        self.stdout.write(printable(text))


def _count(word: str) -> int:
    number = int(word)
    if number < 1:
        raise ValueError
    return number


def _found_data(one: Found) -> dict[str, Any]:
    return {
        "trace": ulid_text(one.trace_id),
        "at_us": one.at_us,
        "from": one.sender,
        "to": list(one.recipients),
        "refused": one.is_refused,
    }


def _story_data(one: Story) -> dict[str, Any]:
    return {
        "trace": ulid_text(one.trace_id),
        "events": [
            {"at_us": event.at_us, "kind": event.kind, **event.data} for event in one.events
        ],
        "recipients": [_recipient_data(recipient) for recipient in one.recipients],
    }


def _recipient_data(one: RecipientState) -> dict[str, Any]:
    return {
        "address": one.address,
        "state": one.state.value,
        "text": one.text,
        "at_us": one.at_us,
        "host": one.host,
        "tls": one.tls,
        "reply": one.reply,
        "status": one.status,
        "next_at_us": one.next_at_us,
        "tries": one.tries,
        "members": one.members,
        "reached": one.reached,
    }
