"""The table of commands: in which state each may be given, and what CAPA says of it.

The dispatcher (apps.pop3.session) decides by this table alone whether a command may run; CAPA is
computed from it, so that what is announced is what there is.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from apps.pop3.context import Context, State
from apps.pop3.proto.commands import Command

Handler = Callable[[Context, Command], Awaitable[None]]
Capability = Callable[[Context], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    handler: Handler
    states: frozenset[State]
    capability: Capability


COMMANDS: dict[str, Row] = {}


def command(
    verb: str, *states: State, capability: str | Capability = ""
) -> Callable[[Handler], Handler]:
    """Register a handler.

    Args:
        states: where it may be given.
        capability: a line of CAPA, or a function of the connection that returns lines. One that is
            announced before sign-in has to be after it too (RFC 2449 section 5).
    """
    words = (capability,) if isinstance(capability, str) and capability else ()
    announce: Capability = (lambda _: words) if isinstance(capability, str) else capability

    def register(handler: Handler) -> Handler:
        assert verb not in COMMANDS, verb
        COMMANDS[verb] = Row(handler, frozenset(states), announce)
        return handler

    return register


def load() -> None:
    """Import every module of handlers, so that each has registered its commands."""
    package = import_module("apps.pop3.handlers")
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"apps.pop3.handlers.{module.name}")


def capabilities(context: Context) -> list[str]:
    """Return what CAPA lists of the commands, on this connection now."""
    return sorted({line for row in COMMANDS.values() for line in row.capability(context)})
