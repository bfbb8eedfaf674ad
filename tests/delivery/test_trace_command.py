"""`manage.py trace`: the story of a message for whoever asks by address, id or Message-ID."""

import json
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from apps.delivery import process, story
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailauth.types import Authentication, Dkim, Dmarc, Policy, Result, Spf
from apps.mailqueue.services import EnvelopeRecipient, Submission
from apps.reception.judging import Case, Judgement
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid, ulid_text
from apps.trace import services as traces
from apps.trace.queries import Recorded
from apps.trace.services import Event
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db

DAVE = "dave@outside.invalid"


def trace(*words: str) -> str:
    out = StringIO()
    call_command("trace", *words, stdout=out)
    return out.getvalue()


def sent(user: User) -> UUID:
    """A message from a user to Dave that another server accepted."""
    item = submission([EnvelopeRecipient(DAVE, DAVE, None)], sender=user.address)
    fields = {name: getattr(item, name) for name in Submission.__dataclass_fields__}
    accept([Submission(**{**fields, "user_id": user.pk, "message_id": "<q3@outside.invalid>"})])
    told = {"to": DAVE, "host": "mx.outside.invalid", "address": "192.0.2.7:25", "reply": "250 ok"}
    traces.record([Event(item.trace_id, "outbound.delivered", {**told, "tls": "TLSv1.3"})])
    return item.trace_id


def test_it_tells_the_story_of_one_message(alice: User) -> None:
    name = ulid_text(sent(alice))
    told = trace(name)
    assert told.startswith(
        f"Trace {name}\nDelivered: mx.outside.invalid accepted it over TLSv1.3\n"
    )
    assert (
        "Accepted at the door mx from 192.0.2.1 (outside.invalid): <alice@example.test> to"
        " dave@outside.invalid" in told
    )
    assert (
        "The copy for dave@outside.invalid was accepted by mx.outside.invalid [192.0.2.7:25] over"
        " TLSv1.3: 250 ok" in told
    )
    assert (
        "dave@outside.invalid: delivered. Accepted by mx.outside.invalid over TLSv1.3. (250 ok)"
        in told
    )


def test_it_tells_what_was_refused_and_what_strangers_said_in_it() -> None:
    """Every text of theirs, and no octet that drives a terminal."""
    found = Authentication(
        spf=Spf(Result.FAIL, "x.test", mechanism="\x1b[2Jall", explanation="evil\x07"),
        dkim=(Dkim(Result.PERMERROR, "", reason="\r\nno"),),
        dmarc=Dmarc(Result.FAIL, "bank.test", policy=Policy.REJECT, disposition=Policy.REJECT),
    )
    one = new_ulid()
    refused = {
        "address": "192.0.2.1",
        "helo": "\x1b]0;title\x07\u202e",
        "from": "a@x.test",
        "to": ["b@example.test"],
        "stage": "data",
        "why": "it is forged",
        "reply": "550 5.7.26 Line\nline",
    }
    judged = Judgement(Case(found, doubts=("calls itself \x1b[31m",))).as_data()
    traces.record([Event(one, "mx.refused", refused), Event(one, "reception.judged", judged)])
    told = trace(ulid_text(one))
    assert "to b@example.test: it is forged. The answer was: 550 5.7.26 Line / line" in told
    assert 'It explains: "' in told
    assert len(told.splitlines()) == 2 + 1 + 5  # its heading; the refusal; what was found out
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(told)


@pytest.mark.parametrize("word", ["<q3@outside.invalid>", "q3@outside.invalid"])
def test_it_finds_sent_mail_by_its_message_id(alice: User, word: str) -> None:
    name = ulid_text(sent(alice))
    assert trace(word) == trace(name)


def test_it_finds_received_mail_by_its_message_id(alice: User) -> None:
    item = submission(local(alice))
    accept([item])
    process.run_once()
    told = trace("<q3@outside.invalid>")
    assert told.startswith(f"Trace {ulid_text(item.trace_id)}\n")
    assert "The copy for alice@example.test was filed in mailbox" in told
    assert "alice@example.test: delivered. In the mailbox." in told


@pytest.mark.parametrize("word", ["alice@example.test", "ALICE@example.test", DAVE])
def test_it_lists_the_messages_of_an_address(alice: User, word: str) -> None:
    first, second = sent(alice), sent(alice)
    accept([submission([EnvelopeRecipient("x@y.invalid", "x@y.invalid", None)])])
    lines = trace(word).splitlines()
    assert [line.split()[0] for line in lines] == [ulid_text(second), ulid_text(first)]
    assert "<alice@example.test> to dave@outside.invalid: " in lines[0]
    assert len(trace(word, "--limit", "1").splitlines()) == 1


def test_it_lists_by_what_became_of_messages(alice: User) -> None:
    name = ulid_text(sent(alice))
    assert name in trace("outside.invalid", "--outcome", "delivered", "--role", "recipient")
    assert name in trace()
    with pytest.raises(CommandError, match="Nothing is recorded"):
        trace(DAVE, "--outcome", "refused")
    with pytest.raises(CommandError):
        trace(DAVE, "--outcome", "odd")


def test_it_indexes_anew(alice: User) -> None:
    name = ulid_text(sent(alice))
    assert name in trace(DAVE)
    assert trace("--rebuild") == "Indexed 1 messages of 2 events.\n"
    assert name in trace(DAVE)


def test_it_looks_back_only_so_far(alice: User) -> None:
    old = now_us() - 3 * 86_400_000_000
    told = {"from": DAVE, "to": ["x@y.invalid"], "queue_id": "x"}
    traces.record([Event(new_ulid(), "mx.received", told, old)])
    assert DAVE in trace(DAVE)
    with pytest.raises(CommandError, match="Nothing is recorded"):
        trace(DAVE, "--days", "2")


def test_it_writes_json_for_programs(alice: User) -> None:
    name = ulid_text(sent(alice))
    (told,) = json.loads(trace(name, "--json"))
    assert told["trace"] == name
    assert [event["kind"] for event in told["events"]] == ["mx.received", "outbound.delivered"]
    (recipient,) = told["recipients"]
    assert (recipient["address"], recipient["state"], recipient["host"]) == (
        DAVE,
        "delivered",
        "mx.outside.invalid",
    )
    (found,) = json.loads(trace(DAVE, "--json"))
    assert (found["trace"], found["from"], found["to"]) == (name, "alice@example.test", [DAVE])


@pytest.mark.parametrize(
    "word", [ulid_text(UUID(int=7)), "<nothing@here>", "nobody@y.invalid", "?"]
)
def test_it_says_when_nothing_is_known(db: None, word: str) -> None:
    with pytest.raises(CommandError, match="Nothing is recorded of"):
        trace(word)


def test_it_lets_no_stranger_drive_the_terminal(alice: User) -> None:
    trace_id = sent(alice)
    evil = "250 \x1b[2J\r\n\x9b31mroot# \u2028\0"
    traces.record([Event(trace_id, "outbound.failed", {"to": DAVE, "reply": evil, "host": evil})])
    told = trace(ulid_text(trace_id))
    assert not {"\x1b", "\r", "\x9b", "\u2028", "\0"} & set(told)


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("outbound.deferred", {"to": DAVE}, "has to wait. Nothing was said."),
        ("outbound.deferred", {"next_at": "x" * 99}, "To be tried again at ?."),
        (
            "submission.received",
            {"queue_id": "Q", "until": 1_795_000_000_000_000},
            "queue id Q. It is held back until 2026-11-18 11:06:40.000.",
        ),
        (
            "queue.rescheduled",
            {"until": 1_795_000_000_000_000},
            "To be sent at 2026-11-18 11:06:40.000 instead.",
        ),
        ("submission.limited", {"account": "a", "why": "Full"}, "a has reached a limit: Full"),
        (
            "outbound.deferred",
            {"to": DAVE, "host": "mx", "reply": "450 later", "next_at": 1_795_000_000_000_000},
            "mx: 450 later. To be tried again at 2026-11-18 11:06:40.000.",
        ),
        ("outbound.failed", {"to": DAVE, "reply": "given up"}, "failed for good. Given up."),
        ("outbound.failed", {"to": DAVE, "original": "info@example.test"}, "written to info@"),
        ("queue.held", {"why": "odd"}, "Held: odd."),
        ("queue.held", {"why": "odd", "to": DAVE}, f"Held for {DAVE}: odd."),
        ("queue.cancelled", {}, "Cancelled before it was sent."),
        ("bounce.dropped", {"about": [DAVE, "x"], "why": "no"}, f"told about {DAVE}, x: no."),
        ("bounce.sent", {"action": "failed", "to": "a"}, "A report (failed) about ? went to a"),
        (
            "bounce.received",
            {"to": DAVE, "action": "failed", "status": "5.1.1", "host": "mx", "reply": "no"},
            f"A report came back about {DAVE}: failed 5.1.1, mx said: no",
        ),
        ("scan.judged", {"action": "none", "points": 0}, "Scanned: action none, 0 points."),
        (
            "scan.judged",
            {"action": "junk", "points": 6.5, "why": "it offers watches"},
            "Scanned: action junk, 6.5 points. Because it offers watches.",
        ),
        ("new.kind", {"x": [1]}, 'new.kind {"x": [1]}'),
    ],
)
def test_it_has_a_sentence_for_every_kind(kind: str, data: dict[str, object], words: str) -> None:
    assert words in story.sentence(Recorded(1, kind, data))
