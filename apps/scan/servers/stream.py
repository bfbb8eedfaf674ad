"""Connections to a scanner, over TCP or a socket of the file system: each for one question."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final, Protocol

from apps.scan.servers.answers import AwayError

CONNECT_SECONDS: Final = 2.0
_PIECE: Final = 64 * 1024


class Endpoint(Protocol):
    """A host and a port, as the settings have them."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


Place = Path | Endpoint


async def exchange(place: Place, question: Iterable[bytes], most: int) -> bytes:
    """Send a question, and read the answer until the other side closes, or up to `most` bytes.

    Plain sockets, for a scanner that has had enough of a message says so and hangs up while that is
    still being sent: a stream of asyncio forgets what was said when the sending fails.

    Raises:
        AwayError: nobody takes the connection.
        OSError: it is cut before anything was said.
    """
    loop = asyncio.get_running_loop()
    async with _connected(place) as connection:
        with contextlib.suppress(ConnectionError):
            for piece in question:
                await loop.sock_sendall(connection, piece)
            connection.shutdown(socket.SHUT_WR)  # spamd waits for it after a line without an end
        answer = bytearray()
        while len(answer) < most:
            piece = await loop.sock_recv(connection, min(_PIECE, most - len(answer)))
            if not piece:
                break
            answer += piece
        return bytes(answer)


def reason(error: OSError) -> str:
    """Why, in the words of the system: asyncio's own name the address, which is nobody's business
    who reads a message."""
    if isinstance(error, socket.gaierror) or not error.errno:
        return error.strerror or type(error).__name__
    return os.strerror(error.errno)


@contextlib.asynccontextmanager
async def _connected(place: Place) -> AsyncIterator[socket.socket]:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            connection = await _connect(place)
    except TimeoutError:
        raise AwayError("takes no connection") from None
    except OSError as error:
        raise AwayError(reason(error)) from None
    with connection:
        yield connection


async def _connect(place: Place) -> socket.socket:
    """To the first address of a name that takes the connection."""
    loop = asyncio.get_running_loop()
    if isinstance(place, Path):
        return await _opened(socket.AF_UNIX, str(place))
    found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    problem: OSError = OSError(errno.EHOSTUNREACH, "")
    for family, _, _, _, address in found:
        try:
            return await _opened(family, address)
        except OSError as error:
            problem = error
    raise problem


async def _opened(family: int, address: object) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, address)  # type: ignore[arg-type]
    except BaseException:
        connection.close()
        raise
    return connection
