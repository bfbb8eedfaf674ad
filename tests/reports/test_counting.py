"""Counting mail in others' names: in memory, then in rows, bounded whatever is forged."""

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from apps.mailauth.types import Authentication, Client, Dkim, Dmarc, Policy, Result, Spf
from apps.mime.headers import scan
from apps.reports import counting, services
from apps.reports.counting import Counts, is_report
from apps.reports.models import DmarcCount, DmarcDay
from apps.reports.services import Kind, counts
from apps.runtime.db import in_db
from apps.wire.errors import StorageUnavailable

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 20_000
NOON = DAY * 86_400 + 43_200
CLIENT = Client("192.0.2.7", "mx.sender.test", "bounce@mail.example.org", "mail.ours.test")
RECORD = "v=DMARC1; p=reject; rua=mailto:dmarc@example.org"
DMARC = Dmarc(
    Result.FAIL,
    author="news.example.org",
    domain="example.org",
    record=RECORD,
    policy=Policy.REJECT,
    disposition=Policy.REJECT,
)
FOUND = Authentication(
    spf=Spf(Result.SOFTFAIL, "mail.example.org"),
    dkim=(Dkim(Result.FAIL, "example.org", "s1"), Dkim(Result.PERMERROR)),
    dmarc=DMARC,
)


def of(domain: str, **fields: Any) -> Authentication:
    told = {"domain": domain, "author": domain, **fields}
    return replace(FOUND, dmarc=replace(DMARC, **told))


@pytest.fixture
async def counter() -> AsyncIterator[Counts]:
    made = Counts()
    yield made
    await made.close()


async def rows() -> list[DmarcCount]:
    return await in_db("read", lambda: list(DmarcCount.objects.order_by("domain", "id")))


async def days() -> dict[str, DmarcDay]:
    return await in_db("read", lambda: {one.domain: one for one in DmarcDay.objects.all()})


async def test_it_counts_what_a_report_tells(counter: Counts) -> None:
    for _ in range(3):
        counter.add(CLIENT, FOUND, Policy.REJECT, "", NOON)
    assert await rows() == []  # nothing is written while mail is taken
    await counter.close()
    counter.add(CLIENT, FOUND, Policy.REJECT, "", NOON + 5)
    counter.add(
        *(replace(CLIENT, sender=""), FOUND, Policy.NONE, "local_policy", NOON), comment="mild"
    )
    await counter.close()
    refused, taken = await rows()
    assert (refused.day, refused.domain, refused.messages) == (DAY, "example.org", 4)
    assert (refused.address, refused.disposition) == ("192.0.2.7", "reject")
    assert (refused.dkim, refused.spf, refused.override) == (False, False, "")
    assert (refused.header_from, refused.envelope_from) == ("news.example.org", "mail.example.org")
    assert json.loads(refused.results) == {
        "dkim": [["example.org", "s1", "fail"]],
        "spf": [["mail.example.org", "mfrom", "softfail"]],
    }
    assert (taken.envelope_from, taken.disposition) == ("", "none")
    assert (taken.override, taken.comment) == ("local_policy", "mild")
    day = (await days())["example.org"]
    assert (day.record, day.family, day.kinds, day.left_out) == (RECORD, "example.org", 2, 0)
    assert (day.sent_at, day.outcome) == (0, "")


async def test_it_names_the_domain_whose_record_it_was_where_there_is_no_one_author(
    counter: Counts,
) -> None:
    counter.add(CLIENT, of("example.org", author=""), Policy.REJECT, "", NOON)
    await counter.close()
    assert [row.header_from for row in await rows()] == ["example.org"]


async def test_it_keeps_days_apart(counter: Counts) -> None:
    counter.add(CLIENT, FOUND, Policy.REJECT, "", DAY * 86_400)
    counter.add(CLIENT, FOUND, Policy.REJECT, "", (DAY + 1) * 86_400 - 1)
    counter.add(CLIENT, FOUND, Policy.REJECT, "", (DAY + 1) * 86_400)
    await counter.close()
    assert [(row.day, row.messages) for row in await rows()] == [(DAY, 2), (DAY + 1, 1)]


@pytest.mark.parametrize(
    "found",
    [
        Authentication(),
        of("example.org", record="v=DMARC1; p=reject"),
        of("example.org", record="v=DMARC1; p=reject; ruf=mailto:a@b.test"),
        of("example.org", result=Result.TEMPERROR),
        of("example.org", result=Result.PERMERROR),
        of("example.org", result=Result.NONE),
        of(""),
    ],
)
async def test_it_counts_nothing_where_no_report_is_wanted(
    counter: Counts, found: Authentication
) -> None:
    counter.add(CLIENT, found, Policy.NONE)
    await counter.close()
    assert await rows() == []


async def test_it_counts_nothing_where_reports_are_switched_off(counter: Counts) -> None:
    with override_settings(DMARC_REPORTS=False):
        counter.add(CLIENT, FOUND, Policy.NONE)
    await counter.close()
    assert await rows() == []


async def test_it_takes_whatever_strangers_write(counter: Counts) -> None:
    odd = "\0\ud800\n" * 500
    found = replace(
        of("example.org", record=RECORD + odd),
        dkim=(Dkim(Result.FAIL, odd, odd),),
        spf=Spf(Result.FAIL, odd),
    )
    client = replace(CLIENT, sender=odd, address="x" * 500)
    counter.add(client, found, Policy.NONE, "no such word", NOON, comment=odd)
    await counter.close()
    (row,) = await rows()
    assert (row.override, row.envelope_from) == ("other", "")
    assert len(row.address) == 45


async def test_a_flood_in_one_name_crowds_out_no_other(
    counter: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST_OF_A_DOMAIN", 5)
    for number in range(50):
        counter.add(replace(CLIENT, address=f"192.0.2.{number}"), FOUND, Policy.REJECT, "", NOON)
    counter.add(CLIENT, of("other.test"), Policy.REJECT, "", NOON)
    await counter.close()
    assert [row.domain for row in await rows()] == ["example.org"] * 5 + ["other.test"]


async def test_memory_is_bounded(counter: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_KINDS", 7)
    for number in range(50):
        counter.add(CLIENT, of(f"d{number}.test"), Policy.REJECT, "", NOON)
    await counter.close()
    assert len(await rows()) == 7


async def test_it_writes_in_portions(counter: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    write = services.add_counts

    def add_counts(batch: Any, records: Any) -> None:
        sizes.append(len(batch))
        write(batch, records)

    monkeypatch.setattr(services, "add_counts", add_counts)
    monkeypatch.setattr(counting, "AT_ONCE", 4)
    for number in range(10):
        counter.add(CLIENT, of(f"d{number}.test"), Policy.REJECT, "", NOON)
    await counter.close()
    assert sizes == [4, 4, 2]
    assert len(await rows()) == 10


async def test_it_writes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "WRITE_SECONDS", 0.01)
    counter = Counts()
    counter.add(CLIENT, FOUND, Policy.REJECT, "", NOON)
    async with asyncio.timeout(20):
        while not await rows():  # noqa: ASYNC110 - the condition is in the database
            await asyncio.sleep(0.01)
    await counter.close()


async def test_a_database_that_is_away_costs_counts_only(
    counter: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StorageUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(services, "add_counts", fail)
        counter.add(CLIENT, FOUND, Policy.REJECT, "", NOON)
        await counter.close()
    counter.add(CLIENT, FOUND, Policy.REJECT, "", NOON)
    await counter.close()
    assert [row.messages for row in await rows()] == [1]


def kind(domain: str, address: str = "192.0.2.1", family: str = "") -> Kind:
    return Kind(
        DAY, domain, family or domain, address, "none", True, False, "", "", domain, "", "{}"
    )


def add(*kinds: Kind, messages: int = 1) -> None:
    records = {one.place: RECORD for one in kinds}
    services.add_counts([(one, messages) for one in kinds], records)


def left_out() -> dict[str, int]:
    return dict(DmarcDay.objects.values_list("domain", "left_out"))


def test_rows_of_a_domain_are_bounded_and_what_is_left_out_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counts, "MOST_OF_A_DOMAIN", 3)
    add(*(kind("a.test", f"192.0.2.{number}") for number in range(2)))
    add(*(kind("a.test", f"192.0.2.{number}") for number in range(6)), messages=10)
    add(kind("a.test", "192.0.2.1"), kind("b.test"))
    assert left_out() == {"a.test": 30, "b.test": 0}
    counted = DmarcCount.objects.filter(domain="a.test").order_by("address")
    assert list(counted.values_list("messages", flat=True)) == [11, 12, 10]


def test_rows_of_a_day_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MOST_OF_A_DAY", 4)
    add(*(kind(f"d{number}.test") for number in range(3)))
    add(*(kind(f"d{number}.test") for number in range(3, 9)))
    assert DmarcCount.objects.count() == 4
    assert sum(left_out().values()) == 5
    add(kind("d0.test"))
    assert DmarcCount.objects.get(domain="d0.test").messages == 2


def test_a_wildcard_makes_no_thousand_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MOST_OF_A_FAMILY", 5)
    add(*(kind(f"x{number}.evil.test", family="evil.test") for number in range(4)))
    add(*(kind(f"y{number}.evil.test", family="evil.test") for number in range(40)))
    add(kind("x1.evil.test", family="evil.test"), kind("honest.test"))
    assert DmarcDay.objects.filter(family="evil.test").count() == 5
    assert DmarcDay.objects.filter(domain="honest.test").exists()
    assert DmarcCount.objects.get(domain="x1.evil.test").messages == 2


def test_domains_of_a_day_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MOST_DOMAINS", 6)
    add(*(kind(f"d{number}.test") for number in range(20)))
    assert DmarcDay.objects.count() == 6


def test_processes_add_at_once() -> None:
    def work(start: int) -> None:
        try:
            for turn in range(5):
                names = [f"d{(start * 7 + turn + number) % 20}.test" for number in range(20)]
                add(*(kind(name) for name in names))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, start) for start in range(4)]:
            done.result(60)
    assert set(DmarcCount.objects.values_list("messages", flat=True)) == {20}
    assert DmarcDay.objects.count() == 20


@pytest.mark.parametrize(
    ("header", "result", "expected"),
    [
        (b"Subject: Report domain: a.test Submitter: b.test\r\n", Result.PASS, True),
        (b"Subject: [Preview] Report Domain:\r\n a.test\r\n", Result.PASS, True),
        (b"Subject: x\r\nTLS-Report-Domain: a.test\r\n", Result.PASS, True),
        (b"Subject: Report domain: a.test\r\n", Result.FAIL, False),  # forged: of interest
        (b"Subject: Report on our domain\r\n", Result.PASS, False),
        (b"", Result.PASS, False),
    ],
)
def test_it_knows_reports(header: bytes, result: Result, expected: bool) -> None:
    assert is_report(scan(header + b"\r\n"), of("a.test", result=result)) is expected
