"""`manage.py why MESSAGE`: what was found out about a message, and why it is where it is."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.blobs import services as blobs
from apps.delivery import story
from apps.directory.services import users
from apps.mailstore import queries as mailstore
from apps.provisioning.management.noun import printable
from apps.reception.judging import Judgement
from apps.reception.telling import of_judgement
from apps.runtime.ulid import parse_ulid, ulid_text
from apps.scan import engine, queries, replay, telling
from apps.scan.queries import Judged
from apps.scan.record import BrokenRecordError
from apps.scan.verdict import Verdict
from apps.trace import queries as traces
from apps.trace.queries import Found
from apps.wire.errors import MailError

LIMIT = 20
EVENTS = 100  # of a message that was not judged


class Command(BaseCommand):
    help = "Say why a message is where it is: every reason, its points, and what it rests on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "word",
            metavar="ID|MESSAGE-ID|ADDRESS",
            nargs="?",
            help="a trace or queue id (26 letters), or a Message-ID; an address lists its newest"
            " messages",
        )
        parser.add_argument("--user", metavar="ADDRESS", help="the message in this user's mailbox")
        parser.add_argument("--mailbox", metavar="NAME", default="INBOX", help="(INBOX)")
        parser.add_argument("--uid", type=int, metavar="N", help="the UID of the message in it")
        parser.add_argument("--days", type=int, default=7, help="how far back an address looks (7)")
        parser.add_argument(
            "--replay",
            action="store_true",
            help="compute the verdict again from what was looked up then, with the rules of now",
        )
        parser.add_argument("--given", action="store_true", help="show what was looked up, as JSON")
        parser.add_argument("--json", action="store_true", help="write JSON, all of it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = self._find(options)
            self._write(found, options)
        except MailError as error:
            raise CommandError(error.reply.text) from None

    def _write(self, found: list[Judged] | list[Found], options: dict[str, Any]) -> None:
        verdicts = [one for one in found if isinstance(one, Judged)]
        listed = [one for one in found if isinstance(one, Found)]
        if options["json"]:
            documents = [_document(one, options) for one in map(_readable, verdicts)]
            self.stdout.write(json.dumps(documents or [_row(one) for one in listed], indent=1))
        elif listed:
            self._list(listed)
        else:
            for one in verdicts:
                self._tell(one, options)

    def _find(self, options: dict[str, Any]) -> list[Judged] | list[Found]:
        if options["user"] is not None:
            return _kept(_in_mailbox(options))
        word = options["word"]
        if word is None:
            raise CommandError("Name a message: an id, a Message-ID, or --user and --uid.")
        if (identity := parse_ulid(word)) is not None and (one := queries.of_id(identity)):
            return [one]
        written = word if word.startswith("<") else f"<{word}>"
        if judged := queries.of_message_id(written, LIMIT):
            return judged
        found = story.find(word, days=options["days"], limit=LIMIT)
        ids = [one for one in found if isinstance(one, UUID)]
        if not ids and found:
            return [one for one in found if isinstance(one, Found)]
        if not ids:
            raise CommandError(f"Nothing is recorded of {word!r}.")
        return _kept(ids)

    def _list(self, found: list[Found]) -> None:
        judged = queries.of_traces([one.trace_id for one in found])
        for one in found:
            words = "refused at the door" if one.is_refused else "not judged"
            for verdict in judged.get(one.trace_id, ())[:1]:
                words = f"{verdict.points:g} points, {_where(verdict)}"
            people = ", ".join(one.recipients)
            self._line(
                f"{ulid_text(one.trace_id)}  {story.moment(one.at_us)}  {words}  <{one.sender}> to"
                f" {people}"
            )

    def _tell(self, one: Judged, options: dict[str, Any]) -> None:
        self._line(f"Message {ulid_text(one.id)} (trace {ulid_text(one.trace_id)})")
        for line in telling.of_verdict(_readable(one)):
            self._line(line)
        judgement = one.record.case.judgement
        if judgement:
            self._line("\nThe door found:")
            for line in of_judgement(Judgement.from_data(judgement)):
                self._line(f"  {line}")
        if options["given"]:
            self._line("\nWhat was looked up:")
            self.stdout.write(json.dumps(one.record.verdict.given, indent=1))
        if options["replay"]:
            self._line("")
            for line in _replayed(one):
                self._line(line)
        self.stdout.write("")

    def _line(self, text: str) -> None:
        """Strangers choose names, subjects and links: nothing of them may drive a terminal."""
        self.stdout.write("\n".join(printable(line) for line in text.split("\n")))


def _readable(one: Judged) -> Judged:
    """The same; a sentence if it is damaged."""
    try:
        one.record  # noqa: B018 - read here once, and kept
    except BrokenRecordError as error:
        words = f"The verdict of {ulid_text(one.id)} cannot be read: {error}."
        raise CommandError(words) from None
    return one


def _where(judged: Judged) -> str:
    """What became of it, in a word or a few."""
    done = dict.fromkeys(deed.done.value for deed in judged.deeds)
    return " and ".join(done) or telling.OUTCOMES[judged.action]


def _in_mailbox(options: dict[str, Any]) -> list[UUID]:
    if options["uid"] is None:
        raise CommandError("--user needs --uid, the UID of the message in --mailbox.")
    user = users.find(options["user"])
    trace_id = mailstore.trace_of(user.pk, options["mailbox"], options["uid"])
    if trace_id is None:
        raise CommandError(
            f"{user.address} has no message with UID {options['uid']} in {options['mailbox']!r}."
        )
    return [trace_id]


def _kept(trace_ids: list[UUID]) -> list[Judged]:
    """The verdicts; a sentence if there are none: what else is known of these messages."""
    found = queries.of_traces(trace_ids)
    verdicts = [one for trace_id in trace_ids for one in found.get(trace_id, ())]
    if not verdicts:
        raise CommandError("\n".join(_unjudged(trace_ids[0])))
    return verdicts


def _unjudged(trace_id: UUID) -> Iterator[str]:
    """What is recorded of a message that was never scanned, or whose verdict is gone."""
    yield f"No verdict is kept of the message with trace {ulid_text(trace_id)}. What is recorded:"
    for event in traces.events_of(trace_id, EVENTS):
        yield from (f"  {printable(line)}" for line in story.sentences(event))


def _replayed(one: Judged) -> Iterator[str]:
    again = _again(one)
    if again is None:
        yield "It cannot be computed again: the message itself is not kept any more."
        return
    is_same = engine.fingerprint() == one.engine
    rules = "the rules are those of then" if is_same else "the rules have changed since"
    if again == one.record.verdict:
        yield f"Computed again: exactly the same ({rules})."
        return
    yield f"Computed again it would be otherwise ({rules}):"
    before, after = one.record.verdict.findings, again.findings
    yield from (f"  no more: {one.rule} ({one.points:+g})" for one in before if one not in after)
    yield from (f"  new: {one.rule} ({one.points:+g})" for one in after if one not in before)
    for place, opinion in again.opinions.items():
        words = telling.OUTCOMES[opinion.action]
        yield f"  {telling.whose(one.record.case, place)}: {opinion.points:g} points, {words}"


def _again(one: Judged) -> Verdict | None:
    raw = blobs.read_many([one.blob_id]).get(one.blob_id)
    return None if raw is None else replay.again(one.record, raw)


def _document(one: Judged, options: dict[str, Any]) -> dict[str, Any]:
    record = one.record
    document = {
        "id": ulid_text(one.id),
        "trace": ulid_text(one.trace_id),
        "at_us": one.at_us,
        "engine": one.engine,
        "author": record.author,
        "subject": record.subject,
        "sender": record.case.sender,
        "door": record.case.door,
        "client": dict(record.case.client),
        "readers": {str(reader.user_id): reader.address for reader in record.case.readers},
        **record.verdict.as_data(),
        "standings": record.verdict.standings_data(),
        "judgement": dict(record.case.judgement),
        "given": dict(record.verdict.given),
        "done": [
            {"address": deed.address, "done": deed.done.value, "uid": deed.uid, "why": deed.why}
            for deed in one.deeds
        ],
    }
    if options["replay"]:
        again = _again(one)
        document["replay"] = None if again is None else again.as_data()
        document["is_same"] = None if again is None else again == record.verdict
    return document


def _row(one: Found) -> dict[str, Any]:
    return {
        "trace": ulid_text(one.trace_id),
        "at_us": one.at_us,
        "from": one.sender,
        "to": list(one.recipients),
        "refused": one.is_refused,
    }
