"""The event stream beside Django: Django lets a page in as it does every request, with all its
middleware, on a thread of its own; then that thread and its database connection are given back, and
what remains of an open page is a task that waits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from apps.webmail.live.hub import hub
from apps.webmail.live.standing import Visit
from apps.webmail.live.stream import Stream

PATH: Final = "/mail/events/"
TICKET: Final = "mailhost.live"  # in the scope of a request
SLOW: Final = 10.0  # seconds that a page may take to read before it is dropped
_LONGEST_MARK: Final = 64
_FULL: Final = b"Too many pages are open. This one asks again now and then."

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]


class Line(Protocol):
    """The connection below, where it is the web door's own (`scope["state"]["line"]`)."""

    def signed_in(self, user_id: int) -> bool:
        """It counts for this user; False if there are too many of theirs."""

    def when_ending(self, end: Callable[[], None]) -> None:
        """Have `end` called when the process is about to stop, or the connection is gone."""

    def abort(self) -> None:
        """Cut it."""


@dataclass(slots=True)
class Ticket:
    """Where the view writes down whom it has let in."""

    visit: Visit | None = None


def beside(django: App) -> App:
    """An application that keeps event streams itself and leaves all else to Django."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET":
            await _page(django, scope, receive, send)
        else:
            await django(scope, receive, send)

    return application


async def _page(django: App, scope: Scope, receive: Receive, send: Send) -> None:
    ticket, answer = Ticket(), _Answer()
    await django({**scope, TICKET: ticket}, answer.receive, answer.send)
    if ticket.visit is None or answer.messages[:1] == [] or answer.status != 200:
        for message in answer.messages:
            await send(message)
        return
    line: Line | None = scope.get("state", {}).get("line")
    stream = Stream(ticket.visit, _mark(scope))
    if line is not None and not line.signed_in(ticket.visit.user_id):
        await _refuse(answer, send)
        return
    if not hub().open(stream):
        await _refuse(answer, send)
        return
    try:
        await _keep(stream, line, answer, receive, send)
    finally:
        hub().close(stream)


async def _keep(
    stream: Stream, line: Line | None, answer: "_Answer", receive: Receive, send: Send
) -> None:
    """Send what the page is to be told, until either side ends."""
    watching: asyncio.Task[None] | None = None
    if line is not None:
        line.when_ending(stream.end)
    else:
        watching = asyncio.get_running_loop().create_task(_watch(receive, stream))
    headers = answer.headers(without=b"content-length")
    headers.append((b"connection", b"close"))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for frame in stream.frames():
            async with asyncio.timeout(SLOW):
                await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        if line is None:
            raise
        line.abort()
    finally:
        if watching is not None:
            watching.cancel()


async def _watch(receive: Receive, stream: Stream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end()


async def _refuse(answer: "_Answer", send: Send) -> None:
    headers = answer.headers(without=b"content-length")
    headers = [(name, value) for name, value in headers if name.lower() != b"content-type"]
    headers += [(b"content-type", b"text/plain"), (b"retry-after", b"300")]
    headers.append((b"content-length", str(len(_FULL)).encode()))
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _FULL})


def _mark(scope: Scope) -> str:
    """What the page was told last, in its own words: it is compared and no more."""
    for name, value in scope["headers"]:
        if name == b"last-event-id":
            text: str = value.decode("latin-1")
            return text if len(text) <= _LONGEST_MARK else ""
    return ""


class _Answer:
    """Plays the client towards Django, for a request without a body."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._asked = False

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    def headers(self, *, without: bytes) -> list[tuple[bytes, bytes]]:
        """Those of the answer, which every page has."""
        return [
            (name, value) for name, value in self.messages[0]["headers"] if name.lower() != without
        ]

    async def receive(self) -> Message:
        if self._asked:
            await asyncio.Event().wait()  # until Django stops to listen
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
