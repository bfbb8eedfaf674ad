"""`manage.py queue`: what an administrator sees and does."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.delivery import bounce, process
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import MessageState, QueuedMessage, QueuedRecipient
from apps.mailqueue.services import EnvelopeRecipient
from apps.mailstore.models import Entry, Usage
from apps.runtime.clock import now_us
from apps.runtime.ulid import ulid_text
from apps.trace import queries as trace
from apps.wire.errors import StorageUnavailable
from tests.mailqueue.leaving import FAR, NEAR, route, send, settle
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db
VERBS = ("retry", "reroute", "release", "hold", "bounce", "cancel", "delete")
OUTSIDE = EnvelopeRecipient("dave@outside.invalid", "dave@outside.invalid", None)


def queue(*words: str) -> str:
    out = StringIO()
    call_command("queue", *words, stdout=out)
    return out.getvalue()


def test_it_says_that_the_queue_is_empty(db: None) -> None:
    assert queue("list") == "The queue is empty.\n"
    assert json.loads(queue("list", "--json")) == []


def test_it_lists_and_shows(alice: User) -> None:
    item = submission([*local(alice), OUTSIDE])
    accept([item])
    name = ulid_text(item.id)
    assert name in queue("list")
    (row,) = json.loads(queue("list", "--json"))
    assert row["id"] == name
    assert [one["state"] for one in row["recipients"]] == ["pending", "pending"]
    assert "mx.received" in queue("show", name)
    whole = json.loads(queue("show", name, "--json"))
    assert whole["trace"][0]["kind"] == "mx.received"


def test_it_shows_times_and_clients_as_people_read_them(alice: User) -> None:
    client = {"address": "192.0.2.7", "helo": "x\x1b[2J\u202e.test", "connection": "01ARZ"}
    item = replace(submission(local(alice)), client=client)
    accept([item])
    text = queue("show", ulid_text(item.id))
    row = QueuedMessage.objects.get()
    at = datetime.fromtimestamp(row.received_at / 1_000_000, UTC)
    assert f"received         {at:%Y-%m-%d %H:%M:%S}, door mx, address 192.0.2.7, helo x" in text
    assert not {"\x1b", "\u202e"} & set(text)
    assert "not before" not in text
    QueuedMessage.objects.update(hold_until=row.received_at + 86_400_000_000)
    at += timedelta(days=1)
    assert f"not before       {at:%Y-%m-%d %H:%M:%S}\n" in queue("show", ulid_text(item.id))


def test_it_holds_and_retries(alice: User) -> None:
    item = submission(local(alice))
    accept([item])
    name = ulid_text(item.id)
    assert queue("hold", name, "--reason", "looks odd") == "1 held.\n"
    assert not process.run_once()
    assert queue("list", "--state", "held").count(name) == 1
    assert queue("retry", name) == "1 put back to work.\n"
    assert process.run_once()
    assert Entry.objects.count() == 1
    kinds = [event["kind"] for event in json.loads(queue("show", name, "--json"))["trace"]]
    assert kinds[1:3] == ["queue.held", "queue.retried"]


def test_it_deletes_what_waits_for_a_route(alice: User) -> None:
    item = submission([*local(alice), OUTSIDE])
    accept([item])
    process.run_once()
    assert queue("delete", ulid_text(item.id)) == "1 deleted.\n"
    assert QueuedMessage.objects.get().state == MessageState.DONE
    assert Entry.objects.count() == 1


def test_it_shows_where_mail_waits_to_go(db: None) -> None:
    assert queue("destinations") == "No mail waits to be sent.\n"
    send(3, FAR)
    (tried,) = send(1, NEAR)
    settle(mailqueue.claim_destination(NEAR, 1)[0], "deferred", "451 4.7.1 later", 300)
    mailqueue.close_destination(FAR, 60, "nobody \x1b[31m answers")
    text = queue("destinations")
    assert "3 waiting" in text
    assert "closed until" in text
    assert "\x1b" not in text
    far, near = json.loads(queue("destinations", "--json"))
    assert (far["name"], far["waiting"], far["failures"]) == (FAR, 3, 1)
    assert far["closed_until_us"] == far["next_us"] > 0
    assert (near["waiting"], near["due"], near["closed_until_us"]) == (1, 0, 0)
    (row,) = json.loads(queue("list", "--destination", NEAR, "--json"))
    assert row["id"] == ulid_text(tried)
    (recipient,) = row["recipients"]
    assert (recipient["destination"], recipient["attempts"]) == (NEAR, 1)
    assert recipient["next_attempt_us"] > 0
    assert NEAR in queue("list", "--destination", NEAR)
    assert FAR not in queue("list", "--destination", NEAR)


def test_it_shows_what_was_said_at_each_attempt(db: None) -> None:
    (message_id,) = send(1, NEAR)
    settle(mailqueue.claim_destination(NEAR, 1)[0], "deferred", "451 \x1b[2J later", 300)
    text = queue("show", ulid_text(message_id))
    for words in ("mx.near.test [192.0.2.25]:25 over TLSv1.3", "MAIL", "250 OK", "deferred"):
        assert words in text
    assert "\x1b" not in text
    (attempt,) = json.loads(queue("show", ulid_text(message_id), "--json"))["attempts"]
    assert attempt["reply"] == "451 \x1b[2J later"
    assert attempt["transcript"] == "MAIL\n250 OK"


def test_it_shows_what_is_under_way(db: None) -> None:
    send(1, NEAR)
    mailqueue.claim_destination(NEAR, 1)
    assert "under way" in queue("list")
    assert "1 under way" in queue("destinations")


def test_it_tries_again_what_waits_for_a_destination(db: None) -> None:
    send(3, NEAR)
    for message in mailqueue.claim_destination(NEAR, 9):
        settle(message, "deferred", "451 later", 7200)
    assert mailqueue.claim_destination(NEAR, 9) == []
    assert queue("retry", "--destination", NEAR) == "3 put back to work.\n"
    assert len(mailqueue.claim_destination(NEAR, 9)) == 3


def test_it_sends_another_way_what_waits_for_a_destination(db: None) -> None:
    send(2, NEAR)
    assert queue("reroute", "--destination", NEAR) == "2 to be routed anew.\n"
    assert len(mailqueue.claim(9)) == 2


def test_it_gives_up_and_tells_the_sender(alice: User) -> None:
    item = submission([OUTSIDE], sender="alice@example.test")
    accept([item])
    route(NEAR)
    name = ulid_text(item.id)
    assert queue("bounce", name, "--reason", "no such thing") == "1 given up.\n"
    assert QueuedMessage.objects.get(id=item.id).state == MessageState.DONE
    recipient = QueuedRecipient.objects.get(message=item.id)
    assert (recipient.state, recipient.last_reply) == ("failed", "no such thing")
    process.run_once()
    (entry,) = Entry.objects.all()
    assert entry.mailbox.user_id == alice.pk
    kinds = [event.kind for event in trace.events_of(item.trace_id)]
    assert "outbound.failed" in kinds
    assert "bounce.sent" in kinds
    with pytest.raises(CommandError, match="No message of that id"):
        queue("bounce", name)


def test_it_gives_the_space_back_of_what_it_gives_up(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(quota=1_000_000)
    item = submission(local(alice))
    accept([item])
    assert Usage.objects.get(user=alice).reserved == item.size
    queue("hold", ulid_text(item.id))
    queue("bounce", ulid_text(item.id))
    assert Usage.objects.get(user=alice).reserved == 0
    process.run_once()
    assert not Entry.objects.exists()


def test_it_keeps_what_it_cannot_report(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    item = submission([OUTSIDE], sender="alice@example.test")
    accept([item])
    route(NEAR)

    def full(*_: object) -> None:
        raise StorageUnavailable("the disk is away")

    monkeypatch.setattr(bounce, "send", full)
    with pytest.raises(StorageUnavailable):
        queue("bounce", ulid_text(item.id))
    assert QueuedRecipient.objects.get().state == "waiting"
    assert len(mailqueue.claim_destination(NEAR, 9)) == 1


def test_it_releases_and_cancels_what_its_sender_holds_back(alice: User) -> None:
    later = now_us() + 3_600_000_000
    first, second = (submission(local(alice), hold_until_us=later) for _ in range(2))
    accept([first, second])
    assert "not before" in queue("list")
    assert queue("cancel", ulid_text(first.id)) == "1 cancelled.\n"
    assert queue("release", ulid_text(second.id)) == "1 released.\n"
    assert process.run_once() == 1
    assert Entry.objects.count() == 1
    assert QueuedMessage.objects.get(id=first.id).state == MessageState.CANCELLED
    for verb in ("cancel", "release"):
        with pytest.raises(CommandError, match="No message of that id"):
            queue(verb, ulid_text(second.id))


@pytest.mark.parametrize("verb", VERBS)
def test_it_fails_with_a_sentence(db: None, verb: str) -> None:
    with pytest.raises(CommandError, match="is not a queue id"):
        queue(verb, "nonsense")
    with pytest.raises(CommandError, match="No message of that id"):
        queue(verb, "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    with pytest.raises(CommandError, match="No message of that id"):
        queue(verb, "--destination", "mx/nobody.test")
    with pytest.raises(CommandError, match="Name messages"):
        queue(verb)
