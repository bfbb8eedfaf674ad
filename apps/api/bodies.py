"""What is read of a request, bounded before it is parsed; and how answers are written."""

import hashlib
import json
from collections.abc import Mapping
from typing import IO, Any, Final

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

LONGEST: Final = 2 * 1024 * 1024  # octets of a JSON body
DIGEST: Final = "digest"  # of the body, in the parser's context
_PIECE: Final = 64 * 1024


class TooLarge(APIException):
    """More than this operation takes."""

    status_code = 413
    default_code = "too_large"
    default_detail = f"A body of this operation has up to {LONGEST} octets"


class JsonBody(BaseParser):
    """An object of JSON (RFC 8259), in UTF-8, without NaN and without the same name twice."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The object.

        Raises:
            ParseError, TooLarge
        """
        return parsed(read_all(stream, LONGEST, parser_context))


def parsed(octets: bytes) -> dict[str, Any]:
    """The object that is written; raise ParseError."""
    try:
        found = json.loads(octets, parse_constant=_refuse, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"This is not JSON: {error}"[:200]) from None
    if not isinstance(found, dict):
        raise ParseError("This is not an object: it begins with a brace")
    return found


def read_all(stream: IO[Any], most: int, context: Mapping[str, Any] | None) -> bytes:
    """A body of so many octets at most; its digest goes into the parser's context."""
    pieces: list[bytes] = []
    size = 0
    while piece := stream.read(_PIECE):
        size += len(piece)
        if size > most:
            raise TooLarge(f"A body of this operation has up to {most} octets")
        pieces.append(piece)
    body = b"".join(pieces)
    if isinstance(context, dict):
        context[DIGEST] = hashlib.sha256(body).digest()
    return body


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same name stands twice in an object")
    return found


class Json(JSONRenderer):
    """JSON in UTF-8. Half of a character, which a client may send as the name of a field and is
    told of then, has no UTF-8: such an answer is escaped to ASCII."""

    charset = "utf-8"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        """DRF's, of anything."""
        try:
            return bytes(super().render(data, *args, **kwargs))
        except UnicodeEncodeError:
            return bytes(_Escaped().render(data, *args, **kwargs))


class _Escaped(JSONRenderer):
    """JSON in ASCII."""

    ensure_ascii = True
