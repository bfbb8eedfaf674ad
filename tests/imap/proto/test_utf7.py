"""Mailbox names: one spelling each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.imap.proto.utf7 import MailboxNameError, decode_name, encode_name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"INBOX", "INBOX"),
        (b"Entw&APw-rfe", "Entwürfe"),
        (b"&-", "&"),
        (b"a&-b", "a&b"),
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
        (b"&2D3eAA-", "\U0001f600"),
        (b"", ""),
    ],
)
def test_it_reads_and_writes(raw: bytes, name: str) -> None:
    assert decode_name(raw) == name
    assert encode_name(name) == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"&",
        b"&AGE-",  # "a" has a plain spelling
        b"&APw",
        b"&APw-&APw-",  # two shifts where one is the spelling
        b"&2D0-",  # half a surrogate pair
        b"&!!-",
        b"&A-",
        b"\xc3\xbc",
        b"a\x7f",
        b"a\0b",
        b"a\r\nb",
        b"&AAA=-",
        b"&APx-",  # bits beyond the last character
    ],
)
def test_it_refuses(raw: bytes) -> None:
    with pytest.raises(MailboxNameError):
        decode_name(raw)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_it_reads_back_what_it_writes(name: str) -> None:
    assert decode_name(encode_name(name)) == name


@given(st.binary(max_size=50))
def test_it_takes_a_name_in_one_spelling_only(raw: bytes) -> None:
    try:
        name = decode_name(raw)
    except MailboxNameError:
        return
    assert encode_name(name) == raw


def test_it_refuses_lone_surrogates() -> None:
    with pytest.raises(MailboxNameError):
        encode_name("\ud800")
