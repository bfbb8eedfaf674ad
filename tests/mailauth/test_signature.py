"""One signature: read with care, and checked (RFC 6376 section 6.1)."""

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives import serialization

from apps.mailauth import message, signature
from apps.mailauth.keys import parse_record
from apps.mailauth.message import HeaderField
from apps.mailauth.signature import Signature, SignatureError
from tests.mailauth.samples import DOMAIN, NOW, PLAIN, RECORDS, RSA

GOOD = (
    b"v=1; a=rsa-sha256; c=relaxed/simple; d=Example.TEST; s=r1; t=100; x=200; h=From : to;"
    b" bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA"
)


def _read(value: bytes, name: bytes = b"dkim-signature") -> Signature:
    return signature.read(HeaderField(name, name + b":" + value, value))


def test_it_reads_tags() -> None:
    read = _read(GOOD)
    assert (read.domain, read.selector) == (DOMAIN, "r1")
    assert read.names == (b"from", b"to")
    assert (read.made_at, read.expires_at, read.body_size) == (100, 200, None)
    assert (read.is_header_relaxed, read.is_body_relaxed) == (True, False)
    assert read.record_name == "r1._domainkey.example.test"


def test_forms_have_defaults() -> None:
    read = _read(GOOD.replace(b"c=relaxed/simple;", b""))
    assert (read.is_header_relaxed, read.is_body_relaxed) == (False, False)
    read = _read(GOOD.replace(b"relaxed/simple", b"relaxed"))
    assert (read.is_header_relaxed, read.is_body_relaxed) == (True, False)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"v=1; ", b"", "version"),
        (b"v=1", b"v=2", "version"),
        (b"rsa-sha256", b"rsa-sha1", "not taken any more"),
        (b"a=rsa-sha256; ", b"", "no a="),
        (b"h=From : to", b"h=to:subject", "From is not signed"),
        (b"h=From : to", b"h=" + b":".join([b"from"] * 300), "too many"),
        (b"h=From : to;", b"", "no h="),
        (b"relaxed/simple", b"relaxed/nowsp", "canonicalization"),
        (b"d=Example.TEST", b"d=", "no domain"),
        (b"d=Example.TEST", b"d=[192.0.2.1]", "no domain"),
        (b"d=Example.TEST", b"d=a b/c", "no domain"),
        (b"d=Example.TEST", b"d=\xff", "no domain"),
        (b"s=r1", b"s=..", "no domain"),
        (b"t=100", b"t=300", "expires before"),
        (b"t=100", b"t=x", "no number"),
        (b"t=100", b"l=-1", "no number"),
        (b"t=100", b"q=http", "query"),
        (b"b=AAAA", b"b=A", "base64"),
        (b" b=AAAA", b"", "no b="),
        (b"b=AAAA", b"b=AAAA; b=BBBB", "twice"),
    ],
)
def test_it_refuses_what_cannot_hold(old: bytes, new: bytes, reason: str) -> None:
    assert old in GOOD
    with pytest.raises(SignatureError, match=reason):
        _read(GOOD.replace(old, new))


def test_a_message_signature_of_arc_has_no_version() -> None:
    assert _read(GOOD.replace(b"v=1", b"i=1"), b"arc-message-signature").domain == DOMAIN


def _signed(canonical: tuple[bytes, bytes], **more: object) -> bytes:
    key = serialization.load_der_private_key(RSA.secret, None)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    header: bytes = dkimpy.sign(
        PLAIN, b"r1", DOMAIN.encode(), pem, canonicalize=canonical, linesep=b"\r\n", **more
    )
    return header + PLAIN


def _check(raw: bytes, now: int = NOW, selector: str = "r1") -> None:
    taken = message.split(raw)
    read = signature.read(taken.named(b"dkim-signature")[0])
    key = parse_record(RECORDS[f"{selector}._domainkey.{DOMAIN}"])
    signature.check(taken, read, key, now=now)


@pytest.mark.parametrize("header", [b"simple", b"relaxed"])
@pytest.mark.parametrize("body", [b"simple", b"relaxed"])
def test_it_checks_every_form_that_dkimpy_writes(header: bytes, body: bytes) -> None:
    raw = _signed((header, body))
    _check(raw)
    with pytest.raises(SignatureError, match="body was changed"):
        _check(raw + b"x\r\n")
    with pytest.raises(SignatureError, match="header was changed"):
        _check(raw.replace(b"<1@", b"<2@"))
    with pytest.raises(SignatureError, match="another key"):
        _check(raw, selector="o1")
    with pytest.raises(SignatureError, match="another kind"):
        _check(raw, selector="e1")


def test_part_of_a_body_is_not_enough() -> None:
    """What follows l= is anybody's (RFC 6376 section 8.2)."""
    raw = _signed((b"relaxed", b"relaxed"), length=True)
    assert b"l=" in raw
    _check(raw)
    assert dkimpy.verify(raw + b"spam\r\n", dnsfunc=lambda name, timeout: _txt(name))
    with pytest.raises(SignatureError, match="part of the body"):
        _check(raw + b"spam\r\n")


def _txt(name: bytes) -> bytes:
    return RECORDS[name.decode().rstrip(".")]


def test_an_expired_signature_does_not_hold() -> None:
    raw = b"DKIM-Signature: " + GOOD + b"\r\n" + PLAIN
    with pytest.raises(SignatureError, match="expired"):
        _check(raw, now=201)
    with pytest.raises(SignatureError, match="body was changed"):
        _check(raw, now=200)
