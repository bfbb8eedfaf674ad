"""The table of commands: what each needs, announces and does to sequence numbers.

The dispatcher (apps.imap.session) decides by this table alone whether a command may run and what
may be told after it; handlers never look at the state.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from importlib import import_module
from typing import Any, Generic, TypeVar

from apps.imap.context import Context, Reply, State
from apps.imap.proto.commands import parse_plain
from apps.imap.proto.scanner import Scanner

C = TypeVar("C")
Handler = Callable[[Context, C], Awaitable[Reply]]
Several = Callable[[Context, Sequence[C]], Awaitable[Sequence[Reply | None]]]
Capability = Callable[[Context], Sequence[str]]
Foresight = Callable[[Context, Scanner], Awaitable[Reply | None]]


class Use(Flag):
    """What a command does with sequence numbers.

    READS: its numbers, or those it answers with, are sequence numbers: no EXPUNGE while it runs
    (RFC 3501 section 7.4.1). BREAKS: it moves them itself, and its EXPUNGE lines are its answer.
    """

    NONE = 0
    READS = auto()
    BREAKS = auto()


@dataclass(frozen=True, slots=True)
class Together(Generic[C]):
    """How commands are carried out at once that a client sent in a row, without waiting.

    are_alike: whether one may be carried out together with another that was sent before it.
    handler: answers each, or says None for those that are to be carried out by themselves; what it
        raises is the answer to all.
    """

    are_alike: Callable[[C, C], bool]
    handler: Several[C]


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table."""

    name: str
    handler: Callable[[Context, Any], Awaitable[Reply]]
    parse: Callable[[Scanner], Any]
    needs: State
    only_there: bool
    capability: Capability
    sequence_numbers: Use
    foresee: Foresight | None

    @property
    def may_expunge(self) -> bool:
        """Whether EXPUNGE may be told at the end of this command."""
        return Use.BREAKS in self.sequence_numbers or Use.READS not in self.sequence_numbers

    def fits(self, state: State) -> bool:
        """Whether the command may be given in this state."""
        return state is self.needs if self.only_there else state >= self.needs


COMMANDS: dict[str, Command] = {}
TOGETHER: dict[str, Together[Any]] = {}
ENABLEABLE: set[str] = set()
"""Extensions that ENABLE switches on (RFC 5161), in upper case; others it passes over."""


def command(
    name: str,
    *,
    parse: Callable[[Scanner], C] = parse_plain,  # type: ignore[assignment]
    needs: State = State.AUTHENTICATED,
    only_there: bool = False,
    capability: str | Capability = "",
    sequence_numbers: Use = Use.NONE,
    enables: str = "",
    foresee: Foresight | None = None,
) -> Callable[[Handler[C]], Handler[C]]:
    """Register a handler under `name` (upper-case; "UID X" for UID commands).

    Args:
        parse: reads the arguments; the handler gets what it returns.
        needs: the lowest state that may give it; `only_there`: that state and no other.
        capability: words to announce, or a function of the connection that returns them.
        sequence_numbers: see `Use`.
        enables: words that ENABLE may switch on, where this handler makes them true.
        foresee: asked when the client waits to send the first literal, with what stands before it;
            a reply ends the command there.
    """
    words = tuple(capability.split()) if isinstance(capability, str) else ()
    announce: Capability = (lambda _: words) if isinstance(capability, str) else capability

    def register(handler: Handler[C]) -> Handler[C]:
        assert name not in COMMANDS, name
        ENABLEABLE.update(enables.split())
        COMMANDS[name] = Command(
            name, handler, parse, needs, only_there, announce, sequence_numbers, foresee
        )
        return handler

    return register


def together(name: str, are_alike: Callable[[C, C], bool]) -> Callable[[Several[C]], Several[C]]:
    """Register what carries out several commands `name` at once, see `Together`."""

    def register(handler: Several[C]) -> Several[C]:
        TOGETHER[name] = Together(are_alike, handler)
        return handler

    return register


def load() -> None:
    """Import every module of handlers, so that each has registered its commands."""
    package = import_module("apps.imap.handlers")
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"apps.imap.handlers.{module.name}")


def capabilities(context: Context) -> list[str]:
    """Return what this connection may use now, IMAP4rev1 first (RFC 3501 section 7.2.1)."""
    words = {word for row in COMMANDS.values() for word in row.capability(context)}
    words.discard("IMAP4rev1")
    return ["IMAP4rev1", *sorted(words)]
