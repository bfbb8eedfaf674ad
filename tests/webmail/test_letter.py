"""Letters as messages, read by a parser that is not ours."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.address import Address
from apps.mime.composing import letter, plain
from apps.mime.composing.letter import Body, Heading

AT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
BOB = ("Bob", Address.parse("bob@example.test"))
HEADING = Heading(
    sender=("Alice Archer", Address.parse("alice@example.test")),
    at=AT,
    message_id="<1.a@example.test>",
    to=[BOB],
    subject="Hello",
    offset=60,
)
ENDS = ["\r\n", "\n", "\r", "\x00", "\r\n\r\n", "\n ", "\u2028", "\x85", "\x0b"]


def parsed(heading: Heading, body: Body | None = None) -> EmailMessage:
    raw = letter.header(heading) + letter.text_part(body or Body("Hi\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    return message_from_bytes(raw, policy=policy.default)


def content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_letter_is_read_as_it_was_written() -> None:
    found = parsed(
        replace(
            HEADING,
            cc=[("Zoë", Address.parse("zoe@example.test"))],
            bcc=[("", Address.parse("eve@other.test"))],
            reply_to=[("", Address.parse("desk@example.test"))],
            subject="Grüße — “quoted”",
            in_reply_to="<q@x.test>",
            references="<p@x.test> <q@x.test>",
            wants_receipt=True,
        )
    )
    assert not found.defects
    assert found["From"] == "Alice Archer <alice@example.test>"
    assert found["To"] == "Bob <bob@example.test>"
    assert found["Cc"] == "Zoë <zoe@example.test>"
    assert found["Bcc"] == "eve@other.test"
    assert found["Reply-To"] == "desk@example.test"
    assert found["Subject"] == "Grüße — “quoted”"
    assert found["Date"].datetime == AT
    assert str(found["Date"]).endswith("+0100")
    assert found["Message-ID"] == "<1.a@example.test>"
    assert found["In-Reply-To"] == "<q@x.test>"
    assert found["References"].split() == ["<p@x.test>", "<q@x.test>"]
    assert found["Disposition-Notification-To"] == "Alice Archer <alice@example.test>"


@pytest.mark.parametrize("end", ENDS)
def test_no_field_makes_another(end: str) -> None:
    evil = f"x{end}Bcc: eve@other.test{end}{end}body"
    found = parsed(
        replace(
            HEADING,
            sender=(evil, HEADING.sender[1]),
            to=[(evil, BOB[1])],
            cc=[(evil, BOB[1])],
            reply_to=[(evil, BOB[1])],
            subject=evil,
            in_reply_to=f"<a{end}Bcc:eve@other.test>",
            references=f"<a@x.test>{end}Bcc: <eve@other.test>",
            message_id=f"<1.a@example.test>{end}Bcc: <b@x.test>",
            wants_receipt=True,
        )
    )
    assert "Bcc" not in found
    assert [address.addr_spec for address in found["To"].addresses] == ["bob@example.test"]
    assert content(found, "plain").strip() == "Hi"


@pytest.mark.parametrize(
    "word",
    ["=?utf-8?Q?a=0D=0ABcc:_eve@other.test?=", "=?utf-8?B?YQ0KQmNjOiBldmVAb3RoZXIudGVzdA==?="],
)
def test_an_encoded_word_that_was_typed_stays_what_was_typed(word: str) -> None:
    found = parsed(replace(HEADING, subject=word, to=[(word, BOB[1])]))
    assert found["Subject"] == word
    assert "Bcc" not in found
    assert found["To"].addresses[0].display_name == word


@given(st.text(max_size=300), st.text(max_size=120))
def test_any_text_makes_one_field(subject: str, name: str) -> None:
    found = parsed(replace(HEADING, subject=subject, to=[(name, BOB[1])]))
    assert found.keys() == [
        "Date",
        "From",
        "To",
        "Subject",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ]


def test_a_name_without_an_end_is_folded() -> None:
    found = parsed(replace(HEADING, to=[("x" * 3_000, BOB[1])], subject="y" * 900))
    assert found["Subject"] == "y" * 900


def test_an_address_outside_ascii_makes_the_header_utf8() -> None:
    jorg = ("Jörg", Address.parse("jörg@example.test"))
    raw = letter.header(replace(HEADING, to=[jorg]))
    assert "jörg@example.test".encode() in raw
    assert letter.header(HEADING).isascii()


def test_ids_are_never_cut_and_only_ids() -> None:
    long = "<" + "x" * 450 + "@example.test>"
    found = letter.message_ids(f"garbage {long} <a b@x> <<c@x.test> <ü@x>\r\nEvil: <d@x.test>")
    assert found == [long, "<c@x.test>", "<d@x.test>"]
    row = letter.references([f"<{n}@x.test>" for n in range(200)], "<answered@x.test>")
    ids = row.split()
    assert len(ids) == letter.MOST_REFERENCES
    assert ids[0] == "<0@x.test>"
    assert ids[-1] == "<answered@x.test>"


def test_both_texts_are_alternatives() -> None:
    text = "Grüße\n\nFrom here\n.\n" + "long " * 60 + "\n-- \nAnn\n"
    found = parsed(
        HEADING, Body(plain.flowed(text), "<p>Grüße =_text_</p>" + "x" * 2_000, boundary="b1")
    )
    assert found.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "text/html"]
    assert not [part.defects for part in found.walk() if part.defects]
    first = found.get_body(("plain",))
    assert first is not None
    assert first["Content-Type"].params["format"] == "flowed"
    assert "=_text_" in content(found, "html")
    assert "\n-- \n" in content(found, "plain")


@pytest.mark.parametrize(
    "text",
    [
        "--=_text_b1\n",
        "--=_text_b1--\nContent-Type: text/html\n\n<script>\n",
        "From mbox\n",
        ".\n..\n",
        "a" * 3_000 + "\n",
        "tab\t \n trailing \n",
        "=20=\n",
        "\ud800\n",
    ],
)
def test_no_text_ends_its_part(text: str) -> None:
    found = parsed(HEADING, Body(text, f"<pre>{text}</pre>", boundary="b1"))
    assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "text/html"]
    assert content(found, "plain") == text.replace("\ud800", "?")
