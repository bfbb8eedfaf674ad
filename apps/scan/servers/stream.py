"""Connections to a scanner: over TCP or a socket of the file system, each for one question."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Protocol

from apps.scan.servers.answers import AwayError

CONNECT_SECONDS: Final = 2.0
_LIMIT: Final = 64 * 1024  # bytes that are read ahead


class Endpoint(Protocol):
    """A host and a port, as the settings have them."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


Place = Path | Endpoint
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def connected(place: Place) -> AsyncIterator[Streams]:
    """A connection that is cut at the end, whatever is still under way.

    Raises:
        AwayError: nobody takes it.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            if isinstance(place, Path):
                reader, writer = await asyncio.open_unix_connection(place, limit=_LIMIT)
            else:
                reader, writer = await asyncio.open_connection(place.host, place.port, limit=_LIMIT)
    except TimeoutError:
        raise AwayError("takes no connection") from None
    except OSError as error:
        raise AwayError(error.strerror or str(error)) from None
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def all_of(reader: asyncio.StreamReader, most: int) -> bytes:
    """What comes until the other side closes, up to `most` bytes; what follows is left."""
    found = bytearray()
    while len(found) < most and (piece := await reader.read(most - len(found))):
        found += piece
    return bytes(found)
