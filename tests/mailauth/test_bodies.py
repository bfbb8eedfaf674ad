"""Hashes of a body: each canonicalization once, large bodies elsewhere."""

import asyncio
import hashlib
from collections.abc import Callable

import pytest

from apps.mailauth import bodies, canonical
from apps.mailauth.bodies import Bodies
from apps.mailauth.canonical import BodySum, Form
from apps.mailauth.message import Body

BODY = b"one  two \r\n\r\nthree\r\n\r\n"
RELAXED = b"one two\r\n\r\nthree\r\n"
SIMPLE = b"one  two \r\n\r\nthree\r\n"


def _sum(text: bytes, size: int) -> BodySum:
    return BodySum(hashlib.sha256(text).digest(), size)


class _Runs:
    """Counts what is worked through elsewhere."""

    def __init__(self) -> None:
        self.forms: list[frozenset[Form]] = []

    async def __call__(
        self,
        work: Callable[[Body, frozenset[Form]], dict[Form, BodySum]],
        body: Body,
        forms: frozenset[Form],
    ) -> dict[Form, BodySum]:
        self.forms.append(forms)
        return await asyncio.to_thread(work, body, forms)


@pytest.mark.parametrize("inline", [0, 1 << 20])
async def test_it_gives_each_form_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, inline: int
) -> None:
    monkeypatch.setattr(bodies, "INLINE", inline)
    forms = [Form(True), Form(False), Form(True, 3), Form(True, 0), Form(False, 10), Form(True, 99)]
    sums = await Bodies(BODY).sums(forms)
    assert sums[Form(True)] == _sum(RELAXED, len(RELAXED))
    assert sums[Form(False)] == _sum(SIMPLE, len(SIMPLE))
    assert sums[Form(True, 3)] == _sum(b"one", len(RELAXED))
    assert sums[Form(True, 0)] == _sum(b"", len(RELAXED))
    assert sums[Form(False, 10)] == _sum(SIMPLE[:10], len(SIMPLE))
    assert sums[Form(True, 99)] == BodySum(None, len(RELAXED))


async def test_who_asks_at_the_same_time_shares_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "INLINE", 0)
    runs = _Runs()
    shared = Bodies(BODY, run=runs)
    asked = [[Form(True)], [Form(True)], [Form(True), Form(False)], [Form(False)]]
    found = await asyncio.gather(*map(shared.sums, asked))
    assert all(form in sums for sums, forms in zip(found, asked, strict=True) for form in forms)
    assert runs.forms == [frozenset({Form(True)}), frozenset({Form(False)})]


async def test_a_cancelled_one_spoils_nothing_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "INLINE", 0)
    begun = asyncio.Event()

    async def never(*_: object) -> dict[Form, BodySum]:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    shared = Bodies(BODY, run=never)
    first = asyncio.create_task(shared.sums([Form(True)]))
    await begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    monkeypatch.setattr(bodies, "INLINE", 1 << 20)
    assert (await shared.sums([Form(True)]))[Form(True)] == _sum(RELAXED, len(RELAXED))


def test_a_view_is_hashed_as_octets_are() -> None:
    forms = [Form(True), Form(False, 4)]
    view = memoryview(b"x" + BODY)[1:]
    assert canonical.body_sums(view, forms) == canonical.body_sums(BODY, forms)
