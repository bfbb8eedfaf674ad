"""`manage.py trace WORD`: what happened to a message, line by line; or the messages of an address,
a domain, a server, or with words in their subject."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.delivery import story
from apps.delivery.recorder import index
from apps.delivery.recorder import journey as recorder
from apps.delivery.recorder.find import Question, find, is_known
from apps.delivery.recorder.sight import Viewer
from apps.delivery.states import RecipientState
from apps.delivery.story import Story
from apps.mime.address import looks_like_one
from apps.mime.headers import printable
from apps.runtime.clock import now_us
from apps.runtime.ulid import parse_ulid, ulid_text
from apps.trace import services as traces
from apps.trace.models import Direction, Outcome
from apps.trace.passages import Row

CATCH_UP_SECONDS = 20.0
DAY_US = 86_400_000_000


class Command(BaseCommand):
    help = "Tell the story of a message, or list the messages of an address or a subject."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "word",
            metavar="WORD",
            nargs="?",
            default="",
            help="a trace or queue id, or a Message-ID, tells the story of a message; an address,"
            " a domain, an IP address or words of a subject list the newest; none lists all",
        )
        parser.add_argument("--days", type=_count, default=7, help="how far back to look (7)")
        parser.add_argument("--limit", type=_count, default=20, help="at most so many (20)")
        parser.add_argument("--outcome", choices=Outcome.values, default="", help="what became")
        parser.add_argument("--direction", choices=Direction.values, default="", help="which way")
        parser.add_argument(
            "--role", choices=("sender", "recipient"), default="", help="of the address"
        )
        parser.add_argument("--peer", default="", help="name of the other server, or its end")
        parser.add_argument("--json", action="store_true", help="write JSON")
        parser.add_argument(
            "--rebuild", action="store_true", help="index anew all that is recorded"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rebuild"]:
            self._rebuild()
            return
        word = options["word"]
        index.catch_up(seconds=CATCH_UP_SECONDS)
        ids = _meant(word, options["limit"])
        if ids:
            self._stories(ids, as_json=options["json"])
            return
        rows = find(_question(options), Viewer(sees_all=True), most=options["limit"]).rows
        if not rows:
            raise CommandError(f"Nothing is recorded of {word!r}.")
        if options["json"]:
            self.stdout.write(json.dumps([_row_data(one) for one in rows], indent=1))
            return
        for one in rows:
            self._list(one)

    def _rebuild(self) -> None:
        traces.forget_index()
        step = index.catch_up(seconds=86_400)
        self.stdout.write(f"Indexed {step.messages:,} messages of {step.events:,} events.")

    def _stories(self, ids: list[UUID], *, as_json: bool) -> None:
        stories = [story.tell(one) for one in ids]
        if as_json:
            self.stdout.write(json.dumps([_story_data(one) for one in stories], indent=1))
            return
        for one in stories:
            self._tell(one)

    def _list(self, one: Row) -> None:
        more = f" and {one.recipients - 1} more" if one.recipients > 1 else ""
        what = one.cause or one.outcome.capitalize()
        about = f"<{one.sender}> to {one.recipient}{more}: {what}"
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


def _meant(word: str, limit: int) -> list[UUID]:
    """The messages that an id means. A Message-ID without its brackets looks like an address: it is
    one if no such address took part in anything."""
    if parse_ulid(word) is None and not word.startswith("<"):
        is_address = not looks_like_one(word) or is_known(word)
        word = "" if is_address else f"<{word}>"
    if not word:
        return []
    stored = [one for one in story.find(word, days=1, limit=limit) if isinstance(one, UUID)]
    rows = find(Question(word), Viewer(sees_all=True), most=limit).rows
    return list(dict.fromkeys([*stored, *(row.trace_id for row in rows)]))[:limit]


def _question(options: dict[str, Any]) -> Question:
    return Question(
        text=options["word"],
        since_us=now_us() - options["days"] * DAY_US,
        direction=options["direction"],
        outcome=options["outcome"],
        role=options["role"],
        peer=options["peer"],
    )


def _row_data(one: Row) -> dict[str, Any]:
    return {
        "trace": ulid_text(one.trace_id),
        "at_us": one.at_us,
        "direction": one.direction,
        "from": one.sender,
        "to": [one.recipient] if one.recipient else [],
        "recipients": one.recipients,
        "subject": one.subject,
        "outcome": one.outcome,
        "cause": one.cause,
        "refused": one.outcome == Outcome.REFUSED,
        "peer": one.peer,
        "points": one.points,
        "took_us": one.took_us,
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
