"""Call-ahead: whether the other server of a relay domain has an address, asked while the client of
a RCPT waits, so that mail for nobody is refused instead of bounced.

What the server said is remembered for a while, in bounded memory; who asks for the same address at
the same moment shares one question; a server is asked on few connections at once. A server that
cannot be reached, or refuses us rather than the address, says nothing about the address: the client
is told to try again later.

One `CallAhead` per event loop.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from apps.directory import transports
from apps.mime.address import Address
from apps.remote.client import Carrier, Lane, live_carrier
from apps.remote.policy import TlsPolicies, live_policies
from apps.remote.types import HopUnreachableError, NextHop, Outcome, Result
from apps.resolver.live import live_resolver
from apps.runtime.db import in_db
from apps.wire.errors import Overloaded, Temporary, UnknownRecipient
from apps.wire.replies import Reply

KNOWN_SECONDS: Final = 3_600
UNKNOWN_SECONDS: Final = 300  # short: people are given mailboxes and try them at once
SILENT_SECONDS: Final = 30  # until a server that did not answer is asked for the address again
MOST: Final = 10_000  # answers that are remembered
AT_ONCE: Final = 4  # questions to one server
WAITING: Final = 200  # questions of a loop that are open or wait for their turn
PATIENCE: Final = 30.0  # seconds for one question; clients wait five minutes (RFC 5321 s4.5.3.2.3)

Ask = Callable[[NextHop, str], Awaitable[Result]]


class NoAnswer(Temporary):
    """The other server did not say whether it has the address."""

    reply = Reply(450, "4.4.1", "The server of this domain does not answer, try again later")


@dataclass(frozen=True, slots=True)
class _Said:
    """A remembered answer: `outcome` is FAILED if the server has no such address."""

    outcome: Outcome
    until: float  # monotonic


class CallAhead:
    """Asks, and remembers.

    Args:
        ask: puts the question to a server; the live one if None.
        now: seconds of a clock that never goes back.
    """

    def __init__(self, ask: Ask | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._live = _Live()
        self._ask: Ask = ask or self._live
        self._said: OrderedDict[str, _Said] = OrderedDict()
        self._open: dict[str, asyncio.Task[Outcome]] = {}
        self._turns: dict[str, asyncio.Semaphore] = {}  # as many as relay domains have servers

    async def check(self, text: str) -> None:
        """Return if the server of an address in a relay domain has it.

        Raises:
            UnknownRecipient: it says that it has not.
            NoAnswer, Overloaded: it did not say.
            StorageUnavailable: the directory cannot be asked which server that is.
        """
        address = Address.parse(text)
        outcome = self._remembered(address.key)
        if outcome is None:
            outcome = await self._shared(address)
        if outcome is Outcome.FAILED:
            raise UnknownRecipient(f"{address} is unknown to the server of {address.domain}")
        if outcome is Outcome.DEFERRED:
            raise NoAnswer(f"no answer for {address}")

    async def close(self) -> None:
        """End open questions and connections."""
        tasks = list(self._open.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._live.close()

    def _remembered(self, key: str) -> Outcome | None:
        said = self._said.get(key)
        if said is None or said.until < self._now():
            return None
        self._said.move_to_end(key)
        return said.outcome

    async def _shared(self, address: Address) -> Outcome:
        task = self._open.get(address.key)
        if task is None:
            if len(self._open) >= WAITING:
                raise Overloaded(f"{WAITING} recipients are being asked for")
            task = asyncio.create_task(self._put(address))
            self._open[address.key] = task
            task.add_done_callback(lambda _: self._open.pop(address.key, None))
        # A client that goes away takes its question with it, not that of the others.
        return await asyncio.shield(task)

    async def _put(self, address: Address) -> Outcome:
        hop = await _hop(address.domain)
        turns = self._turns.setdefault(hop.key, asyncio.Semaphore(AT_ONCE))
        try:
            async with asyncio.timeout(PATIENCE), turns:
                outcome = _judge(await self._ask(hop, str(address)))
        except (TimeoutError, HopUnreachableError, OSError):
            outcome = Outcome.DEFERRED
        self._remember(address.key, outcome)
        return outcome

    def _remember(self, key: str, outcome: Outcome) -> None:
        seconds = _SECONDS[outcome]
        self._said[key] = _Said(outcome, self._now() + seconds)
        self._said.move_to_end(key)
        while len(self._said) > MOST:
            self._said.popitem(last=False)


_SECONDS: Final = {
    Outcome.DELIVERED: KNOWN_SECONDS,
    Outcome.FAILED: UNKNOWN_SECONDS,
    Outcome.DEFERRED: SILENT_SECONDS,
}


def _judge(result: Result) -> Outcome:
    """What an answer says of the address. A refusal for policy (5.7.x) or a broken sequence is
    about us, and must not make a mailbox that is there unknown to the world."""
    if result.outcome is not Outcome.FAILED or not result.is_remote:
        return result.outcome  # our own code fails only what can never be an address there
    if result.status in {"", "5.0.0"}:
        is_about_address = result.code in {550, 551, 553}
    else:
        is_about_address = result.status.startswith(("5.1.", "5.2."))
    return Outcome.FAILED if is_about_address else Outcome.DEFERRED


async def _hop(domain: str) -> NextHop:
    """The way to a relay domain's server, with the password that may be needed there."""
    hop = await in_db("read", transports.next_hop, "", domain)
    return await in_db("read", transports.by_key, hop.key) or hop


class _Live:
    """Puts questions over the network; a connection is kept for the next one."""

    def __init__(self) -> None:
        self._carrier: Carrier | None = None
        self._policies: TlsPolicies | None = None

    async def __call__(self, hop: NextHop, address: str) -> Result:
        if self._carrier is None:
            resolver = live_resolver()
            self._policies = live_policies(resolver)
            self._carrier = live_carrier(resolver, self._policies)
        lane: Lane = await self._carrier.lane(hop)
        try:
            return await lane.probe("", address)
        finally:
            self._carrier.give_back(lane)

    async def close(self) -> None:
        if self._carrier is not None:
            await self._carrier.close()
        if self._policies is not None:
            await self._policies.close()
