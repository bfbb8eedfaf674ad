"""The page of a letter: what a browser with script and one without say to it."""

import re
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.models import FLAG_DRAFT, SpecialUse
from apps.runtime.ulid import new_ulid
from apps.webmail.models import Draft, DraftState, Identity
from tests.support.cost import spent
from tests.webmail.test_drafts import ANSWERED, put

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json", "X-Requested-With": "fetch"}
PART = {"HX-Request": "true"}


def written(**fields: str) -> dict[str, str]:
    return {"revision": "0", "kind": "new", "source": "", "from": "", **fields}


def post(reader: Client, letter: UUID | str, **fields: str) -> Any:
    return reader.post(f"/mail/compose/{letter}/", written(**fields), headers=JSON)


def in_drafts(user: User) -> list[EmailMessage]:
    box = queries.boxes([user.pk], SpecialUse.DRAFTS)[user.pk]
    return [
        message_from_bytes(queries.shown_bytes(row.message_id, row.head_id), policy=policy.default)
        for row in queries.inbox_page(box)
    ]


def test_a_letter_begins_with_a_page_and_is_saved_as_a_draft(alice: User, reader: Client) -> None:
    page = reader.get("/mail/compose/")
    assert page.status_code == 200
    assert "composer--page" in page.content.decode()
    assert not Draft.objects.exists()
    letter = page.context["letter"].id
    answer = post(
        reader,
        letter,
        to="Bob <bob@example.test>",
        subject="Hi",
        html="<p>Hello <b>Bob</b></p>",
    )
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["draft"] == str(letter)
    assert told["revision"] == 1
    assert re.fullmatch(r"\d+\.\d+", told["ref"])
    assert told["url"] == f"/mail/compose/{letter}/"
    assert told["files"] == []
    assert re.search(r"\d", told["saved"])
    (message,) = in_drafts(alice)
    assert message["To"] == "Bob <bob@example.test>"
    assert message["From"] == "Alice Archer <alice@example.test>"
    body = message.get_body(("html",))
    assert body is not None
    assert "<b>Bob</b>" in body.get_content()


def test_a_script_gets_the_composer_alone(reader: Client) -> None:
    page = reader.get("/mail/compose/", headers=PART)
    assert "<html" not in page.content.decode()
    assert "HX-Request" in page["Vary"]
    assert "no-store" in page["Cache-Control"]


def test_without_script_a_save_leads_back_to_the_letter(alice: User, reader: Client) -> None:
    letter = new_ulid()
    form = {**written(subject="Plain", text="One\nTwo", plain="1")}
    form["attach"] = SimpleUploadedFile("a.txt", b"Words")  # type: ignore[assignment] # a file
    answer = reader.post(f"/mail/compose/{letter}/", form, follow=True)
    assert answer.redirect_chain == [(f"/mail/compose/{letter}/", 302)]
    text = answer.content.decode()
    assert "Draft saved" in text
    assert "One\nTwo" in text
    (message,) = in_drafts(alice)
    assert [part.get_filename() for part in message.iter_attachments()] == ["a.txt"]
    file = re.search(r'name="remove" value="([0-9a-f-]{36})"', text)
    assert file is not None
    form = written(subject="Other", text="New words", plain="1", remove=file[1], revision="1")
    assert (
        "New words" in reader.post(f"/mail/compose/{letter}/", form, follow=True).content.decode()
    )
    (message,) = in_drafts(alice)
    assert not list(message.iter_attachments())
    assert message["Subject"] == "Other"


def test_a_refusal_shows_what_was_typed_again(reader: Client) -> None:
    letter = new_ulid()
    form = written(subject="x" * 2_000, text="My words", plain="1", to="bob@example.test")
    page = reader.post(f"/mail/compose/{letter}/", form)
    assert page.status_code == 422
    assert "My words" in page.content.decode()
    assert "too long" in page.content.decode()
    told = reader.post(f"/mail/compose/{letter}/", form, headers=JSON)
    assert told.status_code == 422
    assert told.json()["field"] == "subject"
    assert not Draft.objects.exists()


@pytest.mark.parametrize("html", ["<a " * 30_000, "<a href=x>" * 10_000 + "<br>" * 20_000])
def test_a_form_that_is_refused_is_cleaned_before_it_is_read(reader: Client, html: str) -> None:
    form = written(subject="x" * 2_000, html=html, to="bob@example.test")
    with spent(time.thread_time) as took:
        assert reader.post(f"/mail/compose/{new_ulid()}/", form).status_code == 422
    assert took.seconds < 5  # half a minute, as it came


def test_another_tab_is_told_with_what_is_there(reader: Client) -> None:
    letter = new_ulid()
    post(reader, letter, subject="One")
    post(reader, letter, subject="Two", revision="1")
    late = post(reader, letter, subject="Three", revision="1")
    assert late.status_code == 409
    assert late.json()["revision"] == 2
    assert late.json()["fields"]["subject"] == "Two"
    page = reader.post(f"/mail/compose/{letter}/", written(subject="Three", revision="1"))
    assert page.status_code == 409
    assert 'value="Three"' in page.content.decode()
    assert 'name="revision" value="2"' in page.content.decode()


def test_what_was_sent_is_gone_and_leads_to_its_message(alice: User, reader: Client) -> None:
    letter = new_ulid()
    post(reader, letter, subject="One")
    Draft.objects.update(state=DraftState.SENT)
    assert post(reader, letter, subject="Two", revision="1").status_code == 410
    uid = Draft.objects.get().uid
    assert reader.get(f"/mail/compose/{letter}/")["Location"] == f"/mail/drafts/{uid}/"


def test_discard_and_back(alice: User, reader: Client) -> None:
    letter = new_ulid()
    post(reader, letter, subject="One", html="<p>Words</p>")
    told = reader.post(f"/mail/compose/{letter}/discard/", headers=JSON).json()
    assert in_drafts(alice) == []
    assert post(reader, letter, subject="Two", revision="1").status_code == 410
    back = reader.post(told["undo"], headers=JSON).json()
    assert "Words" in reader.get(back["url"]).content.decode()
    assert reader.post(f"/mail/compose/{letter}/discard/")["Location"] == "/mail/drafts/"


def test_letters_of_others_are_not_there(reader: Client, bob: User, client: Client) -> None:
    letter = new_ulid()
    post(reader, letter, subject="Secret")
    other = Client()
    other.force_login(bob)
    assert other.get(f"/mail/compose/{letter}/").status_code == 404
    assert post(other, letter, subject="x").status_code == 404
    for act in ("discard", "restore"):
        assert other.post(f"/mail/compose/{letter}/{act}/", headers=JSON).status_code == 404
    unknown = other.post(f"/mail/compose/{new_ulid()}/discard/", headers=JSON)
    known = other.post(f"/mail/compose/{letter}/discard/", headers=JSON)
    assert unknown.content == known.content


def test_who_is_signed_out_is_told(client: Client) -> None:
    letter = new_ulid()
    assert post(client, letter, subject="x").status_code == 401
    assert client.get("/mail/compose/").status_code == 302


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x00", "\u2028"])
@pytest.mark.parametrize("name", ["to", "cc", "subject", "from", "source", "kind", "revision"])
def test_no_field_of_the_form_makes_a_header_field(
    alice: User, reader: Client, name: str, end: str
) -> None:
    evil = f"bob@example.test{end}X-Evil: 1{end}{end}evil"
    assert post(reader, new_ulid(), **{name: evil}).status_code == 200
    (message,) = in_drafts(alice)
    assert "X-Evil" not in message
    assert set(message.keys()) <= {
        *("Date", "From", "To", "Cc", "Subject", "Message-ID", "MIME-Version", "Content-Type"),
        "Content-Transfer-Encoding",
    }


def test_an_answer_quotes_and_goes_to_who_wrote(alice: User, reader: Client) -> None:
    ref = put(alice, ANSWERED)
    page = reader.get("/mail/compose/", {"kind": "reply", "source": ref})
    letter = page.context["letter"]
    assert letter.to == "Carol <carol@x.test>"
    assert letter.subject == "Re: Plan"
    assert letter.source == ref
    assert '<blockquote data-quote="">' in letter.html
    assert "> Hello" in letter.text
    assert page.context["can_archive"]


def test_a_quoted_page_stays_text_in_the_page(alice: User, reader: Client) -> None:
    evil = (
        b'From: "</textarea><script>x()</script>" <c@x.test>\r\nTo: alice@example.test\r\n'
        b"Subject: </textarea><script>y()</script>\r\nContent-Type: text/html\r\n\r\n"
        b"</textarea><script>z()</script><img src=x onerror=w()>"
    )
    ref = put(alice, evil)
    for kind in ("reply", "reply_all", "forward", "forward_attached", "again"):
        text = reader.get("/mail/compose/", {"kind": kind, "source": ref}).content.decode()
        assert "<script>x" not in text
        assert "<script>y" not in text
        assert "<script>z" not in text
        assert "<img src=x" not in text


def test_what_may_not_be_read_cannot_be_quoted(bob: User, reader: Client) -> None:
    ref = put(bob, ANSWERED)
    for odd in (ref, "1.1", "0.1", "x", "9" * 30, "1.1 1.2"):
        asked = {"kind": "reply", "source": odd}
        assert reader.get("/mail/compose/", asked).status_code == 404, odd


def test_a_forward_takes_files_along_that_are_ticked(alice: User, reader: Client) -> None:
    raw = (
        b"From: c@x.test\r\nSubject: Two\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
        b"--b\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nA\r\n"
        b"--b\r\nContent-Disposition: attachment; filename=b.txt\r\n\r\nB\r\n--b--\r\n"
    )
    ref = put(alice, raw)
    page = reader.get("/mail/compose/", {"kind": "forward", "source": ref})
    first, second = page.context["carried"]
    assert (first["name"], second["name"]) == ("a.txt", "b.txt")
    told = post(
        reader, new_ulid(), kind="forward", source=ref, carry=str(second["number"]), html="<p>x</p>"
    ).json()
    assert [one["name"] for one in told["files"]] == ["b.txt"]
    (message,) = in_drafts(alice)
    assert [part.get_filename() for part in message.iter_attachments()] == ["b.txt"]
    assert "In-Reply-To" not in message


def test_links_fill_fields_and_nothing_else(reader: Client) -> None:
    link = (
        "mailto:a%2Bb@x.test,c+d@x.test?subject=Hi%0D%0ABcc:%20e@x.test&body=One%0ATwo"
        "&cc=f@x.test&to=g@x.test&attach=/etc/passwd&From=evil@x.test&in-reply-to=%3Cx%3E"
    )
    letter = reader.get("/mail/compose/", {"url": link}).context["letter"]
    assert letter.to == "a+b@x.test,c+d@x.test, g@x.test"
    assert letter.cc == "f@x.test"
    assert letter.subject == "Hi Bcc: e@x.test"
    assert letter.bcc == ""
    assert letter.sender == "alice@example.test"
    assert "<div>One</div><div>Two</div>" in letter.html
    assert letter.text.startswith("One\nTwo")
    for odd in ("javascript:alert(1)", "mailto:", "mailto:?" + "a=b&" * 500, "x" * 30_000):
        assert reader.get("/mail/compose/", {"url": odd}).status_code == 200
    plain = reader.get("/mail/compose/", {"to": "b@x.test", "subject": "S", "body": "<b>"})
    assert plain.context["letter"].to == "b@x.test"
    assert "&lt;b&gt;" in plain.context["letter"].html


def test_a_signature_stands_in_new_letters(alice: User, reader: Client) -> None:
    Identity.objects.create(
        user=alice,
        key="alice@example.test",
        address="alice@example.test",
        signature_html="<p>Best, <b>A</b></p>",
        signature_text="Best, A",
    )
    letter = reader.get("/mail/compose/").context["letter"]
    assert letter.html.endswith('<div data-sig=""><p>Best, <b>A</b></p></div>')
    assert letter.text.endswith("\n\n-- \nBest, A")


def test_a_draft_in_the_list_leads_to_its_page(alice: User, reader: Client) -> None:
    letter = new_ulid()
    post(reader, letter, subject="Mine", html="<p>x</p>")
    uid = Draft.objects.get().uid
    shown = reader.get(f"/mail/drafts/{uid}/").content.decode()
    assert f'href="/mail/compose/from/drafts/{uid}/"' in shown
    to_it = reader.get(f"/mail/compose/from/drafts/{uid}/")
    assert to_it["Location"] == f"/mail/compose/{letter}/"


def test_a_draft_of_another_program_is_opened_and_kept_until_it_is_saved(
    alice: User, reader: Client
) -> None:
    theirs = (
        b"From: alice@example.test\r\nTo: bob, carol@x.test\r\nSubject: Elsewhere\r\n\r\nWords\r\n"
    )
    _box, _dot, uid = put(alice, theirs, SpecialUse.DRAFTS, FLAG_DRAFT).partition(".")
    page = reader.get(f"/mail/compose/from/drafts/{uid}/")
    letter = page.context["letter"]
    assert (letter.to, letter.subject, letter.text) == ("bob, carol@x.test", "Elsewhere", "Words")
    assert len(in_drafts(alice)) == 1
    post(reader, letter.id, source=letter.source, subject="Here", text="Words", plain="1")
    assert [one["Subject"] for one in in_drafts(alice)] == ["Here"]
    assert reader.get(f"/mail/compose/from/drafts/{uid}/").status_code == 404


def test_mail_of_others_is_no_draft_to_edit(alice: User, reader: Client) -> None:
    _box, _dot, uid = put(alice, ANSWERED).partition(".")
    assert reader.get(f"/mail/compose/from/inbox/{uid}/").status_code == 404


def test_a_page_takes_the_same_statements_for_any_letter(alice: User, reader: Client) -> None:
    def count(ref: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            reader.get("/mail/compose/", {"kind": "reply_all", "source": ref}, headers=PART)
        return len(asked)

    small = put(alice, ANSWERED)
    people = ", ".join(f"p{n}@x.test" for n in range(200)).encode()
    large = put(alice, ANSWERED.replace(b"To: ", b"To: " + people + b", ") + b"Long\r\n" * 5_000)
    count(small)
    assert count(large) == count(small) < 25
