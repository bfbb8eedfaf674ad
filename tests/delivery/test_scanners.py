"""A scanner that is set and does not answer: the message says so, or waits; it is never lost."""

import pytest
from pytest_django import Settings

from apps.delivery import process
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailqueue import queries as queue
from apps.mailqueue.models import MessageState, QueuedMessage
from apps.mailstore import queries as mailstore
from apps.mailstore.models import Entry
from apps.scan import runner
from apps.scan.servers import check
from apps.scan.servers.check import Servers
from tests.support.mail import RAW, RECEIVED, submission
from tests.support.mail import local as recipients
from tests.support.peer import closed_place

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _dead(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(runner, "CHECKS", (Servers(),))
    monkeypatch.setattr(check, "_guards", {})
    settings.CLAMD = closed_place()


def test_it_delivers_with_a_mark(alice: User, settings: Settings) -> None:
    settings.SCANNERS_DEAD = "mark"
    accept([submission(recipients(alice))])
    assert process.run_once()
    (entry,) = Entry.objects.filter(mailbox__user=alice, mailbox__special_use="inbox")
    assert mailstore.shown_bytes(entry.message_id, entry.head_id) == (
        b"Return-Path: <carol@outside.invalid>\r\nDelivered-To: alice@example.test\r\n"
        b"X-Not-Scanned: clamd does not answer: Connection refused\r\n" + RECEIVED + RAW
    )


def test_it_lets_the_message_wait(alice: User, settings: Settings) -> None:
    settings.SCANNERS_DEAD = "defer"
    item = submission(recipients(alice))
    accept([item])
    assert process.run_once()
    assert not process.run_once(), "it is not tried again at once"
    assert not Entry.objects.filter(mailbox__user=alice).exists()
    row = QueuedMessage.objects.get(id=item.id)
    assert row.state == MessageState.ACCEPTED
    assert row.crashes == 0
    assert row.last_error == "clamd does not answer: Connection refused"

    settings.CLAMD = None  # or it is back
    QueuedMessage.objects.update(hold_until=1)
    assert queue.has_due()
    assert process.run_once()
    assert Entry.objects.filter(mailbox__user=alice, mailbox__special_use="inbox").count() == 1
