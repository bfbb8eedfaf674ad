"""One operation: asked for, and its answer shown."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from apps.cli.asking import Answer, Server, parsed, request_of, settled
from apps.cli.calling import Call
from apps.cli.contract import JSON, Contract
from apps.cli.failures import REFUSED
from apps.cli.naming import Names
from apps.cli.printing import Output

LINES: Final = frozenset({"application/x-ndjson", "application/jsonl"})
LONGEST_LINE: Final = 1024 * 1024  # octets
NOTHING: Final = 204


def run(contract: Contract, server: Server, call: Call, output: Output) -> int:
    """Do what was asked for; returns the exit status.

    Raises:
        Failed: it was refused, or nobody answered.
    """
    call = Names(contract, server).resolved(call)
    operation = call.operation
    if operation.is_paged:
        output.things(operation, _items(server, call))
        return 0
    answer = settled(server.ask(request_of(call)))
    if answer.status == NOTHING or not operation.gives:
        answer.read()
        return 0
    if operation.gives in LINES:
        return _lines(answer, output)
    if operation.gives != JSON:
        output.octets(answer.pieces)
    elif operation.lists:
        output.things(operation, answer.items()[0])
    else:
        output.thing(answer.json())
    return 0


def _items(server: Server, call: Call) -> Iterator[Mapping[str, Any]]:
    """All pages, or as many things as were asked for."""
    left = call.most
    query: dict[str, Any] = dict(call.query)
    while left is None or left > 0:
        most = call.operation.page
        query["limit"] = most if left is None else min(most, left)
        answer = settled(server.ask(request_of(replace(call, query=query))))
        items, following = answer.items()
        yield from items
        if left is not None:
            left -= len(items)
        if not following:
            return
        query["cursor"] = following


def _lines(answer: Answer, output: Output) -> int:
    """An answer of many lines, each shown as it comes; 1 if one of them was refused."""
    status = 0
    for line in _split(answer.pieces):
        told = parsed(line)
        if isinstance(told, dict) and told.get("problem"):
            status = REFUSED
        output.octets([line + b"\n"])
    return status


def _split(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from filter(None, whole)
        if len(rest) > LONGEST_LINE:
            yield rest
            rest = b""
    if rest:
        yield rest
