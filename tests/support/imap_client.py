"""A model IMAP client: believes what it is told and nothing else.

It sends commands, applies every untagged EXISTS, EXPUNGE and FETCH to its picture of the mailbox in
the order they come, and keeps an eye on the rules that a client relies on: a count never falls by
itself, no EXPUNGE comes while sequence numbers are in use (RFC 3501 section 7.4.1).
"""

import re
from dataclasses import dataclass, field

from tests.support.dialogue import Client

_EXISTS = re.compile(r"\* (\d+) EXISTS")
_EXPUNGE = re.compile(r"\* (\d+) EXPUNGE")
_FETCH = re.compile(r"\* (\d+) FETCH \((.*)\)")
_LITERAL = re.compile(r"\{(\d+)\}$")
_UID = re.compile(r"UID (\d+)")
_FLAGS = re.compile(r"FLAGS \(([^)]*)\)")
_HOLDS_EXPUNGES = frozenset({"FETCH", "STORE", "SEARCH"})


@dataclass
class Seen:
    """One message as the client knows it; None is what it has not been told."""

    uid: int | None = None
    flags: frozenset[str] | None = None


@dataclass
class ModelClient:
    """One session."""

    wire: Client
    messages: list[Seen] = field(default_factory=list)
    count: int = 0

    def login(self, address: str, password: str) -> None:
        answer = self.command(f'LOGIN {address} "{password}"')
        assert answer.startswith("OK"), answer

    def select(self, mailbox: str) -> None:
        self.messages = []
        assert self.command(f"SELECT {mailbox}").startswith("OK")
        if self.messages:
            self.command("FETCH 1:* (UID FLAGS)")

    def command(self, line: str) -> str:
        """Run a command; return its tagged answer without the tag."""
        self.count += 1
        tag = f"t{self.count}"
        self.wire.send(f"{tag} {line}")
        holds = line.split()[0] in _HOLDS_EXPUNGES
        while True:
            said = self._line()
            if said.startswith(f"{tag} "):
                return said.removeprefix(f"{tag} ")
            assert said.startswith("* "), said
            self._hear(said, holds=holds)

    def _line(self) -> str:
        """A line of an answer, the contents of its literals left out."""
        said = self.wire.line()
        while found := _LITERAL.search(said):
            self.wire.octets(int(found[1]))
            said = said[: found.start()] + '""' + self.wire.line()
        return said

    def _hear(self, said: str, *, holds: bool) -> None:
        if found := _EXISTS.fullmatch(said):
            count = int(found[1])
            assert count >= len(self.messages), "EXISTS may not shrink the mailbox"
            self.messages += [Seen() for _ in range(count - len(self.messages))]
        elif found := _EXPUNGE.fullmatch(said):
            assert not holds, "EXPUNGE while sequence numbers are in use"
            del self.messages[int(found[1]) - 1]
        elif found := _FETCH.fullmatch(said):
            self._learn(self.messages[int(found[1]) - 1], found[2])

    def _learn(self, message: Seen, items: str) -> None:
        if found := _UID.search(items):
            uid = int(found[1])
            assert message.uid in {None, uid}, "a number changed its message"
            message.uid = uid
        if found := _FLAGS.search(items):
            message.flags = frozenset(found[1].split()) - {"\\Recent"}

    def picture(self) -> list[tuple[int | None, frozenset[str] | None]]:
        """Ask for what the client was never told, and return all it believes."""
        unknown = [
            seq
            for seq, message in enumerate(self.messages, 1)
            if message.uid is None or message.flags is None
        ]
        if unknown:
            self.command(f"FETCH {','.join(map(str, unknown))} (UID FLAGS)")
        return [(message.uid, message.flags) for message in self.messages]
