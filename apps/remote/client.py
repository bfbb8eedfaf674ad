"""Handing messages over to other servers: `Carrier` finds a host and connects, a `Lane` carries.

    carrier = live_carrier(resolver, policies)         # one per event loop
    lane = await carrier.lane(hop)                     # an idle one, or a new connection
    results = await lane.send(envelope, fence=fence)   # one Result per recipient, never raises for
                                                       # what the remote does
    carrier.give_back(lane)                            # kept a few seconds for the next message
    await carrier.close()

Promises: every wait has an end, every reply is bounded, no address of ours or of a private network
is connected to unless SMTP_OUT_PRIVATE, nothing a remote says is repeated with control characters.
`Result.reply` is the text behind the code, so that `f"{code} {reply}"` is what the remote said.
"""

import asyncio
import contextlib
import socket
import time
from dataclasses import replace
from typing import Final

from apps.remote import addresses
from apps.remote.connection import ConversationError
from apps.remote.content import NO_REQUIRETLS, Content, fit, split
from apps.remote.demand import Demand, Verdict
from apps.remote.dialer import Dialer, NoAnswerError
from apps.remote.greeting import BrokenTlsError, Call, Peer, open_peer
from apps.remote.hosts import Host, port
from apps.remote.patience import PATIENCE, Patience
from apps.remote.policy import TlsPolicies
from apps.remote.pool import Pool
from apps.remote.probe import probe
from apps.remote.replies import ReplyError
from apps.remote.search import Search
from apps.remote.trail import NO_ANSWER, Trail
from apps.remote.transaction import Fence, Transaction, result
from apps.remote.types import Envelope, HopUnreachableError, NextHop, Outcome, Result
from apps.resolver.base import IPAddress, Resolver

__all__ = ["Carrier", "Fence", "Lane", "live_carrier"]

RECIPIENTS: Final = 100  # of one transaction: what every server must take, RFC 5321 s4.5.3.1.8
MESSAGES: Final = 100  # of one connection
LANE_SECONDS: Final = 300.0  # no connection is used for longer: balancers like it


async def _unfenced() -> None:
    """For callers that hold no lease."""


class Lane:
    """One connection to a server of a next hop, ready for transactions, one at a time."""

    def __init__(self, hop: NextHop, peer: Peer, patience: Patience) -> None:
        self.hop = hop
        self.host = peer.host
        self.address = peer.address
        self.tls = peer.verdict.tls
        self.can_require_tls = peer.can_require_tls
        self._peer = peer
        self._patience = patience
        self._left = min(MESSAGES, peer.limits().get("MAILMAX", MESSAGES))
        self._until = time.monotonic() + LANE_SECONDS
        peer.wire.transcript.begin()

    @property
    def is_usable(self) -> bool:
        """Whether another `send` may be tried: open, in step, not too old, not used too often."""
        wire = self._peer.wire
        is_fresh = self._left > 0 and time.monotonic() < self._until
        return is_fresh and wire.is_open and not wire.is_out_of_step

    @property
    def transcript(self) -> str:
        """How the connection was made and the last transaction: commands and replies, bounded to
        about 8,000 characters, no message text, no password."""
        return str(self._peer.wire.transcript)

    async def send(self, envelope: Envelope, *, fence: Fence = _unfenced) -> list[Result]:
        """Send one message; as many transactions as the remote's limit on recipients asks for.

        Args:
            fence: awaited before DATA and again before the final dot of each transaction. If it
                raises, the message is not sent: the connection is cut and the exception goes on to
                the caller; results of transactions that were complete are lost to it.

        Returns:
            One Result per recipient of the envelope, in any order.
        """
        self._peer.wire.transcript.begin()
        content = Content(envelope.text)
        fitted = fit(self._peer, envelope, content)
        results = [
            result(self._peer, one.ref, Outcome.FAILED, unfit.status, unfit.reason)
            for one, unfit in fitted.unfit
        ]
        lots = split(self._peer, fitted.rcpts, RECIPIENTS)
        while lots:
            self._left -= 1
            transaction = Transaction(self._peer, fitted.mail, content, self._patience, fence)
            crowded = await transaction.run(lots.pop(0))
            results += transaction.results
            if crowded:
                lots.insert(0, crowded)
        return results

    async def probe(self, sender: str, address: str) -> Result:
        """Ask whether a recipient would be taken: MAIL, RCPT, RSET, no message (call-ahead).
        DELIVERED means that it would; `ref` is 0."""
        self._left -= 1
        self._peer.wire.transcript.begin()
        return await probe(self._peer, sender, address, self._patience)

    async def close(self) -> None:
        """QUIT, politely but not for long."""
        session, wire = self._peer.session, self._peer.wire
        with contextlib.suppress(ConversationError, ReplyError, TimeoutError):
            async with asyncio.timeout(self._patience.quit):
                wire.send([b"QUIT"])
                await wire.reply()
        session.close()


class Carrier:
    """Finds hosts, makes connections, keeps idle ones. Belongs to the running event loop."""

    def __init__(
        self, resolver: Resolver, policies: TlsPolicies, patience: Patience = PATIENCE
    ) -> None:
        self._resolver = resolver
        self._policies = policies
        self._patience = patience
        self._dialer = Dialer(patience)
        self._idle: Pool[Lane] = Pool(self._end)
        self._ending: set[asyncio.Task[None]] = set()

    async def lane(self, hop: NextHop, *, requires_tls: bool = False) -> Lane:
        """An idle connection to the hop, else a new one.

        Args:
            requires_tls: the lane must be able to carry REQUIRETLS (RFC 8689): hosts that cannot
                are passed over.

        Raises:
            HopUnreachableError: no host could be used.
        """
        kept = self._idle.take(hop, lambda lane: lane.can_require_tls or not requires_tls)
        return kept or await self.connect(hop, requires_tls=requires_tls)

    async def connect(self, hop: NextHop, *, requires_tls: bool = False) -> Lane:
        """A new connection; see `lane`."""
        trail = Trail(hop)
        search = Search(self._resolver, self._policies, hop, trail)
        try:
            async with asyncio.timeout(self._patience.hop):
                async with contextlib.aclosing(search.candidates()) as candidates:
                    async for host, demand in candidates:
                        lane = await self._try(hop, host, demand, trail, requires_tls=requires_tls)
                        if lane is not None:
                            return lane
        except HopUnreachableError as error:
            trail.add(error)
        except TimeoutError:
            reason = f"no server of {hop.host} was ready within {self._patience.hop:g} seconds"
            trail.add(HopUnreachableError(NO_ANSWER, reason))
        raise trail.error()

    def give_back(self, lane: Lane) -> None:
        """Keep a lane for the next message to the same hop, or close it in the background."""
        if lane.is_usable:
            self._idle.put(lane)
        else:
            self._end(lane)

    async def close(self) -> None:
        """Close all idle lanes; lanes in use are their users' to close."""
        self._idle.clear()
        if self._ending:
            await asyncio.wait(self._ending)

    def _end(self, lane: Lane) -> None:
        task = asyncio.ensure_future(lane.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _try(
        self, hop: NextHop, host: Host, demand: Demand, trail: Trail, *, requires_tls: bool
    ) -> Lane | None:
        """A lane to one host, None if none of its addresses will do; `trail` knows why."""
        left = self._dialer.order(host.addresses, port(hop))
        while left:
            try:
                channel, address, failures = await self._dialer.dial(left, port(hop))
            except NoAnswerError as error:
                trail.add_silence(host.name, port(hop), error.failures)
                return None
            trail.add_silence(host.name, port(hop), failures)
            left = [one for one in left if one != address and one not in failures]
            endpoint = addresses.endpoint(address, port(hop))
            call = Call(hop, host.name, endpoint, demand, self._patience)
            try:
                peer = await self._open(call, channel, address)
            except HopUnreachableError as error:
                trail.add(error)
                continue
            lane = Lane(hop, peer, self._patience)
            if lane.can_require_tls or not requires_tls:
                return lane
            self._end(lane)
            reason = f"{host.name} cannot promise TLS all the way (REQUIRETLS)"
            trail.add(HopUnreachableError(NO_REQUIRETLS, reason, host=host.name, address=endpoint))
        return None

    async def _open(self, call: Call, channel: socket.socket, address: IPAddress) -> Peer:
        ours = str(channel.getsockname()[0])

        def record(verdict: Verdict) -> None:
            self._policies.record(
                call.demand, verdict, sending_address=ours, receiving_address=str(address)
            )

        try:
            return await open_peer(call, channel, record)
        except BrokenTlsError as error:
            note = f"{error.verdict.reason}; without TLS then"
        try:
            channel, _, _ = await self._dialer.dial([address], port(call.hop))
        except NoAnswerError as error:
            reason = f"{note}: {error}"
            raise HopUnreachableError(
                NO_ANSWER, reason, host=call.host, address=call.address
            ) from None
        return await open_peer(replace(call, broken_tls=note), channel, record)


def live_carrier(resolver: Resolver, policies: TlsPolicies) -> Carrier:
    """A carrier by the settings."""
    return Carrier(resolver, policies)
