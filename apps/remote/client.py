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

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from apps.remote.types import Envelope, NextHop, Result

if TYPE_CHECKING:
    from apps.remote.policy import TlsPolicies
    from apps.resolver.base import Resolver

Fence = Callable[[], Awaitable[None]]


class Lane:
    """One connection to a server of a next hop, ready for transactions, one at a time."""

    hop: NextHop
    host: str  # MX or transport host
    address: str  # 192.0.2.1:25, [2001:db8::1]:25
    tls: str  # as Result.tls

    @property
    def is_usable(self) -> bool:
        """Whether another `send` may be tried: open, in step, not too old, not used too often."""
        raise NotImplementedError

    @property
    def transcript(self) -> str:
        """How the connection was made and the last transaction: commands and replies, bounded to
        8,000 characters, no message text, no password."""
        raise NotImplementedError

    async def send(self, envelope: Envelope, *, fence: Fence | None = None) -> list[Result]:
        """Send one message; as many transactions as the remote's limit on recipients asks for.

        Args:
            fence: awaited before DATA and again before the final dot of each transaction. If it
                raises, the message is not sent: the connection is cut and the exception goes on to
                the caller; results of transactions that were complete are lost to it.

        Returns:
            One Result per recipient of the envelope, in any order.
        """
        raise NotImplementedError

    async def probe(self, sender: str, address: str) -> Result:
        """Ask whether a recipient would be taken: MAIL, RCPT, RSET, no message (call-ahead)."""
        raise NotImplementedError

    async def close(self) -> None:
        """QUIT, politely but not for long."""
        raise NotImplementedError


class Carrier:
    """Finds hosts, makes connections, keeps idle ones. Belongs to the running event loop."""

    async def lane(self, hop: NextHop, *, requires_tls: bool = False) -> Lane:
        """An idle connection to the hop, else a new one.

        Args:
            requires_tls: the lane must be able to carry REQUIRETLS (RFC 8689): hosts that cannot
                are passed over.

        Raises:
            HopUnreachableError: no host could be used.
        """
        raise NotImplementedError

    async def connect(self, hop: NextHop, *, requires_tls: bool = False) -> Lane:
        """A new connection; see `lane`."""
        raise NotImplementedError

    def give_back(self, lane: Lane) -> None:
        """Keep a lane for the next message to the same hop, or close it in the background."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close all idle lanes; lanes in use are their users' to close."""
        raise NotImplementedError


def live_carrier(resolver: "Resolver", policies: "TlsPolicies") -> Carrier:
    """A carrier by the settings."""
    raise NotImplementedError
