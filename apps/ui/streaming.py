"""Answers that are made while they are sent."""

from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse


class Streamed(StreamingHttpResponse):
    """Pieces made by a plain iterator, each in a thread when the server asks for it. Django's own
    would make all of them before the first is sent."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self)
        step = sync_to_async(lambda: next(pieces, None), thread_sensitive=False)
        while (piece := await step()) is not None:
            yield piece
