"""The Received field, and loops in those of others."""

import re
from dataclasses import replace

import pytest

from apps.smtp.proto.trace_fields import (
    Hop,
    delivered_to,
    header_of,
    hops,
    protocol_word,
    received,
)

HOP = Hop("client.a.test", "192.0.2.1", "mail.example.test", "ESMTPS", "01ABC", 1_795_590_400)
FIELD = re.compile(rb"Received: [ -~]+(?:\r\n\t[ -~]+)*\r\n")


def test_it_writes_the_field() -> None:
    hop = replace(HOP, tls="TLSv1.3 TLS_AES_256_GCM_SHA384", recipient="alice@example.test")
    assert received(hop) == (
        b"Received: from client.a.test (unknown [192.0.2.1])\r\n"
        b"\tby mail.example.test with ESMTPS id 01ABC\r\n"
        b"\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
        b"\tfor <alice@example.test>;\r\n"
        b"\tWed, 25 Nov 2026 07:06:40 +0000\r\n"
    )


def test_it_names_no_recipient_that_would_not_fit() -> None:
    for recipient in ("jürgen@b.test", "a\r\n@b.test"):
        assert b"for <" not in received(replace(HOP, recipient=recipient))


def test_it_keeps_the_client_to_itself_without_an_address() -> None:
    field = received(replace(HOP, address=""))
    assert field.startswith(b"Received: by mail.example.test with ")
    assert b"client.a.test" not in field


@pytest.mark.parametrize(
    "helo", ["a\r\nX-Evil: 1", "a)b(", "x" * 5_000, "\x1b[2J", "\u202eevil", "", "a;b", "<a@b>"]
)
def test_it_lets_no_name_break_out(helo: str) -> None:
    field = received(replace(HOP, helo=helo, tls=helo))
    assert FIELD.fullmatch(field)
    assert field.count(b"(") == field.count(b")") <= 2
    assert field.count(b";") == 1 or helo == "a;b"


@pytest.mark.parametrize(
    ("word", "flags"),
    [
        ("SMTP", {}),
        ("ESMTP", {"extended": True}),
        ("ESMTPSA", {"extended": True, "tls": True, "signed_in": True}),
        ("UTF8SMTPS", {"extended": True, "tls": True, "utf8": True}),
        ("LMTP", {"lmtp": True, "extended": True}),
        ("UTF8LMTP", {"lmtp": True, "extended": True, "utf8": True}),
    ],
)
def test_it_names_the_protocol(word: str, flags: dict[str, bool]) -> None:
    usual = dict.fromkeys(("lmtp", "extended", "utf8", "tls", "signed_in"), False)
    assert protocol_word(**{**usual, **flags}) == word


def test_it_counts_hops_in_the_header_alone() -> None:
    header = header_of(b"RECEIVED: a\r\nreceived: b\r\nX-Received: c\r\n\r\nReceived: d\r\n")
    assert hops(header) == 2


def test_it_finds_where_a_message_was_delivered() -> None:
    raw = (
        b"Delivered-To: <Alice@Example.test>\r\ndelivered-to:  b@c.test \r\n\r\nDelivered-To: x\r\n"
    )
    assert delivered_to(header_of(raw)) == [b"alice@example.test", b"b@c.test"]
    assert delivered_to(header_of(b"Subject: x\r\n\r\n")) == []
