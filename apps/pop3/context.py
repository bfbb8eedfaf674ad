"""What a POP3 handler gets: the connection's state, the way to its client, words to answer with.

No sockets here: `Channel` is what the server (or a test) gives. A handler reads and changes the
`Context` and writes its answer with `ok`, `err`, `lines` or, for a message, `channel.write`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from apps.mailstore.origin import Origin
from apps.pop3.maildrop import Maildrop, ReadAhead
from apps.wire.errors import MailError, NotFound, Temporary

if TYPE_CHECKING:
    from apps.directory.authentication import Principal
    from apps.pop3.lock import Locks


class State(Enum):
    """RFC 1939 section 3. UPDATE is what QUIT does; OVER is after it, or after the last straw."""

    AUTHORIZATION = auto()
    TRANSACTION = auto()
    OVER = auto()


class Channel(Protocol):
    """The way to one client; waits raise as `Conversation.wait` does."""

    @property
    def is_secure(self) -> bool:
        """Whether TLS runs."""

    @property
    def may_send_passwords(self) -> bool:
        """Whether a password may travel here."""

    @property
    def may_start_tls(self) -> bool:
        """Whether STLS is to be had."""

    @property
    def bindings(self) -> Mapping[str, bytes]:
        """The channel bindings of the TLS below, see `apps.runtime.binding`."""

    @property
    def server_name(self) -> str:
        """The name under which the client asked for us in TLS, or ""."""

    @property
    def address(self) -> str:
        """The client's IP address."""

    def write(self, data: bytes) -> None:
        """Queue octets for the client."""

    async def drain(self) -> None:
        """Wait until the client has read most of it."""

    async def next_line(self) -> bytes:
        """Return the client's next line."""

    async def start_tls(self) -> None:
        """Drop what came in the clear, then do the handshake."""

    def foreign(self) -> None:
        """Note that the client speaks another protocol."""

    def sign_in(self, principal: Principal) -> bool:
        """Count the connection as its user's; False if the user has too many."""


class RefusalError(Exception):
    """The command is right and cannot be done; the text is ours."""


@dataclass(slots=True)
class Context:
    """One connection's protocol state.

    username: what USER said, until PASS or STLS.
    utf8: whether the client has asked for UTF-8 (RFC 6856 section 2.1).
    bad: commands refused, before sign-in in all, after it in a row.
    """

    channel: Channel
    locks: Locks
    state: State = State.AUTHORIZATION
    username: str = ""
    utf8: bool = False
    principal: Principal | None = None
    locked: bool = False
    bad: int = 0
    ahead: ReadAhead = field(default_factory=ReadAhead)
    _drop: Maildrop | None = None

    @property
    def drop(self) -> Maildrop:
        """The open maildrop; the dispatcher has seen to it that there is one."""
        assert self._drop is not None
        return self._drop

    @drop.setter
    def drop(self, drop: Maildrop) -> None:
        self._drop = drop

    @property
    def origin(self) -> Origin:
        """The author of the changes made on this connection."""
        assert self.principal is not None
        return Origin("pop3", self.principal.user_id, address=self.channel.address)

    async def unlock(self) -> None:
        """Let the next session in. May be called again."""
        if self.locked and self.principal is not None:
            self.locked = False
            await self.locks.give_back(self.principal.user_id)

    # -- answers ----------------------------------------------------------------------------------

    def ok(self, text: str) -> None:
        """Answer +OK."""
        self.channel.write(f"+OK {text}\r\n".encode("ascii", "replace"))

    def err(self, text: str, code: str = "") -> None:
        """Answer -ERR, with a response code of RFC 2449, 3206 or 6856 if there is one to give."""
        said = f"-ERR [{code}] {text}\r\n" if code else f"-ERR {text}\r\n"
        self.channel.write(said.encode("ascii", "replace"))

    def fail(self, error: MailError) -> None:
        """Answer -ERR for a failure inside; RFC 3206 tells passing from lasting ones."""
        lasting = "" if isinstance(error, NotFound) else "SYS/PERM"
        self.err(error.reply.text, "SYS/TEMP" if isinstance(error, Temporary) else lasting)

    async def lines(self, head: str, lines: Iterable[str]) -> None:
        """Answer +OK and a few lines, none of which begins with a dot."""
        await self.listing(head, ["".join(f"{line}\r\n" for line in lines).encode("ascii")])

    async def listing(self, head: str, pieces: Iterable[bytes]) -> None:
        """Answer +OK and pieces of whole lines, each with its end, none of which begins with a dot;
        waits while the client reads, and asks for the next piece after that."""
        before = f"+OK {head}\r\n".encode("ascii")
        for piece in pieces:
            if before:
                self.channel.write(before + piece)
                before = b""
            else:
                await self.channel.drain()
                self.channel.write(piece)
        self.channel.write(before + b".\r\n")
