"""What a handler gets: the connection's state, the way to its client, the house's services.

No sockets here: `Channel` is what the server (or a test) gives. A handler reads and changes the
`Context`, writes untagged lines with `write()` and returns its tagged answer as a `Reply`; it never
writes EXISTS, EXPUNGE or foreign FETCH lines itself: the dispatcher does, by the declared use of
sequence numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum, IntEnum, auto
from typing import TYPE_CHECKING, Protocol

from apps.imap.limits import Limits
from apps.imap.selected.view import View
from apps.imap.wishes import EVERYTHING, Wishes
from apps.mailstore.origin import Origin
from apps.wire.lines import Event, RawCommand

if TYPE_CHECKING:
    from apps.directory.authentication import Principal
    from apps.imap.names.naming import Place
    from apps.imap.selected.mirrors import Done, Held, Mirrors


class State(IntEnum):
    """RFC 3501 section 3: each state may do what the ones below it may, logout nothing."""

    NOT_AUTHENTICATED = 0
    AUTHENTICATED = 1
    SELECTED = 2
    LOGOUT = 3


class Woken(Enum):
    """Why a wait for the client ended without a word of the client."""

    NEWS = auto()
    SILENCE = auto()


class Channel(Protocol):
    """The way to one client.

    All waits raise ConnectionError when the client is gone, TimeoutError when it took too long,
    `ShutdownError` when the service ends.
    """

    @property
    def is_secure(self) -> bool:
        """Whether TLS runs."""

    @property
    def may_send_passwords(self) -> bool:
        """Whether a password may travel here: TLS, or loopback where that is allowed."""

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
        """Wait until the client has taken most of what was queued; bounded by a deadline."""

    async def next_event(self) -> Event:
        """Wait for the client's next line or command."""

    def peek(self) -> RawCommand | None:
        """While a command runs: the next one, if all of it is there already. It stays the next
        event."""

    def skip(self) -> None:
        """Take what `peek` has returned: it is answered with the command that runs."""

    def turn_down(self) -> None:
        """After a `NeedContinuation`: the literal is not wanted, the command has its answer. Else
        it is asked for when the next event is waited for."""

    async def event_or_poke(self) -> Event | Woken:
        """Wait for the client, for `poke()` or for the keep-alive time."""

    def poke(self) -> None:
        """End a wait of `event_or_poke`."""

    @property
    def has_heard_more(self) -> bool:
        """Whether the client has sent something after the command that runs."""

    @property
    def may_start_tls(self) -> bool:
        """Whether STARTTLS is to be had: not where TLS runs already."""

    async def start_tls(self) -> None:
        """Drop what was received in the clear, then do the TLS handshake."""

    def sign_in(self, principal: Principal) -> bool:
        """Count the connection as its user's; False if the user has too many."""

    def sign_out(self) -> None:
        """The connection is nobody's again, and no longer compressed."""

    @property
    def is_compressed(self) -> bool:
        """Whether both sides compress."""

    def start_compression(self) -> None:
        """Compress what is written from here on, and take what comes as compressed."""

    def foreign(self) -> None:
        """Note that the client speaks another protocol."""

    def new_limits(self, *, signed_in: bool) -> None:
        """From the next command on the limits of this state hold."""


class CommandError(Exception):
    """The command cannot be carried out as it was sent: answer BAD, with a response code if any.
    The text is ours."""

    def __init__(self, text: str = "", code: bytes = b"") -> None:
        super().__init__(text)
        self.code = code


class News(Protocol):
    """What a client wants to be told beside its selected mailbox: NOTIFY, METADATA.

    Whoever makes one adds it to `Context.news`, hears of events through `Mirrors.listeners` and
    wakes the connection with `channel.poke()`; it is told of here and nowhere else.
    """

    @property
    def at_any_time(self) -> bool:
        """Whether it may be told between commands too, or only with an answer and in IDLE."""

    async def tell(self, context: Context) -> None:
        """Write what is new. Called after the news of the selected mailbox: at the end of a
        command, at each wake in IDLE, and, if `at_any_time`, whenever the connection is poked."""

    def opened(self, context: Context) -> None:
        """A mailbox has been selected."""

    def closed(self, context: Context) -> None:
        """The selected mailbox is about to be left."""

    def end(self) -> None:
        """The connection ends, or its user has signed out: hear no more."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The tagged answer: OK unless said otherwise, with a response code if any.

    afterwards: what is done once it has been written, before the next command is looked at.
    """

    text: str
    code: bytes = b""
    condition: bytes = b"OK"
    afterwards: Callable[[], None] | None = None


def no(text: str, code: bytes = b"") -> Reply:
    """A NO: the command is right and cannot be done."""
    return Reply(text, code, b"NO")


class Updating(Protocol):
    """A result of SEARCH or SORT that is kept up to date for the client (RFC 5267)."""

    async def tell(self, context: Context) -> None:
        """Write what has changed in it. Called before anything else is told of the mailbox, by the
        numbers that hold then, and after."""

    def close(self) -> None:
        """The mailbox is left."""


@dataclass(slots=True)
class Selected:
    """The selected mailbox.

    is_examined: opened by EXAMINE.
    """

    place: Place
    is_examined: bool
    held: Held
    view: View
    told_keywords: int = -1  # how many keyword names the client has been told; none yet
    announced: list[int] = field(default_factory=list)  # UIDs to be told more of: `Wishes.items`
    own: set[int] = field(default_factory=set)  # UIDs that came by this client, not announced yet
    is_behind: bool = False  # a HIGHESTMODSEQ was told that leaves expunges out
    updating: list[Updating] = field(default_factory=list)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed here: by EXAMINE, or for want of every right that would
        let it (RFC 4314 section 5.2)."""
        return self.is_examined or self.place.rights.isdisjoint("iestw")

    @property
    def mailbox_id(self) -> int:
        """The mailbox."""
        return self.place.id


@dataclass(slots=True)
class Context:
    """One connection's protocol state."""

    channel: Channel
    mirrors: Mirrors
    limits: Limits = field(default_factory=Limits)
    state: State = State.NOT_AUTHENTICATED
    principal: Principal | None = None
    selected: Selected | None = None
    client: str = ""
    tag: bytes = b""  # of the command that runs
    enabled: set[str] = field(default_factory=set)
    failed_logins: int = 0
    new_limits: bool = False
    news: list[News] = field(default_factory=list)
    wishes: Wishes = EVERYTHING
    running: str = ""  # the command that is carried out, with its arguments
    arguments: object = None
    own: dict[int, list[int]] = field(default_factory=dict)  # see `did`

    @property
    def user_id(self) -> int:
        """The id of the user who signed in."""
        assert self.principal is not None
        return self.principal.user_id

    @property
    def condstore(self) -> bool:
        """Whether FETCH lines carry MODSEQ (RFC 7162 section 3.1)."""
        return not self.enabled.isdisjoint({"CONDSTORE", "QRESYNC"})

    @property
    def qresync(self) -> bool:
        """Whether VANISHED stands for EXPUNGE (RFC 7162 section 3.2.3)."""
        return "QRESYNC" in self.enabled

    @property
    def rev2(self) -> bool:
        """Whether answers are those of IMAP4rev2 (RFC 9051 appendix E)."""
        return "IMAP4REV2" in self.enabled

    @property
    def utf8(self) -> bool:
        """Whether names and strings go out in UTF-8 (RFC 6855 section 3, RFC 9051 section 5.1)."""
        return not self.enabled.isdisjoint({"UTF8=ACCEPT", "IMAP4REV2"})

    @property
    def uidonly(self) -> bool:
        """Whether sequence numbers are no more (RFC 9586)."""
        return "UIDONLY" in self.enabled

    @property
    def origin(self) -> Origin:
        """The author of the changes made on this connection."""
        return Origin("imap", self.user_id, self.client, self.channel.address)

    @property
    def mailbox(self) -> Selected:
        """The selected mailbox; the dispatcher has seen to it that there is one."""
        assert self.selected is not None
        return self.selected

    def write(self, data: bytes) -> None:
        """Queue octets for the client."""
        self.channel.write(data)

    async def refresh(self) -> None:
        """Bring the selected mailbox up to what the database holds now."""
        await self.mirrors.refresh(self.mailbox.held)

    async def advance(self, done: Done) -> bool:
        """As `refresh`, after a change of the selected mailbox made here; whether nobody else
        changed anything meanwhile."""
        if self.wishes.items:
            # By what the client knows: the mirror may have heard of it already.
            last = self.mailbox.view.last_uid
            self.mailbox.own.update([row[0] for row in done.rows if row[0] > last])
        return await self.mirrors.advance(self.mailbox.held, done)

    def did(self, mailbox_id: int, modseqs: Iterable[int]) -> None:
        """Note that this client changed a mailbox which is not the selected one: NOTIFY tells
        nobody what he did himself (RFC 5465 section 5). `modseqs` are those that it took."""
        if self.news:
            self.own.setdefault(mailbox_id, []).extend(modseqs)

    def end_news(self) -> None:
        """Hear of nothing beside the selected mailbox any more."""
        while self.news:
            self.news.pop().end()
        self.own.clear()
        self.wishes = EVERYTHING

    def reset(self) -> None:
        """Forget all that belongs to the user, and with it whatever he was told or had enabled; not
        the connection, nor which program it is (RFC 8437 section 3)."""
        self.unselect()
        self.end_news()
        blank = Context(
            self.channel,
            self.mirrors,
            self.limits,
            client=self.client,
            failed_logins=self.failed_logins,
        )
        for one in fields(self):
            setattr(self, one.name, getattr(blank, one.name))

    def unselect(self) -> None:
        """Leave the selected mailbox, if any."""
        if self.selected is not None:
            for one in self.news:
                one.closed(self)
            for kept in self.selected.updating:
                kept.close()
            self.selected.view.close()
            self.mirrors.close(self.selected.held)
            self.selected = None
        if self.state is State.SELECTED:
            self.state = State.AUTHENTICATED
