"""Public keys of a message's signatures: all asked for at once, none waits for another."""

import asyncio
from collections.abc import Iterable

import pytest

from apps.mailauth import keyring
from apps.mailauth.keyring import Keyring
from apps.mailauth.keys import Algorithm, KeyRecordError, WeakKeyError, record_text
from apps.resolver.base import Answer
from tests.mailauth.samples import ED25519, OTHER, RSA, WEAK_RECORD
from tests.support.zones import Zones

GOOD = record_text(RSA.algorithm, RSA.public).encode()
SECOND = record_text(OTHER.algorithm, OTHER.public).encode()
ALIEN = record_text(ED25519.algorithm, ED25519.public).encode()


async def test_it_tells_records_from_none_and_from_no_answer() -> None:
    dns = Zones()
    dns.add("a.test", "TXT", b"one", b"two")
    dns.add("b.test", "A", "192.0.2.1")
    dns.fail("d.test", "TXT")
    found = await keyring.look_up(["a.test", "b.test", "c.test", "d.test", "a.test"], dns)
    assert found == {"a.test": (b"one", b"two"), "b.test": (), "c.test": (), "d.test": None}
    assert dns.count("a.test", "TXT") == 1


async def test_nothing_to_ask_is_nothing() -> None:
    assert await keyring.look_up([], Zones()) == {}


class _Gate(Zones):
    """Answers nobody before all have asked."""

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self._barrier = asyncio.Barrier(wanted)

    async def txt(self, name: str) -> Answer[bytes]:
        await self._barrier.wait()
        return await super().txt(name)


async def test_it_asks_for_all_at_once() -> None:
    names = [f"n{number}.test" for number in range(30)]
    async with asyncio.timeout(10):
        found = await keyring.look_up(names, _Gate(len(names)))
    assert found == dict.fromkeys(names, ())


async def test_what_is_late_is_not_known_and_the_rest_is() -> None:
    dns = Zones()
    dns.add("a.test", "TXT", b"one")
    dns.drop("b.test", "TXT")
    found = await keyring.look_up(["a.test", "b.test"], dns, seconds=0.05)
    assert found == {"a.test": (b"one",), "b.test": None}
    await _the_others_end()


async def _the_others_end() -> None:
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        _, left = await asyncio.wait(others, timeout=5)
        assert not left


async def test_who_is_cancelled_leaves_no_question_behind() -> None:
    dns = Zones()
    dns.drop("a.test", "TXT")
    task = asyncio.create_task(keyring.look_up(["a.test"], dns))
    await dns.asked(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _the_others_end()


def _kinds(*records: bytes) -> list[Algorithm]:
    return [key.algorithm for key in Keyring({"a": records}).get("a")]


def test_it_takes_each_record_that_is_a_key() -> None:
    assert _kinds(GOOD) == [Algorithm.RSA]
    assert _kinds(b"v=spf1 -all", GOOD, b"", ALIEN) == [Algorithm.RSA, Algorithm.ED25519]
    others = (b"v=spf1 -all",) * (keyring.RECORDS_MAX - 1)
    assert _kinds(*others, GOOD) == [Algorithm.RSA]


def test_it_looks_at_a_bounded_number_of_records_and_keys() -> None:
    assert len(_kinds(*(GOOD, SECOND) * 8)) == keyring.KEYS_MAX
    others = (b"v=spf1 -all",) * keyring.RECORDS_MAX
    with pytest.raises(KeyRecordError, match="not a DKIM key record"):
        _kinds(*others, GOOD)


@pytest.mark.parametrize(
    ("records", "reason"),
    [((), "has no key in the DNS"), ((b"v=DKIM1; p=",), "revoked"), ((b"x", b"y"), "malformed")],
)
def test_it_says_why_there_is_none(records: Iterable[bytes], reason: str) -> None:
    keys = Keyring({"a": tuple(records)})
    assert keys.is_known("a")
    with pytest.raises(KeyRecordError, match=reason):
        keys.get("a")


def test_a_weak_key_is_told_apart() -> None:
    with pytest.raises(WeakKeyError, match="512 bits"):
        Keyring({"a": (WEAK_RECORD.encode(),)}).get("a")


def test_what_nobody_answered_is_not_known() -> None:
    keys = Keyring({"a": None})
    assert not keys.is_known("a")
    assert not keys.is_known("never asked")
