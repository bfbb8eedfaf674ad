"""`manage.py fsck` above the mail store: what the queue has reserved, and whom a damaged blob hurts
beside the readers of mailboxes."""

import json
from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from apps.blobs.models import Blob
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue import services as mailqueue
from apps.mailqueue.models import QueuedRecipient
from apps.mailqueue.services import EnvelopeRecipient
from apps.mailstore.models import Entry, Usage
from apps.provisioning import services as provisioning
from apps.scan.base import Action, Finding
from apps.scan.services import quarantine
from apps.scan.services.quarantine import Keep
from apps.scan.verdict import Opinion, Verdict
from tests.support.mail import RAW, drain, submission

pytestmark = pytest.mark.django_db


def run(*options: str) -> list[dict[str, Any]]:
    out = StringIO()
    with suppress(SystemExit):
        call_command("fsck", "--json", *options, verbosity=0, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def queued(user: User) -> None:
    """A letter for a user with a quota, that waits."""
    provisioning.change_user(user.address, quota=1_000_000)
    to = EnvelopeRecipient(user.address, user.address, user.pk, is_limited=True)
    accept([submission([to])])


@pytest.mark.parametrize("wrong", [0, 5, 99_999, -1])
def test_it_counts_what_mail_in_the_queue_has_reserved(alice: User, wrong: int) -> None:
    queued(alice)
    usage = Usage.objects.filter(user=alice)
    before = usage.get().reserved
    assert before == QueuedRecipient.objects.get().reserved > 0
    assert run() == []
    usage.update(reserved=wrong)
    (found,) = run()
    assert (found["kind"], found["where"]) == ("counters", "alice@example.test")
    assert [one["outcome"] for one in run("--repair")] == ["mended"]
    assert usage.get().reserved == before
    drain()
    assert Entry.objects.count() == 1
    assert usage.get().reserved == 0
    assert run() == []


def test_it_names_who_else_is_hurt_by_a_damaged_blob(alice: User, bob: User) -> None:
    queued(alice)
    to = EnvelopeRecipient(bob.address, bob.address, bob.pk)
    held = submission([to])
    accept([held])
    (message,) = (one for one in mailqueue.claim(200) if one.id == held.id)
    verdict = Verdict((Finding("VIRUS", 0, "A virus", action=Action.REFUSE),), {bob.pk: Opinion(1)})
    copies = [Keep(one, one.user_id, is_elsewhere=False) for one in message.recipients]
    takings = quarantine.prepare(message, RAW, verdict, copies)
    mailqueue.settle(message.token, [message.id], "done")
    mailqueue.settle_recipients([(one.id, "delivered", "kept") for one in message.recipients])
    quarantine.take(takings)
    Blob.objects.update(inline=b"x")
    damaged = [one for one in run() if one["kind"] == "damaged"]
    assert sorted(one["messages"] for one in damaged) == [
        ["quarantine bob@example.test"],
        ["queue alice@example.test"],
    ]
