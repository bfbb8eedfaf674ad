"""DKIM of mail that comes in: each signature has a result, and bad ones harm no good one."""

import base64
import itertools
import re
import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import bodies, canonical, dkim, message, verify
from apps.mailauth.bodies import Bodies
from apps.mailauth.keys import Algorithm, NewKey, record_text
from apps.mailauth.message import split
from apps.mailauth.types import Dkim, Result
from tests.mailauth.samples import (
    BOTH,
    DOMAIN,
    ED25519,
    NOW,
    OTHER,
    PLAIN,
    RSA,
    WEAK_RECORD,
    crafted,
    zones,
)
from tests.support.cost import spent
from tests.support.zones import Zones

R1 = f"r1._domainkey.{DOMAIN}"
E1 = f"e1._domainkey.{DOMAIN}"
GOOD_KEY = record_text(RSA.algorithm, RSA.public)


async def _all(raw: bytes, dns: Zones | None = None, now: int = NOW) -> tuple[Dkim, ...]:
    return await verify.verify(split(raw), dns or zones(), now=now)


async def _one(raw: bytes, dns: Zones | None = None, now: int = NOW) -> tuple[Result, str]:
    (found,) = await _all(raw, dns, now)
    return found.result, found.reason


def _dns(record: str | bytes, *more: str | bytes) -> Zones:
    dns = Zones()
    dns.add(R1, "TXT", record, *more)
    return dns


async def test_it_tells_of_each_signature_that_holds() -> None:
    raw = dkim.sign(split(PLAIN), BOTH, now=NOW) + PLAIN
    found = await _all(raw)
    assert [(one.result, one.selector, one.algorithm) for one in found] == [
        (Result.PASS, "r1", "rsa-sha256"),
        (Result.PASS, "e1", "ed25519-sha256"),
    ]
    assert all((one.domain, one.identity) == (DOMAIN, f"@{DOMAIN}") for one in found)
    assert all(one.reason == "" and len(one.value) == 8 for one in found)
    assert b"".join(raw.split()).count(b"b=" + found[1].value.encode()) == 1


async def test_mail_without_signature_has_no_result_and_asks_nothing() -> None:
    dns = zones()
    assert await _all(PLAIN, dns) == ()
    assert dns.questions == []


async def test_a_bad_signature_harms_no_good_one() -> None:
    raw = b"DKIM-Signature: v=1; nonsense\r\n" + crafted(PLAIN, x="1")
    raw = crafted(b"DKIM-Signature:\r\n" + raw, domain="first.test", selector="none")
    raw = dkim.sign(split(PLAIN), BOTH[:1], now=NOW) + raw
    assert [one.result for one in await _all(raw)] == [
        Result.PASS,
        Result.PERMERROR,
        Result.PERMERROR,
        Result.PERMERROR,
        Result.FAIL,
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"Hello", b"Hullo"), "the body was changed"),
        ((b"Hello", b"\r\nHello"), "the body was changed"),
        ((b"Two ", b"2 "), "the header was changed, or another key signed"),
        ((b"alice@", b"malice@"), "the header was changed, or another key signed"),
        ((b"s=r1", b"s=o1"), "the header was changed, or another key signed"),
        ((b"t=100", b"t=101"), "the header was changed, or another key signed"),
        ((b"x=1790000001", b"x=9790000001"), "the header was changed, or another key signed"),
    ],
)
async def test_what_was_changed_fails(change: tuple[bytes, bytes], reason: str) -> None:
    raw = crafted(PLAIN, t="100", x=str(NOW + 1))
    assert change[0] in raw
    assert await _one(raw) == (Result.PASS, "")
    assert await _one(raw.replace(*change)) == (Result.FAIL, reason)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"v": "2"}, "unknown version"),
        ({"v": ""}, "unknown version"),
        ({"a": "rsa-sha1"}, "rsa-sha1 is not taken any more"),
        ({"a": "rsa-md5"}, "unknown algorithm"),
        ({"a": "ed25519-sha256"}, "the key is of another kind"),
        ({"h": "to:subject"}, "From is not signed"),
        ({"c": "relaxed/nowsp"}, "unknown canonicalization"),
        ({"q": "http"}, "unknown query method"),
        ({"i": "@elsewhere.test"}, "i= is not within d="),
        ({"i": f"@not{DOMAIN}"}, "i= is not within d="),
        ({"i": DOMAIN}, "i= is no identity"),
        ({"i": "a\u202eb@" + DOMAIN}, "i= is no identity"),
        ({"i": "a" * 400 + "@" + DOMAIN}, "i= is no identity"),
        ({"t": "200", "x": "100"}, "expires before it was made"),
        ({"l": "-1"}, "l= is no number"),
        ({"l": "9" * 77}, "l= is no number"),
        ({"b": "!"}, "is not base64"),
    ],
)
async def test_what_cannot_hold_is_an_error_and_asks_nothing_needless(
    tags: dict[str, str], reason: str
) -> None:
    dns = zones()
    (found,) = await _all(crafted(PLAIN, **tags), dns)
    assert (found.result, found.reason) == (Result.PERMERROR, reason)
    assert (found.domain, found.selector) == (DOMAIN, "r1")
    assert len(dns.questions) == (reason == "the key is of another kind")


@pytest.mark.parametrize(
    ("domain", "seen"),
    [
        ("EXAMPLE.test", DOMAIN),
        ("[192.0.2.1]", ""),
        ("a b/c", ""),
        ("..", ""),
        ("m\u00fc.test", "xn--m-eha.test"),
    ],
)
async def test_it_tells_the_domain_as_far_as_it_is_one(domain: str, seen: str) -> None:
    (found,) = await _all(crafted(PLAIN, a="rsa-sha1", d=domain))
    assert found.domain == seen
    assert found.identity == (f"@{seen}" if seen else "")


async def test_an_international_domain_is_asked_for_by_its_a_label() -> None:
    dns = Zones()
    dns.add("r1._domainkey.xn--mnchen-3ya.test", "TXT", GOOD_KEY)
    raw = crafted(PLAIN, domain="m\u00fcnchen.test", i="k\u00f6nig@m\u00fcnchen.test")
    (found,) = await _all(raw, dns)
    assert (found.result, found.domain) == (Result.PASS, "xn--mnchen-3ya.test")
    assert found.identity == "k\u00f6nig@xn--mnchen-3ya.test"


async def test_an_expired_signature_fails() -> None:
    raw = crafted(PLAIN, x=str(NOW))
    assert await _one(raw) == (Result.PASS, "")
    assert await _one(raw, now=NOW + 1) == (Result.FAIL, "expired")


async def test_a_clock_that_is_ahead_harms_nobody() -> None:
    assert await _one(crafted(PLAIN, t=str(NOW + 3_600))) == (Result.PASS, "")


# --- l=


@pytest.mark.parametrize("form", ["relaxed/relaxed", "simple/simple", "relaxed", "simple/relaxed"])
async def test_a_part_of_the_body_holds_and_is_not_taken(form: str) -> None:
    """What follows l= octets is anybody's (RFC 6376 section 8.2): never a pass for DMARC."""
    size = len(PLAIN.partition(b"\r\n\r\n")[2].rstrip()) - 10
    raw = crafted(PLAIN, c=form, l=str(size))
    policy = (Result.POLICY, "covers only a part of the body")
    assert await _one(raw) == policy
    assert await _one(raw + b"<a href=evil>\r\n") == policy
    assert await _one(raw.replace(b"Hello", b"Hullo")) == (Result.FAIL, "the body was changed")
    assert (await _one(raw.replace(b"alice", b"malice")))[0] is Result.FAIL


async def test_l_for_the_whole_body_passes_until_something_is_added() -> None:
    raw = crafted(PLAIN.partition(b"\r\n\r\n")[0] + b"\r\n\r\nHello\r\n", l="7")
    assert await _one(raw) == (Result.PASS, "")
    assert await _one(raw + b"\r\n\r\n") == (Result.PASS, "")  # empty lines at the end do not count
    assert (await _one(raw + b"x"))[0] is Result.POLICY
    assert await _one(raw.removesuffix(b"lo\r\n")) == (
        Result.FAIL,
        "a part of the body is missing",
    )


async def test_nothing_of_the_body_is_a_part_too() -> None:
    assert (await _one(crafted(PLAIN, l="0")))[0] is Result.POLICY


# --- header tricks


@pytest.mark.parametrize("names", ["from:to:subject", "from:to:subject:from", "from:from"])
async def test_a_from_that_was_added_breaks_it(names: str) -> None:
    """Wherever it stands, and whether or not the signer was careful (section 8.15)."""
    raw = crafted(PLAIN, h=names)
    assert (await _one(raw))[0] is Result.PASS
    above = b"From: mallory@evil.test\r\n" + raw
    below = raw.replace(b"\r\n\r\n", b"\r\nFrom: mallory@evil.test\r\n\r\n", 1)
    for changed in (above, below):
        assert (await _one(changed))[0] is Result.FAIL


async def test_two_authors_that_were_signed_hold() -> None:
    """It is DMARC that takes no message with two."""
    raw = crafted(b"From: mallory@evil.test\r\n" + PLAIN, h="from:from:to")
    assert await _one(raw) == (Result.PASS, "")


async def test_doubled_fields_are_signed_from_below() -> None:
    raw = PLAIN.replace(b"Subject:", b"X-A: one\r\nX-A: two\r\nX-A: three\r\nSubject:")
    signed = crafted(raw, h="from:x-a:x-a")
    assert (await _one(signed))[0] is Result.PASS
    assert (await _one(signed.replace(b"one", b"1")))[0] is Result.PASS
    assert (await _one(signed.replace(b"two", b"2")))[0] is Result.FAIL
    assert (await _one(signed.replace(b"three", b"3")))[0] is Result.FAIL
    moved = signed.replace(b"X-A: two\r\nX-A: three", b"X-A: three\r\nX-A: two")
    assert (await _one(moved))[0] is Result.FAIL


async def test_a_signature_covers_others_but_never_itself() -> None:
    """However often h= names it (section 3.7)."""
    raw = crafted(crafted(PLAIN, t="1"), h="from:dkim-signature:dkim-signature")
    assert [one.result for one in await _all(raw)] == [Result.PASS, Result.PASS]
    first, second = await _all(raw.replace(b"; t=1;", b"; t=2;"))
    assert (first.result, second.result) == (Result.FAIL, Result.FAIL)


@pytest.mark.parametrize(
    "name",
    [b"DKIM-Signature:", b"dkim-signature \t:", b"DKIM-SIGNATURE:\r\n\t \r\n"],
)
async def test_spelling_of_its_name_does_not_matter_if_relaxed(name: bytes) -> None:
    raw = crafted(PLAIN).replace(b"DKIM-Signature:", name, 1)
    assert await _one(raw) == (Result.PASS, "")


async def test_folding_does_not_matter_if_relaxed_and_does_if_simple() -> None:
    for form, result in (("relaxed/simple", Result.PASS), ("simple/simple", Result.FAIL)):
        raw = crafted(PLAIN, c=form)
        assert (await _one(raw))[0] is Result.PASS
        folded = raw.replace(b"; h=from:to", b";\r\n\th=from:to")
        # Within h= it would change what is signed even if relaxed.
        assert (await _one(folded))[0] is result
        assert (await _one(raw.replace(b"\r\n\tcarol", b"\r\n carol")))[0] is result


async def test_white_space_within_tags_does_not_matter() -> None:
    raw = crafted(PLAIN, h="from : to\t:\r\n subject", d="exa\r\n mple.test")
    assert await _one(raw) == (Result.PASS, "")


@pytest.mark.parametrize(
    "octets",
    [b"\0", b"a\rb", b"a\nb", b"\xff\xfe", b"\xc3\xa4", b"\x0b", b"\x7f", b"=?utf-8?q?=00?="],
)
async def test_strange_octets_are_signed_as_they_are(octets: bytes) -> None:
    raw = PLAIN.replace(b"Hello", octets + b"\r\n" + octets).replace(b"Two", octets)
    for form in ("relaxed/relaxed", "simple/simple"):
        signed = crafted(raw, c=form)
        assert await _one(signed) == (Result.PASS, "")
        assert (await _one(signed.replace(octets, octets + b"x", 1)))[0] is Result.FAIL


async def test_a_bare_newline_makes_no_field() -> None:
    """Others might read a From after a bare LF; the one signed is that on a line of its own."""
    raw = crafted(PLAIN.replace(b"Subject:  Two", b"Subject: x\nFrom: mallory@evil.test\n y"))
    taken = split(raw)
    assert len(taken.named(b"from")) == 1
    assert await _one(raw) == (Result.PASS, "")


async def test_a_message_without_body_or_line_end_can_be_signed() -> None:
    for raw in (b"From: a@b.test\r\n\r\n", b"From: a@b.test\r\n", b"From: a@b.test"):
        assert await _one(crafted(raw, h="from")) == (Result.PASS, "")


# --- keys


@pytest.mark.parametrize(
    ("record", "result", "reason"),
    [
        ("", Result.PERMERROR, "the record has no key"),
        ("v=DKIM1; p=", Result.PERMERROR, "the key was revoked"),
        ("v=DKIM1; p=AAAA", Result.PERMERROR, "the key cannot be read"),
        ("v=DKIM1; p=@@@@", Result.PERMERROR, "the key cannot be read"),
        ("v=spf1 -all", Result.PERMERROR, "not a DKIM key record"),
        ("some words", Result.PERMERROR, "key record: malformed tag"),
        ("v=DKIM2; p=AAAA", Result.PERMERROR, "not a DKIM key record"),
        (b"\xff\0" * 200, Result.PERMERROR, "key record: malformed tag"),
        (GOOD_KEY + "; s=tlsrpt", Result.PERMERROR, "the key is not for mail"),
        (GOOD_KEY + "; h=sha1", Result.PERMERROR, "the key is not for SHA-256"),
        (GOOD_KEY + "; p=AAAA", Result.PERMERROR, "key record: a tag stands twice"),
        (GOOD_KEY.replace("k=rsa", "k=dsa"), Result.PERMERROR, "the key is of an unknown kind"),
        (GOOD_KEY + " ; n=" + "x" * 20_000, Result.PERMERROR, "key record: tag list is too long"),
        (record_text(OTHER.algorithm, OTHER.public), Result.FAIL, "the header was changed, or"),
        (record_text(ED25519.algorithm, ED25519.public), Result.PERMERROR, "of another kind"),
        (GOOD_KEY.removeprefix("v=DKIM1; k=rsa; "), Result.PASS, ""),
        (GOOD_KEY + "; h=sha1:sha256; s=email; g=; t=s; n=a note", Result.PASS, ""),
    ],
    ids=itertools.count(),
)
async def test_a_key_that_is_none_is_an_error(
    record: str | bytes, result: Result, reason: str
) -> None:
    found = await _one(crafted(PLAIN), _dns(record))
    assert found[0] is result
    assert reason in found[1]


def _weak(bits: int) -> tuple[rsa.RSAPrivateKey, str]:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=bits)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return key, record_text(Algorithm.RSA, base64.b64encode(public).decode())


def _pair(key: rsa.RSAPrivateKey) -> NewKey:
    secret = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return NewKey(Algorithm.RSA, secret, "")


@pytest.mark.parametrize("bits", [1024, 1536, 4096])
async def test_keys_from_1024_to_4096_bits_are_taken(bits: int) -> None:
    """RFC 8301 section 3.2 has verifiers take them."""
    key, record = _weak(bits)
    assert await _one(crafted(PLAIN, _pair(key)), _dns(record)) == (Result.PASS, "")


async def test_a_key_under_1024_bits_proves_nothing() -> None:
    found = await _one(crafted(PLAIN), _dns(WEAK_RECORD))
    assert found == (Result.POLICY, "an RSA key of 512 bits is not taken")


async def test_a_signature_by_sha1_does_not_pass_whatever_the_key_says() -> None:
    key, record = _weak(2048)
    raw = crafted(PLAIN, _pair(key), a="rsa-sha1")
    data = re.sub(rb"b=[^;]*$", b"b=", raw.partition(b"\r\n")[0])
    raw = (
        data + base64.b64encode(key.sign(data, padding.PKCS1v15(), hashes.SHA1())) + b"\r\n" + PLAIN
    )
    found = await _one(raw, _dns(record + "; h=sha1"))
    assert found == (Result.PERMERROR, "rsa-sha1 is not taken any more")


async def test_each_of_several_keys_under_one_name_is_tried() -> None:
    raw = crafted(PLAIN)
    other = record_text(OTHER.algorithm, OTHER.public)
    alien = record_text(ED25519.algorithm, ED25519.public)
    for records in (
        (GOOD_KEY, other),
        (other, GOOD_KEY),
        ("v=spf1 -all", "some words", GOOD_KEY),
        (alien, other, "v=DKIM1; p=", GOOD_KEY),
    ):
        assert await _one(raw, _dns(*records)) == (Result.PASS, ""), records
    assert (await _one(raw, _dns(other, alien)))[0] is Result.FAIL
    # But not as many as somebody likes.
    assert (await _one(raw, _dns(other, other, other, other, GOOD_KEY)))[0] is Result.FAIL


async def test_a_strict_key_is_for_its_very_domain() -> None:
    strict = GOOD_KEY + "; t=s"
    for identity, result in (
        ("", Result.PASS),
        (f"ann@{DOMAIN}", Result.PASS),
        (f"@{DOMAIN.upper()}", Result.PASS),
        (f"ann@sub.{DOMAIN}", Result.PERMERROR),
    ):
        raw = crafted(PLAIN, i=identity)
        assert (await _one(raw, _dns(strict)))[0] is result, identity
        assert (await _one(raw, _dns(GOOD_KEY)))[0] is Result.PASS
    # One of two keys may be less strict.
    assert (await _one(crafted(PLAIN, i=f"@sub.{DOMAIN}"), _dns(strict)))[1].startswith("i= is not")


async def test_it_tells_that_a_domain_is_only_testing() -> None:
    testing = _dns(GOOD_KEY + "; t=y:s")
    for raw in (crafted(PLAIN), crafted(PLAIN).replace(b"Hello", b"Hullo")):
        (found,) = await _all(raw, testing)
        assert found.is_testing
        (found,) = await _all(raw, _dns(GOOD_KEY))
        assert not found.is_testing


# --- the DNS


async def test_a_silent_dns_is_temporary_for_each_signature_alone() -> None:
    raw = dkim.sign(split(PLAIN), BOTH, now=NOW) + PLAIN
    dns = zones()
    dns.fail(R1, "TXT")
    first, second = await _all(raw, dns)
    assert (first.result, first.reason) == (Result.TEMPERROR, "the DNS does not answer")
    assert (first.domain, first.selector, first.algorithm) == (DOMAIN, "r1", "rsa-sha256")
    assert second.result is Result.PASS


async def test_a_slow_key_makes_no_other_signature_late() -> None:
    raw = dkim.sign(split(PLAIN), BOTH, now=NOW) + PLAIN
    dns = zones()
    dns.drop(R1, "TXT")
    found = await verify.verify(split(raw), dns, now=NOW, seconds=0.05)
    assert [one.result for one in found] == [Result.TEMPERROR, Result.PASS]


async def test_no_such_name_and_no_such_record_are_lasting() -> None:
    dns = Zones()
    assert await _one(crafted(PLAIN), dns) == (Result.PERMERROR, "has no key in the DNS")
    dns.add(R1, "A", "192.0.2.1")
    assert await _one(crafted(PLAIN), dns) == (Result.PERMERROR, "has no key in the DNS")


async def test_a_key_behind_a_cname_is_found() -> None:
    dns = Zones()
    dns.add(R1, "CNAME", "keys.provider.test")
    dns.add("keys.provider.test", "TXT", GOOD_KEY)
    assert await _one(crafted(PLAIN), dns) == (Result.PASS, "")


async def test_all_keys_are_asked_for_at_once_and_each_once() -> None:
    raw = PLAIN
    for number in range(3):
        raw = crafted(raw, h="from", t=str(number + 1))
        raw = crafted(raw, ED25519, h="from", selector="e1")
    dns = zones()
    found = await _all(raw, dns)
    assert [one.result for one in found] == [Result.PASS] * 6
    assert sorted(dns.questions) == [(E1, "TXT"), (R1, "TXT")]


# --- work


@pytest.mark.parametrize("count", [1, 10, 11, 50, 3_000])
async def test_ten_signatures_are_checked_and_the_rest_is_told(count: int) -> None:
    raw = b"".join(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=d%d.test; s=s; h=from; bh=AAAA; b=AAAA\r\n" % number
        for number in range(count)
    )
    dns = Zones()
    found = await _all(raw + PLAIN, dns)
    checked = min(count, verify.CHECKED_MAX)
    assert len(dns.questions) == checked
    assert [one.result for one in found[:checked]] == [Result.PERMERROR] * checked
    if count > checked:
        (rest,) = found[checked:]
        words = "1 more signature was" if count == 11 else f"{count - 10} more signatures were"
        assert rest == Dkim(result=Result.NEUTRAL, reason=f"{words} not checked")


async def test_a_body_is_hashed_once_for_all_signatures() -> None:
    raw = PLAIN
    for tags in ({}, {"t": "1"}, {"l": "5"}, {"l": "9"}, {"c": "simple/relaxed"}):
        raw = crafted(raw, h="from", **tags)
    raw = crafted(raw, h="from", c="simple")
    with mock.patch.object(canonical.BodyHasher, "update_all", autospec=True) as worked:
        await _all(raw)
    assert worked.call_count == 2  # one for each canonicalization


async def test_a_body_without_any_key_is_not_looked_at() -> None:
    taken = split(crafted(PLAIN))
    with mock.patch.object(canonical, "body_sums") as worked:
        await verify.verify(taken, Zones(), now=NOW, bodies=Bodies(taken.body))
    worked.assert_not_called()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether bodies and headers were worked through apart from the event loop, in their order."""
    found: list[bool] = []

    def watched(work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            found.append(threading.current_thread() is not threading.main_thread())
            return work(*arguments)

        return call

    monkeypatch.setattr(canonical, "body_sums", watched(canonical.body_sums))
    monkeypatch.setattr(verify, "_results", watched(verify._results))
    return found


async def test_an_honest_message_is_worked_through_at_once(threads: list[bool]) -> None:
    body = b"line\r\n" * (bodies.INLINE // 8)
    raw = crafted(PLAIN.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body)
    threads.clear()
    assert await _one(raw) == (Result.PASS, "")
    assert threads == [False, False]


@pytest.mark.parametrize("line", [b"0123 \t" * 12 + b"\r\n", b"\r\n", b" ", b"x"])
async def test_a_large_body_does_not_hold_the_others_up(line: bytes, threads: list[bool]) -> None:
    """And in portions: nothing that holds the interpreter for more than a moment."""
    body = line * (3_000_000 // len(line))
    raw = crafted(PLAIN.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body + b"end\r\n")
    threads.clear()
    with mock.patch.object(
        canonical.BodyHasher, "update", autospec=True, side_effect=canonical.BodyHasher.update
    ) as portions:
        assert await _one(raw) == (Result.PASS, "")
    assert threads == [True, False]
    sizes = [len(call.args[1]) for call in portions.call_args_list]
    assert sum(sizes) == len(body) + 5
    assert max(sizes) <= canonical.PORTION


async def test_a_large_header_is_worked_through_elsewhere(threads: list[bool]) -> None:
    raw = PLAIN.replace(b"Subject:", b"X-Large: " + b" a" * 150_000 + b"\r\nSubject:")
    for number in range(10):
        raw = crafted(raw, h="from:x-large", t=str(number + 1))
    threads.clear()
    with spent() as took:
        found = await _all(raw)
        assert [one.result for one in found] == [Result.PASS] * 10
        assert threads == [False, True]
    assert took.seconds < 2


async def test_many_signatures_are_checked_elsewhere(threads: list[bool]) -> None:
    raw = PLAIN
    for number in range(verify.INLINE + 1):
        raw = crafted(raw, h="from", t=str(number + 1))
    threads.clear()
    assert [one.result for one in await _all(raw)] == [Result.PASS] * (verify.INLINE + 1)
    assert threads == [False, True]


PIECES = st.sampled_from(
    (
        b"DKIM-Signature:|\r\n| |\t|v=1;|a=rsa-sha256;|a=ed25519-sha256;|a=rsa-sha1;"
        b"|d=example.test;|s=r1;|s=e1;|b=AAAA;|bh=AAAA;|h=from;|h=from:from:to;|c=relaxed/relaxed;|l=3;|l=0;|t=1;|x=0;"
        b'|i=@example.test;|=|;|\xff|\0|\r|\n|From: a@b.test\r\n|q=dns/txt;|\r\n\r\n|(|"'
    ).split(b"|")
)


@given(st.lists(PIECES, max_size=40))
async def test_no_message_however_broken_raises(pieces: list[bytes]) -> None:
    raw = b"DKIM-Signature: v=1; " + b"".join(pieces) + b"\r\n\r\nbody"
    for one in await _all(raw):
        assert one.result in set(Result) - {Result.PASS, Result.NONE, Result.TEMPERROR}
        assert (one.domain + one.selector + one.identity + one.algorithm).isprintable()


async def test_what_is_told_is_bounded_and_printable() -> None:
    raw = crafted(
        PLAIN, a="rsa-sha256" + "x" * 5_000, d="d" * 300 + ".test", b="\r\n A" * 2_000, i="x"
    )
    (found,) = await _all(raw)
    assert sum(map(len, (found.domain, found.selector, found.identity, found.value))) < 700
    assert (found.algorithm, found.domain, found.value) == ("", "", "AAAAAAAA")


def test_a_message_knows_the_size_of_its_header() -> None:
    assert message.split(b"A: b\r\nC: d\r\n e\r\n\r\nbody").header_size == len(b"A: bC: d\r\n e")
