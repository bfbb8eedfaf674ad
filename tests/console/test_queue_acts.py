"""What is done to mail that waits from the console, and taken back."""

import re
from collections.abc import Sequence
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditRecord
from apps.console.services import bulkacts
from apps.delivery import administer, bounce
from apps.delivery.bounce import Fate, Report
from apps.directory.models import User
from apps.mailqueue import queries, services
from apps.mailqueue.models import Aside, MessageState, QueuedMessage, QueuedRecipient
from apps.mailqueue.services import Outgoing
from apps.runtime.clock import now_us
from apps.runtime.ulid import ulid_text
from apps.trace import queries as trace
from tests.console.conftest import browser
from tests.console.test_queue import sent_by
from tests.mailqueue.leaving import NEAR, away, keep, send, settle, states
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db


def bulk(client: Client, name: str, ids: list[UUID], **more: str) -> str:
    data = {"act": name, "id": [ulid_text(one) for one in ids], **more}
    answer = client.post(reverse("console-queue-bulk"), data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def act(client: Client, name: str, message_id: UUID, **more: str) -> str:
    path = reverse("console-queue-act", args=[message_id])
    answer = client.post(path, {"act": name, **more}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def undo(client: Client, text: str) -> str:
    found = re.search(r'name="act" value="([0-9a-f-]{36})"', text)
    assert found is not None
    return client.post(reverse("console-undo"), {"act": found[1]}, follow=True).content.decode()


def ripen() -> None:
    Aside.objects.filter(due_at__gt=0).update(due_at=1)


def deferred(count: int = 1) -> list[UUID]:
    found = send(count, NEAR)
    for message in services.claim_destination(NEAR, count):
        settle(message, "deferred", "451 later", 7200)
    return found


def kinds(message_id: UUID) -> list[str]:
    row = QueuedMessage.objects.get(pk=message_id)
    return [one.kind for one in trace.events_of(row.trace_id) if one.kind.startswith("queue.")]


def state(message_id: UUID) -> str:
    return QueuedMessage.objects.get(pk=message_id).state


def test_it_tries_again_now(operator: User) -> None:
    found = deferred(2)
    assert "2 messages are tried again now." in bulk(browser(operator), "retry", found)
    assert len(services.claim_destination(NEAR, 9)) == 2
    (event,) = [one for one in trace.events_of(found[0]) if one.kind == "queue.retried"]
    assert event.data["by"] == operator.address


def test_it_gives_another_way_and_says_that_it_stays(operator: User) -> None:
    found = deferred()
    assert "That cannot be taken back." in bulk(browser(operator), "reroute", found)
    assert states(found[0]) == ["pending"]


@pytest.mark.parametrize("name", ["hold", "delete", "bounce"])
def test_what_was_done_is_taken_back(operator: User, name: str) -> None:
    client = browser(operator)
    found = deferred(3)
    before = list(QueuedRecipient.objects.order_by("id").values_list())
    text = bulk(client, name, found, sure="1")
    assert {state(one) for one in found} == {MessageState.HELD}
    assert "3 messages are back where they were." in undo(client, text)
    assert list(QueuedRecipient.objects.order_by("id").values_list()) == before
    assert {state(one) for one in found} == {MessageState.ROUTED}
    ripen()
    assert administer.end_due() == 0
    actions = list(AuditRecord.objects.order_by("id").values_list("action", "actor"))
    assert actions[-2:] == [(f"queue.{name}", operator.address), ("queue.undo", operator.address)]


def test_what_is_deleted_goes_in_a_while(operator: User) -> None:
    client = browser(operator)
    (message_id,) = deferred()
    text = bulk(client, "delete", [message_id])
    assert "1 message will be deleted in 30 seconds." in text
    assert "Being deleted" in text
    assert administer.end_due() == 0
    ripen()
    assert administer.end_due() == 1
    assert states(message_id) == ["deleted"]
    assert state(message_id) == MessageState.DONE
    assert not Aside.objects.exists()
    assert "too late" in undo(client, text)
    events = trace.events_of(message_id)
    assert (events[-1].kind, events[-1].data["by"]) == ("queue.deleted", operator.address)


def test_what_is_bounced_is_told_to_its_sender(operator: User, ann: User) -> None:
    client = browser(operator)
    message_id = sent_by(ann)
    asked = act(client, "bounce", message_id)
    assert "Why, for the sender" in asked
    assert state(message_id) == MessageState.ROUTED
    act(client, "bounce", message_id, sure="1", reason="No such\nproject any more.")
    ripen()
    assert administer.end_due() == 1
    assert states(message_id) == ["failed"]
    assert QueuedMessage.objects.filter(sender="", recipients__user=ann).count() == 1
    event = next(one for one in trace.events_of(message_id) if one.kind == "outbound.failed")
    assert event.data["reply"] == "No such project any more."
    assert event.data["by"] == operator.address
    assert not Aside.objects.exists()


def test_a_bounce_waits_for_what_is_under_way(operator: User) -> None:
    (message_id,) = send(1, NEAR)
    (leased,) = services.claim_destination(NEAR, 1)
    bulk(browser(operator), "bounce", [message_id], sure="1")
    ripen()
    assert administer.end_due() == 0
    assert Aside.objects.exists()
    settle(leased, "deferred", "451 later", 60)
    assert administer.end_due() == 1
    assert states(message_id) == ["failed"]
    assert not Aside.objects.exists()


def test_one_that_cannot_be_returned_stops_no_other(
    operator: User, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = sent_by(ann), sent_by(ann)
    for one in (broken, sound):  # due in this order
        bulk(browser(operator), "bounce", [one], sure="1")
    ripen()
    prepare = bounce.prepare

    def prepared(message: Outgoing, fates: Sequence[Fate]) -> list[Report]:
        if message.id == broken:
            raise ValueError("no report can be written of it")
        return prepare(message, fates)

    monkeypatch.setattr(bounce, "prepare", prepared)
    assert administer.end_due() == 1
    assert states(sound) == ["failed"]
    assert states(broken) == ["held"]
    monkeypatch.undo()
    assert administer.end_due() == 1
    assert states(broken) == ["failed"]


def test_a_delete_leaves_what_arrives_meanwhile(operator: User) -> None:
    (message_id,) = send(1, NEAR)
    (leased,) = services.claim_destination(NEAR, 1)
    text = bulk(browser(operator), "delete", [message_id])
    settle(leased, "delivered")
    ripen()
    assert administer.end_due() == 0
    assert states(message_id) == ["delivered"]
    assert not Aside.objects.exists()
    assert "too late" in undo(browser(operator), text)


def test_release_is_taken_back(operator: User, ann: User) -> None:
    client = browser(operator)
    later = now_us() + 3_600_000_000
    scheduled, held = submission(local(ann), hold_until_us=later), submission(away("x@y.test"))
    keep([scheduled, held])
    services.hold([held.id], "looks odd")
    text = bulk(client, "release", [scheduled.id, held.id])
    assert "2 messages are released." in text
    assert not QueuedMessage.objects.filter(hold_until__gt=0).exists()
    assert "2 messages are held again." in undo(client, text)
    assert QueuedMessage.objects.get(pk=scheduled.id).hold_until == later
    row = QueuedMessage.objects.get(pk=held.id)
    assert (row.state, row.last_error, row.is_cleared) == (MessageState.HELD, "looks odd", False)


def test_it_cancels_what_has_not_left(operator: User) -> None:
    (message_id,) = send(1, NEAR)
    assert "1 message is cancelled." in act(browser(operator), "cancel", message_id)
    assert state(message_id) == MessageState.CANCELLED


def test_all_that_fit_the_filter(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulkacts, "MOST", 3)
    send(4, NEAR)
    (far,) = send(1, "mx/far.test")
    data = {"everything": "1", "destination": NEAR}
    text = bulk(browser(operator), "delete", [], **data)
    assert "3 messages will be deleted" in text
    assert "More fit" in text
    assert Aside.objects.count() == 3
    assert state(far) == MessageState.ROUTED


@pytest.mark.parametrize("name", ["retry", "hold", "delete", "reroute", "release", "cancel"])
def test_a_stale_page_is_told_so(operator: User, name: str) -> None:
    client = browser(operator)
    (message_id,) = send(1, NEAR)
    settle(services.claim_destination(NEAR, 1)[0], "delivered")
    assert "it has left the queue meanwhile" in act(client, name, message_id)
    assert "Nothing was chosen that is still in the queue" in bulk(client, name, [message_id])
    assert states(message_id) == ["delivered"]


@pytest.mark.parametrize(
    "ids", [[], ["nonsense"], ["7ZZZZZZZZZZZZZZZZZZZZZZZZZ"], ["\0"], ["0" * 26]]
)
def test_ids_of_nothing_do_nothing(operator: User, ids: list[str]) -> None:
    data = {"act": "delete", "id": ids}
    answer = browser(operator).post(reverse("console-queue-bulk"), data, follow=True)
    assert "Nothing was chosen" in answer.content.decode()


def test_nobody_acts_on_what_is_anothers(admin: User, ann: User, zoe: User) -> None:
    client = browser(admin)
    theirs = sent_by(zoe)
    partly = submission([*local(ann), *local(zoe)])
    keep([partly])
    services.hold([partly.id], "odd")
    for name in ("retry", "hold", "release", "reroute", "bounce", "delete", "cancel"):
        bulk(client, name, [theirs, partly.id], sure="1")
        bulk(client, name, [], everything="1", sure="1")
        path = reverse("console-queue-act", args=[theirs])
        assert client.post(path, {"act": name, "sure": "1"}).status_code == 404
        assert "not yours to act on" in act(client, name, partly.id, sure="1")
    assert state(theirs) == MessageState.ROUTED
    assert state(partly.id) == MessageState.HELD
    assert QueuedMessage.objects.get(pk=partly.id).last_error == "odd"
    assert not Aside.objects.exists()


def test_who_loses_the_role_takes_nothing_back(
    admin: User,
    ann: User,
) -> None:
    client = browser(admin)
    message_id = sent_by(ann)
    text = bulk(client, "delete", [message_id])
    admin.grants.all().delete()
    found = re.search(r'name="act" value="([0-9a-f-]{36})"', text)
    assert found is not None
    assert client.post(reverse("console-undo"), {"act": found[1]}).status_code == 404
    assert state(message_id) == MessageState.HELD


def destination(client: Client, name: str, act: str) -> int:
    data = {"name": name, "act": act}
    return client.post(reverse("console-queue-destination"), data).status_code


def test_operators_pause_and_resume(operator: User) -> None:
    client = browser(operator)
    send(1, NEAR)
    assert destination(client, NEAR, "pause") == 302
    text = client.get(reverse("console-queue")).content.decode()
    assert ">Paused<" in text
    assert operator.address in text
    assert services.claim_destination(NEAR, 9) == []
    assert destination(client, NEAR, "resume") == 302
    assert len(services.claim_destination(NEAR, 9)) == 1
    assert destination(client, "", "pause") == 302
    assert queries.paused_everywhere()
    assert (
        "Sending to other servers is paused"
        in client.get(reverse("console-queue")).content.decode()
    )
    assert destination(client, "", "resume") == 302
    actions = AuditRecord.objects.filter(action__startswith="queue.").order_by("id")
    assert list(actions.values_list("action", "subject")) == [
        ("queue.pause", NEAR),
        ("queue.resume", NEAR),
        ("queue.pause", "all destinations"),
        ("queue.resume", "all destinations"),
    ]


def test_what_fails_again_meanwhile_is_not_tried_again_without_end(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    deferred(2)
    calls: list[int] = []
    hasten = services.hasten_destinations

    def hastened(names: Sequence[str] | None, limit: int) -> int:
        count = hasten(names, limit)
        calls.append(count)
        for message in services.claim_destination(NEAR, 9):  # its worker is quicker than we are
            settle(message, "deferred", "451 later", 7200)
        assert len(calls) < 9
        return count

    monkeypatch.setattr(services, "hasten_destinations", hastened)
    assert destination(browser(operator), NEAR, "hasten") == 302
    assert calls == [2]


def test_operators_try_a_destination_again(operator: User) -> None:
    client = browser(operator)
    deferred(2)
    assert destination(client, NEAR, "hasten") == 302
    assert len(services.claim_destination(NEAR, 9)) == 2


@pytest.mark.parametrize("name", ["pause", "resume", "hasten", "nonsense"])
def test_nobody_else_does_that_to_a_destination(admin: User, name: str) -> None:
    assert destination(browser(admin), NEAR, name) == 404
    assert destination(browser(admin), "", name) == 404
    assert queries.paused_everywhere() is None


@pytest.mark.parametrize("name", ["", "nonsense", "end_due"])
def test_there_are_no_other_acts(operator: User, name: str) -> None:
    client = browser(operator)
    (message_id,) = send()
    assert client.post(reverse("console-queue-bulk"), {"act": name}).status_code == 404
    path = reverse("console-queue-act", args=[message_id])
    assert client.post(path, {"act": name}).status_code == 404
    assert destination(client, NEAR, name) == 404
