"""POP3 on a stream: the only module here that sees a connection."""

from __future__ import annotations

import ssl

from apps.directory.authentication import Principal
from apps.directory.signedin import SignedIn
from apps.pop3.lock import Locks
from apps.pop3.proto.lines import LineBuffer
from apps.pop3.session import Session
from apps.runtime.conversation import Conversation, Patience
from apps.runtime.listener import Peer

PATIENCE = Patience(idle_time=10 * 60.0)
"""RFC 1939 section 3: an autologout timer of at least 10 minutes."""


class Connection(Conversation):
    """One client."""

    __slots__ = ("_buffer", "_locks", "_members")

    def __init__(
        self,
        peer: Peer,
        members: SignedIn,
        locks: Locks,
        tls: ssl.SSLContext | None,
        patience: Patience = PATIENCE,
    ) -> None:
        super().__init__(peer, patience, tls)
        self._members = members
        self._locks = locks
        self._buffer = LineBuffer()

    async def serve(self) -> None:
        """Run a session."""
        await Session(self, self._locks).run()

    def take(self, data: bytes) -> None:
        """Feed the buffer."""
        self._buffer.feed(data)

    @property
    def buffered(self) -> int:
        """Octets that wait."""
        return self._buffer.buffered

    def drop_buffer(self) -> int:
        """Forget lines that wait."""
        return self._buffer.clear()

    def sign_in(self, principal: Principal) -> bool:
        """Count the connection as its user's, as long as the sign-in holds."""
        if not self.signed_in(principal.user_id):
            return False
        self._members.add(self, principal)
        return True

    async def next_line(self) -> bytes:
        """Return the client's next line."""
        while (line := self._buffer.next_line()) is None:
            if self._buffer.is_overrun:
                self.write(b"-ERR Line is too long\r\n")
                raise ConnectionAbortedError
            await self.wait()
        return line
