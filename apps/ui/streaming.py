"""Answers that are made while they are sent."""

from collections.abc import AsyncIterator, Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

_PIECE: Final = 64 * 1024  # octets
_IN_MEMORY: Final = 1024 * 1024  # octets


class Streamed(StreamingHttpResponse):
    """Pieces made by a plain iterator, each in a thread when the server asks for it. Django's own
    would make all of them before the first is sent."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self)
        step = sync_to_async(lambda: next(pieces, None), thread_sensitive=False)
        while (piece := await step()) is not None:
            yield piece


class Spooled(Iterator[bytes]):
    """Octets that are all made before the first one goes: a slow client must hold no connection to
    the database. What is large waits on the disk."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._kept: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed
        for one in pieces:
            self._kept.write(one)
        self.size = self._kept.tell()  # octets
        self._kept.seek(0)

    def __next__(self) -> bytes:
        if piece := self._kept.read(_PIECE):
            return piece
        raise StopIteration

    def close(self) -> None:
        """Called when the answer is gone, whole or not."""
        self._kept.close()

    def __del__(self) -> None:  # of an answer that nobody began to read
        self.close()
