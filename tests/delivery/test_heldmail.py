"""Mail that is held back: its sender is told, and the administrators; no flood makes a flood."""

import email
import email.policy
import threading
from dataclasses import replace
from email.message import EmailMessage

import pytest
from django.db import close_old_connections, transaction
from pytest_django.fixtures import Settings

from apps.blobs import services as blobs
from apps.delivery import heldmail
from apps.directory.models import User
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mailqueue.services import EnvelopeRecipient
from apps.provisioning import services as provisioning
from apps.runtime.ulid import ulid_text
from apps.scan.base import Action
from apps.scan.models import Notice
from apps.scan.verdict import ELSEWHERE, Opinion, Verdict
from tests.scan.services.test_quarantine import claim
from tests.support.mail import RAW

pytestmark = pytest.mark.django_db

WHY = "run.exe is a program; it says so"


def notice(user: User, why: str = WHY, raw: bytes = RAW, count: int = 1) -> heldmail.HeldNotice:
    to = [
        EnvelopeRecipient(f"x{n}@outside.invalid", f"x{n}@outside.invalid", None)
        for n in range(count)
    ]
    message = replace(claim(to, raw, "submission"), user_id=user.pk)
    return heldmail.prepare(
        message, raw, Verdict((), {ELSEWHERE: Opinion(0, Action.QUARANTINE, why)})
    )


def send(*held: heldmail.HeldNotice) -> None:
    with transaction.atomic():
        heldmail.send(held)


def letters(to: str) -> list[EmailMessage]:
    """The letters to an address, oldest first."""
    rows = QueuedRecipient.objects.filter(original=to, message__door="report").order_by("pk")
    raws = [blobs.read(row.message.blob_id) for row in rows]
    return [email.message_from_bytes(raw, policy=email.policy.default) for raw in raws]


def test_it_tells_the_sender_and_the_administrators(alice: User) -> None:
    held = notice(alice)
    send(held)
    (mine,) = letters("alice@example.test")
    assert mine["subject"] == "Not sent: Quarterly figures"
    text = mine.get_content()
    assert "Your message has not been sent." in text
    assert WHY in text
    assert "x0@outside.invalid" in text
    (theirs,) = letters("postmaster@example.test")
    assert theirs["subject"] == "A message of alice@example.test is held back"
    text = theirs.get_content()
    assert WHY in text
    assert f"manage.py queue release {ulid_text(held.queue_id)}\n" in text.replace("\r\n", "\n")
    assert {one.sender for one in QueuedMessage.objects.filter(door="report")} == {""}
    assert {one.is_cleared for one in QueuedMessage.objects.filter(door="report")} == {True}


def test_it_goes_to_who_administers_the_domain(alice: User, bob: User) -> None:
    provisioning.add_user("root@example.test", None, is_admin=True)
    send(notice(alice))
    rows = QueuedRecipient.objects.filter(original="postmaster@example.test")
    assert [row.address for row in rows] == ["root@example.test"]


def test_it_makes_no_flood_of_a_flood(alice: User, bob: User, eve: User) -> None:
    send(*(notice(alice) for _ in range(heldmail.TOLD_IN_AN_HOUR + 5)))
    send(notice(bob), notice(eve))
    mine = letters("alice@example.test")
    assert len(mine) == heldmail.TOLD_IN_AN_HOUR
    lasts = ["last letter of this kind" in one.get_content() for one in mine]
    assert lasts == [False] * (heldmail.TOLD_IN_AN_HOUR - 1) + [True]
    assert len(letters("bob@example.test")) == 1
    assert len(letters("postmaster@example.test")) == 1
    assert len(letters("postmaster@other.test")) == 1
    Notice.objects.update(until=0)  # an hour later
    send(notice(alice))
    assert len(letters("alice@example.test")) == heldmail.TOLD_IN_AN_HOUR + 1
    assert len(letters("postmaster@example.test")) == 2
    Notice.objects.update(until=2**40)  # the clock was wrong
    send(notice(alice))
    assert len(letters("postmaster@example.test")) == 3


def test_it_tells_nothing_of_what_was_not_held(alice: User) -> None:
    held = notice(alice)
    with transaction.atomic():
        heldmail.send([held])
        transaction.set_rollback(True)
    assert letters("alice@example.test") == []
    assert not Notice.objects.exists()


@pytest.mark.parametrize(
    "subject", [b"=?utf-8?q?x=0D=0ABcc=3A_eve=40other.test?=", b"{0}{why}%s", b"\xff\x00" * 3000]
)
def test_it_writes_one_field_for_any_subject(alice: User, subject: bytes) -> None:
    raw = RAW.replace(b"Quarterly figures", subject)
    send(notice(alice, "line\r\nBcc: eve@other.test\r\n\r\n{why}", raw))
    for letter in (*letters("alice@example.test"), *letters("postmaster@example.test")):
        assert set(letter.keys()) == {
            *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
            *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
        }
        assert "\nBcc" not in letter.get_content()


def test_it_names_some_of_many_recipients(alice: User) -> None:
    send(notice(alice, count=300))
    text = letters("alice@example.test")[0].get_content()
    assert "x9@outside.invalid, and 290 more" in text
    assert "x10@outside.invalid" not in text


def test_it_sends_on_nothing_of_a_user_who_is_gone(alice: User, settings: Settings) -> None:
    held = notice(alice)
    alice.delete()
    send(held)
    assert not QueuedMessage.objects.filter(door="report").exists()


@pytest.mark.django_db(transaction=True)
def test_it_never_waits_in_a_circle(alice: User, bob: User, eve: User) -> None:
    """Workers hold mail of the same senders at the same moment, each in an order of its own."""
    users = [alice, bob, eve]
    batches = [[notice(user) for user in users] for _ in range(6)]
    start = threading.Barrier(2)
    failed: list[Exception] = []

    def work(mine: list[list[heldmail.HeldNotice]]) -> None:
        start.wait(30)
        try:
            for batch in mine:
                send(*batch)
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)
        finally:
            close_old_connections()

    halves = [batches[:3], [batch[::-1] for batch in batches[3:]]]
    threads = [threading.Thread(target=work, args=(half,)) for half in halves]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert failed == []
    for user in users:
        assert len(letters(user.address)) == 6
    assert len(letters("postmaster@example.test")) == 1
