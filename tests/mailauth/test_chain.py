"""The chain of mail that comes in: what it is worth, and when a trusted sealer lifts DMARC."""

import time

import dkim as dkimpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import arc, chain, dkim
from apps.mailauth.arc import Status, Verdict
from apps.mailauth.bodies import Bodies
from apps.mailauth.canonical import Form
from apps.mailauth.keys import record_text
from apps.mailauth.message import split
from apps.mailauth.types import Arc, Result
from tests.mailauth.samples import (
    BOTH,
    DOMAIN,
    NOW,
    OTHER,
    PLAIN,
    RECORDS,
    RSA,
    keyring,
    pem,
    signer,
    zones,
)
from tests.support.cost import spent
from tests.support.zones import Zones

SIGNED = dkim.sign(split(PLAIN), BOTH, now=NOW) + PLAIN
PASSED = f"dmarc=pass header.from={DOMAIN}"
FAILED = f"dmarc=fail header.from={DOMAIN}"
HOPS = ("first.test", "second.test", "third.test")


def _sealed(raw: bytes, domain: str, results: str = "none") -> bytes:
    """A further set, which says that the chain before it holds if it does."""
    taken = split(raw)
    read = arc.read(taken)
    found = arc.judge(taken, read, keyring(RECORDS), now=NOW)
    key = signer("r1", RSA, domain)
    text = f"mx.{domain}; {results}"
    return arc.seal(taken, read, found, results=text, signer=key, now=NOW) + raw


def _chain(*hops: str) -> bytes:
    raw = SIGNED
    for hop in hops:
        raw = _sealed(raw, hop, PASSED)
    return raw


async def _check(
    raw: bytes, *trusted: str, dns: Zones | None = None, author: str = DOMAIN, seconds: float = 8.0
) -> Arc:
    return await chain.check(
        split(raw), dns or zones(), now=NOW, trusted=trusted, author=author, seconds=seconds
    )


async def test_mail_without_a_chain_asks_nothing() -> None:
    dns = zones()
    assert await _check(SIGNED, "first.test", dns=dns) == Arc()
    assert dns.questions == []


async def test_a_chain_that_holds_passes_and_names_its_sealers() -> None:
    found = await _check(_chain(*HOPS))
    assert found == Arc(result=Result.PASS, instance=3, sealers=HOPS)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"Hello", b"Hullo"), "instance 3: the body was changed"),
        ((b"Two ", b"2 "), "instance 3: the header was changed, or another key signed"),
        ((b"mx.first.test", b"mx.evil.test"), "instance 3: the seal does not hold"),
        ((b"i=2; mx", b"i=7; mx"), "instance 2 is not whole"),
    ],
)
async def test_a_broken_chain_fails_and_nobody_vouches(
    change: tuple[bytes, bytes], reason: str
) -> None:
    raw = _chain(*HOPS)
    assert change[0] in raw
    found = await _check(raw.replace(*change), *HOPS)
    assert (found.result, found.reason, found.vouched) == (Result.FAIL, reason, "")


async def test_a_chain_that_its_last_sealer_found_broken_fails() -> None:
    raw = _sealed(_chain("first.test").replace(b"Hello", b"Hullo"), "second.test", PASSED)
    found = await _check(raw, *HOPS)
    assert (found.result, found.instance) == (Result.FAIL, 2)
    assert found.vouched == ""


# --- the DNS


async def test_a_silent_dns_is_temporary() -> None:
    dns = zones()
    dns.fail("r1._domainkey.first.test", "TXT")
    found = await _check(_chain(*HOPS), *HOPS, dns=dns)
    assert (found.result, found.reason) == (Result.TEMPERROR, "the DNS does not answer")
    assert (found.instance, found.sealers, found.vouched) == (3, HOPS, "")


async def test_a_key_that_is_late_is_temporary() -> None:
    dns = zones()
    dns.drop("r1._domainkey.first.test", "TXT")
    begin = time.monotonic()
    found = await _check(_chain(*HOPS), dns=dns, seconds=0.05)
    assert found.result is Result.TEMPERROR
    assert time.monotonic() - begin < 4


@pytest.mark.parametrize("silent", ["first.test", "second.test"])
async def test_what_certainly_fails_is_not_temporary(silent: str) -> None:
    """Otherwise a forger would name a key in a zone that never answers."""
    raw = _chain(*HOPS)
    dns = zones()
    dns.fail(f"r1._domainkey.{silent}", "TXT")
    other = record_text(OTHER.algorithm, OTHER.public)
    for hop in HOPS:
        if hop != silent:
            wrong = zones()
            wrong.fail(f"r1._domainkey.{silent}", "TXT")
            wrong.add(f"r1._domainkey.{hop}", "TXT", other)
            found = await _check(raw, dns=wrong)
            assert found.result is Result.FAIL, hop
    assert (await _check(raw.replace(b"Hello", b"Hullo"), dns=dns)).result is Result.FAIL


async def test_it_asks_for_the_rest_only_if_the_last_set_holds() -> None:
    raw = _chain(*HOPS)
    dns = zones()
    await _check(raw.replace(b"Hello", b"Hullo"), dns=dns)
    assert dns.questions == [("r1._domainkey.third.test", "TXT")]
    dns = zones()
    await _check(raw, dns=dns)
    assert sorted(name for name, _ in dns.questions) == [f"r1._domainkey.{hop}" for hop in HOPS]


async def test_a_broken_form_asks_nothing() -> None:
    dns = zones()
    found = await _check(b"ARC-Seal: i=9; cv=pass\r\n" + _chain("first.test"), dns=dns)
    assert (found.result, found.instance, found.reason) == (
        Result.FAIL,
        9,
        "instance 2 is not whole",
    )
    assert dns.questions == []


async def test_each_of_several_keys_is_tried() -> None:
    dns = zones()
    good, other = (record_text(pair.algorithm, pair.public) for pair in (RSA, OTHER))
    dns.add("r1._domainkey.first.test", "TXT", "v=spf1 -all", other, good)
    assert (await _check(_chain("first.test"), dns=dns)).result is Result.PASS


# --- who vouches


@pytest.mark.parametrize(
    ("sealers", "results", "trusted", "vouched"),
    [
        # A list that was trusted saw DMARC pass.
        (("first.test",), (PASSED,), ("first.test",), "first.test"),
        (("first.test",), (PASSED,), (), ""),
        (("first.test",), (PASSED,), ("second.test",), ""),
        (("first.test",), (FAILED,), ("first.test",), ""),
        # Below a trusted domain, but not only with the same end.
        (("first.test",), (PASSED,), ("test",), "first.test"),
        (("first.test",), (PASSED,), ("irst.test",), ""),
        # A trusted forwarder behind a trusted list saw only what the list had made of it.
        (HOPS[:2], (PASSED, FAILED), HOPS[:2], "first.test"),
        (HOPS[:2], (PASSED, PASSED), HOPS[:2], "second.test"),
        # Who is not trusted and stands between us and a trusted one could have written it anew.
        (HOPS[:2], (PASSED, FAILED), ("first.test",), ""),
        (HOPS[:2], (PASSED, PASSED), ("first.test",), ""),
        (HOPS, (PASSED, FAILED, FAILED), ("first.test", "third.test"), ""),
        # A trusted one in front of strangers has seen it with its own eyes.
        (HOPS, (PASSED, FAILED, PASSED), ("third.test",), "third.test"),
        (HOPS, (FAILED, PASSED, FAILED), HOPS, "second.test"),
    ],
)
async def test_only_trusted_sealers_vouch(
    sealers: tuple[str, ...], results: tuple[str, ...], trusted: tuple[str, ...], vouched: str
) -> None:
    raw = SIGNED
    for domain, said in zip(sealers, results, strict=True):
        raw = _sealed(raw, domain, said)
    found = await _check(raw, *trusted)
    assert (found.result, found.vouched) == (Result.PASS, vouched)


@pytest.mark.parametrize(
    ("results", "is_vouched"),
    [
        (PASSED, True),
        (f"spf=fail smtp.mailfrom=evil.test; dkim=fail; {PASSED}", True),
        (f"dmarc=pass (p=REJECT sp=NONE) header.from={DOMAIN.upper()}.", True),
        (f"dmarc=pass action=none header.from={DOMAIN}", True),
        # Of another author, or of nobody.
        ("dmarc=pass header.from=evil.test", False),
        (f"dmarc=pass header.from=sub.{DOMAIN}", False),
        ("dmarc=pass", False),
        # Both: somebody got text of his into it.
        (f"{FAILED}; {PASSED}", False),
        (f"{PASSED}; dmarc=pass header.from=evil.test", False),
        # DMARC was not looked at: an aligned pass counts.
        (f"dkim=pass header.d={DOMAIN}", True),
        (f"dkim=fail header.d={DOMAIN}; dkim=pass header.i=@mail.{DOMAIN}", True),
        (f"spf=pass smtp.mailfrom=bounce@news.{DOMAIN}", True),
        (f"spf=pass smtp.mfrom={DOMAIN}", True),
        (f"spf=pass smtp.helo={DOMAIN}", False),
        ("dkim=pass header.d=evil.test; spf=pass smtp.mailfrom=evil.test", False),
        ("dkim=pass header.d=test", False),
        (f"dkim=pass header.d=evil{DOMAIN}", False),
        (f"dkim=policy header.d={DOMAIN}; spf=softfail smtp.mailfrom={DOMAIN}", False),
        (f"iprev=pass policy.iprev=192.0.2.1 header.d={DOMAIN}", False),
        # But not against what DMARC said.
        (f"dkim=pass header.d={DOMAIN}; {FAILED}", False),
        (f"dkim=pass header.d={DOMAIN}; dmarc=none header.from={DOMAIN}", False),
        # Words in comments and strings say nothing.
        (f"dkim=fail ({PASSED})", False),
        (f'spf=fail reason="x; {PASSED}"', False),
        (f"arc=pass ({PASSED}", False),
        ("none", False),
    ],
)
async def test_a_sealer_vouches_for_what_it_saw(results: str, is_vouched: bool) -> None:
    found = await _check(_sealed(SIGNED, "first.test", results), "first.test")
    assert found.result is Result.PASS
    assert found.vouched == ("first.test" if is_vouched else "")


async def test_nobody_vouches_for_an_author_that_is_not_one() -> None:
    raw = _sealed(SIGNED, "first.test", "dmarc=pass header.from=")
    assert (await _check(raw, "first.test", author="")).vouched == ""


async def test_what_a_stranger_says_of_himself_counts_for_nothing() -> None:
    """His seal holds, and he writes into it what he likes."""
    forged = PLAIN.replace(b"alice@example.test", b"ceo@bank.test")
    raw = _sealed(forged, "third.test", "dmarc=pass header.from=bank.test")
    found = await _check(raw, "first.test", "bank.test", author="bank.test")
    assert (found.result, found.vouched) == (Result.PASS, "")
    # Nor below the set of a trusted one, taken from another message.
    genuine = _sealed(SIGNED, "first.test", PASSED)
    fields = genuine[: genuine.index(b"DKIM-Signature")]
    found = await _check(fields + forged, "first.test", author="bank.test")
    assert (found.result, found.vouched) == (Result.FAIL, "")


async def test_a_message_that_was_changed_behind_a_trusted_sealer_is_not_lifted() -> None:
    raw = _sealed(SIGNED, "first.test", PASSED).replace(b"Hello", b"Hullo")
    assert (await _check(raw, "first.test")).vouched == ""
    closed = _sealed(raw, "third.test", PASSED)
    assert (await _check(closed, "first.test", "third.test")).vouched == ""


async def test_a_list_of_dkimpy_that_changed_the_body_is_lifted() -> None:
    changed = SIGNED + b"-- \r\nthe list\r\n"
    told = f"Authentication-Results: lists.test; {PASSED}; dkim=pass header.d={DOMAIN}\r\n".encode()
    lines = dkimpy.arc_sign(
        told + changed, b"r1", b"first.test", pem(RSA), b"lists.test", linesep=b"\r\n"
    )
    raw = b"".join(lines) + told + changed
    assert (await _check(raw, "first.test")).vouched == "first.test"


# --- what the seal of a forward wants to know


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (Result.NONE, Status.NONE),
        (Result.PASS, Status.PASS),
        (Result.FAIL, Status.FAIL),
        (Result.TEMPERROR, Status.UNKNOWN),
        (Result.PERMERROR, Status.UNKNOWN),
    ],
)
def test_it_gives_the_verdict_for_the_next_seal(result: Result, status: Status) -> None:
    assert chain.verdict(Arc(result=result, reason="why")) == Verdict(status, "why")


async def test_the_next_seal_is_that_of_the_chain_that_was_checked() -> None:
    for raw, word in (
        (SIGNED, b"cv=none"),
        (_chain("first.test"), b"cv=pass"),
        (_chain("first.test").replace(b"Hello", b"Hullo"), b"cv=fail"),
    ):
        taken = split(raw)
        found = chain.verdict(await _check(raw))
        key = signer("r1", RSA, "second.test")
        fields = arc.seal(taken, arc.read(taken), found, results="x; none", signer=key, now=NOW)
        assert word in fields.partition(b"ARC-Message-Signature")[0]


# --- work


async def test_it_shares_the_hashes_of_the_body() -> None:
    taken = split(_chain("first.test"))
    shared = Bodies(taken.body)
    await shared.sums([Form(is_relaxed=True)])

    async def never(*_: object) -> dict[Form, object]:
        raise AssertionError("hashed again")

    shared._hash = never  # type: ignore[method-assign, assignment]
    found = await chain.check(taken, zones(), now=NOW, trusted=(), author=DOMAIN, bodies=shared)
    assert found.result is Result.PASS


async def test_fifty_sets_are_checked_in_bounded_time_and_with_bounded_questions() -> None:
    raw, key = SIGNED, signer("r1", RSA, "first.test")
    for number in range(50):
        taken = split(raw)
        before = Verdict(Status.PASS if number else Status.NONE)
        raw = arc.seal(taken, arc.read(taken), before, results="x; none", signer=key, now=NOW) + raw
    dns = zones()
    with spent() as took:
        found = await _check(raw, "first.test", dns=dns)
        assert (found.result, found.instance) == (Result.PASS, 50)
    assert took.seconds < 3
    assert len(dns.questions) == 1
    more = b"ARC-Seal: i=51; cv=pass\r\n" + raw
    assert (await _check(more)).result is Result.FAIL


PIECES = st.sampled_from(
    (
        b"ARC-Seal:|ARC-Message-Signature:|ARC-Authentication-Results:|\r\n| |i=1;|i=2;|i=0;|x;"
        b"|a=rsa-sha256;|cv=none;|cv=pass;|d=first.test;|s=r1;|b=AAAA|bh=AAAA;|h=from;|dmarc=pass"
        b"|header.from=example.test|t=1;|x=0;|=|;|(|\xff|\0|From: a@b.test\r\n"
    ).split(b"|")
)


@given(st.lists(PIECES, max_size=40))
async def test_no_chain_however_broken_raises(pieces: list[bytes]) -> None:
    found = await _check(b"".join(pieces) + b"\r\n\r\nbody", "first.test")
    assert found.result in (Result.NONE, Result.FAIL)
    assert found.vouched == ""
