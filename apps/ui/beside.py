"""Answers that do not end, beside Django: Django lets a request in with all its middleware, on a
thread of its own; then that thread and its database connection are given back, and what remains of
the answer is a task that waits.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, Final, Protocol

SLOW: Final = 10.0  # seconds that a client may take to read before it is dropped

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


def line_of(scope: Scope) -> Line | None:
    """The line of a request; None under another server."""
    found: Line | None = scope.get("state", {}).get("line")
    return found


class Answer:
    """Plays the client towards Django, for a request without a body."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._asked = False

    @property
    def status(self) -> int:
        """Of what Django answered; 0 if it did not."""
        return int(self.messages[0]["status"]) if self.messages else 0

    @property
    def body(self) -> bytes:
        """Of what Django answered."""
        return b"".join(one.get("body", b"") for one in self.messages[1:])

    def headers(self, *, without: bytes) -> list[tuple[bytes, bytes]]:
        """Those of the answer, which every page has."""
        return [
            (name, value) for name, value in self.messages[0]["headers"] if name.lower() != without
        ]

    async def receive(self) -> Message:
        """ASGI's: there is no body."""
        if self._asked:
            await asyncio.Event().wait()  # until Django stops to listen
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        """ASGI's."""
        self.messages.append(message)

    async def pass_on(self, send: Send) -> None:
        """Give the client what Django answered."""
        for message in self.messages:
            await send(message)

    async def refuse(self, send: Send, words: bytes) -> None:
        """Answer instead that there are too many of these."""
        headers = [
            (name, value)
            for name, value in self.headers(without=b"content-length")
            if name.lower() != b"content-type"
        ]
        headers += [(b"content-type", b"text/plain"), (b"retry-after", b"300")]
        headers.append((b"content-length", str(len(words)).encode()))
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": words})


async def keep(
    frames: AsyncIterator[bytes],
    end: Callable[[], None],
    line: Line | None,
    answer: Answer,
    receive: Receive,
    send: Send,
) -> None:
    """Send what the client is to be told, until either side ends.

    Args:
        end: makes `frames` come to its end.
    """
    watching: asyncio.Task[None] | None = None
    if line is not None:
        line.when_ending(end)
    else:
        watching = asyncio.get_running_loop().create_task(_watch(receive, end))
    headers = answer.headers(without=b"content-length")
    headers.append((b"connection", b"close"))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for frame in frames:
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


async def _watch(receive: Receive, end: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    end()
