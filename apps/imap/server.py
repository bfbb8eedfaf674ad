"""IMAP on a stream: the only module here that sees a connection.

The conversation itself (deadlines, back-pressure, TLS) is `apps.runtime.conversation`; this adds
the command buffer, and is the `Channel` of a session.
"""

from __future__ import annotations

import ssl

from apps.directory.authentication import Principal
from apps.directory.signedin import SignedIn
from apps.imap.context import Woken
from apps.imap.limits import Limits, command_limits
from apps.imap.mirrors import Mirrors
from apps.imap.session import Session
from apps.runtime.conversation import Conversation
from apps.runtime.listener import Peer
from apps.wire.lines import CommandBuffer, Event, NeedContinuation


class Connection(Conversation):
    """One client."""

    def __init__(
        self,
        peer: Peer,
        mirrors: Mirrors,
        members: SignedIn,
        limits: Limits,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(peer, limits.patience, tls)
        self._mirrors = mirrors
        self._members = members
        self._limits = limits
        self._buffer = CommandBuffer(command_limits(limits, signed_in=False))
        self._poked = False

    async def serve(self) -> None:
        """Run a session."""
        await Session(self, self._mirrors, self._limits).run()

    def take(self, data: bytes) -> None:
        """Feed the command buffer."""
        self._buffer.feed(data)

    @property
    def buffered(self) -> int:
        """Octets of no command yet."""
        return self._buffer.buffered

    def drop_buffer(self) -> int:
        """Forget commands begun."""
        return self._buffer.clear()

    # -- the channel ------------------------------------------------------------------------------

    async def next_event(self) -> Event:
        """Return the next event, asking for synchronising literals on the way."""
        while (event := self._event()) is None:
            await self.wait()
        return event

    async def event_or_poke(self) -> Event | Woken:
        """As `next_event`, but also ended by a poke or the keep-alive time."""
        silence_ends = self._loop.time() + self._limits.idle_keepalive
        keepalive = self._loop.call_at(silence_ends, self.wake)
        try:
            while (event := self._event()) is None:
                if self._poked:
                    return Woken.NEWS
                if self._loop.time() >= silence_ends:
                    return Woken.SILENCE
                await self.wait()
            return event
        finally:
            self._poked = False
            keepalive.cancel()

    def poke(self) -> None:
        """End the wait of `event_or_poke`."""
        self._poked = True
        self.wake()

    @property
    def has_heard_more(self) -> bool:
        """Whether there is more in the buffer than the command that runs."""
        return self._buffer.buffered > 0

    def sign_in(self, principal: Principal) -> bool:
        """Count the connection as its user's, as long as the sign-in holds."""
        if not self.signed_in(principal.user_id):
            return False
        self._members.add(self, principal)
        return True

    def new_limits(self, *, signed_in: bool) -> None:
        """From the next command on these limits hold."""
        self._buffer.limits = command_limits(self._limits, signed_in=signed_in)

    def _event(self) -> Event | None:
        while isinstance(event := self._buffer.next_event(), NeedContinuation):
            self.write(b"+ Ready for the literal\r\n")
            self._buffer.accept_literal()
        return event
