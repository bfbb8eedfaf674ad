"""All that is asked about one message: side by side, by one deadline, whatever goes wrong."""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apps.mailauth import arc, chain, dkim, dmarc, spf, verify
from apps.mailauth.dkim import Signer
from apps.mailauth.inquiry import LATE, Inquiry
from apps.mailauth.keys import SigningKey
from apps.mailauth.message import HEADER_MAX, split
from apps.mailauth.types import Authentication, Client, Iprev, Policy, Result
from tests.mailauth.samples import NOW, PLAIN, RECORDS, RSA, signer
from tests.support.zones import Zones

HOST = "mail.us.test"
SIGNER = Signer("example.test", "r1", SigningKey(RSA.secret))
SIGNED = dkim.sign(split(PLAIN), [SIGNER], now=NOW) + PLAIN
FORGED = dkim.sign(split(PLAIN), [Signer("example.test", "o1", SIGNER.key)], now=NOW) + PLAIN
OUTSIDE = Client("192.0.2.1", "mx.example.test", "alice@example.test", HOST)
EVIL = Client("192.0.2.66", "mx.evil.test", "eve@evil.test", HOST)


@pytest.fixture
def zones() -> Zones:
    zones = Zones()
    for name, record in RECORDS.items():
        zones.add(name, "TXT", record)
    zones.add("_dmarc.example.test", "TXT", "v=DMARC1; p=reject")
    zones.add("example.test", "TXT", "v=spf1 ip4:192.0.2.1 -all")
    zones.add("mx.example.test", "TXT", "v=spf1 a -all")
    zones.host("mx.example.test", "192.0.2.1")
    zones.add("evil.test", "TXT", "v=spf1 +all")
    return zones


async def _ask(
    zones: Zones, raw: bytes = SIGNED, client: Client = OUTSIDE, **known: Any
) -> Authentication:
    before = asyncio.all_tasks()
    one = Inquiry(client, zones, now=lambda: NOW, sample=lambda: 0, **known)
    one.begin()
    found = await one.finish(raw)
    await _nothing_runs(before)
    return found


async def _nothing_runs(before: set[asyncio.Task[Any]]) -> None:
    """What was begun since has come to its end, or does now that it was told to."""
    if left := asyncio.all_tasks() - before:
        _, still = await asyncio.wait(left, timeout=10)
        assert not still


def _sealed(raw: bytes, domain: str, results: str) -> bytes:
    taken = split(raw)
    return (
        arc.seal(
            taken,
            arc.read(taken),
            arc.Verdict(arc.Status.NONE),
            results=results,
            signer=signer("r1", RSA, domain),
            now=NOW,
        )
        + raw
    )


async def test_it_finds_all_of_it(zones: Zones) -> None:
    found = await _ask(zones)
    assert (found.spf.result, found.spf.domain) == (Result.PASS, "example.test")
    assert (found.helo.result, found.helo.domain) == (Result.PASS, "mx.example.test")
    assert [(one.result, one.domain) for one in found.dkim] == [(Result.PASS, "example.test")]
    assert found.arc.result is Result.NONE
    assert (found.dmarc.result, found.dmarc.spf, found.dmarc.dkim) == (Result.PASS, True, True)
    assert found.proven == ("example.test",)


async def test_it_finds_a_forgery(zones: Zones) -> None:
    found = await _ask(zones, PLAIN, EVIL)
    assert (found.spf.result, found.spf.domain) == (Result.PASS, "evil.test")
    assert (found.dmarc.result, found.dmarc.disposition) == (Result.FAIL, Policy.REJECT)


async def test_a_forwarded_message_stands_by_its_signature(zones: Zones) -> None:
    found = await _ask(zones, SIGNED, EVIL)
    assert (found.dmarc.result, found.dmarc.spf, found.dmarc.dkim) == (Result.PASS, False, True)


async def test_a_list_that_is_trusted_vouches_for_a_message_it_changed(zones: Zones) -> None:
    changed = SIGNED.replace(b"Subject:", b"Subject: [list]")
    results = "first.test; dmarc=pass header.from=example.test; dkim=pass header.d=example.test"
    posted = _sealed(changed, "first.test", results)
    client = Client("192.0.2.77", "first.test", "list@first.test", HOST)
    lifted = await _ask(zones, posted, client, trusted=("first.test",))
    assert (lifted.arc.result, lifted.arc.vouched) == (Result.PASS, "first.test")
    assert [one.result for one in lifted.dkim] == [Result.FAIL]
    assert (lifted.dmarc.result, lifted.dmarc.policy) == (Result.FAIL, Policy.REJECT)
    assert (lifted.dmarc.disposition, lifted.dmarc.override) == (Policy.NONE, "trusted_forwarder")
    unknown = await _ask(zones, posted, client, trusted=("second.test",))
    assert (unknown.arc.result, unknown.dmarc.disposition) == (Result.PASS, Policy.REJECT)


async def test_nobody_vouches_for_a_second_from(zones: Zones) -> None:
    results = "first.test; dmarc=pass header.from=example.test"
    posted = _sealed(b"From: ceo@example.test\r\n" + SIGNED, "first.test", results)
    found = await _ask(zones, posted, trusted=("first.test",))
    assert (found.arc.result, found.arc.vouched) == (Result.PASS, "")
    assert (found.dmarc.result, found.dmarc.disposition) == (Result.FAIL, Policy.REJECT)


async def test_the_null_path_stands_for_helo(zones: Zones) -> None:
    found = await _ask(zones, client=Client("192.0.2.1", "mx.example.test", "", HOST))
    assert (found.spf.result, found.spf.scope) == (Result.PASS, "mfrom")
    assert (found.spf.domain, found.helo.scope) == ("mx.example.test", "helo")
    assert zones.count("mx.example.test", "TXT") == 1
    assert found.dmarc.spf


async def test_it_passes_on_what_is_known_of_the_connection(zones: Zones) -> None:
    one = Inquiry(OUTSIDE, zones, now=lambda: NOW)
    iprev = Iprev(Result.PASS, "mx.example.test")
    assert (await one.finish(SIGNED, iprev=iprev)).iprev is iprev


async def test_it_begins_before_the_message_is_there(zones: Zones) -> None:
    one = Inquiry(OUTSIDE, zones, now=lambda: NOW)
    one.begin()
    one.begin()
    assert zones.count() == 0  # it did not wait
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=20)
    asked = zones.count()
    assert asked >= 3
    await one.finish(PLAIN)
    assert zones.count("example.test", "TXT") == 1
    assert zones.count() > asked


async def test_all_is_asked_side_by_side(zones: Zones) -> None:
    zones.delay(0.2)
    begun = asyncio.get_running_loop().time()
    found = await _ask(zones)
    assert found.dmarc.result is Result.PASS
    # Two steps are the longest way (a record, then the address it names); six questions in all.
    assert asyncio.get_running_loop().time() - begun < 1.0


@pytest.mark.parametrize("way", ["fail", "drop"])
async def test_a_silent_dns_is_a_temporary_error(zones: Zones, way: str) -> None:
    getattr(zones, way)()
    begun = asyncio.get_running_loop().time()
    found = await _ask(zones, seconds=0.2)
    assert asyncio.get_running_loop().time() - begun < 1.5
    assert {found.spf.result, found.helo.result} == {Result.TEMPERROR}
    assert [(one.result, one.domain) for one in found.dkim] == [(Result.TEMPERROR, "example.test")]
    assert (found.dmarc.result, found.dmarc.disposition) == (Result.TEMPERROR, Policy.NONE)
    assert found.is_temporary


async def test_only_what_is_late_is_a_temporary_error(zones: Zones) -> None:
    zones.drop("example.test", "TXT")
    found = await _ask(zones, seconds=0.2)
    assert (found.spf.result, found.spf.reason) == (Result.TEMPERROR, LATE)
    assert (found.spf.domain, found.helo.result) == ("example.test", Result.PASS)
    assert (found.dmarc.result, found.dmarc.dkim) == (Result.PASS, True)


async def test_a_slow_key_of_the_forger_excuses_nothing(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signature in the victim's name is judged although another one's key is waited for."""
    slow = dkim.sign(split(PLAIN), [Signer("evil.test", "slow", SIGNER.key)], now=NOW)
    zones.drop("slow._domainkey.evil.test")
    zones.drop("_dmarc.evil.test")
    real = verify.verify

    async def hasty(*args: Any, **known: Any) -> Any:
        return await real(*args, **known, seconds=0.1)

    monkeypatch.setattr(verify, "verify", hasty)
    found = await _ask(zones, slow + FORGED, EVIL)
    assert [one.result for one in found.dkim] == [Result.TEMPERROR, Result.FAIL]
    assert (found.dmarc.result, found.dmarc.disposition) == (Result.FAIL, Policy.REJECT)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"From: alice@example.test",
        b"\x00" * 100,
        b"no header\r\n\r\nbody",
        b"DKIM-Signature: " * 3 + b"\r\n\r\n",
        b"From: alice@example.test\r\nARC-Seal: i=1\r\nDKIM-Signature: v=1; d=\xff; s=;\r\n\r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.test; s=r1; h=from; bh=; b=\r\n" * 60
        + b"\r\n",
    ],
)
async def test_whatever_comes_is_judged(zones: Zones, raw: bytes) -> None:
    for client in (EVIL, Client("", "", "", HOST), Client("x", "\r\n", "<>@", HOST)):
        found = await _ask(zones, raw, client)
        assert found.dmarc.result is not Result.PASS
        assert found.proven in ((), ("evil.test",))
        assert Authentication.from_data(found.as_data()) == found


async def test_an_endless_header_is_nobodys(zones: Zones) -> None:
    raw = b"From: alice@example.test\r\nX: " + b"x" * HEADER_MAX + b"\r\n\r\n"
    found = await _ask(zones, raw, EVIL)
    assert (found.dmarc.author, found.dmarc.disposition) == ("", Policy.REJECT)


async def _broken(*_: object, **__: object) -> Any:
    raise RuntimeError("a fault of ours")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (spf, "check_sender"),
        (spf, "check_helo"),
        (verify, "verify"),
        (chain, "check"),
        (dmarc, "policies"),
        (dmarc, "author"),
        (dmarc, "judge"),
    ],
)
async def test_a_fault_of_ours_is_a_temporary_error(
    zones: Zones,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    module: Any,
    name: str,
) -> None:
    broken: Callable[..., Any] = _broken

    def at_once(*_: object, **__: object) -> Any:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(module, name, at_once if name in {"author", "judge"} else broken)
    found = await _ask(zones, b"ARC-Seal: i=1\r\n" + FORGED, EVIL)
    results = {
        found.helo.result,
        found.spf.result,
        found.arc.result,
        found.dmarc.result,
        *(one.result for one in found.dkim),
    }
    assert Result.TEMPERROR in results
    assert found.dmarc.result is not Result.PASS
    assert "a fault of ours" in caplog.text


async def test_a_client_that_leaves_stops_it(zones: Zones) -> None:
    before = asyncio.all_tasks()
    zones.drop()
    one = Inquiry(OUTSIDE, zones, now=lambda: NOW)
    one.begin()
    waiting = asyncio.create_task(one.finish(SIGNED))
    await _until(lambda: zones.count("_dmarc.example.test") == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await _nothing_runs(before)


async def test_it_stops_when_it_is_closed(zones: Zones, caplog: pytest.LogCaptureFixture) -> None:
    before = asyncio.all_tasks()
    zones.drop()
    one = Inquiry(OUTSIDE, zones)
    one.close()
    one.begin()
    await _until(lambda: zones.count() > 0)
    one.close()
    one.close()
    await _nothing_runs(before)
    gc.collect()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def _until(is_so: Callable[[], bool]) -> None:
    async def turn() -> None:
        while not is_so():
            await _tick()

    await asyncio.wait_for(turn(), 20)


def _tick() -> Awaitable[None]:
    return asyncio.sleep(0)


async def test_large_bodies_keep_nobody_waiting(zones: Zones) -> None:
    body = b"x" * 70 + b"\r\n"
    raw = PLAIN.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body * 140_000  # ten megabytes
    signed = dkim.sign(split(raw), [SIGNER], now=NOW) + raw
    loop = asyncio.get_running_loop()
    longest, last = 0.0, loop.time()
    asked = asyncio.create_task(_ask(zones, signed))
    while not asked.done():
        await _tick()
        longest, last = max(longest, loop.time() - last), loop.time()
    assert asked.result().dmarc.dkim
    assert longest < 0.4
