"""The answer is one letter, whatever the message that it answers tries."""

import email
import email.policy
from email.message import EmailMessage

import pytest

from apps.mime.address import Address
from apps.mime.headers import scan
from apps.sieve import autoreply
from apps.sieve.autoreply import Answered


def made(
    raw: bytes = b"Subject: Figures\r\nMessage-ID: <a@b>\r\n\r\n",
    *,
    pattern: str = "Away: {subject}",
    text: str = "I am away.",
    name: str = "Alice",
    to: str = "carol@outside.invalid",
) -> EmailMessage:
    whole = autoreply.compose(
        sender=(name, Address.parse("alice@example.test")),
        to=Address.parse(to),
        pattern=pattern,
        text=text,
        answered=Answered.of(scan(raw)),
        message_id="<new@example.test>",
        at_us=1_795_000_000_000_000,
    )
    assert b"\n" not in whole.replace(b"\r\n", b"")
    assert max(map(len, whole.split(b"\r\n"))) <= 998
    return email.message_from_bytes(whole, policy=email.policy.default)


def test_it_says_what_it_is() -> None:
    letter = made()
    assert letter["from"] == "Alice <alice@example.test>"
    assert letter["to"] == "carol@outside.invalid"
    assert letter["subject"] == "Away: Figures"
    assert letter["auto-submitted"] == "auto-replied"
    assert letter["in-reply-to"] == "<a@b>"
    assert letter["references"] == "<a@b>"
    assert letter.get_content() == "I am away.\r\n" or letter.get_content() == "I am away.\n"
    assert not letter.defects


def test_it_goes_on_with_the_thread() -> None:
    raw = b"Message-ID: <c@b>\r\nReferences: <a@b> <b@b>\r\n\r\n"
    assert made(raw)["references"] == "<a@b> <b@b> <c@b>"
    many = b"References: " + b" ".join(b"<%d@b>" % one for one in range(5000)) + b"\r\n\r\n"
    assert len(made(many)["references"].split()) == autoreply.REFERENCES_MOST


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: =?utf-8?Q?x=0D=0ABcc:_victim@outside.invalid?=\r\n\r\n",
        b"Subject: x\rBcc: victim@outside.invalid\r\n\r\n",
        b"Subject: x\0\x0bBcc: victim@outside.invalid\r\n\r\n",
        b"Message-ID: <a\rBcc:victim@b>\r\n\r\n",
        b"Message-ID: <a@b>\r\n\tBcc: x\r\nReferences: <x@y>\rBcc: z\r\n\r\n",
        b"Subject: " + "\u2028\u2029\u0085".encode() + b"x\r\n\r\n",
    ],
)
def test_nothing_in_a_message_becomes_a_field(raw: bytes) -> None:
    letter = made(raw, text="x\r\n.\r\nBcc: nobody", name="A\r\nBcc: x@y")
    assert set(map(str.lower, letter.keys())) <= {
        *("from", "to", "subject", "date", "message-id", "in-reply-to", "references"),
        *("auto-submitted", "x-auto-response-suppress", "mime-version"),
        *("content-type", "content-transfer-encoding"),
    }
    assert letter["bcc"] is None


def test_a_subject_is_put_in_once_and_short() -> None:
    assert made(b"Subject: {subject}{subject}\r\n\r\n")["subject"] == "Away: {subject}{subject}"
    long = made(b"Subject: " + b"x" * 100_000 + b"\r\n\r\n")["subject"]
    assert len(long) < 220
    assert made(pattern="")["subject"] == "Auto: Figures"
    assert made(pattern="{0} %s {subject}")["subject"] == "{0} %s Figures"


def test_it_speaks_every_language() -> None:
    letter = made(
        "Subject: Отпуск\r\n\r\n".encode(),
        pattern="Ich bin weg: {subject}",
        text="Grüße\nиз отпуска",
        name="Зоя",
        to="maïs@outside.invalid",
    )
    assert letter.get_content().split() == ["Grüße", "из", "отпуска"]
    assert letter["subject"] == "Ich bin weg: Отпуск"
