"""IMAP on a stream: the only module here that sees a connection.

The conversation itself (deadlines, back-pressure, TLS) is `apps.runtime.conversation`; this adds
the command buffer, and is the `Channel` of a session.
"""

from __future__ import annotations

import asyncio
import ssl

from apps.directory.authentication import Principal
from apps.directory.signedin import SignedIn
from apps.imap.context import Woken
from apps.imap.limits import Limits, command_limits
from apps.imap.selected.mirrors import Mirrors
from apps.imap.session import Session
from apps.runtime.allowance import Allowance
from apps.runtime.conversation import Conversation
from apps.runtime.listener import Peer
from apps.wire.limits import LITERAL_AFTER_LOGIN
from apps.wire.lines import CommandBuffer, Event, NeedContinuation, NoRoom, RawCommand


class Connection(Conversation):
    """One client."""

    __slots__ = (
        "_allowance",
        "_asked",
        "_asking",
        "_buffer",
        "_came",
        "_given",
        "_hurry",
        "_is_answered",
        "_is_late",
        "_limits",
        "_members",
        "_mirrors",
        "_peeked",
        "_poked",
        "_taken",
        "_user_id",
    )

    def __init__(
        self,
        peer: Peer,
        mirrors: Mirrors,
        members: SignedIn,
        limits: Limits,
        tls: ssl.SSLContext | None,
        allowance: Allowance,
    ) -> None:
        super().__init__(peer, limits.patience, tls)
        self._mirrors = mirrors
        self._members = members
        self._limits = limits
        self._buffer = CommandBuffer(command_limits(limits, signed_in=False))
        self._poked = False
        self._allowance = allowance
        self._user_id = 0
        self._taken = 0  # octets of the allowance, until the command that needs them is done
        self._asked: NeedContinuation | None = None  # waits for room
        self._asking: asyncio.TimerHandle | None = None
        self._given: NeedContinuation | None = None  # the session may still turn it down
        self._peeked: Event | None = None  # out of the buffer, and not given out yet
        self._is_late = False
        self._is_answered = False  # the last event has been given out: the next begins a command
        self._hurry: asyncio.TimerHandle | None = None  # while room is taken for what comes
        self._came = 0  # octets, since it was set

    async def serve(self) -> None:
        """Run a session."""
        try:
            await Session(self, self._mirrors, self._limits).run()
        finally:
            self._allowance.leave(self.wake)
            self._give_back()
            self._stop_asking()

    def take(self, data: bytes) -> None:
        """Feed the command buffer."""
        self._came += len(data)
        self._buffer.feed(data)

    @property
    def buffered(self) -> int:
        """Octets of no command yet."""
        return self._buffer.buffered

    def drop_buffer(self) -> int:
        """Forget commands begun."""
        self._peeked = None
        return self._buffer.clear()

    # -- the channel ------------------------------------------------------------------------------

    async def next_event(self) -> Event:
        """Return the next event, asking for synchronising literals on the way."""
        self._begin()
        while (event := self._event()) is None:
            await self._more()
        return event

    def _begin(self) -> None:
        """The command before is done, unless the wait for one goes on."""
        if self._given is not None:
            self._asked, self._given = self._given, None
        if self._is_answered:
            self._is_answered = False
            self._give_back()

    async def _more(self) -> None:
        """Wait for more of a command."""
        if self._is_late:
            raise TimeoutError
        await self.wait()

    def peek(self) -> RawCommand | None:
        """Look at the next command, if all of it is there."""
        if self._peeked is None and self._asked is None and self._given is None:
            self._peeked = self._buffer.next_event()
        return self._peeked if isinstance(self._peeked, RawCommand) else None

    def skip(self) -> None:
        """Take what `peek` has shown."""
        self._peeked = None

    def turn_down(self) -> None:
        """Refuse the literal that was asked for: the command has its answer."""
        if self._given is not None:
            self._given = None
            self._buffer.refuse_literal()

    async def event_or_poke(self) -> Event | Woken:
        """As `next_event`, but also ended by a poke or the keep-alive time."""
        self._begin()
        silence_ends = self._loop.time() + self._limits.idle_keepalive
        keepalive = self._loop.call_at(silence_ends, self.wake)
        try:
            while (event := self._event()) is None:
                if self._poked:
                    return Woken.NEWS
                if self._loop.time() >= silence_ends:
                    return Woken.SILENCE
                await self._more()
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
        return self._peeked is not None or self._buffer.buffered > 0 or self.has_packed

    def sign_in(self, principal: Principal) -> bool:
        """Count the connection as its user's, as long as the sign-in holds."""
        if not self.signed_in(principal.user_id):
            return False
        self._user_id = principal.user_id
        self._members.add(self, principal)
        return True

    def sign_out(self) -> None:
        """Forget the user: the next command is a stranger's, and in the clear."""
        self._members.discard(self)
        self._user_id = 0
        self.signed_out()
        self.decompress()
        self.new_limits(signed_in=False)

    def start_compression(self) -> None:
        """Compress and unpack from here on. What a client sent too early, behind the command, is
        taken for compressed: that is how other servers read it."""
        self.compress(self._buffer.take_rest())

    def new_limits(self, *, signed_in: bool) -> None:
        """From the next command on these limits hold."""
        self._buffer.limits = command_limits(self._limits, signed_in=signed_in)

    # -- literals ---------------------------------------------------------------------------------

    @property
    def wants_more(self) -> bool:
        """Not while there is no room for what comes."""
        return self._asked is None

    def _event(self) -> Event | None:
        event = self._next_event()
        self._is_answered = event is not None and event is not self._given
        return event

    def _next_event(self) -> Event | None:
        while True:
            if self._asked is None:
                event, self._peeked = self._peeked or self._buffer.next_event(), None
                if not isinstance(event, NeedContinuation):
                    return event
                if self._user_id and not event.non_sync and len(event.tokens) == 1:
                    self._given = event
                    return event
                self._asked = event
            refused = self._admit(self._asked)
            if refused is not None or self._asked is not None:
                return refused

    def _admit(self, asked: NeedContinuation) -> NoRoom | None:
        """Let a literal come; leave `_asked` as it is while there is no room for it."""
        if not self._has_room(asked.held + asked.size):
            now = self._loop.time()
            if self._asking is None:
                self._asking = self._loop.call_at(now + self._limits.literal_wait, self.wake)
            if now < self._asking.when():
                return None
            self._allowance.leave(self.wake)
            self._stop_asking()
            self._buffer.refuse_literal()
            return NoRoom(asked.tag, fatal=self._buffer.is_closed)
        self._stop_asking()
        if not asked.non_sync:
            self.write(b"+ Ready for the literal\r\n")
        self._buffer.accept_literal()
        return None

    def _has_room(self, together: int) -> bool:
        """Whether there is room for so many octets in the literals of the command that comes."""
        if together <= LITERAL_AFTER_LOGIN:  # every connection's own
            return True
        missing = together - self._taken
        if not self._allowance.take(missing, self._user_id, self.wake):
            return False
        self._taken = together
        if self._hurry is None:
            self._expect()
        return True

    def _expect(self) -> None:
        """Room for a literal that does not come is room that others lack."""
        self._came = 0
        self._hurry = self._loop.call_later(self._limits.literal_stall, self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        if self._came >= LITERAL_AFTER_LOGIN or self._is_answered:
            self._expect()
        else:
            self._is_late = True
            self.wake()

    def _stop_asking(self) -> None:
        self._asked = None
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _give_back(self) -> None:
        taken, self._taken = self._taken, 0
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None
        if taken:
            self._allowance.give_back(taken, self._user_id)
