"""How letters begin: whom an answer goes to, what it is called, what stands in it."""

from dataclasses import replace

import pytest

from apps.directory.authority import Authority
from apps.mime.composing import plain
from apps.mime.reading import Reading, read
from apps.webmail.models import DraftKind
from apps.webmail.writers import Choice
from apps.webmail.writing import answering, importing, quoting
from apps.webmail.writing.answering import Beginning, Writer
from apps.webmail.writing.fields import Fields

ME = Choice("alice@example.test", "alice@example.test", "Alice", Authority.OWN, is_default=True)
DESK = Choice("desk@example.test", "desk@example.test", "Desk", Authority.SEND_AS)
WRITER = Writer(("alice@example.test", "a.archer@example.test"), (ME, DESK))


def message(*lines: str, body: str = "Hello", kind: str = "text/plain") -> Reading:
    head = [f"Content-Type: {kind}; charset=utf-8", "Date: Fri, 27 Nov 2026 09:30:00 +0000", *lines]
    return read("\r\n".join([*head, "", body]).encode())


def answer(kind: str, reading: Reading, writer: Writer = WRITER) -> Beginning:
    return answering.answer(kind, reading, {}, writer, again=())


FROM_BOB = ("From: Bob <bob@x.test>", "Subject: Plan")


@pytest.mark.parametrize(
    ("lines", "kind", "to", "cc"),
    [
        (("To: alice@example.test",), "reply", "Bob <bob@x.test>", ""),
        (("To: alice@example.test, carol@x.test",), "reply", "Bob <bob@x.test>", ""),
        (
            ("To: Alice <alice@example.test>, carol@x.test", "Cc: dan@x.test"),
            "reply_all",
            "Bob <bob@x.test>, carol@x.test",
            "dan@x.test",
        ),
        (("Reply-To: list@x.test", "To: list@x.test"), "reply_all", "list@x.test", ""),
        (("Reply-To: desk@x.test", "To: a.archer@example.test"), "reply", "desk@x.test", ""),
        (("To: bob@x.test", "Cc: bob@x.test, a.archer@example.test"), "reply_all",
         "Bob <bob@x.test>", ""),
    ],
)  # fmt: skip
def test_an_answer_goes_to_who_wrote(lines: tuple[str, ...], kind: str, to: str, cc: str) -> None:
    begun = answer(kind, message(*FROM_BOB, *lines)).fields
    assert (begun.to, begun.cc, begun.bcc) == (to, cc, "")


def test_an_answer_to_ones_own_goes_to_who_got_it() -> None:
    own = message("From: alice@example.test", "To: bob@x.test", "Cc: carol@x.test")
    assert answer("reply", own).fields.to == "bob@x.test"
    assert answer("reply", own).fields.cc == ""
    assert answer("reply_all", own).fields.cc == "carol@x.test"


def test_who_writes_to_themselves_answers_themselves() -> None:
    own = message("From: alice@example.test", "To: alice@example.test")
    assert answer("reply", own).fields.to == "alice@example.test"


def test_it_comes_from_the_address_that_was_written_to() -> None:
    assert answer("reply", message(*FROM_BOB, "To: desk@example.test")).choice is DESK
    assert (
        answer("reply", message(*FROM_BOB, "Cc: desk@example.test, alice@example.test")).choice
        is ME
    )
    assert answer("reply", message(*FROM_BOB, "To: list@x.test")).choice is ME


@pytest.mark.parametrize(
    ("subject", "kind", "called"),
    [
        ("Plan", "reply", "Re: Plan"),
        ("Re: Plan", "reply", "Re: Plan"),
        ("RE: AW: re[2]: Plan", "reply", "Re: Plan"),
        ("Fwd: Plan", "reply", "Re: Fwd: Plan"),
        ("Really: Plan", "reply", "Re: Really: Plan"),
        ("Plan", "forward", "Fwd: Plan"),
        ("Fw: WG: Plan", "forward", "Fwd: Plan"),
        ("", "reply", "Re:"),
        ("x" * 3_000, "reply", "Re: " + "x" * 880),
    ],
)
def test_a_subject_says_once_what_it_is(subject: str, kind: str, called: str) -> None:
    begun = answer(kind, message("From: b@x.test", f"Subject: {subject}"))
    assert begun.fields.subject.strip() == called


def test_a_quote_is_the_words_of_who_wrote() -> None:
    begun = answer("reply", message(*FROM_BOB, body="One <b>\r\n> older\r\n\r\nTwo")).fields
    assert "Bob wrote:" in begun.text
    assert begun.text.endswith("> One <b>\n>> older\n>\n> Two")
    assert "One &lt;b&gt;" in begun.html
    assert "<blockquote data-quote>" in begun.html
    assert plain.worded(begun.html).endswith("> One <b>\n>> older\n>\n> Two")


def test_an_empty_line_stands_between_what_is_typed_and_what_is_quoted() -> None:
    begun = answer("reply", message(*FROM_BOB)).fields
    assert begun.html.startswith("<div><br></div><div><br></div><div>On ")
    assert begun.text.startswith("\n\nOn ")
    signed = replace(WRITER, offered=(replace(ME, signature_text="A"),))
    above = answer("reply", message(*FROM_BOB), signed).fields
    assert above.text.startswith("\n\n-- \nA\n\nOn ")


def test_hostile_html_is_quoted_without_what_is_hostile() -> None:
    evil = (
        '<html><style>body{display:none}</style><body onload="x()"><p>Words</p>'
        '<img src="https://evil.test/t.gif"><script>steal()</script>'
        '</blockquote></div><form action="/settings/password/"><input name=p></form>'
        '<a href="javascript:x()">l</a><div data-sig>fake</div>'
    )
    begun = answer("reply", message(*FROM_BOB, body=evil, kind="text/html")).fields
    for word in ("evil.test", "script", "onload", "<form", "<input", "<style", "data-sig"):
        assert word not in begun.html
    assert begun.html.count("<blockquote") == begun.html.count("</blockquote") == 1
    assert "> Words" in begun.text


def test_hostile_names_stay_text() -> None:
    evil = message('From: "<img src=x onerror=a>" <b@x.test>', "Subject: <script>")
    for kind in ("reply", "forward"):
        html = answer(kind, evil).fields.html
        assert "<img" not in html
        assert "<script" not in html


def test_encrypted_parts_are_never_quoted_into_one_html() -> None:
    raw = (
        b"From: e@x.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b'--b\r\nContent-Type: text/html\r\n\r\n<a href="http://evil.test/\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nsecret words\r\n"
        b'--b\r\nContent-Type: text/html\r\n\r\n">x</a>\r\n--b--\r\n'
    )
    assert "secret" not in quoting.quoted_html(read(raw), {})


def test_a_forwarded_message_stands_below_its_head() -> None:
    begun = answer("forward", message(*FROM_BOB, "To: alice@example.test", "Cc: c@x.test"))
    assert begun.fields.to == ""
    for line in (
        "From: Bob <bob@x.test>",
        "Subject: Plan",
        "To: alice@example.test",
        "Cc: c@x.test",
    ):
        assert line in begun.fields.text
    assert begun.fields.text.endswith("\n\nHello")
    assert answer("forward_attached", message(*FROM_BOB)).fields.text == ""


def test_files_go_along_with_what_is_sent_on_and_not_with_answers() -> None:
    raw = (
        b"From: b@x.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
        b"--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
        b"Content-Disposition: attachment; filename=a.pdf\r\n\r\nx\r\n--b--\r\n"
    )
    assert [one.name for one in answer("forward", read(raw)).files] == ["a.pdf"]
    assert answer("reply", read(raw)).files == ()


def test_the_signature_stands_where_its_writer_wants_it() -> None:
    signed = replace(ME, signature_html="<p>Alice <b>A</b></p>", signature_text="Alice A")
    above = answer("reply", message(*FROM_BOB), replace(WRITER, offered=(signed,))).fields
    assert above.html.index("data-sig") < above.html.index("data-quote")
    assert above.text.index("\n-- \nAlice A") < above.text.index("> Hello")
    below = replace(WRITER, offered=(replace(signed, is_above_quote=False),))
    under = answer("reply", message(*FROM_BOB), below).fields
    assert under.html.index("data-sig") > under.html.index("data-quote")
    assert under.text.index("\n-- \nAlice A") > under.text.index("> Hello")


def test_a_new_letter_has_what_its_address_says() -> None:
    begun = answering.new(WRITER, Fields(to="b@x.test", text="One\n<b>Two"))
    assert begun.fields.sender == ME.key
    assert begun.fields.to == "b@x.test"
    assert "<div>&lt;b&gt;Two</div>" in begun.fields.html
    assert begun.fields.text == "One\n<b>Two"


def test_a_letter_once_more_goes_to_whom_it_did_not_reach() -> None:
    own = message("From: desk@example.test", "To: b@x.test, c@x.test", "Cc: d@x.test", "Subject: S")
    whole = answer(DraftKind.AGAIN, own)
    assert (whole.fields.to, whole.fields.cc) == ("b@x.test, c@x.test", "d@x.test")
    assert whole.choice is DESK
    again = answering.answer(DraftKind.AGAIN, own, {}, WRITER, again=("c@x.test",)).fields
    assert (again.to, again.cc, again.subject) == ("c@x.test", "", "S")


def test_a_draft_of_another_program_is_read_with_all_that_is_no_address() -> None:
    found = importing.fields(
        message("From: Alice@Example.TEST", 'To: bob, "C, D" <c@x.test>', "Bcc: e@x.test"), {}
    )
    assert found.sender == "alice@example.test"
    assert found.to == 'bob, "C, D" <c@x.test>'
    assert found.bcc == "e@x.test"
    assert found.is_plain
