"""Whatever a client does, in whatever order, with whatever DNS: what always holds."""

import asyncio
from ipaddress import ip_network
from typing import Final
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from apps.reception import visit as visits
from apps.reception.gate import Gate
from apps.reception.judging import Refusal
from apps.reception.limits import Limits
from apps.reception.listform import parse
from apps.reception.options import Options
from apps.reception.rates import Rates
from apps.reception.visit import Visit
from apps.wire.replies import Reply
from tests.support.zones import Zones

NOW: Final = 1_800_000_000.0  # no minute and no hour ends during a test
TRUSTED: Final = ip_network("192.0.2.0/24")
OPTIONS: Final = Options(
    block=(parse("bl.example"), parse("bl.example=127.0.0.3*-5"), parse("other.example*2")),
    allow=(parse("wl.example"),),
    threshold=2,
    trusted=(TRUSTED,),
    refuses_early_talkers=True,
    limits=Limits(per_minute=(3, 3, 3), per_hour=(5, 5, 5), unknown=2, per_user=2),
)
ADDRESSES: Final = (
    *("198.51.100.7", "192.0.2.1", "127.0.0.1", "10.0.0.1", "2001:db8::1", "::ffff:198.51.100.7"),
    *("fe80::1%eth0", "::1", "", "local", "203.0.113.1"),  # the last one is our own
)
NAMES: Final = (
    *("mail.example.test", "[203.0.113.1]", "203.0.113.1", "mx.example.org", "example.test", "[]"),
    *("localhost", "[IPv6:2001:db8::1]", "x" * 3_000, "é\r\n\x00", ".", ""),
)
RECIPIENTS: Final = ["alice@example.test", "postmaster", "Abuse@example.test", '"a@b"@example.test']
SILENT: Final = "never answers"

addresses = st.sampled_from(ADDRESSES)
steps = st.one_of(
    st.tuples(st.just("hello"), st.sampled_from(NAMES) | st.text(max_size=30)),
    st.tuples(st.just("rcpt"), st.sampled_from(RECIPIENTS) | st.text(max_size=20)),
    st.tuples(
        st.sampled_from(["mail", "unknown", "early", "hurried", "facts", "close"]), st.none()
    ),
)
answers = st.sampled_from(
    ["127.0.0.2", "127.0.0.3", "127.255.255.254", "203.0.113.1", "", SILENT, "fails"]
)


class World:
    """A DNS that answers every question in one of a few ways, by its name."""

    def __init__(self, told: list[str]) -> None:
        self.zones = Zones(self._answer)
        self._told = told

    def _answer(self, name: str, kind: str) -> tuple[str, ...]:
        answer = self._told[len(name) % len(self._told)] if self._told else ""
        if answer == "fails":
            self.zones.fail(name)  # from the next question on
        if answer == SILENT:
            self.zones.drop(name)
        if kind == "PTR":
            return ("mx.example.org",)
        return (answer,) if kind == "A" and answer not in {"", "fails", SILENT} else ()


async def do(visit: Visit, step: str, words: str | None) -> Reply | Refusal | None:
    """One step of a client; what it is answered."""
    match step:
        case "hello":
            visit.hello(words or "")
        case "rcpt":
            return await visit.refusal(words or "", [1])
        case "mail":
            return await visit.mail()
        case "unknown":
            return await visit.unknown()
        case "early":
            visit.spoke_early()
        case "hurried":
            visit.hurried()
        case "facts":
            facts = await visit.facts()
            assert all(one.text.isprintable() and 1 <= one.weight <= 3 for one in facts.suspicions)
            assert not (facts.listed and facts.allowed)
        case _:
            visit.close()
    return None


def check(visit: Visit, words: str | None, answer: Reply | Refusal | None) -> None:
    """What holds for every answer."""
    if answer is None:
        return
    reply = answer.reply if isinstance(answer, Refusal) else answer
    assert visit.is_counted
    assert not visit.is_trusted
    assert reply.code in {421, 450, 451, 550}
    assert reply.enhanced.startswith(str(reply.code)[0])
    assert reply.encode().count(b"\r\n") == 1
    if words in {"postmaster", "Abuse@example.test"}:
        assert reply.is_transient


@given(addresses, st.lists(steps, max_size=20), st.lists(answers, max_size=5))
def test_it_never_fails_and_never_refuses_its_own(
    address: str, did: list[tuple[str, str | None]], told: list[str]
) -> None:
    async def main() -> None:
        world = World(told)
        gate = Gate(world.zones, "mail.example.test", OPTIONS, Rates(clock=lambda: NOW))
        visit = gate.visit(address, "203.0.113.1")
        before = asyncio.all_tasks()
        visit.begin()
        for step, words in did:
            check(visit, words, await do(visit, step, words))
        visit.close()
        await gate.close()
        for _ in range(10):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == before

    with patch.object(visits, "SECONDS", 0.02):
        asyncio.run(main())
