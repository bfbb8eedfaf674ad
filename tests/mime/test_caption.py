"""By what people know a message: found fast, decoded, and harmless to show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.caption import MESSAGE_ID_MOST, SUBJECT_MOST, caption_of, caption_told
from tests.support.cost import cost


@pytest.mark.parametrize(
    ("header", "subject", "message_id"),
    [
        (b"Subject: Hello\r\nMessage-ID: <1@a.test>\r\n", "Hello", "<1@a.test>"),
        (b"X: y\r\nsubject:Hello\r\nMESSAGE-ID:\r\n <1@a.test>\r\n", "Hello", "<1@a.test>"),
        (b"Subject: long\r\n and folded\r\n", "long and folded", ""),
        (b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n", "Grüße", ""),
        (b"Subject-Line: no\r\nSubject : yes\r\n", "yes", ""),
        (b"Message-ID: (first) <1@a.test> <2@a.test>\r\n", "", "<1@a.test>"),
        (b"Message-ID: none in brackets\r\n", "", ""),
        (b"Subject: a\x1b[31mred\x07\r\n", "a[31mred", ""),
        ("Subject: a\u202egnp.exe\u2066b\u200f\r\n".encode(), "agnp.exeb", ""),
        (b"", "", ""),
    ],
)
def test_it_finds_what_is_there(header: bytes, subject: str, message_id: str) -> None:
    assert caption_of(header + b"\r\nSubject: of the text\r\n") == (subject, message_id)


def test_it_is_bounded() -> None:
    subject, message_id = caption_of(
        b"Subject: " + b"s" * 5_000 + b"\r\nMessage-ID: <" + b"m" * 700 + b"@a.test>\r\n\r\n"
    )
    assert len(subject) == SUBJECT_MOST
    assert len(message_id) == MESSAGE_ID_MOST


def test_it_names_only_what_is_there() -> None:
    assert caption_told(b"Subject: Hello\r\n\r\n") == {"subject": "Hello"}


def test_its_time_is_linear() -> None:
    def hostile(size: int) -> bytes:
        return b"Subject\r\n" * size + b"Subject:" + b"\n " * size + b"=?utf-8?q?" * size

    assert cost(lambda: caption_of(hostile(40_000))) < 8 * cost(lambda: caption_of(hostile(10_000)))


@given(st.binary(max_size=400))
def test_no_octets_break_it(raw: bytes) -> None:
    for head in (raw, b"Subject:" + raw, b"Message-ID: <" + raw):
        subject, message_id = caption_of(head)
        assert not any(sign in subject + message_id for sign in "\0\r\n\x1b\u202e")
        assert not any("\ud800" <= sign <= "\udfff" for sign in subject + message_id)
