"""Nobody can take all places at the name servers: not a dead zone, not one stranger."""

import asyncio
from collections.abc import Iterator

import pytest

from apps.resolver.base import DnsUnavailableError, MxRecord
from apps.resolver.stub import StubResolver
from apps.resolver.turns import OF_ONE, TOTAL, Turns
from tests.support.dns_server import DnsServer


class Crowd:
    """Questions that are never answered, and how many of them are being asked."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.asked: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def ask(self, *names: str, asker: str = "") -> None:
        for name in names:
            self._tasks.append(asyncio.ensure_future(self._one(name, asker)))
        for _ in range(5):
            await asyncio.sleep(0)

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _one(self, name: str, asker: str) -> None:
        give_back = await self.turns.enter(asker) if asker else None
        try:
            async with self.turns.take(name):
                self.asked.append(name)
                await asyncio.Event().wait()
        finally:
            if give_back is not None:
                give_back()


async def test_it_bounds_what_is_asked_at_a_time() -> None:
    crowd = Crowd(Turns(total=10, of_one=4))
    await crowd.ask(*(f"{number}.example" for number in range(50)))
    assert len(crowd.asked) == 10
    await crowd.leave()


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        ([f"{number}.evil.example" for number in range(50)], 4),
        ([f"a.{number}.b.evil.example" for number in range(50)], 4),
        (["evil.example", "x.evil.example", "y.x.evil.example", "evil.example", "evil.example"], 4),
        ([f"{number}.2.0.192.in-addr.arpa" for number in range(50)], 4),
        ([f"1.{number}.0.192.in-addr.arpa" for number in range(50)], 50),
        ([f"{n}.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" for n in range(50)], 4),
        ([f"0.{n}.b.d.0.1.0.0.2.ip6.arpa" for n in range(50)], 50),
        ([f"{number}.example" for number in range(50)], 50),
        ([f"{number}.co.uk" for number in range(50)], 50),
        ([f"{number}.evil.com.au" for number in range(50)], 4),
        ([f"tld{number}" for number in range(50)], 50),
    ],
)
async def test_it_gives_one_zone_a_part(names: list[str], taken: int) -> None:
    crowd = Crowd(Turns(total=100, of_one=4))
    await crowd.ask(*names)
    assert len(crowd.asked) == taken
    await crowd.ask("good.example")
    assert crowd.asked[-1] == "good.example"
    await crowd.leave()


async def test_it_gives_one_stranger_a_part() -> None:
    crowd = Crowd(Turns(total=100, of_one=4))
    await crowd.ask(*(f"{number}.example" for number in range(50)), asker="198.51.100.0/24")
    assert len(crowd.asked) == 4
    await crowd.ask("x.example", asker="203.0.113.0/24")
    await crowd.ask("y.example")
    assert crowd.asked[-2:] == ["x.example", "y.example"]
    await crowd.leave()


async def test_it_holds_no_place_of_a_zone_for_who_waits_for_his_own() -> None:
    crowd = Crowd(Turns(total=100, of_one=4))
    mallory = "198.51.100.0/24"
    await crowd.ask(*(f"{number}.dead.example" for number in range(4)), asker=mallory)
    await crowd.ask(*(f"{number}._domainkey.bank.example" for number in range(50)), asker=mallory)
    await crowd.ask("_dmarc.bank.example", asker="203.0.113.0/24")
    assert crowd.asked[-1] == "_dmarc.bank.example"
    await crowd.leave()


async def test_it_keeps_no_line_that_nobody_is_in() -> None:
    crowd = Crowd(turns := Turns(total=100, of_one=4))
    await crowd.ask(*(f"{number}.evil.example" for number in range(20)), asker="x")
    assert len(turns) == 2
    await crowd.leave()
    assert len(turns) == 0
    await crowd.ask("a.evil.example")
    assert len(crowd.asked) == 5
    await crowd.leave()


@pytest.fixture
def dns_server() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


async def silent(resolver: StubResolver, name: str) -> None:
    with pytest.raises(DnsUnavailableError):
        await resolver.txt(name)


async def test_it_answers_others_while_a_stranger_waits_for_dead_names(
    dns_server: DnsServer,
) -> None:
    """Without bounds each of these holds a place for five seconds, and all are taken."""
    dead = [f"{n}.dead{n}.example" for n in range(TOTAL)] + [f"{n}.evil.org" for n in range(TOTAL)]
    for name in dead:
        dns_server.drop(name)
    resolver = StubResolver([(dns_server.host, dns_server.port)], is_trusted=False)
    stranger = resolver.on_behalf_of("198.51.100.0/24")
    tasks = [asyncio.ensure_future(silent(stranger, name)) for name in dead]
    async with asyncio.timeout(30):
        while len(dns_server.questions) < OF_ONE:  # noqa: ASYNC110 - asked in another thread
            await asyncio.sleep(0.01)
    dns_server.add("good.example", "MX", "10 mx.good.example.")
    async with asyncio.timeout(4):
        assert (await resolver.mx("good.example")).records == (MxRecord(10, "mx.good.example"),)
    assert not any(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def crowd_of(resolver: StubResolver, server: DnsServer) -> list[asyncio.Task[None]]:
    """Questions that take all places of their asker, and are never answered."""
    dead = [f"{number}.dead{number}.example" for number in range(OF_ONE)]
    for name in dead:
        server.drop(name)
    tasks = [asyncio.ensure_future(silent(resolver, name)) for name in dead]
    async with asyncio.timeout(30):
        while not all(server.count(name) for name in dead):  # noqa: ASYNC110 - in another thread
            await asyncio.sleep(0.01)
    return tasks


async def leave(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_it_lets_nobody_wait_for_a_question_that_waits_for_its_asker(
    dns_server: DnsServer,
) -> None:
    dns_server.text("_dmarc.bank.example", "v=DMARC1; p=reject")
    resolver = StubResolver([(dns_server.host, dns_server.port)], is_trusted=False)
    mallory = resolver.on_behalf_of("198.51.100.0/24")
    tasks = await crowd_of(mallory, dns_server)
    tasks.append(asyncio.ensure_future(silent(mallory, "_dmarc.bank.example")))
    await asyncio.sleep(0)
    other = resolver.on_behalf_of("203.0.113.0/24")
    async with asyncio.timeout(4):
        assert (await other.txt("_dmarc.bank.example")).records == (b"v=DMARC1; p=reject",)
    assert not other.has_waited
    await leave(tasks)


async def test_it_tells_who_waits_for_his_own_questions(
    dns_server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.resolver.stub.PATIENCE", 0.01)
    resolver = StubResolver([(dns_server.host, dns_server.port)], is_trusted=False)
    tasks = await crowd_of(resolver.on_behalf_of("198.51.100.0/24"), dns_server)
    another = resolver.on_behalf_of("198.51.100.0/24")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await another.txt("_dmarc.bank.example")
    assert another.has_waited
    assert not resolver.on_behalf_of("198.51.100.0/24").has_waited
    await leave(tasks)


async def test_it_keeps_the_places_of_who_is_gone_until_his_questions_are_over(
    dns_server: DnsServer,
) -> None:
    resolver = StubResolver([(dns_server.host, dns_server.port)], is_trusted=False)
    mallory = resolver.on_behalf_of("198.51.100.0/24")
    await leave(await crowd_of(mallory, dns_server))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await mallory.txt("_dmarc.bank.example")
    assert not dns_server.count("_dmarc.bank.example")


async def test_it_shares_what_it_knows_with_those_who_ask_for_others(
    dns_server: DnsServer,
) -> None:
    dns_server.add("example.org", "TXT", '"here"')
    resolver = StubResolver([(dns_server.host, dns_server.port)], is_trusted=False)
    for asker in ("a", "b"):
        assert (await resolver.on_behalf_of(asker).txt("example.org")).records == (b"here",)
    assert (await resolver.txt("example.org")).records == (b"here",)
    assert dns_server.count("example.org") == 1
