"""Counting how TLS went: in memory, then in rows, from several workers at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.remote import queries, results, services
from apps.remote.demand import Demand, Failure, Level, PolicyType, Verdict
from apps.remote.models import StsPolicy, TlsReport, TlsResult
from apps.remote.results import Results
from apps.remote.services import KEEP_DAYS, Sessions
from apps.remote.sts import Sts
from apps.runtime.clock import now
from apps.runtime.db import in_db

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = Verdict(may_use=True, is_verified=True, tls="TLSv1.3 X trusted")
BAD = Verdict(False, failure=Failure.EXPIRED, reason="r" * 400, status="4.7.5")
STS = Demand(
    "example.org",
    "mx.example.org",
    Level.VERIFY,
    PolicyType.STS,
    policy=("version: STSv1", "mode: enforce"),
    patterns=("mx.example.org",),
)
PLAIN = Demand("other.test", "mx.other.test")


@pytest.fixture
async def counter() -> AsyncIterator[Results]:
    made = Results()
    yield made
    await made.close()


async def rows() -> dict[tuple[str, str, str], int]:
    found = await in_db("read", lambda: list(TlsResult.objects.all()))
    return {(row.domain, row.policy_type, row.result): row.sessions for row in found}


async def row(**fields: str) -> TlsResult:
    return await in_db("read", lambda: TlsResult.objects.get(**fields))


async def test_it_adds_up_sessions(counter: Results) -> None:
    for _ in range(3):
        counter.add(STS, GOOD, "192.0.2.1", "192.0.2.2")
    counter.add(STS, BAD, "192.0.2.1", "192.0.2.2")
    counter.add(PLAIN, Verdict(True, failure=Failure.STARTTLS_NOT_SUPPORTED), "", "")
    assert await rows() == {}  # nothing is written while mail is handed over
    await counter.close()
    counter.add(STS, GOOD, "192.0.2.9", "192.0.2.8")
    counter.add(STS, BAD, "192.0.2.1", "192.0.2.2")
    await counter.close()
    assert await rows() == {
        ("example.org", "sts", ""): 4,
        ("example.org", "sts", "certificate-expired"): 2,
        ("other.test", "no-policy-found", "starttls-not-supported"): 1,
    }
    failed = await row(result="certificate-expired")
    assert (failed.mx_host, failed.sending_address) == ("mx.example.org", "192.0.2.1")
    assert failed.receiving_address == "192.0.2.2"
    assert failed.reason == "r" * 300
    good = await row(result="", domain="example.org")
    assert (good.mx_host, good.sending_address, good.receiving_address) == ("", "", "")


async def test_it_tells_what_is_wrong_with_a_policy_of_sessions_that_went_well(
    counter: Results,
) -> None:
    note = Verdict(True, failure=Failure.STS_FETCH, reason="status 404")
    counter.add(Demand("example.org", "mx.example.org", note=note), GOOD, "", "")
    await counter.close()
    assert await rows() == {("example.org", "no-policy-found", "sts-policy-fetch-error"): 1}


async def test_it_counts_nothing_that_no_report_is_made_of(counter: Results) -> None:
    counter.add(Demand("", "smart.example.org"), GOOD, "", "")
    counter.add(Demand("example.org", "mx.example.org", Level.NONE), GOOD, "", "")
    await counter.close()
    assert await rows() == {}


async def test_it_writes_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, written = asyncio.get_running_loop(), asyncio.Event()
    add = services.add_sessions

    def tell(batch: Sequence[Sessions]) -> None:
        add(batch)
        loop.call_soon_threadsafe(written.set)

    monkeypatch.setattr(services, "add_sessions", tell)
    monkeypatch.setattr(results, "WRITE_SECONDS", 0.0)
    counter = Results()
    counter.add(STS, GOOD, "", "")
    await asyncio.wait_for(written.wait(), 30)
    await counter.close()
    assert await rows() == {("example.org", "sts", ""): 1}


async def test_it_bounds_what_one_domain_can_make_it_keep(counter: Results) -> None:
    for number in range(results.MOST_OF_A_DOMAIN + 50):
        counter.add(Demand("evil.test", f"mx{number}.evil.test"), BAD, "", "")
    counter.add(PLAIN, GOOD, "", "")
    await counter.close()
    found = await in_db("read", lambda: list(TlsResult.objects.values_list("domain", flat=True)))
    assert (found.count("evil.test"), found.count("other.test")) == (results.MOST_OF_A_DOMAIN, 1)


def test_it_adds_from_several_workers_at_once() -> None:
    batch = [
        Sessions(1, f"d{number}.test", "sts", (), (), "", "", "", "", "", 1) for number in range(20)
    ]

    def add(turn: int) -> None:
        try:
            for _ in range(10):
                services.add_sessions(batch[::-1] if turn % 2 else batch)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(4)))
    assert set(TlsResult.objects.values_list("sessions", flat=True)) == {40}
    assert TlsResult.objects.count() == 20


def test_it_lists_what_is_to_be_reported() -> None:
    services.add_sessions(
        [
            Sessions(7, domain, "sts", ("a",), ("b",), result, "h", "", "", "", count)
            for domain, result, count in (
                ("b.test", "", 1),
                ("a.test", "", 5),
                ("a.test", "certificate-expired", 9),
                ("c.test", "", 1),
            )
        ]
    )
    services.note_report(day=7, domain="b.test", outcome="mailed")
    services.note_report(day=7, domain="c.test", outcome="failed: no", is_sent=False)
    services.note_report(day=6, domain="a.test", outcome="mailed")
    assert queries.unreported(7) == ["a.test", "c.test"]
    assert queries.unreported(8) == []
    told = list(queries.counted(7, "a.test", limit=10))
    assert [(one.result, one.sessions) for one in told] == [("certificate-expired", 9), ("", 5)]
    assert (told[0].policy, told[0].patterns) == (("a",), ("b",))
    assert len(list(queries.counted(7, "a.test", limit=1))) == 1


@pytest.mark.usefixtures("noon")
def test_it_removes_what_is_old() -> None:
    today = now() // 86_400
    for day in (today, today - KEEP_DAYS - 1):
        services.add_sessions([Sessions(day, "a.test", "sts", (), (), "", "", "", "", "", 1)])
        services.note_report(day=day, domain="a.test", outcome="")
    for domain, age in (("a.test", 100), ("b.test", 0)):
        policy = Sts("1", "enforce", ("mx.a.test",), age, "")
        services.keep_sts(domain=domain, policy=policy)
    StsPolicy.objects.filter(domain="b.test").update(expires_at=now() - 90_000)
    assert services.prune() == 3
    assert TlsResult.objects.get().day == TlsReport.objects.get().day == today
    assert StsPolicy.objects.get().domain == "a.test"
