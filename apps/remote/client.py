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
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from apps.remote import addresses
from apps.remote.content import NO_REQUIRETLS, Content, fit, split
from apps.remote.demand import Demand, Verdict
from apps.remote.dialer import Dialer, NoAnswerError
from apps.remote.greeting import BrokenTlsError, Call, Peer, leave, open_peer
from apps.remote.hosts import Host, port
from apps.remote.patience import PATIENCE, Patience
from apps.remote.policy import TlsPolicies
from apps.remote.pool import Pool
from apps.remote.probe import probe
from apps.remote.search import Search
from apps.remote.trail import NO_ANSWER, Trail
from apps.remote.transaction import Fence, Transaction, result
from apps.remote.types import Envelope, HopUnreachableError, NextHop, Outcome, Result
from apps.resolver.base import IPAddress, Resolver

__all__ = ["Carrier", "Fence", "Lane", "live_carrier"]

RECIPIENTS: Final = 100  # of one transaction: what every server must take, RFC 5321 s4.5.3.1.8
MESSAGES: Final = 100  # of one connection
LANE_SECONDS: Final = 300.0  # no connection is used for longer: balancers like it


Renew = Callable[[bool], Awaitable[Peer]]
"""Makes another connection to the hop; for mail with REQUIRETLS if so."""


async def _unfenced() -> None:
    """For callers that hold no lease."""


def _unreached(ref: int, error: HopUnreachableError) -> Result:
    return Result(
        ref,
        Outcome.FAILED if error.is_permanent else Outcome.DEFERRED,
        error.code,
        error.status,
        error.reply,
        error.is_remote,
        error.host,
        error.address,
    )


class Lane:
    """One connection to a server of a next hop, ready for transactions, one at a time.

    A server may end a connection whenever nothing is under way. Whoever finds that out with the
    next message gets a new connection in its place: `host`, `address` and `tls` are those of the
    last `send`.
    """

    def __init__(self, hop: NextHop, peer: Peer, renew: Renew, patience: Patience) -> None:
        self.hop = hop
        self._renew = renew
        self._patience = patience
        self._take(peer)

    @property
    def host(self) -> str:
        """MX or transport host."""
        return self.peer.host

    @property
    def address(self) -> str:
        """`192.0.2.1:25`, `[2001:db8::1]:25`."""
        return self.peer.address

    @property
    def tls(self) -> str:
        """As `Result.tls`."""
        return self.peer.verdict.tls

    @property
    def can_require_tls(self) -> bool:
        """Whether mail with REQUIRETLS may go over it."""
        return self.peer.can_require_tls

    @property
    def is_usable(self) -> bool:
        """Whether another `send` may be tried: open, in step, not too old, not used too often."""
        wire = self.peer.wire
        is_fresh = self._left > 0 and time.monotonic() < self._until
        return is_fresh and wire.is_open and not wire.is_out_of_step

    @property
    def lets_us_in(self) -> bool:
        """Whether it has asked for a text at least once: it takes mail, and does not only talk."""
        return self.peer.has_asked_for_text

    @property
    def transcript(self) -> str:
        """How the connection was made and the last transaction: commands and replies, bounded to
        about 8,000 characters, no message text, no password."""
        return str(self.peer.wire.transcript)

    async def send(self, envelope: Envelope, *, fence: Fence = _unfenced) -> list[Result]:
        """Send one message; as many transactions as the remote's limit on recipients asks for.

        Args:
            fence: awaited before DATA and again before the final dot of each transaction. If it
                raises, the message is not sent: the connection is cut and the exception goes on to
                the caller; results of transactions that were complete are lost to it.

        Returns:
            One Result per recipient of the envelope, in any order.
        """
        self.peer.wire.transcript.begin()
        content = Content(envelope.text)
        fitted = fit(self.peer, envelope, content)
        results = [
            result(self.peer, one.ref, Outcome.FAILED, unfit.status, unfit.reason)
            for one, unfit in fitted.unfit
        ]
        lots = split(self.peer, fitted.rcpts, RECIPIENTS)
        while lots:
            transaction = Transaction(self.peer, fitted.mail, content, self._patience, fence)
            crowded = await transaction.run(lots[0])
            if transaction.is_stale and self._carried:
                rest = tuple(one.recipient for lot in lots for one in lot)
                return results + await self._send_anew(replace(envelope, recipients=rest), fence)
            self._count()
            results += transaction.results
            lots[:1] = [crowded] if crowded else []
        return results

    async def probe(self, sender: str, address: str) -> Result:
        """Ask whether a recipient would be taken: MAIL and RCPT, no message (call-ahead).
        DELIVERED means that it would; `ref` is 0."""
        self.peer.wire.transcript.begin()
        found = await probe(self.peer, sender, address, self._patience)
        if self._carried and found.outcome is Outcome.DEFERRED and not self.peer.wire.is_open:
            try:
                self._take(await self._renew(False))
            except HopUnreachableError as error:
                return _unreached(0, error)
            found = await probe(self.peer, sender, address, self._patience)
        self._count()
        return found

    async def _send_anew(self, envelope: Envelope, fence: Fence) -> list[Result]:
        try:
            self._take(await self._renew(envelope.requires_tls))
        except HopUnreachableError as error:
            # Not raised: of this message, some recipients may have been served before.
            return [_unreached(one.ref, error) for one in envelope.recipients]
        return await self.send(envelope, fence=fence)

    def _take(self, peer: Peer) -> None:
        self.peer = peer
        self._carried = 0
        self._left = min(MESSAGES, peer.limits().get("MAILMAX", MESSAGES))
        self._until = time.monotonic() + LANE_SECONDS
        peer.wire.transcript.begin()

    def _count(self) -> None:
        self._carried += 1
        self._left -= 1

    async def close(self) -> None:
        """QUIT, politely but not for long."""
        await leave(self.peer, self._patience)


class Carrier:
    """Finds hosts, makes connections, keeps idle ones. Belongs to the running event loop."""

    def __init__(
        self, resolver: Resolver, policies: TlsPolicies, patience: Patience = PATIENCE
    ) -> None:
        self._resolver = resolver
        self._policies = policies
        self._patience = patience
        self._dialer = Dialer(patience)
        self._idle: Pool[Lane] = Pool(lambda lane: self._end(lane.peer))
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

        async def renew(requires_tls: bool) -> Peer:
            return await self._reach(hop, requires_tls=requires_tls)

        return Lane(hop, await renew(requires_tls), renew, self._patience)

    async def _reach(self, hop: NextHop, *, requires_tls: bool) -> Peer:
        trail = Trail(hop)
        search = Search(self._resolver, self._policies, hop, trail)
        try:
            async with asyncio.timeout(self._patience.hop):
                async with contextlib.aclosing(search.candidates()) as candidates:
                    async for host, demand in candidates:
                        peer = await self._try(hop, host, demand, trail, requires_tls=requires_tls)
                        if peer is not None:
                            return peer
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
            self._end(lane.peer)

    async def close(self) -> None:
        """Close all idle lanes; lanes in use are their users' to close."""
        self._idle.clear()
        if self._ending:
            await asyncio.wait(self._ending)

    def _end(self, peer: Peer) -> None:
        task = asyncio.ensure_future(leave(peer, self._patience))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _try(
        self, hop: NextHop, host: Host, demand: Demand, trail: Trail, *, requires_tls: bool
    ) -> Peer | None:
        """A connection to one host, None if none of its addresses will do; `trail` knows why."""
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
            if peer.can_require_tls or not requires_tls:
                return peer
            self._end(peer)
            reason = peer.why_no_requiretls
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
