"""ARC chains: ours hold for dkimpy, those of dkimpy hold for us, broken ones are found broken."""

import base64
import re

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import arc, dkim, message
from apps.mailauth.arc import Status, Verdict
from apps.mailauth.keyring import Keyring
from apps.mailauth.keys import parse_record
from tests.mailauth.samples import BOTH, ED25519, NOW, PLAIN, RECORDS, RSA, keyring, signer, txt
from tests.support.cost import spent

HOPS = ("first.test", "second.test", "third.test")
SIGNED = dkim.sign(message.split(PLAIN), BOTH, now=NOW) + PLAIN


def _judge(raw: bytes, records: dict[str, bytes | None] | None = None) -> Verdict:
    taken = message.split(raw)
    known = dict(RECORDS) if records is None else records
    return arc.judge(taken, arc.read(taken), keyring(known), now=NOW)


def _sealed(raw: bytes, domain: str, results: str = "") -> bytes:
    taken = message.split(raw)
    chain = arc.read(taken)
    verdict = arc.judge(taken, chain, keyring(RECORDS), now=NOW)
    return (
        arc.seal(
            taken,
            chain,
            verdict,
            results=results or f"{domain}; arc={verdict.status}",
            signer=signer("r1", RSA, domain),
            now=NOW,
        )
        + raw
    )


def _sealed_by_dkimpy(raw: bytes, domain: str, *covered: bytes) -> bytes:
    key = serialization.load_der_private_key(RSA.secret, None)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    found = _judge(raw).status.value
    checked = f"Authentication-Results: {domain}; arc={found}\r\n".encode() + raw
    lines = dkimpy.arc_sign(
        checked,
        b"r1",
        domain.encode(),
        pem,
        domain.encode(),
        include_headers=[b"from", *covered] if covered else None,
        linesep=b"\r\n",
    )
    return b"".join(lines) + checked


def _chain(*hops: str) -> bytes:
    raw = SIGNED
    for hop in hops:
        raw = _sealed(raw, hop)
    return raw


def test_there_may_be_no_chain() -> None:
    assert _judge(PLAIN) == Verdict(Status.NONE)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_chain_of_ours_holds_for_dkimpy_and_for_us(count: int) -> None:
    raw = _chain(*HOPS[:count])
    result, details, reason = dkimpy.arc_verify(raw, dnsfunc=txt)
    assert result == b"pass", reason
    assert len(details) == count
    assert _judge(raw) == Verdict(Status.PASS)


def test_a_chain_of_dkimpy_and_us_holds_for_both() -> None:
    raw = _sealed_by_dkimpy(SIGNED, "first.test")
    assert _judge(raw) == Verdict(Status.PASS)
    raw = _sealed(raw, "second.test")
    raw = _sealed_by_dkimpy(raw, "third.test")
    assert _judge(raw) == Verdict(Status.PASS)
    assert dkimpy.arc_verify(raw, dnsfunc=txt)[0] == b"pass"


def test_what_was_signed_before_still_holds() -> None:
    assert dkimpy.DKIM(_chain(*HOPS)).verify(0, dnsfunc=txt)


def test_it_stands_on_top_in_the_order_of_its_making() -> None:
    names = [field.name for field in message.split(_chain("first.test", "second.test")).fields]
    assert names[:6] == [arc.SEAL, arc.MESSAGE, arc.RESULTS] * 2


def test_it_covers_dkim_signatures_and_no_field_of_arc() -> None:
    raw = b"Authentication-Results: here; none\r\n" + _chain("first.test")
    latest = arc.read(message.split(_sealed(raw, "second.test"))).latest
    assert latest is not None
    assert latest.names.count(b"dkim-signature") == 2
    assert not {arc.SEAL, arc.MESSAGE, arc.RESULTS, b"authentication-results"} & set(latest.names)


def _last_char(field: bytes, raw: bytes) -> bytes:
    """Change one letter in the first field so named."""
    start = raw.index(field)
    place = raw.index(b"b=", start) + 10
    return raw[:place] + (b"A" if raw[place : place + 1] != b"A" else b"B") + raw[place + 1 :]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda raw: raw.replace(b"Hello", b"Hullo"), "instance 3: the body was changed"),
        (lambda raw: raw.replace(b"Two ", b"Three "), "instance 3: the header was changed"),
        (lambda raw: _last_char(b"ARC-Seal: i=3", raw), "instance 3: the seal does not hold"),
        (lambda raw: _last_char(b"ARC-Seal: i=1", raw), "instance 3: the seal does not hold"),
        (lambda raw: _last_char(b"ARC-Message-Signature: i=1", raw), "instance 3: the seal"),
        (lambda raw: raw.replace(b"first.test; arc=none", b"first.test; arc=pass"), "instance 3"),
        (lambda raw: _without(raw, b"ARC-Seal: i=2"), "instance 2 is not whole"),
        (lambda raw: _without(raw, b"ARC-Authentication-Results: i=1"), "instance 1 is not whole"),
        (lambda raw: b"ARC-Seal: i=2; cv=pass\r\n" + raw, "instance 2 stands twice"),
        (lambda raw: b"ARC-Seal: i=51; cv=pass\r\n" + raw, "no instance from 1 to 50"),
        (lambda raw: raw.replace(b"cv=none", b"cv=pass"), "seal 1 does not say cv=none"),
        (lambda raw: raw.replace(b"ARC-Seal: i=3;", b"ARC-Seal: i=3; h=from;"), "seal 3 has h="),
    ],
)
def test_a_broken_chain_fails_for_us_and_for_dkimpy(change: object, reason: str) -> None:
    raw = change(_chain(*HOPS))  # type: ignore[operator]
    verdict = _judge(raw)
    assert verdict.status is Status.FAIL
    assert reason in verdict.reason
    assert dkimpy.arc_verify(raw, dnsfunc=txt)[0] == b"fail"


@pytest.mark.parametrize("stray", [b"ARC-Seal: x", b"ARC-Seal: i=0; cv=pass", b"ARC-Seal:"])
def test_a_field_of_no_hop_breaks_the_chain(stray: bytes) -> None:
    verdict = _judge(stray + b"\r\n" + _chain("first.test"))
    assert verdict == Verdict(Status.FAIL, "a field has no instance from 1 to 50")
    assert _judge(stray + b"\r\n" + PLAIN).status is Status.FAIL


def test_the_instance_of_seal_and_signature_may_stand_anywhere() -> None:
    """It is a tag there as others are, whatever the grammar says of its place."""
    read = arc.read(message.split(_chain("first.test").replace(b"Seal: i=1; a=", b"Seal: a=", 1)))
    assert read.problem == "a field has no instance from 1 to 50"
    moved = _chain("first.test").replace(b"ARC-Seal: i=1; a=", b"ARC-Seal: t=1; i=01; a=", 1)
    read = arc.read(message.split(moved.replace(b"; t=%d" % NOW, b"", 1)))
    assert (read.highest, read.problem) == (1, "")


@pytest.mark.parametrize("covered", [arc.RESULTS, arc.MESSAGE, b"authentication-results"])
def test_a_signature_may_cover_what_it_should_not(covered: bytes) -> None:
    """Section 4.1.2 forbids it to who signs; many do, and pass in the published test suite."""
    raw = _sealed_by_dkimpy(_chain("first.test"), "second.test", b"to", covered)
    latest = arc.read(message.split(raw)).latest
    assert latest is not None
    assert covered in latest.names
    assert dkimpy.arc_verify(raw, dnsfunc=txt)[0] == b"pass"
    assert _judge(raw) == Verdict(Status.PASS)


def test_a_signature_that_covers_a_seal_fails() -> None:
    raw = _chain("first.test").replace(b"h=from", b"h=arc-seal:from")
    assert _judge(raw).reason == "the message signature covers a seal"
    assert dkimpy.arc_verify(raw, dnsfunc=txt)[0] == b"fail"


def test_each_key_of_a_selector_is_tried() -> None:
    raw = _chain("first.test")
    taken, name = message.split(raw), "r1._domainkey.first.test"
    good, other = RECORDS[name], RECORDS["o1._domainkey.first.test"]
    alien = RECORDS["e1._domainkey.first.test"]
    for records, status in (
        ((other, alien, b"v=spf1 -all", good), Status.PASS),
        ((other, alien), Status.FAIL),
        ((alien,), Status.FAIL),
    ):
        verdict = arc.judge(taken, arc.read(taken), Keyring({name: records}), now=NOW)
        assert verdict.status is status


def test_what_certainly_fails_fails_although_the_dns_is_silent() -> None:
    raw = _chain(*HOPS)
    known = {**RECORDS, "r1._domainkey.second.test": None}
    assert _judge(raw, known).status is Status.UNKNOWN
    assert _judge(raw.replace(b"Hello", b"Hullo"), known).status is Status.FAIL
    wrong = {**known, "r1._domainkey.first.test": RECORDS["o1._domainkey.first.test"]}
    assert _judge(raw, wrong) == Verdict(Status.FAIL, "instance 1: the seal does not hold")


def test_it_gives_the_results_without_the_instance() -> None:
    (first,) = arc.read(message.split(_sealed(SIGNED, "first.test", "a.test; spf=pass"))).sets
    assert first.said == b" a.test; spf=pass"


def _without(raw: bytes, begin: bytes) -> bytes:
    start = raw.index(begin)
    return raw[:start] + raw[re.compile(rb"\r\n(?![ \t])").search(raw, start).end() :]  # type: ignore[union-attr]


def test_a_hole_in_the_row_fails() -> None:
    raw = _chain(*HOPS)
    for kind in (b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results"):
        raw = _without(raw, kind + b": i=2")
    assert _judge(raw).reason == "instance 2 is not whole"


def test_a_broken_chain_is_sealed_as_broken_and_then_never_again() -> None:
    raw = _sealed(_chain("first.test").replace(b"Hello", b"Hullo"), "second.test")
    assert b"cv=fail" in raw.partition(b"ARC-Message-Signature")[0]
    assert _judge(raw).status is Status.FAIL
    closing = arc.read(message.split(raw))
    assert closing.is_closed
    assert _sealed(raw, "third.test") == raw


def test_the_seal_of_a_broken_chain_covers_its_own_set_alone() -> None:
    raw = _sealed(_chain("first.test").replace(b"Hello", b"Hullo"), "second.test")
    fields = message.split(raw).fields[:3]
    # As if it stood alone: dkimpy signs and checks the same octets (section 5.1.2).
    values = {field.name: field for field in fields}
    unsigned = re.sub(rb"b=[^;]*$", b"b=", values[arc.SEAL].value)
    data = arc._sealed_data(
        values[arc.RESULTS], values[arc.MESSAGE], message.HeaderField(arc.SEAL, b"", unsigned)
    )
    value = base64.b64decode(values[arc.SEAL].value.rpartition(b"b=")[2])
    assert parse_record(RECORDS["r1._domainkey.second.test"]).verifies(value, data)


def test_fifty_hops_are_the_end() -> None:
    raw = SIGNED
    for _ in range(50):
        raw = _sealed(raw, "first.test")
    assert _judge(raw) == Verdict(Status.PASS)
    assert _sealed(raw, "first.test") == raw


def test_a_key_that_is_not_there_fails() -> None:
    raw = _chain(*HOPS)
    missing = {**RECORDS, "r1._domainkey.second.test": b""}
    assert _judge(raw, {**missing}).reason == "instance 2: has no key in the DNS"
    revoked = {**RECORDS, "r1._domainkey.second.test": b"v=DKIM1; p="}
    assert _judge(raw, {**revoked}).reason == "instance 2: the key was revoked"


def test_a_silent_dns_says_nothing_and_nothing_is_sealed() -> None:
    raw = _chain("first.test")
    taken = message.split(raw)
    chain = arc.read(taken)
    verdict = arc.judge(taken, chain, keyring({"r1._domainkey.first.test": None}), now=NOW)
    assert verdict.status is Status.UNKNOWN
    sealed = arc.seal(
        taken, chain, verdict, results="x; arc=none", signer=signer("r1", RSA), now=NOW
    )
    assert sealed == b""


def test_it_names_the_records_that_it_needs() -> None:
    names = arc.read(message.split(_chain(*HOPS))).record_names
    assert names == {f"r1._domainkey.{hop}" for hop in HOPS}
    assert arc.read(message.split(PLAIN)).record_names == set()


def test_it_takes_a_chain_of_another_algorithm() -> None:
    taken = message.split(SIGNED)
    key = signer("e1", ED25519, "first.test")
    fields = arc.seal(
        taken, arc.NO_CHAIN, Verdict(Status.NONE), results="first.test; none", signer=key, now=NOW
    )
    assert _judge(fields + SIGNED) == Verdict(Status.PASS)


def test_long_results_are_folded() -> None:
    results = "first.test; " + "; ".join(f"dkim=pass header.d=domain{n}.test" for n in range(20))
    raw = _sealed(SIGNED, "first.test", results)
    assert max(map(len, raw.partition(b"\r\n\r\n")[0].split(b"\r\n"))) < 120
    assert dkimpy.arc_verify(raw, dnsfunc=txt)[0] == b"pass"


PIECES = st.sampled_from(
    (
        b"ARC-Seal:|ARC-Message-Signature:|ARC-Authentication-Results:|\r\n| |\t|i=1;|i=2;|i=999;"
        b"|a=rsa-sha256;|cv=none;|cv=pass;|cv=fail;|d=first.test;|s=r1;|b=AAAA|bh=AAAA;|h=from;"
        b"|t=1;|x=0;|=|;|\xff|\0|From: a@b.test\r\n"
    ).split(b"|")
)


@given(st.lists(PIECES, max_size=40))
def test_no_chain_however_broken_raises(pieces: list[bytes]) -> None:
    taken = message.split(b"".join(pieces) + b"\r\n\r\nbody")
    chain = arc.read(taken)
    verdict = arc.judge(taken, chain, keyring(RECORDS), now=NOW)
    assert verdict.status in (Status.NONE, Status.FAIL, Status.UNKNOWN)
    fields = arc.seal(
        taken, chain, verdict, results="x; none", signer=signer("r1", RSA, "first.test"), now=NOW
    )
    assert fields == b"" or len(message.read_fields(fields)) == 3


def test_a_long_chain_costs_bounded_time() -> None:
    """Each seal covers all before it: fifty large sets that hold are the worst that can come."""
    results = "first.test; " + "x" * 15_000
    raw, key = SIGNED, signer("r1", RSA, "first.test")
    for number in range(50):
        taken = message.split(raw)
        verdict = Verdict(Status.PASS if number else Status.NONE)
        chain = arc.read(taken)
        raw = arc.seal(taken, chain, verdict, results=results, signer=key, now=NOW) + raw
    with spent() as took:
        assert _judge(raw) == Verdict(Status.PASS)
    assert took.seconds < 5
