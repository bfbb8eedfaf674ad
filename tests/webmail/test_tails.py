"""A letter's files as the end of its message: made once, read after that, what its text shows in
its text."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.blobs import services as blobs
from apps.directory.models import User
from apps.mime.composing import tail
from apps.runtime.ulid import new_ulid
from apps.webmail.models import Draft, DraftFile
from apps.webmail.services import carrying, draftfiles, draftrows, tails
from apps.webmail.services.tails import Tail
from apps.webmail.writing import files
from apps.wire.errors import MessageTooLarge
from tests.webmail.test_pictures import png

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(alice: User) -> Draft:
    return draftrows.ensure(user_id=alice.pk, draft_id=new_ulid())


def attach(
    draft: Draft, name: str, content: bytes, kind: str = "text/plain", **more: Any
) -> DraftFile:
    """A file that has come as a whole."""
    file = draftfiles.begin(
        user_id=draft.user_id,
        draft_id=draft.id,
        name=name,
        size=len(content),
        media_type=kind,
        **more,
    )
    draftfiles.receive(file=file, at=0, octets=content)
    return file


def keep(draft: Draft, made: Tail) -> None:
    """What a save does with it."""
    if made.blob is not None:
        blobs.insert([made.blob])
    draft.tail_id, draft.tail_made_of = made.blob_id, made.made_of
    draft.save(update_fields=["tail_id", "tail_made_of"])


def message(made: Tail) -> EmailMessage:
    text = b"Content-Type: text/html\r\n\r\n<p>Hello"
    raw = b"MIME-Version: 1.0\r\n" + tail.opening(made.raw, "text/html") + text + made.raw
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    assert not any(part.defects for part in found.walk())
    return found


def names(made: Tail) -> list[tuple[str | None, str | None]]:
    """Name and disposition of all but the text."""
    leaves = [part for part in message(made).walk() if not part.is_multipart()]
    return [(one.get_filename(), one.get_content_disposition()) for one in leaves[1:]]


def test_a_letter_without_files_has_no_tail(draft: Draft) -> None:
    assert tails.tail(draft, cids=()) == Tail()


def test_it_is_made_once(draft: Draft) -> None:
    attach(draft, "a.txt", b"hello" * 100)
    first = tails.tail(draft, cids=())
    keep(draft, first)
    with CaptureQueriesContext(connection) as asked:
        second = tails.tail(draft, cids=())
    assert second == Tail(first.raw, None, first.blob_id, first.made_of)
    assert len(asked) == 2


def test_another_file_makes_another(draft: Draft) -> None:
    attach(draft, "a.txt", b"hello")
    keep(draft, tails.tail(draft, cids=()))
    gone = attach(draft, "b.txt", b"world")
    both = tails.tail(draft, cids=())
    assert names(both) == [("a.txt", "attachment"), ("b.txt", "attachment")]
    keep(draft, both)
    draftfiles.remove(user_id=draft.user_id, draft_id=draft.id, file_id=gone.id)
    assert names(tails.tail(draft, cids=())) == [("a.txt", "attachment")]


def test_a_file_that_has_not_come_as_a_whole_is_left_out(draft: Draft) -> None:
    draftfiles.begin(
        user_id=draft.user_id, draft_id=draft.id, name="half", size=10, media_type="text/plain"
    )
    assert tails.tail(draft, cids=()) == Tail()
    assert files.unfinished(draft.id) == ["half"]


def test_a_picture_stands_where_the_text_shows_it(draft: Draft) -> None:
    shown = attach(draft, "p.png", png(), "image/png", is_inline=True)
    attach(draft, "unused.png", png(), "image/png", is_inline=True)
    attach(draft, "a.txt", b"a")
    made = tails.tail(draft, cids={shown.cid})
    assert names(made) == [("p.png", "inline"), ("a.txt", "attachment")]
    assert [part.get_content_type() for part in message(made).walk()][:3] == [
        "multipart/mixed",
        "multipart/related",
        "text/html",
    ]
    assert f"Content-ID: <{shown.cid}>".encode() in made.raw


def test_in_a_plain_letter_pictures_are_attached(draft: Draft) -> None:
    attach(draft, "p.png", png(), "image/png", is_inline=True)
    assert names(tails.tail(draft, cids=(), is_plain=True)) == [("p.png", "attachment")]


def test_a_card_goes_along(draft: Draft) -> None:
    card = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Alice\r\nEND:VCARD\r\n"
    made = tails.tail(draft, cids=(), card=card)
    (part,) = message(made).iter_attachments()
    assert part.get_content_type() == "text/vcard"
    keep(draft, made)
    assert tails.tail(draft, cids=(), card=card).blob is None
    assert tails.tail(draft, cids=(), card=card + b"x").blob is not None


SOURCE = (
    b"From: bob@example.test\r\nMessage-ID: <x@example.test>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="M"\r\n\r\n'
    b'--M\r\nContent-Type: multipart/related; boundary="R"\r\n\r\n'
    b"--R\r\nContent-Type: text/html\r\n\r\n"
    b"<p>See <img src=\"cid:one@x\"> and <img src='cid:two@x'>\r\n"
    b"--R\r\nContent-Type: image/png\r\nContent-ID: <one@x>\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n%(png)s\r\n"
    # Outlook's habit: shown by the text, and yet it says that it is attached.
    b'--R\r\nContent-Type: image/jpeg; name="../two.png"\r\nContent-ID: <two@x>\r\n'
    b"Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n%(png)s\r\n"
    b"--R--\r\n"
    b"--M\r\nContent-Type: application/pdf\r\n"
    b"Content-Disposition: attachment; filename*=utf-8''%%C3%%BCber.pdf\r\n\r\n%%PDF\r\n"
    b"--M\r\nContent-Type: message/rfc822\r\n\r\nSubject: inside\r\n\r\nText\r\n"
    b"--M--\r\n"
) % {b"png": tail.base64(png())}


def test_files_of_another_message_come_along(draft: Draft) -> None:
    numbers = carrying.all_parts(SOURCE)
    carrying.carry(draft=draft, raw=SOURCE, numbers=numbers)
    found = files.listing(draft.id)
    assert [(one.name, one.media_type, bool(one.cid)) for one in found] == [
        ("picture.png", "image/png", True),
        ("two.png", "image/png", True),
        ("über.pdf", "application/pdf", False),
        ("inside.eml", "message/rfc822", False),
    ]
    assert b"".join(draftfiles.pieces(found[0])) == png()
    assert b"".join(draftfiles.pieces(found[2])) == b"%PDF"
    made = tails.tail(draft, cids={one.cid for one in found[:2]})
    assert names(made)[:3] == [
        ("picture.png", "inline"),
        ("two.png", "inline"),
        ("über.pdf", "attachment"),
    ]


def test_they_come_once_however_often_they_are_asked_for(draft: Draft) -> None:
    numbers = carrying.all_parts(SOURCE)
    carrying.carry(draft=draft, raw=SOURCE, numbers=numbers[:2])
    with CaptureQueriesContext(connection) as few:
        carrying.carry(draft=draft, raw=SOURCE, numbers=numbers[:3])
    with CaptureQueriesContext(connection) as none:
        carrying.carry(draft=draft, raw=SOURCE, numbers=[*numbers[:3], 0, 1, 999, -1, -2])
    assert DraftFile.objects.count() == 3
    assert (len(few), len(none)) == (10, 1)


def test_two_that_carry_at_once_keep_one(draft: Draft, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = carrying.all_parts(SOURCE)
    carrying.carry(draft=draft, raw=SOURCE, numbers=numbers)
    monkeypatch.setattr(carrying, "_known", lambda _draft: set())  # it had not seen the other
    carrying.carry(draft=draft, raw=SOURCE, numbers=numbers)
    assert DraftFile.objects.count() == len(numbers)
    assert all(one.chunks.count() == 1 for one in DraftFile.objects.all())


def test_a_whole_message_comes_along(draft: Draft) -> None:
    for _ in range(2):
        carrying.carry_message(draft=draft, raw=SOURCE, name="Re: a/b\r\nBcc: x@evil.test")
    (file,) = files.listing(draft.id)
    assert (file.name, file.media_type) == ("Re: a-bBcc: x@evil.test.eml", "message/rfc822")
    made = tails.tail(draft, cids=())
    assert SOURCE in made.raw
    assert message(made).get_payload(1).get_content_type() == "message/rfc822"  # type: ignore[union-attr]  # a part


def test_what_is_too_much_does_not_come_along(draft: Draft, settings: Any) -> None:
    settings.MESSAGE_SIZE_LIMIT = 70_000
    with pytest.raises(MessageTooLarge):
        carrying.carry_message(draft=draft, raw=SOURCE + bytes(9_000), name="")
    assert not DraftFile.objects.exists()


def test_the_editor_finds_pictures_and_the_text_their_ids(draft: Draft, alice: User) -> None:
    file = attach(draft, "p.png", png(), "image/png", is_inline=True)
    attach(draft, "a.txt", b"a")
    address = f"/mail/compose/{draft.id}/files/{file.id}/content/"
    assert files.shown(draft.id) == {file.cid: address}
    assert files.addresses(draft) == {address: file.cid}


def test_a_carried_picture_is_known_by_both_addresses(draft: Draft, alice: User) -> None:
    inbox = alice.mailboxes.get(special_use="inbox")
    draft.source_mailbox, draft.source_uid = inbox, 7
    carrying.carry(draft=draft, raw=SOURCE, numbers=carrying.all_parts(SOURCE))
    first = files.listing(draft.id)[0]
    here = f"/mail/compose/{draft.id}/files/{first.id}/content/"
    there = f"/mail/inbox/7/inline/{first.carried}/"
    assert files.moved(draft)[there] == here
    known = files.addresses(draft)
    assert known[there] == known[here] == first.cid
