"""Lines of JSON (NDJSON): read from a body piece by piece, and written."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rest_framework.utils.encoders import JSONEncoder

from apps.api.bodies import Json, parsed

MEDIA_TYPE: Final = "application/x-ndjson"
LONGEST: Final = 64 * 1024  # octets of a line
MOST: Final = 10_000  # lines of a request


@dataclass(slots=True)
class Line:
    """A line of a body.

    Args:
        number: of the line in the body, the first is 1.
        octets: as they came, without the line break; empty if there were more than LONGEST.
        ready: what was made of it.
        answer: what is said of it; None while nothing is.
    """

    number: int
    octets: bytes = field(repr=False)
    ready: Any = field(default=None, repr=False)
    answer: Mapping[str, Any] | None = None

    def parsed(self) -> dict[str, Any]:
        """The object that it is; raise ParseError."""
        return parsed(self.octets)


def read(readline: Callable[[int], bytes]) -> Iterator[Line]:
    """The lines of a body that have something in them. Memory holds one of them.

    Args:
        readline: that of a file: up to so many octets of a line, with its break.
    """
    number = 0
    while octets := readline(LONGEST + 2):
        number += 1
        is_long = len(octets.rstrip(b"\r\n")) > LONGEST
        while not octets.endswith(b"\n") and (rest := readline(LONGEST)):
            octets, is_long = rest, True
        if is_long:
            yield Line(number, b"")
        elif text := octets.strip():
            yield Line(number, text)


def written(value: Mapping[str, Any]) -> bytes:
    """A line."""
    text = json.dumps(value, cls=JSONEncoder, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


class Lines(Json):
    """What a client may say that it accepts; problems are written so too."""

    media_type = MEDIA_TYPE
    format = "ndjson"
