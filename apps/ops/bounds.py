"""What a web request may send before anybody has looked at it (but `uploads`).

Django writes a body to a temporary file before it asks who sent it, and its own limit counts only
when a form is read: without a bound here a stranger fills the disk. A request with two lengths is
how one is hidden in another's body (request smuggling), so it is refused too.
"""

from typing import Any

from django.conf import settings

from apps.ops import uploads

Scope = dict[str, Any]
_WORDS = {413: b"This is larger than what may be sent here. Go back, and send less at once."}


def bounded(app: Any) -> Any:
    """An ASGI application that answers 413 to bodies over DATA_UPLOAD_MAX_MEMORY_SIZE octets, or
    what `uploads` allows."""

    async def wrapped(scope: Scope, receive: Any, send: Any) -> None:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        # h11 has refused lengths that are no numbers or contradict each other.
        headers = dict(scope["headers"])
        length = headers.get(b"content-length")
        if length is not None and int(length) > most:
            most = max(most, await uploads.largest(scope, headers))
        if length is not None and b"transfer-encoding" in headers:
            await _refuse(send, 400)
        elif length is not None and int(length) > most:
            await _refuse(send, 413)
        else:
            body = _Body(receive, most)
            await app(scope, body.receive, send)
            if body.is_too_long:
                await _refuse(send, 413)

    return wrapped


class _Body:
    """Counts what arrives; beyond the bound the application sees a client that is gone."""

    def __init__(self, receive: Any, most: int) -> None:
        self._receive = receive
        self._left = most
        self.is_too_long = False

    async def receive(self) -> Any:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.is_too_long = True
            return {"type": "http.disconnect"}
        return message


async def _refuse(send: Any, status: int) -> None:
    # RFC 9112 section 6.1: the connection ends, as nobody knows where the next request begins.
    body = _WORDS.get(status, b"")
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
