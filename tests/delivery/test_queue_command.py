"""`manage.py queue`: what an administrator sees and does."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.delivery import process
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue.models import MessageState, QueuedMessage
from apps.mailqueue.services import EnvelopeRecipient
from apps.mailstore.models import Entry
from apps.runtime.ulid import ulid_text
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db
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


@pytest.mark.parametrize("verb", ["retry", "hold", "delete"])
def test_it_fails_with_a_sentence(db: None, verb: str) -> None:
    with pytest.raises(CommandError, match="is not a queue id"):
        queue(verb, "nonsense")
    with pytest.raises(CommandError, match="No message of that id"):
        queue(verb, "01ARZ3NDEKTSV4RRFFQ69G5FAV")
