"""A letter leaves once, or is still being written."""

import email
import email.policy
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from apps.blobs.backends.contract import MissingObjectError
from apps.blobs.models import Blob
from apps.blobs.storage import backend
from apps.delivery import process
from apps.delivery.posting import TooLate
from apps.delivery.recorder import index
from apps.directory.models import SendLimit, User
from apps.events import bell
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mailstore import queries
from apps.mailstore.models import FLAG_ANSWERED, FLAG_DRAFT, FLAG_SEEN, Entry, Mailbox
from apps.mailstore.origin import Origin
from apps.mailstore.services import sharing
from apps.mailstore.services.append import Appending, append
from apps.mailstore.services.prepare import prepare
from apps.runtime.clock import now, now_us
from apps.runtime.ulid import new_ulid
from apps.trace.models import Direction, Party, Passage, Role
from apps.webmail.models import Draft, DraftState
from apps.webmail.services import drafts, sending
from apps.webmail.services.drafts import Overtaken
from apps.webmail.writing.fields import FieldRefused, Fields
from apps.wire.errors import Gone, NotFound, SenderNotAllowed, SendLimitReached
from tests.support.mail import RAW, drain

pytestmark = pytest.mark.django_db
WEB = Origin("web", None)
HOUR = 3_600


def typed(**fields: Any) -> Fields:
    usual: dict[str, Any] = {
        "to": "bob@example.test",
        "subject": "Offer",
        "text": "Hello Bob.",
        "is_plain": True,
    }
    return Fields(**(usual | fields))


def written(user: User, source: str = "", kind: str = "new", **fields: Any) -> Draft:
    """A letter as the composer has saved it."""
    return drafts.save(
        user=user,
        draft_id=new_ulid(),
        revision=0,
        fields=typed(**fields),
        origin=WEB,
        kind=kind,
        source=source,
    )


def send(user: User, draft: Draft, **more: Any) -> Draft:
    return sending.send(user=user, draft_id=draft.id, revision=draft.revision, origin=WEB, **more)


def box(user: User, use: str) -> int:
    return Mailbox.objects.get(user=user, special_use=use).pk


def held(user: User, use: str) -> list[tuple[str, int]]:
    """Subject and flags of what lies in a mailbox."""
    found = Entry.objects.filter(mailbox__user=user, mailbox__special_use=use).order_by("uid")
    return list(found.values_list("message__subject", "flags"))


def read(user: User, use: str) -> Any:
    """The last message of a mailbox, by another reader of mail than ours."""
    entry = Entry.objects.filter(mailbox=box(user, use)).order_by("uid").last()
    assert entry is not None
    raw = queries.shown_bytes(entry.message_id, entry.head_id)
    return email.message_from_bytes(raw, policy=email.policy.SMTP)


def received(user: User) -> str:
    """A message in the inbox of a user; its ref."""
    inbox = box(user, "inbox")
    message = Appending(prepare(RAW, trace_id=new_ulid()), 1_795_000_000)
    (made,) = append(mailbox_id=inbox, user_id=user.pk, messages=[message], origin=WEB)
    return f"{inbox}.{made.uid}"


def flags_of(ref: str) -> int:
    mailbox, uid = ref.split(".")
    return Entry.objects.get(mailbox_id=mailbox, uid=uid).flags


def test_it_goes_into_the_queue_and_into_sent_at_once(alice: User, bob: User) -> None:
    draft = written(alice, bcc="eve@elsewhere.example")
    assert send(alice, draft).state == DraftState.SENT
    assert held(alice, "drafts") == []
    assert held(alice, "sent") == [("Offer", FLAG_SEEN)]
    drain()
    arrived, kept = read(bob, "inbox"), read(alice, "sent")
    assert arrived["from"] == kept["from"]
    assert arrived["message-id"] == kept["message-id"] == draft.message_id
    assert arrived.get_content().strip() == "Hello Bob."
    assert (arrived["bcc"], kept["bcc"]) == (None, "eve@elsewhere.example")
    assert not arrived.defects
    outside = QueuedRecipient.objects.get(address="eve@elsewhere.example")
    assert outside.state == "waiting"


def test_the_trace_knows_that_its_user_has_sent_it(alice: User, bob: User) -> None:
    send(alice, written(alice, to="eve@elsewhere.example"))
    drain()
    index.catch_up(seconds=10)
    passage = Passage.objects.get(direction=Direction.OUTGOING)
    sender = Party.objects.get(trace_id=passage.trace_id, role=Role.SENDER)
    assert (passage.door, sender.user_id) == ("webmail", alice.pk)


def test_queue_and_sent_share_their_bytes(alice: User, bob: User) -> None:
    draft = written(alice)
    before = Blob.objects.count()
    send(alice, draft)
    assert Blob.objects.count() == before + 1
    entry = Entry.objects.get(mailbox=box(alice, "sent"))
    assert QueuedMessage.objects.get().blob_id == entry.message.blob_id


def test_two_clicks_are_one_message(alice: User, bob: User) -> None:
    draft = written(alice)
    first, second = send(alice, draft), send(alice, draft)
    assert first.queue_id == second.queue_id
    assert QueuedMessage.objects.count() == 1
    assert len(held(alice, "sent")) == 1


def test_the_second_of_two_at_the_same_moment_finds_it_gone(alice: User, bob: User) -> None:
    draft = written(alice)
    one = sending._prepared(alice, draft, 0, 0)
    other = sending._prepared(alice, draft, 0, 0)
    assert sending._carry(one, WEB, DraftState.OPEN).queue_id == one.submission.id
    assert sending._carry(other, WEB, DraftState.OPEN).queue_id == one.submission.id
    assert QueuedMessage.objects.count() == 1


def test_another_tab_that_has_not_seen_the_last_word_is_told(alice: User, bob: User) -> None:
    draft = written(alice)
    again: dict[str, Any] = {"user": alice, "draft_id": draft.id, "origin": WEB}
    drafts.save(**again, revision=1, fields=typed(text="Hello Bob. One more thing."))
    with pytest.raises(Overtaken):
        sending.send(**again, revision=1)
    assert not QueuedMessage.objects.exists()


def test_it_is_held_back_for_the_time_of_undo(alice: User, bob: User) -> None:
    draft = send(alice, written(alice), undo_seconds=10)
    assert 9_000_000 < draft.hold_until - now_us() <= 10_000_000
    assert process.run_once() == 0
    QueuedMessage.objects.update(hold_until=1)
    drain()
    assert held(bob, "inbox") == [("Offer", 0)]


def test_undo_opens_it_again(alice: User, bob: User) -> None:
    ref = received(alice)
    draft = written(alice, source=ref, kind="reply")
    send(alice, draft, undo_seconds=10)
    assert flags_of(ref) & FLAG_ANSWERED
    back = sending.undo(user=alice, draft_id=draft.id, origin=WEB)
    assert (back.state, back.queue_id) == (DraftState.OPEN, None)
    assert held(alice, "sent") == []
    assert held(alice, "drafts") == [("Offer", FLAG_SEEN | FLAG_DRAFT)]
    assert not flags_of(ref) & FLAG_ANSWERED
    assert drafts.fields_of(back).text == "Hello Bob."
    QueuedMessage.objects.update(hold_until=1)
    drain()
    assert held(bob, "inbox") == []
    assert sending.undo(user=alice, draft_id=draft.id, origin=WEB).state == DraftState.OPEN


def test_it_is_sent_again_after_undo(alice: User, bob: User) -> None:
    draft = written(alice)
    send(alice, draft, undo_seconds=10)
    back = sending.undo(user=alice, draft_id=draft.id, origin=WEB)
    saved = drafts.save(
        user=alice,
        draft_id=draft.id,
        revision=back.revision,
        fields=typed(text="Better."),
        origin=WEB,
    )
    send(alice, saved)
    QueuedMessage.objects.update(hold_until=0)
    drain()
    assert held(bob, "inbox") == [("Offer", 0)]
    assert read(bob, "inbox").get_content().strip() == "Better."


def test_undo_comes_too_late_once_it_left(alice: User, bob: User) -> None:
    draft = written(alice)
    send(alice, draft, undo_seconds=10)
    QueuedMessage.objects.update(hold_until=1)
    drain()
    with pytest.raises(TooLate):
        sending.undo(user=alice, draft_id=draft.id, origin=WEB)
    assert Draft.objects.get().state == DraftState.SENT
    assert held(alice, "sent") == [("Offer", FLAG_SEEN)]
    assert held(alice, "drafts") == []


def test_a_mark_that_was_there_before_stays_after_undo(alice: User, bob: User) -> None:
    ref = received(alice)
    Entry.objects.update(flags=FLAG_ANSWERED)
    draft = send(alice, written(alice, source=ref, kind="reply"), undo_seconds=10)
    sending.undo(user=alice, draft_id=draft.id, origin=WEB)
    assert flags_of(ref) & FLAG_ANSWERED


def test_what_is_sent_on_is_marked_so(alice: User, bob: User) -> None:
    ref = received(alice)
    send(alice, written(alice, source=ref, kind="forward"))
    mailbox = int(ref.split(".")[0])
    assert "$Forwarded" in queries.keyword_names(mailbox)


def test_undo_works_though_the_copy_was_deleted(alice: User, bob: User) -> None:
    draft = send(alice, written(alice), undo_seconds=10)
    Entry.objects.filter(mailbox=box(alice, "sent")).delete()
    sending.undo(user=alice, draft_id=draft.id, origin=WEB)
    assert held(alice, "drafts") == [("Offer", FLAG_SEEN | FLAG_DRAFT)]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"to": ""}, "to", "somebody"),
        ({"to": "bob@example.test, nonsense"}, "to", "no mail address: nonsense"),
        ({"to": "nobody@example.test"}, "to", "no mailbox nobody@example.test"),
        ({"cc": "@@"}, "cc", "no mail address"),
        ({"bcc": "x@example.test"}, "bcc", "no mailbox x@example.test"),
        ({"to": ", ".join(f"a{n}@b.example" for n in range(1_001))}, "to", "1000 addresses"),
    ],
)
def test_who_cannot_have_it_is_told_before_it_leaves(
    alice: User, bob: User, fields: dict[str, str], field: str, words: str
) -> None:
    draft = written(alice, **fields)
    with pytest.raises(FieldRefused) as caught:
        send(alice, draft)
    assert caught.value.field == field
    assert words in caught.value.reply.text
    assert Draft.objects.get().state == DraftState.OPEN
    assert len(held(alice, "drafts")) == 1
    assert not QueuedMessage.objects.exists()


def test_each_gets_one_copy_however_often_they_are_named(alice: User, bob: User) -> None:
    to = 'Bob <bob@example.test>, "B." <BOB@example.test>; bob@EXAMPLE.test'
    send(alice, written(alice, to=to, cc="bob@example.test", bcc="bob@example.test"))
    assert QueuedRecipient.objects.count() == 1
    drain()
    assert len(held(bob, "inbox")) == 1


def test_nobody_sends_as_somebody_else(alice: User, bob: User) -> None:
    draft = written(alice)
    Draft.objects.update(fields=typed(sender="bob@example.test").as_json())
    with pytest.raises(SenderNotAllowed):
        send(alice, draft)
    assert not QueuedMessage.objects.exists()


def test_the_letters_of_others_are_not_there(alice: User, bob: User) -> None:
    draft = written(alice)
    with pytest.raises(NotFound):
        send(bob, draft)
    with pytest.raises(NotFound):
        sending.undo(user=bob, draft_id=draft.id, origin=WEB)
    with pytest.raises(NotFound):
        sending.change(user=bob, draft_id=draft.id, origin=WEB, at=now() + HOUR)


def test_what_was_discarded_is_not_sent(alice: User, bob: User) -> None:
    draft = written(alice)
    drafts.discard(user_id=alice.pk, draft_id=draft.id, origin=WEB)
    with pytest.raises(Gone):
        send(alice, draft)
    with pytest.raises(Gone):
        sending.undo(user=alice, draft_id=draft.id, origin=WEB)


def test_a_limit_that_is_reached_keeps_the_letter(alice: User, bob: User) -> None:
    SendLimit.objects.create(user=alice, messages_per_hour=1)
    send(alice, written(alice))
    draft = written(alice, subject="Second")
    with pytest.raises(SendLimitReached):
        send(alice, draft)
    assert held(alice, "drafts") == [("Second", FLAG_SEEN | FLAG_DRAFT)]
    assert Draft.objects.get(pk=draft.pk).state == DraftState.OPEN
    alerts = QueuedMessage.objects.filter(door="report")
    assert alerts.count() == 1, "the administrator is told, though nothing was sent"


def test_a_full_recipient_keeps_the_letter(alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(quota=1)
    send(alice, written(alice))
    with pytest.raises(FieldRefused, match="to") as caught:
        send(alice, written(alice))
    assert caught.value.reply.text.startswith("The mailbox of bob@example.test is full")
    assert len(held(alice, "drafts")) == 1


def test_nothing_of_it_happens_if_the_copy_cannot_be_filed(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = written(alice)
    leaving = sending._prepared(alice, draft, 0, 0)
    Mailbox.objects.filter(pk=leaving.mailbox_id).update(deleted_at=1)
    with pytest.raises(NotFound):
        sending._carry(leaving, WEB, DraftState.OPEN)
    assert not QueuedMessage.objects.exists()
    assert Draft.objects.get().state == DraftState.OPEN
    assert len(held(alice, "drafts")) == 1


def test_it_costs_as_many_statements_however_many_it_goes_to(alice: User, bob: User) -> None:
    def cost(count: int) -> int:
        to = ", ".join(f"a{number}@elsewhere{count}.example" for number in range(count))
        draft = written(alice, to=to)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            send(alice, draft, undo_seconds=10)
        return len(asked)

    cost(1)
    few = cost(3)
    assert cost(60) == few
    assert few < 60


def test_the_bell_rings_for_what_leaves_at_once(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(bell, "ring", lambda: rung.append(True))
    send(alice, written(alice), undo_seconds=10)
    assert rung == []
    send(alice, written(alice))
    assert rung == [True]


@pytest.mark.django_db(transaction=True)
def test_bytes_stay_where_nobody_knows_whether_the_commit_was_one(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost while it commits: the message may be kept, and then has its bytes."""
    draft = written(alice, text="".join(f"{one:x} {one * 7919}\n" for one in range(60_000)))
    leaving = sending._prepared(alice, draft, 0, 0)
    assert leaving.blob.key
    really = connection.commit

    def commit() -> None:
        really()
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as lost:
        lost.setattr(connection, "commit", commit)
        with pytest.raises(OperationalError):
            sending._carry(leaving, WEB, DraftState.OPEN)
    assert QueuedMessage.objects.count() == 1
    assert "ea5f 475132081" in read(alice, "sent").get_content()
    assert send(alice, draft).queue_id == leaving.submission.id, "and asked again it says so"


def test_bytes_go_where_it_was_refused_for_certain(alice: User, bob: User) -> None:
    draft = written(alice, text="".join(f"{one:x} {one * 7919}\n" for one in range(60_000)))
    leaving = sending._prepared(alice, draft, 0, 0)
    drafts.discard(user_id=alice.pk, draft_id=draft.id, origin=WEB)
    with pytest.raises(Gone):
        sending._carry(leaving, WEB, DraftState.OPEN)
    with pytest.raises(MissingObjectError):
        backend().read(leaving.blob.key, 0, 1)


def test_it_answers_in_a_shared_mailbox_if_one_may_mark_there(alice: User, bob: User) -> None:
    ref = received(bob)
    inbox = int(ref.split(".")[0])
    for rights, marked in (("lr", 0), ("lrw", FLAG_ANSWERED)):
        sharing.grant(mailbox_id=inbox, to=alice.address, rights=rights, origin=WEB)
        send(alice, written(alice, source=ref, kind="reply"))
        assert flags_of(ref) & FLAG_ANSWERED == marked
