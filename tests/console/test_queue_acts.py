"""What is done to mail that waits from the console, and taken back."""

import re
from collections.abc import Sequence
from html import unescape
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


def go_on(client: Client, text: str, **more: str) -> str:
    """Send the form of a page between two portions, as its button does."""
    found = re.search(r'<form class="stack" method="post" action="([^"]+)" data-going>', text)
    assert found is not None, text
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text)
    data = {name: unescape(value) for name, value in fields if name != "csrfmiddlewaretoken"}
    return client.post(found[1], data | more, follow=True).content.decode()


def test_all_that_fit_the_filter_a_portion_at_a_time(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulkacts, "MOST", 3)
    found = send(7, NEAR)
    (far,) = send(1, "mx/far.test")
    client, data = browser(operator), {"everything": "1", "destination": NEAR}
    first = bulk(client, "delete", [], **data)
    assert "done to 7 messages" in first
    assert "3 messages will be deleted" in first
    assert Aside.objects.count() == 3
    send(1, NEAR)  # what comes in meanwhile is not meant
    second = go_on(client, first)
    assert "6 messages will be deleted" in second
    last = go_on(client, second)
    assert "7 messages will be deleted" in last
    assert "data-going" not in last
    assert set(Aside.objects.values_list("message", flat=True)) == set(found)
    assert state(far) == MessageState.ROUTED

    back = undo(client, last)
    assert "1 message is back where it was" in back
    back = go_on(client, back)
    assert "3 messages are back where they were" in back
    back = go_on(client, back)
    assert "The other 2 portions are back too." in back
    assert not Aside.objects.exists()
    assert {state(one) for one in found} == {MessageState.ROUTED}


def test_a_page_that_is_sent_twice_is_taken_back_whole(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reloaded, or clicked twice: both do a portion of one act."""
    monkeypatch.setattr(bulkacts, "MOST", 2)
    found = send(6, NEAR)
    client = browser(operator)
    run = re.search(
        r'name="all_run" value="(\w+)"', client.get(reverse("console-queue")).content.decode()
    )
    assert run is not None
    bulk(client, "delete", [], everything="1", all_run=run[1])
    page = bulk(client, "delete", [], everything="1", all_run=run[1])
    while "data-going" in page:
        page = go_on(client, page)
    assert set(Aside.objects.values_list("message", flat=True)) == set(found)
    page = undo(client, page)
    while "data-going" in page:
        page = go_on(client, page)
    assert "The other 2 portions are back too." in page
    assert not Aside.objects.exists()
    assert {state(one) for one in found} == {MessageState.ROUTED}


def test_it_stops_where_somebody_says_so(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulkacts, "MOST", 2)
    send(5, NEAR)
    client = browser(operator)
    first = bulk(client, "hold", [], everything="1")
    text = go_on(client, first, stop="1")
    assert "2 messages are held" in text
    assert QueuedMessage.objects.filter(state=MessageState.HELD).count() == 2
    assert "back where they were" in undo(client, text)


def test_a_reason_goes_along_with_every_portion(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulkacts, "MOST", 2)
    send(3, NEAR)
    client = browser(operator)
    asked = bulk(client, "bounce", [], everything="1")
    assert "3 messages will not be delivered" in asked
    go_on(client, bulk(client, "bounce", [], everything="1", sure="1", reason='No "such" thing'))
    assert set(Aside.objects.values_list("reason", flat=True)) == {'No "such" thing'}
    assert Aside.objects.count() == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"all_after": "\0", "all_until": "x", "all_done": "-1", "all_run": "7"},
        {"all_after": "7" * 26, "all_done": "9" * 30, "all_run": "\x00" * 36},
        {"all_after": "0" * 26, "all_until": "f" * 32, "all_total": "<b>" * 200},
    ],
)
def test_what_a_form_says_of_the_portions_before_is_a_claim(
    operator: User, ann: User, wrong: dict[str, str]
) -> None:
    sent_by(ann)
    for name in ("delete", "retry"):
        data = {"act": name, "everything": "1", "sure": "1", **wrong}
        answer = browser(operator).post(reverse("console-queue-bulk"), data, follow=True)
        assert answer.status_code == 200
        assert "<b><b>" not in answer.content.decode()


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
