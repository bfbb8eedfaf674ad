"""What was refused is kept for those it was for: bounded whatever comes, readable, forgotten."""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError
from pytest_django import Settings

from apps.directory.models import User
from apps.mailauth.types import Client
from apps.provisioning import services as provisioning
from apps.reception import queries, rejects
from apps.reception.models import Refused, RefusedFor
from apps.reception.queries import RefusedRow
from apps.reception.rejects import Rejected, Rejects
from apps.reception.services import columns, refusals
from apps.reception.services.refusals import HEADER_LENGTH, Refusal
from apps.runtime.clock import now
from apps.runtime.db import in_db
from apps.runtime.ulid import new_ulid, ulid_text
from apps.wire.replies import Reply
from tests.support.cost import cost

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 86_400
TRACE = new_ulid()
REPLY = Reply(550, "5.7.26", "Nothing proves that it is from bank.test:\nsee its DMARC policy")
RAW = (
    b"Received: from mx\r\n\tby us\r\n"
    b"From: =?utf-8?q?B=C3=A4nk?= <info@bank.test>\r\n"
    b"To: alice@example.test\r\nSubject: Your\r\n account\r\n\r\nPay now!\r\n"
)


def rejected(*recipients: tuple[int, str], raw: bytes = RAW, **changes: str) -> Rejected:
    client = Client(
        changes.get("address", "192.0.2.7"),
        changes.get("helo", "mx.evil.test"),
        changes.get("sender", "x@evil.test"),
        "mail.example.test",
    )
    words = changes.get("words", "bank.test asks to refuse it.")
    return Rejected(TRACE, "dmarc", words, REPLY, client, recipients, raw)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-11-25T12:00:00Z", tick=False) as traveller:
        yield traveller


async def listed(user_id: int, since: int = 0) -> list[RefusedRow]:
    return await in_db("read", lambda: list(queries.refused(user_id, since=since, limit=5_000)))


async def header_of(number: int) -> str:
    found = await in_db("read", queries.refused_by_id, number)
    assert found is not None
    return found[1]


async def test_it_keeps_what_was_refused(clock: time_machine.Traveller) -> None:
    memory = Rejects()
    memory.add(rejected((1, "alice@example.test"), (2, "sales@example.test")))
    memory.add(rejected((2, "bob@example.test"), raw=b""))
    assert await listed(1) == []  # nothing is written while a client waits for its answer
    await memory.close()
    (one,) = await listed(1)
    assert (one.at, one.reason, one.words) == (
        "2026-11-25T12:00:00Z",
        "dmarc",
        "bank.test asks to refuse it.",
    )
    assert one.reply == (
        "550-5.7.26 Nothing proves that it is from bank.test:\n550 5.7.26 see its DMARC policy"
    )
    assert (one.client, one.helo, one.sender) == ("192.0.2.7", "mx.evil.test", "x@evil.test")
    assert (one.author, one.subject, one.size) == (
        "Bänk <info@bank.test>",
        "Your account",
        len(RAW),
    )
    assert (one.address, one.trace, one.others) == ("alice@example.test", ulid_text(TRACE), 0)
    newest, oldest = await listed(2)
    assert (newest.author, newest.size, await header_of(newest.id)) == ("", 0, "")
    assert oldest.address == "sales@example.test"
    assert await header_of(oldest.id) == (
        "Received: from mx by us\nFrom: =?utf-8?q?B=C3=A4nk?= <info@bank.test>\n"
        "To: alice@example.test\nSubject: Your account"
    )
    assert await in_db("read", Refused.objects.count) == 2


async def test_it_keeps_what_people_look_for() -> None:
    before = b"".join(b"X-%d: %s\r\n" % (n, b"y" * 700) for n in range(80))
    raw = before + b"From: a@b.test\r\nSubject: Hello\r\nDate: today\r\n\r\n" + b"z" * 10_000_000
    memory = Rejects()
    memory.add(rejected((1, "a@example.test"), raw=raw))
    await memory.close()
    (one,) = await listed(1)
    text = await header_of(one.id)
    assert (one.author, one.subject) == ("a@b.test", "Hello")
    assert text.endswith("\nFrom: a@b.test\nSubject: Hello\nDate: today")
    assert len(text) <= HEADER_LENGTH
    first, *_ = text.split("\n")
    assert first.startswith("X-0: yyy")
    assert first.endswith("y …")
    assert "zzz" not in text


async def test_it_takes_hostile_words() -> None:
    raw = b"Subject: \x1b]0;x\x07\0\r\nFrom: \xff\xfe\r\nX: \x1b[2J\0\x80\r\n\r\n"
    words = "a\0\ud800\x1b[31m"
    memory = Rejects()
    memory.add(
        rejected((1, "\0\ud800" * 400), raw=raw, words=words, helo=words * 99, sender=words * 99)
    )
    await memory.close()
    (one,) = await listed(1)
    text = await header_of(one.id)
    assert not any(sign in f"{one}{text}" for sign in "\x1b\0\x07\x80\ud800")
    assert (len(one.helo), len(one.sender), len(one.address)) == (255, 320, 320)


async def test_it_keeps_little_of_a_flood_at_one_user(clock: time_machine.Traveller) -> None:
    memory = Rejects()
    for _ in range(1_000):
        memory.add(rejected((1, "alice@example.test")))
    memory.add(rejected((2, "bob@example.test")))
    await memory.close()
    rows = await listed(1)
    assert len(rows) == rejects.OF_A_USER
    assert [row.others for row in rows] == [1_000 - rejects.OF_A_USER] + [0] * 9
    assert len(await listed(2)) == 1
    clock.shift(timedelta(minutes=1))
    memory.add(rejected((1, "alice@example.test")))
    await memory.close()
    assert len(await listed(1)) == rejects.OF_A_USER + 1


async def test_it_keeps_little_of_a_flood_at_all(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejects, "OF_ALL", 20)
    memory = Rejects()
    for n in range(50):
        memory.add(rejected((n, "x@example.test"), (n + 1_000, "y@example.test")))
    await memory.close()
    assert await in_db("read", Refused.objects.count) == 20
    assert await in_db("read", RefusedFor.objects.count) == 40


async def test_it_counts_a_bounded_number_of_users(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejects, "MOST_USERS", 5)
    memory = Rejects()
    for n in range(100):
        memory.add(rejected((n, "x@example.test")))
    assert (len(memory._of_user), len(memory._others), len(memory._pending)) == (5, 5, 5)
    await memory.close()


async def test_it_costs_the_door_next_to_nothing(clock: time_machine.Traveller) -> None:
    memory = Rejects()
    raw = b"X: y\r\n" * 100_000 + b"\r\n"
    rows = [rejected((n % 7, "x@example.test"), raw=raw) for n in range(5_000)]

    def add() -> None:
        for row in rows:
            memory.add(row)

    assert cost(add, enough=1.5) < 1.5  # measured: 0.15 s
    await memory.close()


async def test_it_keeps_nothing_if_told_so(settings: Settings) -> None:
    settings.REJECTS_DAYS = 0
    memory = Rejects()
    memory.add(rejected((1, "a@example.test")))
    await memory.close()
    assert await listed(1) == []


async def test_it_keeps_nothing_of_what_may_come_back() -> None:
    memory = Rejects()
    later = Reply(451, "4.7.1", "Greylisted")
    memory.add(replace(rejected((1, "a@example.test")), reply=later))
    await memory.close()
    assert await listed(1) == []


async def test_it_keeps_nothing_for_nobody() -> None:
    memory = Rejects()
    memory.add(rejected())
    await memory.close()
    assert not await in_db("read", Refused.objects.exists)


async def test_it_writes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, written = asyncio.get_running_loop(), asyncio.Event()
    real = refusals.remember

    def remember(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]
        loop.call_soon_threadsafe(written.set)

    monkeypatch.setattr(rejects, "WRITE_SECONDS", 0.01)
    monkeypatch.setattr(refusals, "remember", remember)
    memory = Rejects()
    for number in (1, 2):
        memory.add(rejected((1, "a@example.test")))
        await asyncio.wait_for(written.wait(), 10)
        written.clear()
        assert len(await listed(1)) == number
    await memory.close()


async def test_it_loses_some_if_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(refusals, "remember", fail)
    memory = Rejects()
    memory.add(rejected((1, "a@example.test")))
    with caplog.at_level(logging.INFO, logger="apps.reception.rejects"):
        await memory.close()
    assert "lost some" in caplog.text
    monkeypatch.undo()
    memory.add(rejected((1, "a@example.test")))
    await memory.close()
    assert len(await listed(1)) == 1


def refusal(user_id: int, at: int, number: int = 0) -> Refusal:
    return Refusal(
        TRACE, at, "dmarc", "", "", "", "", "", "", f"{number}", "", 0, ((user_id, "a@b.test"),)
    )


def kept() -> list[str]:
    return list(Refused.objects.order_by("id").values_list("subject", flat=True))


def test_it_forgets_what_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "PRUNE_ROWS", 3)
    monkeypatch.setattr(refusals, "PRUNE_ROWS", 3)
    at = now() - 14 * DAY
    refusals.remember([refusal(n % 2, at - 10, n) for n in range(8)], {})
    refusals.remember([refusal(1, at + 100, 8)], {})
    assert refusals.prune(14) == 8
    assert kept() == ["8"]
    assert RefusedFor.objects.count() == 1
    assert refusals.prune(0) == 1


def test_it_keeps_the_newest_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_OF_A_USER", 3)
    refusals.remember([refusal(1, now(), n) for n in range(6)] + [refusal(2, now(), 9)], {})
    refusals.prune(14)
    assert kept() == ["3", "4", "5", "9"]


def test_it_keeps_the_newest_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST", 3)
    for n in range(6):
        refusals.remember([refusal(n, now(), n)], {})
    assert kept() == ["3", "4", "5"]
    assert RefusedFor.objects.count() == 3


def test_it_counts_others_on_the_newest() -> None:
    refusals.remember([refusal(1, now(), 0), refusal(1, now(), 1)], {})
    refusals.remember([], {1: 7, 2: 9})
    refusals.remember([], {1: 1})
    assert list(RefusedFor.objects.order_by("id").values_list("others", flat=True)) == [0, 8]


def test_it_forgets_with_the_user(alice: User, bob: User) -> None:
    refusals.remember([refusal(alice.pk, now(), 1), refusal(bob.pk, now(), 2)], {})
    provisioning.remove_user("alice@example.test")
    with time_machine.travel(now() + 40 * DAY):
        provisioning.purge_removed()
        alice.mailboxes.all().delete()  # as mailstore does in pieces
        assert provisioning.purge_removed() == 1
    assert RefusedFor.objects.get().user_id == bob.pk
    refusals.prune(365)
    assert kept() == ["2"]
