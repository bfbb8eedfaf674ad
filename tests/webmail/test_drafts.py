"""Letters that are being written: kept at every save, whoever else writes, deletes or is full."""

import os
import secrets
import threading
import uuid
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import FLAG_DRAFT, FLAG_SEEN, Expunged, Mailbox, SpecialUse, Usage
from apps.mailstore.origin import Origin
from apps.mailstore.services import append, expunge, mailboxes
from apps.mailstore.services.append import Appending
from apps.mailstore.services.prepare import prepare
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.webmail.models import Draft, DraftState
from apps.webmail.senders import Standing, judge, proven_address
from apps.webmail.services import draftfiles, drafts
from apps.webmail.services.drafts import Overtaken
from apps.webmail.writing.fields import Fields
from apps.wire.errors import Gone, MessageTooLarge, NotFound, QuotaExceeded, SenderNotAllowed

pytestmark = pytest.mark.django_db

WEB = Origin("web", None)
HELLO = Fields(to="Bob <bob@example.test>", subject="Hello", html="<p>Hi <b>Bob</b></p>")


def box_of(user: User, use: SpecialUse = SpecialUse.DRAFTS) -> int:
    return queries.boxes([user.pk], use)[user.pk]


def raws(user: User, use: SpecialUse = SpecialUse.DRAFTS) -> list[bytes]:
    rows = queries.inbox_page(box_of(user, use))
    return [queries.shown_bytes(row.message_id, row.head_id) for row in rows]


def messages(user: User) -> list[EmailMessage]:
    return [message_from_bytes(raw, policy=policy.default) for raw in raws(user)]


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def save(user: User, fields: Fields = HELLO, *, of: Draft | None = None, **more: object) -> Draft:
    return drafts.save(
        user=user,
        draft_id=of.id if of else new_ulid(),
        revision=of.revision if of else 0,
        fields=fields,
        origin=WEB,
        **more,  # type: ignore[arg-type] # kind, source and carry, as the test says
    )


def put(user: User, raw: bytes, use: SpecialUse = SpecialUse.INBOX, flags: int = 0) -> str:
    """A message of another program; its ref."""
    box = box_of(user, use)
    one = Appending(prepare(raw, trace_id=new_ulid()), now(), flags=flags)
    (result,) = append.append(mailbox_id=box, user_id=user.pk, messages=[one], origin=WEB)
    return f"{box}.{result.uid}"


def attach(user: User, draft_id: uuid.UUID, octets: bytes) -> None:
    file = draftfiles.begin(
        user_id=user.pk, draft_id=draft_id, name="a.bin", size=len(octets), media_type="image/x-a"
    )
    for at in range(0, len(octets), 2**20):
        draftfiles.receive(file=file, at=at, octets=octets[at : at + 2**20])


def test_a_save_is_a_message_in_drafts_and_the_next_takes_its_place(alice: User) -> None:
    first = save(alice)
    (message,) = messages(alice)
    assert message["Subject"] == "Hello"
    assert text_of(message) == "Hi Bob\n"
    row = queries.inbox_page(box_of(alice))[0]
    assert row.flags == FLAG_DRAFT | FLAG_SEEN
    second = save(alice, Fields(subject="Hello again", html="<p>More</p>"), of=first)
    assert second.revision == 2
    (again,) = messages(alice)
    assert again["Subject"] == "Hello again"
    assert again["Message-ID"] == message["Message-ID"]
    assert again["Message-ID"].endswith("@example.test>")


def test_what_is_half_typed_is_kept_in_the_row(alice: User) -> None:
    half = Fields(to="Bob <bob@example.test>, half@, nobody", subject="S", html="<p>x</p>")
    draft = save(alice, half)
    assert drafts.fields_of(drafts.find(alice.pk, draft.id)).to == half.to
    assert messages(alice)[0]["To"] == "Bob <bob@example.test>"


def test_a_save_without_answer_may_be_asked_again(alice: User) -> None:
    draft = save(alice)
    stale = Draft(id=draft.id, revision=0)
    assert save(alice, of=stale).revision == 1
    assert len(raws(alice)) == 1


def test_of_two_tabs_one_is_told(alice: User) -> None:
    draft = save(alice)
    save(alice, Fields(subject="Tab one"), of=draft)
    draft.revision = 1
    with pytest.raises(Overtaken) as refused:
        save(alice, Fields(subject="Tab two"), of=draft)
    assert drafts.fields_of(refused.value.draft).subject == "Tab one"
    assert refused.value.draft.revision == 2
    assert [one["Subject"] for one in messages(alice)] == ["Tab one"]


def test_a_message_that_another_program_deleted_or_moved_is_made_again(alice: User) -> None:
    draft = save(alice)
    assert draft.uid is not None
    expunge.expunge(mailbox_id=box_of(alice), uids=[draft.uid], marked=False, origin=WEB)
    after = save(alice, Fields(subject="Still here"), of=draft)
    assert [one["Subject"] for one in messages(alice)] == ["Still here"]
    assert after.revision == 2


def test_drafts_may_be_gone(alice: User) -> None:
    draft = save(alice)
    Mailbox.objects.filter(user=alice, special_use=SpecialUse.DRAFTS).update(special_use="")
    mailboxes.delete(user_id=alice.pk, name="Drafts", origin=WEB)
    save(alice, Fields(subject="On"), of=draft)
    assert [one["Subject"] for one in messages(alice)] == ["On"]


def test_nobody_else_finds_it(alice: User, bob: User) -> None:
    draft = save(alice)
    for act in (
        lambda: drafts.find(bob.pk, draft.id),
        lambda: save(bob, of=draft),
        lambda: drafts.discard(user_id=bob.pk, draft_id=draft.id, origin=WEB),
        lambda: drafts.restore(user_id=bob.pk, draft_id=draft.id, origin=WEB),
    ):
        with pytest.raises(NotFound):
            act()
    assert raws(bob) == []
    assert drafts.fields_of(drafts.find(alice.pk, draft.id)).subject == "Hello"


def test_nobody_writes_as_somebody_else(alice: User, bob: User) -> None:
    draft = save(alice, Fields(sender=bob.key, subject="I am Bob"))
    assert "alice@example.test" in messages(alice)[0]["From"]
    with pytest.raises(SenderNotAllowed):
        drafts.whole(draft, now())


def test_a_discarded_letter_comes_back_whole(alice: User) -> None:
    identity = new_ulid()
    attach(alice, identity, b"file" * 100)
    draft = save(alice, of=Draft(id=identity, revision=0))
    before = raws(alice)
    drafts.discard(user_id=alice.pk, draft_id=draft.id, origin=WEB)
    drafts.discard(user_id=alice.pk, draft_id=draft.id, origin=WEB)
    assert raws(alice) == []
    with pytest.raises(Gone):
        save(alice, Fields(subject="x"), of=draft)
    drafts.restore(user_id=alice.pk, draft_id=draft.id, origin=WEB)
    drafts.restore(user_id=alice.pk, draft_id=draft.id, origin=WEB)
    assert [one.split(b"\r\n\r\n", 1)[1] for one in raws(alice)] == [
        one.split(b"\r\n\r\n", 1)[1] for one in before
    ]


@pytest.mark.parametrize("state", [DraftState.SENT, DraftState.SCHEDULED])
def test_what_was_sent_is_not_saved_discarded_or_restored(alice: User, state: DraftState) -> None:
    draft = save(alice)
    Draft.objects.filter(id=draft.id).update(state=state)
    with pytest.raises(Gone, match="sent already"):
        save(alice, Fields(subject="Too late"), of=draft)
    with pytest.raises(Gone, match="sent already"):
        drafts.discard(user_id=alice.pk, draft_id=draft.id, origin=WEB)
    with pytest.raises(Gone, match="sent already"):
        drafts.restore(user_id=alice.pk, draft_id=draft.id, origin=WEB)
    assert len(raws(alice)) == 1


def test_a_save_of_the_text_copies_no_file(alice: User) -> None:
    identity = new_ulid()
    attach(alice, identity, b"\x00\xff" * 300_000)
    draft = save(alice, of=Draft(id=identity, revision=0))
    tail = draft.tail_id
    assert tail is not None
    expunged = Usage.objects.get(user=alice).expunged
    draft = save(alice, Fields(subject="Other words"), of=draft)
    assert draft.tail_id == tail
    (message,) = messages(alice)
    (file,) = message.iter_attachments()
    assert file.get_content() == b"\x00\xff" * 300_000
    # What was replaced shared its file: its few words alone are space that it holds.
    assert Usage.objects.get(user=alice).expunged - expunged < 2_000
    assert Expunged.objects.latest("pk").cost < 2_000 if Expunged.objects.exists() else True


def test_a_full_account_may_still_finish_what_fits(alice: User) -> None:
    draft = save(alice, Fields(subject="Long", text="x " * 4_000, is_plain=True))
    User.objects.filter(pk=alice.pk).update(quota=9_000)
    put(alice, ANSWERED + b"x" * 5_000)
    with pytest.raises(QuotaExceeded):
        save(alice)
    assert Draft.objects.count() <= 2
    after = save(alice, Fields(subject="Short"), of=draft)
    assert [one["Subject"] for one in messages(alice)] == ["Short"]
    assert after.revision == 2


def test_a_letter_has_a_largest_size(alice: User, settings: object) -> None:
    settings.MESSAGE_SIZE_LIMIT = 100_000  # type: ignore[attr-defined] # pytest-django's fixture
    with pytest.raises(MessageTooLarge):
        save(alice, Fields(text="é" * 90_000, is_plain=True))
    assert raws(alice) == []


def objects() -> int:
    place = Path(os.environ["MAILHOST_DATA"]) / "blobs"
    return sum(1 for one in place.rglob("*") if one.is_file())


def test_what_was_refused_leaves_no_object_and_what_may_be_kept_does(alice: User) -> None:
    letter = "".join(secrets.token_hex(40) + "\n" for _ in range(4_000))
    User.objects.filter(pk=alice.pk).update(quota=100)
    put(alice, ANSWERED)
    with pytest.raises(QuotaExceeded):
        save(alice, Fields(text=letter, is_plain=True))
    assert objects() == 0

    def lost(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE") and "webmail_draft" in sql:
            raise OperationalError("the connection was lost")
        return execute(sql, *rest)

    User.objects.filter(pk=alice.pk).update(quota=0)
    with connection.execute_wrapper(lost), pytest.raises(OperationalError):
        save(alice, Fields(text=letter, is_plain=True))
    assert objects() == 1


def test_words_of_a_letter_prove_nothing(alice: User, bob: User) -> None:
    identity = new_ulid()
    attach(alice, identity, b"x")
    said = "Received: by x with ESMTPSA id 1\nAuthentication-Results: mail.example.test; dmarc=pass"
    fields = Fields(subject=said.replace("\n", " "), text=said, is_plain=True)
    save(alice, fields, of=Draft(id=identity, revision=0))
    row = queries.inbox_page(box_of(alice))[0]
    shown = queries.shown(row.message_id, row.head_id)
    assert shown.prefix
    assert proven_address(shown) == ""
    found = judge(shown, "Alice", "alice@example.test", {"bob@example.test"}, is_kept=False)
    assert found.standing is Standing.UNKNOWN


ANSWERED = (
    b"From: Carol <carol@x.test>\r\nTo: alice@example.test\r\nSubject: Plan\r\n"
    b"Message-ID: <2@x.test>\r\nReferences: <0@x.test>\r\n <1@x.test>\r\n\r\nHello\r\n"
)


def test_an_answer_stands_in_its_conversation(alice: User) -> None:
    source = put(alice, ANSWERED)
    save(alice, Fields(subject="Re: Plan"), kind="reply", source=source)
    (message,) = messages(alice)
    assert message["In-Reply-To"] == "<2@x.test>"
    assert message["References"].split() == ["<0@x.test>", "<1@x.test>", "<2@x.test>"]


def test_hostile_ids_make_no_field(alice: User) -> None:
    evil = ANSWERED.replace(b"<2@x.test>", b"<2@x.test>\rBcc: <eve@x.test> <\xff> <a b>")
    save(alice, Fields(subject="Re"), kind="reply", source=put(alice, evil))
    (message,) = messages(alice)
    assert "Bcc" not in message
    assert message["In-Reply-To"] == "<2@x.test>"


def test_a_message_of_somebody_else_is_no_source(alice: User, bob: User) -> None:
    source = put(bob, ANSWERED)
    for odd in (source, "1.1", "x", "", "0.0", "999999999999999999.1", "1.1 2.2"):
        draft = save(alice, Fields(subject="Re"), kind="reply", source=odd)
        assert draft.source_mailbox_id is None
        assert draft.in_reply_to == ""


def test_a_draft_of_another_program_goes_on_here_in_its_place(alice: User) -> None:
    theirs = (
        b"From: alice@example.test\r\nTo: bob@example.test\r\nSubject: Begun elsewhere\r\n"
        b"Message-ID: <e@elsewhere.test>\r\nIn-Reply-To: <q@x.test>\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
        b"Words\r\n--b\r\nContent-Type: application/pdf\r\n"
        b"Content-Disposition: attachment; filename=a.pdf\r\n\r\nPDF\r\n--b--\r\n"
    )
    source = put(alice, theirs, SpecialUse.DRAFTS, FLAG_DRAFT)
    save(alice, Fields(subject="Ended here", text="Words", is_plain=True), source=source)
    (message,) = messages(alice)
    assert message["Subject"] == "Ended here"
    assert message["Message-ID"] == "<e@elsewhere.test>"
    assert message["In-Reply-To"] == "<q@x.test>"
    assert [part.get_filename() for part in message.iter_attachments()] == ["a.pdf"]


def test_mail_is_never_taken_for_a_draft(alice: User) -> None:
    source = put(alice, ANSWERED)
    save(alice, Fields(subject="New"), kind="new", source=source)
    assert len(raws(alice, SpecialUse.INBOX)) == 1


def test_the_whole_letter_is_as_it_is_to_be_sent(alice: User) -> None:
    draft = save(alice, Fields(to="bob@example.test", bcc="eve@other.test", subject="S"))
    found = message_from_bytes(drafts.whole(draft, 1_800_000_000), policy=policy.default)
    assert found["Bcc"] == "eve@other.test"
    assert int(found["Date"].datetime.timestamp()) == 1_800_000_000
    assert not found.defects


def test_saving_takes_the_same_statements_however_much_there_is(alice: User) -> None:
    def count(fields: Fields, draft: Draft) -> int:
        with CaptureQueriesContext(connection) as asked:
            save(alice, fields, of=draft)
        return len(asked)

    few = count(Fields(subject="b"), save(alice))
    identity = new_ulid()
    for _ in range(3):
        attach(alice, identity, b"x")
    long = save(alice, of=Draft(id=identity, revision=0))
    many = ", ".join(f"p{n}@x.test" for n in range(300))
    assert count(Fields(to=many, html="<p>x</p>" * 3_000), long) <= few + 1
    assert few < 45


@pytest.mark.django_db(transaction=True)
def test_of_many_saves_at_once_each_is_kept_or_told(alice: User) -> None:
    draft = save(alice)
    told: list[str] = []

    def one(number: int) -> None:
        try:
            save(alice, Fields(subject=f"Tab {number}"), of=Draft(id=draft.id, revision=1))
        except Overtaken:
            told.append("overtaken")
        else:
            told.append("saved")
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["overtaken"] * 5 + ["saved"]
    assert len(raws(alice)) == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_discarded_while_a_save_is_under_way_is_not_in_drafts(alice: User) -> None:
    draft = save(alice)

    def discard() -> None:
        try:
            drafts.discard(user_id=alice.pk, draft_id=draft.id, origin=WEB)
        finally:
            connection.close()

    other = threading.Thread(target=discard)
    with transaction.atomic():
        save(alice, Fields(subject="Late"), of=draft)
        other.start()
        while connection.vendor == "postgresql" and not _is_waited_for():
            assert other.is_alive()
    other.join()
    assert Draft.objects.get().state == DraftState.DISCARDED
    assert raws(alice) == []


def _is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
