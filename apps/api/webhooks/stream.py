"""The stream of events beside Django (`apps.ui.beside`): one ear on the bus per process, and for
each client a task that reads the rows that are new to it.

Whether the client may still listen is asked again every half minute: with the powers that the user
and the token then have.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from apps.api.access import Access
from apps.api.authentication import renewed
from apps.directory.permissions import Ability
from apps.events.hearing import Hearing
from apps.events.types import Event as Heard
from apps.events.types import HooksGathered
from apps.runtime.db import in_db
from apps.ui.beside import Answer, App, Receive, Scope, Send, keep, line_of
from apps.webhooks import queries, sending
from apps.webhooks.models import Event
from apps.webhooks.services import interests
from apps.wire.errors import MailError

PATH: Final = "/api/v1/events"
MEDIA_TYPE: Final = "text/event-stream"
TICKET: Final = "mailhost.events"  # in the scope of a request
MOST: Final = 500  # streams of one process
AT_ONCE: Final = 200  # events of one read
HEARTBEAT: Final = 20.0  # seconds; proxies cut what is silent for 60
CHECKED: Final = 30.0  # seconds after which is asked again who listens
RETRY_MS: Final = 3_000
_BEAT: Final = b":\n\n"
_FULL: Final = b"Too many streams are open. Ask for the list now and then."


class Follower:
    """A client that follows events.

    Args:
        place: the number of the last event that it knows; None: it begins now.
    """

    def __init__(self, access: Access, place: int | None) -> None:
        self.access = access
        self._place = place

    def begin(self) -> bytes:
        """The first frames; on a thread of Django's."""
        if self._place is None:
            newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
            self._place = newest or 0
        return f"retry: {RETRY_MS}\n\n".encode() + self.read()

    def read(self) -> bytes:
        """The next frames; b"" if nothing is new."""
        rows = queries.events(self.access.powers).filter(pk__gt=self._place)
        found = list(rows.order_by("pk")[:AT_ONCE])
        if found:
            self._place = found[-1].pk
        return b"".join(map(_frame, found))

    def renew(self) -> bool:
        """Whether it may still listen, and to what."""
        try:
            self.access = renewed(self.access)
        except MailError:
            return False
        powers = self.access.powers
        if not powers.may(Ability.RUN_WEBHOOKS):
            return False
        interests.note(queries.reach(powers))
        return True


def _frame(row: Event) -> bytes:
    told = json.dumps(sending.payload(row), separators=(",", ":"))
    return f"id: {row.name}\nevent: {row.type}\ndata: {told}\n\n".encode()


@dataclass(slots=True)
class Ticket:
    """Where the view writes down whom it has let in."""

    follower: Follower | None = None


class _Stream:
    """One client, on the event loop."""

    def __init__(self, follower: Follower, first: bytes) -> None:
        self._follower = follower
        self._first = first
        self._ended = False
        self._wake = asyncio.Event()

    def tell(self) -> None:
        """There is something new."""
        self._wake.set()

    def end(self) -> None:
        """After what is being sent."""
        self._ended = True
        self._wake.set()

    async def frames(self) -> AsyncIterator[bytes]:
        """What to send, until the end; a comment now and then keeps the connection known."""
        loop = asyncio.get_running_loop()
        checked = loop.time()
        yield self._first
        while not self._ended:
            self._wake.clear()
            if loop.time() - checked > CHECKED:
                if not await in_db("read", self._follower.renew):
                    return
                checked = loop.time()
            if frame := await in_db("read", self._follower.read):
                yield frame
                continue
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await self._wake.wait()
            except TimeoutError:
                yield _BEAT


class _Hub:
    """All streams of one event loop; its ear is open as long as there is any."""

    def __init__(self) -> None:
        self._streams: set[_Stream] = set()
        self._hearing: Hearing | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def open(self, stream: _Stream) -> bool:
        """False if there are too many."""
        if len(self._streams) >= MOST:
            return False
        self._streams.add(stream)
        if self._hearing is None:
            self._hearing = Hearing(frozenset({HooksGathered}), self._hear)
            self._hearing.begin()
        return True

    def close(self, stream: _Stream) -> None:
        """It was closed, from whichever side."""
        self._streams.discard(stream)
        if not self._streams and self._hearing is not None:
            ending = asyncio.get_running_loop().create_task(self._hearing.end())
            self._closing.add(ending)
            ending.add_done_callback(self._closing.discard)
            self._hearing = None

    def _hear(self, _: Heard) -> None:
        for one in self._streams:
            one.tell()


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Hub]" = WeakKeyDictionary()


def beside(django: App) -> App:
    """An application that keeps streams itself and leaves all else to Django."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        is_ours = scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET"
        if is_ours and _wants_stream(scope):
            await _follow(django, scope, receive, send)
        else:
            await django(scope, receive, send)

    return application


def _wants_stream(scope: Scope) -> bool:
    """Whether the client names the media type at all; Django decides."""
    headers: list[Any] = scope["headers"]
    return any(name == b"accept" and MEDIA_TYPE.encode() in value for name, value in headers)


async def _follow(django: App, scope: Scope, receive: Receive, send: Send) -> None:
    ticket, answer = Ticket(), Answer()
    await django({**scope, TICKET: ticket}, answer.receive, answer.send)
    follower = ticket.follower
    if follower is None or answer.status != 200:
        await answer.pass_on(send)
        return
    line = line_of(scope)
    hub = _hubs.setdefault(asyncio.get_running_loop(), _Hub())
    stream = _Stream(follower, answer.body)
    user = follower.access.user
    is_welcome = line is None or user is None or line.signed_in(user.pk)
    if not is_welcome or not hub.open(stream):
        await answer.refuse(send, _FULL)
        return
    try:
        await keep(stream.frames(), stream.end, line, answer, receive, send)
    finally:
        hub.close(stream)
