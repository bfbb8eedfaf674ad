"""What is asked of a server, and what it answers: the same at home and over the network."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final, Protocol
from urllib.parse import quote, urlencode

from apps.cli.calling import Call
from apps.cli.failures import Failed, Problem

LARGEST_PROBLEM: Final = 1024 * 1024  # octets


@dataclass(frozen=True)
class Request:
    """A request below /api/v1/.

    Args:
        path: with its query.
        body: octets, or a file that is sent as it is read.
    """

    method: str
    path: str
    body: bytes | IO[bytes] = b""
    media_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """An answer; its body comes in pieces, and can be read once. Names of headers are in small
    letters."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]

    def read(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces)

    def json(self) -> dict[str, Any]:
        """The body as an object of JSON; raises Failed."""
        found = parsed(self.read())
        if not isinstance(found, dict):
            raise Failed("The server answered what is none of its answers: is it mailhost?")
        return found

    def items(self) -> tuple[list[dict[str, Any]], str]:
        """What a list has, and the cursor of its next page, "" for none; raises Failed."""
        page = self.json()
        items, following = page.get("items"), page.get("next")
        if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
            raise Failed("The server answered what is no list: is it mailhost?")
        return items, str(following or "")


def parsed(octets: bytes) -> Any:
    """JSON; None for what is none."""
    try:
        return json.loads(octets)
    except (ValueError, RecursionError):
        return None


class Server(Protocol):
    """Where requests go."""

    def ask(self, request: Request) -> Answer:
        """Ask; raises Failed if there is no answer."""


def request_of(call: Call, query: Mapping[str, Any] | None = None) -> Request:
    """The request that a call is, with ids in place of names; `query` counts before its own."""
    operation = call.operation
    path = operation.path
    for name, value in call.places.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    asked = urlencode([*_pairs(call.query if query is None else query)])
    body: bytes | IO[bytes] = b""
    if call.form is not None:
        body = json.dumps(call.form).encode()
    elif call.source is not None:
        body = call.source
    return Request(
        operation.method,
        f"{path}?{asked}" if asked else path,
        body,
        operation.media_type,
        call.headers,
    )


def settled(answer: Answer) -> Answer:
    """The answer, if what was asked for is done.

    Raises:
        Problem: it was refused.
        Failed: it is to be asked for elsewhere.
    """
    if answer.status < 300:
        return answer
    if answer.status < 400:
        where = answer.headers.get("location", "elsewhere")
        raise Failed(f"The server says to ask {where}: name that server")
    text = b""
    for piece in answer.pieces:
        text += piece
        if len(text) > LARGEST_PROBLEM:
            break
    told = parsed(text)
    if not isinstance(told, dict) or "code" not in told:
        told = {"detail": f"The server answered with status {answer.status}", "code": "unknown"}
    raise Problem(answer.status, told)


def _pairs(query: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in query.items():
        if isinstance(value, bool):
            yield name, "true" if value else "false"
        elif value is not None:
            yield name, str(value)
