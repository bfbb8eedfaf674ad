"""Messages as they are (RFC 5322), instead of JSON: what is read of a body, and what is given."""

from collections.abc import Mapping
from typing import IO, Any, Final

from django.conf import settings
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from apps.api.bodies import Json, read_all
from apps.api.problems import Fault, Wrong
from apps.mime.lineends import with_crlf

MESSAGE: Final = "message/rfc822"
_RAW: Final = "raw"


class RawBody(BaseParser):
    """The octets of a message."""

    media_type = MESSAGE

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, bytes]:
        """Raises TooLarge."""
        return {_RAW: read_all(stream, settings.MESSAGE_SIZE_LIMIT, parser_context)}


class RawAnswer(Json):
    """For who asks for a message alone; refusals are JSON even so."""

    media_type = MESSAGE


class OctetsAnswer(Json):
    """For who asks for a file, whatever its kind; refusals are JSON even so."""

    media_type = "*/*"


def message_of(request: Request) -> bytes:
    """The message that was sent, its lines ended as on the wire; raises Wrong."""
    data = request.data
    raw = data.get(_RAW, b"") if isinstance(data, dict) else b""
    if not raw:
        raise Wrong(Fault("", "required", "Send the message as the body"))
    if b"\0" in raw:
        raise Wrong(Fault("", "invalid", "A message has no NUL in it: encode what is no text"))
    text = with_crlf(raw)
    if len(text) > settings.MESSAGE_SIZE_LIMIT:
        words = f"A message has up to {settings.MESSAGE_SIZE_LIMIT} octets"
        raise Wrong(Fault("", "too_large", words), status=413)
    return text
