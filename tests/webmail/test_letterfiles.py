"""Files from the page of a letter to its message: attached, shown in the text, taken along from the
message that is answered."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.blobs import services as blobs
from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.fsck.checking import check
from apps.mailstore.models import Entry, SpecialUse
from apps.webmail.models import Draft, DraftFile, Identity
from apps.webmail.services import drafts
from tests.webmail.test_compose import JSON, written
from tests.webmail.test_draftfiles import Letter
from tests.webmail.test_mail import deliver
from tests.webmail.test_pictures import png
from tests.webmail.test_tails import SOURCE

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter(reader: Client) -> Letter:
    return Letter(reader)


def save(letter: Letter, **fields: Any) -> Any:
    revision = Draft.objects.filter(pk=letter.id).values_list("revision", flat=True).first() or 0
    told = letter.browser.post(
        f"/mail/compose/{letter.id}/",
        {**written(subject="Files", to="bob@example.test"), "revision": str(revision), **fields},
        headers=JSON,
    )
    assert told.status_code == 200, told.content
    return told.json()


def in_drafts(user: User) -> EmailMessage:
    """The only message there, as a parser that is not ours reads it."""
    box = queries.boxes([user.pk], SpecialUse.DRAFTS)[user.pk]
    (row,) = queries.inbox_page(box)
    return parsed(queries.shown_bytes(row.message_id, row.head_id))


def parsed(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    for part in found.walk():
        assert not part.defects
        assert not [defect for value in part.values() for defect in value.defects]
    return found


def shape(message: EmailMessage) -> list[tuple[str, str | None]]:
    return [(part.get_content_type(), part.get_filename()) for part in message.walk()]


def ref(user: User) -> str:
    entry = Entry.objects.filter(mailbox__user=user).latest("saved_at", "uid")
    return f"{entry.mailbox_id}.{entry.uid}"


def test_a_file_is_in_the_draft_that_other_programs_see(letter: Letter, alice: User) -> None:
    letter.file(b"%PDF-1.7", "plän.pdf")
    told = save(letter, html="<p>Here</p>")
    assert [one["name"] for one in told["files"]] == ["plän.pdf"]
    message = in_drafts(alice)
    assert shape(message) == [
        ("multipart/mixed", None),
        ("multipart/alternative", None),
        ("text/plain", None),
        ("text/html", None),
        ("application/pdf", "plän.pdf"),
    ]
    (file,) = message.iter_attachments()
    assert file.get_content() == b"%PDF-1.7"


def test_a_new_text_leaves_the_file_where_it_is(letter: Letter, alice: User) -> None:
    letter.file(b"x" * 100_000)
    save(letter, html="<p>one</p>")
    tail = Draft.objects.get().tail_id
    save(letter, html="<p>two</p>")
    assert Draft.objects.get().tail_id == tail
    text = in_drafts(alice).get_body(("plain",))
    assert text is not None
    assert text.get_content().strip() == "two"


def test_a_removed_file_is_not_in_the_next_draft(letter: Letter, alice: User) -> None:
    file = letter.file(b"x")
    save(letter, html="<p>one</p>")
    letter.browser.delete(file["url"], headers=JSON)
    save(letter, html="<p>one</p>")
    assert shape(in_drafts(alice))[0] == ("multipart/alternative", None)


def test_a_picture_stands_in_the_text(letter: Letter, alice: User) -> None:
    file = letter.file(png(), "p.png", type="image/png", inline="1")
    save(letter, html=f'<p>See</p><img src="{file["content"]}" alt="p">')
    message = in_drafts(alice)
    assert shape(message) == [
        ("multipart/related", None),
        ("multipart/alternative", None),
        ("text/plain", None),
        ("text/html", None),
        ("image/png", "p.png"),
    ]
    html = message.get_body(("html",))
    assert html is not None
    assert f'src="cid:{file["cid"]}"' in html.get_content()
    picture = list(message.walk())[-1]
    assert picture["Content-ID"] == f"<{file['cid']}>"
    assert picture.get_content_disposition() == "inline"
    # Taken out of the text it goes; a plain letter has it as a file.
    save(letter, html="<p>See</p>")
    assert shape(in_drafts(alice))[0][0] == "multipart/alternative"
    save(letter, plain="1", text="See")
    assert shape(in_drafts(alice)) == [
        ("multipart/mixed", None),
        ("text/plain", None),
        ("image/png", "p.png"),
    ]


def test_files_and_pictures_together(letter: Letter, alice: User) -> None:
    file = letter.file(png(), "p.png", type="image/png", inline="1")
    letter.file(b"a,b", "t.csv", type="text/csv")
    save(letter, html=f'<img src="{file["content"]}">')
    assert [kind for kind, _name in shape(in_drafts(alice))] == [
        "multipart/mixed",
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
        "text/csv",
    ]


def test_a_forward_takes_the_files_along(letter: Letter, alice: User) -> None:
    deliver(alice, SOURCE)
    source = ref(alice)
    page = letter.browser.get("/mail/compose/", {"kind": "forward", "source": source})
    shown = page.context["letter"]
    numbers = [str(one["number"]) for one in page.context["carried"]]
    told = save(
        letter, kind="forward", source=source, html=shown.html, carry=numbers, to="eve@example.test"
    )
    assert [one["name"] for one in told["files"]] == [
        "picture.png",
        "two.png",
        "über.pdf",
        "inside.eml",
    ]
    message = in_drafts(alice)
    kinds = [kind for kind, _name in shape(message)]
    assert kinds.count("image/png") == 2
    assert "application/pdf" in kinds
    assert "message/rfc822" in kinds
    html = message.get_body(("html",))
    assert html is not None
    for one in told["files"][:2]:
        assert f"cid:{one['cid']}" in html.get_content()
    # The message goes; the letter has its own.
    Entry.objects.filter(mailbox_id=int(source.partition(".")[0])).delete()
    again = letter.browser.get(f"/mail/compose/{letter.id}/")
    assert told["files"][0]["content"] in again.context["letter"].html


def test_files_that_are_not_wanted_stay_behind(letter: Letter, alice: User) -> None:
    deliver(alice, SOURCE)
    save(letter, kind="forward", source=ref(alice), html="<p>FYI</p>")
    assert not DraftFile.objects.exists()


def test_an_answer_shows_the_pictures_of_what_it_quotes(letter: Letter, alice: User) -> None:
    deliver(alice, SOURCE)
    source = ref(alice)
    page = letter.browser.get("/mail/compose/", {"kind": "reply", "source": source})
    assert page.context["carried"] in ((), [])
    save(letter, kind="reply", source=source, html=page.context["letter"].html)
    kinds = [kind for kind, _name in shape(in_drafts(alice))]
    assert kinds[0] == "multipart/related"
    assert kinds.count("image/png") == 2
    assert "application/pdf" not in kinds


def test_a_whole_message_is_forwarded(letter: Letter, alice: User) -> None:
    deliver(alice, SOURCE)
    save(letter, kind="forward_attached", source=ref(alice), html="<p>FYI</p>")
    message = in_drafts(alice)
    (file,) = message.iter_attachments()
    assert file.get_content_type() == "message/rfc822"
    assert (file.get_filename() or "").endswith(".eml")
    inside = file.get_content()
    assert inside["Message-ID"] == "<x@example.test>"


def test_a_message_that_goes_along_is_shown_before_anything_is_saved(
    reader: Client, alice: User
) -> None:
    deliver(alice, SOURCE)
    page = reader.get(f"/mail/compose/?kind=forward_attached&source={ref(alice)}").content.decode()
    assert 'data-type="message/rfc822"' in page
    assert '.eml"' in page
    assert 'name="carry"' not in page


def test_what_somebody_else_has_is_not_taken_along(letter: Letter, alice: User, bob: User) -> None:
    deliver(bob, SOURCE)
    told = letter.browser.post(
        f"/mail/compose/{letter.id}/",
        written(kind="forward_attached", source=ref(bob), html="<p>x</p>"),
        headers=JSON,
    )
    assert told.status_code in (200, 404)
    assert not DraftFile.objects.exists()


def test_a_contact_card_goes_along(letter: Letter, alice: User) -> None:
    Identity.objects.create(
        user=alice, key=alice.key, address=alice.address, name="Alice\r\nA", attaches_card=True
    )
    for _ in range(2):
        save(letter, html="<p>Hi</p>")
    (file,) = in_drafts(alice).iter_attachments()
    assert (file.get_content_type(), file.get_filename()) == ("text/vcard", "contact.vcf")
    card = file.get_content()
    card = card.decode() if isinstance(card, bytes) else card
    assert f":{alice.address}" in card
    assert card.count("BEGIN:VCARD") == 1


def test_without_script_a_form_brings_files_and_removes_them(letter: Letter, alice: User) -> None:
    path = f"/mail/compose/{letter.id}/"
    form = written(plain="1", text="typed", to="bob@example.test")
    answer = letter.browser.post(
        path, {**form, "attach": [SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b", b"")]}
    )
    assert answer.status_code == 302
    assert [name for _kind, name in shape(in_drafts(alice))] == [None, None, "a.txt", "b"]
    first = DraftFile.objects.order_by("id")[0]
    form |= {"revision": "1", "text": "typed more", "remove": str(first.id)}
    assert letter.browser.post(path, form).status_code == 302
    message = in_drafts(alice)
    assert [name for _kind, name in shape(message)] == [None, None, "b"]
    assert drafts.fields_of(Draft.objects.get()).text.strip() == "typed more"


def test_fsck_finds_nothing_wrong_with_letters(letter: Letter, alice: User) -> None:
    """A message with a prefix and a tail that others name too, and chunks that no message names."""
    file = letter.file(png(), "p.png", type="image/png", inline="1")
    letter.file(bytes(200_000), "big.bin")
    save(letter, html=f'<img src="{file["content"]}">one')
    save(letter, html="two")
    assert not list(check())
    blobs.collect(grace_hours=-1)
    assert not list(check())
    assert len(list(in_drafts(alice).iter_attachments())) == 1
