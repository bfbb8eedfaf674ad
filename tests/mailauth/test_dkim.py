"""DKIM signatures that we make: dkimpy and OpenDKIM, whose code is not ours, say that they hold."""

import subprocess
from pathlib import Path

import dkim as dkimpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import dkim, message, signature
from apps.mailauth.dkim import UnsignableError
from apps.mailauth.keys import parse_record
from apps.mailauth.signature import SignatureError
from tests.mailauth.samples import BOTH, DOMAIN, ED25519, NOW, PLAIN, RECORDS, RSA, txt

TEXTS = [
    PLAIN,
    b"From: alice@example.test\r\n\r\n",
    b"From: alice@example.test\r\n",
    b"From: alice@example.test\r\n\r\nno line end",
    b"From: alice@example.test\r\n\r\n\r\n\r\n\r\n",
    b"From: alice@example.test\r\n\r\n \r\n\t\r\n",
    b"From: alice@example.test\r\nSubject:\r\n\r\nx\r\n",
    b"From: alice@example.test\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n\r\n\xc3\xa4 \xff\r\n",
    b"From: a@example.test\r\nFrom: b@example.test\r\nTo: x@y.test\r\nTo: z@y.test\r\n\r\nx\r\n",
    b"from:alice@example.test\r\nX-Long: " + b"y" * 2000 + b"\r\n\r\n" + b"z" * 3000 + b"\r\n",
]


def _signed(raw: bytes) -> bytes:
    return dkim.sign(message.split(raw), BOTH, now=NOW) + raw


def _check(raw: bytes, number: int = 0) -> None:
    """Raise SignatureError if our own signature `number` does not hold."""
    taken = message.split(raw)
    read = signature.read(taken.named(b"dkim-signature")[number])
    signature.check(taken, read, parse_record(RECORDS[read.record_name]), now=NOW)


@pytest.mark.parametrize("raw", TEXTS)
def test_both_signatures_hold_for_dkimpy_and_for_us(raw: bytes) -> None:
    signed = _signed(raw)
    for number in (0, 1):
        assert dkimpy.DKIM(signed).verify(number, dnsfunc=txt)
        _check(signed, number)


@given(
    st.lists(
        st.sampled_from([b" ", b"\t", b"\r\n", b"a", b".", b"\xff", b"  ", b"\r\n\r\n"]),
        max_size=30,
    )
)
def test_both_canonical_forms_of_any_body_are_those_of_dkimpy(pieces: list[bytes]) -> None:
    signed = _signed(b"From: a@example.test\r\n\r\n" + b"".join(pieces) + b"\r\n")
    assert dkimpy.DKIM(signed).verify(0, dnsfunc=txt)
    _check(signed)


def test_its_lines_are_short_and_end_in_crlf() -> None:
    lines = dkim.sign(message.split(PLAIN), BOTH, now=NOW).split(b"\r\n")
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 78
    assert not any(b"\n" in line for line in lines)
    assert [line for line in lines if not line.startswith(b"\t")] == [
        b"DKIM-Signature: v=1;",
        b"DKIM-Signature: v=1;",
        b"",
    ]


def test_opendkim_says_that_the_rsa_signature_holds(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_bytes(b"".join(b"%s %s\n" % (n.encode(), r) for n, r in RECORDS.items()))
    conf = tmp_path / "conf"
    conf.write_text(f"Mode v\nTestPublicKeys {keys}\nSyslog no\n")
    rsa_only = dkim.sign(message.split(PLAIN), BOTH[:1], now=NOW) + PLAIN
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(rsa_only)
    bad.write_bytes(rsa_only.replace(b"Hello", b"Hullo"))
    assert "succeeded" in _opendkim(conf, good)
    assert "succeeded" not in _opendkim(conf, bad)


def _opendkim(conf: Path, file: Path) -> str:
    done = subprocess.run(
        ["opendkim", "-x", str(conf), "-vvv", "-t", str(file)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "added",
    [
        b"From: mallory@example.test\r\n",
        b"Subject: another\r\n",
        b"Reply-To: mallory@example.test\r\n",
        b"To: victim@example.test\r\n",
        b"Cc: victim@example.test\r\n",
        b"Content-Type: text/html\r\n",
        b"Date: Fri, 27 Nov 2026 00:00:00 +0000\r\n",
    ],
)
def test_a_second_field_that_readers_see_breaks_it(added: bytes) -> None:
    signed = _signed(PLAIN)
    for changed in (added + signed, signed.replace(b"\r\n\r\n", b"\r\n" + added + b"\r\n", 1)):
        assert not dkimpy.DKIM(changed).verify(0, dnsfunc=txt)
        with pytest.raises(SignatureError, match="header was changed"):
            _check(changed)


def test_what_relays_add_does_not_break_it() -> None:
    changed = b"Received: by c\r\nX-Spam: no\r\nAuthentication-Results: c; none\r\n" + _signed(
        PLAIN
    )
    assert dkimpy.DKIM(changed).verify(0, dnsfunc=txt)
    _check(changed)


def test_a_changed_body_breaks_it() -> None:
    with pytest.raises(SignatureError, match="body was changed"):
        _check(_signed(PLAIN).replace(b"Hello", b"Hullo"))


def test_it_oversigns_what_is_not_there_only_for_what_readers_see() -> None:
    names = dkim.names_to_sign(message.split(b"From: a@example.test\r\n\r\n"))
    assert names == (b"from", b"from", b"reply-to", b"subject", b"to", b"cc")


def test_it_does_not_sign_what_no_verifier_would_take() -> None:
    many = b"From: a@example.test\r\n" + b"To: b@c.test\r\n" * 300 + b"\r\n"
    with pytest.raises(UnsignableError):
        dkim.sign(message.split(many), BOTH, now=NOW)


def test_it_names_its_algorithms_domain_and_time() -> None:
    fields = message.split(_signed(PLAIN)).named(b"dkim-signature")
    read = [signature.read(field) for field in fields]
    assert [one.algorithm for one in read] == [RSA.algorithm, ED25519.algorithm]
    assert {(one.domain, one.made_at) for one in read} == {(DOMAIN, NOW)}
    assert [one.selector for one in read] == ["r1", "e1"]
    assert all(one.is_header_relaxed and one.is_body_relaxed for one in read)
