"""Our doors, and a world of senders and of other servers around them, for mail that goes wrong.

Everything runs in this process and speaks over sockets: the doors as threads, the workers one step
at a time, other servers as sinks.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import TypeVar

from django.core.management import call_command
from django.test import Client, override_settings

from apps.directory.models import User
from apps.runtime.ulid import new_ulid
from tests.console.conftest import browser
from tests.support.outgoing import Outside, outside
from tests.support.services import wait_for
from tests.support.smtp_dialogue import BALANCER, Answer, Running, running
from tests.support.zones import Zones

Value = TypeVar("Value")

STRANGER, PROPER = "198.51.100.7", "192.0.2.1"
PATIENCE = 15.0  # seconds for what is written in the background


@dataclass
class World:
    """What a fault is made with.

    Args:
        zones: what the doors are told when they ask the DNS.
        outside: servers that take our mail.
    """

    doors: Running
    zones: Zones
    outside: Outside
    stack: ExitStack
    people: dict[str, User] = field(default_factory=dict)

    def browser(self, name: str) -> Client:
        """Somebody's browser, signed in."""
        return browser(self.people[name])

    def bring(
        self,
        *to: str,
        sender: str = "carol@friend.test",
        raw: bytes = b"",
        client: str = PROPER,
        subject: str = "Hello",
    ) -> Answer:
        """Another server brings a message; the first answer that is no yes, or the last.

        It hangs up then, as such servers do.
        """
        text = raw or letter(sender, to[0], subject)
        with self.doors.ready(seen_as=client) as door:
            answer = door.ask(f"MAIL FROM:<{sender}>")
            taken = False
            for one in to if answer.code == 250 else ():
                answer = door.ask(f"RCPT TO:<{one}>")
                taken = taken or answer.code == 250
            if taken and door.ask("DATA").code == 354:
                answer = door.text(text)
            door.ask("QUIT")
        return answer

    def submit(self, *to: str, user: str = "alice@example.test", subject: str = "Hello") -> Answer:
        """A user's mail program sends a message; the answer to its text, or to what failed."""
        with self.doors.signed_in(user) as door:
            answer = door.ask(f"MAIL FROM:<{user}>")
            for one in to if answer.code == 250 else ():
                answer = door.ask(f"RCPT TO:<{one}>")
            if answer.code == 250 and door.ask("DATA").code == 354:
                answer = door.text(letter(user, to[0], subject))
            door.ask("QUIT")
        return answer


@contextmanager
def world() -> Iterator[World]:
    """Doors for other servers and for users' mail programs, with friend.test, whose mail nothing
    speaks against."""
    zones = Zones()
    zones.add("friend.test", "TXT", f"v=spf1 ip4:{PROPER} -all")
    zones.reverse(PROPER, "mx.friend.test")
    zones.host("mx.friend.test", PROPER)
    with ExitStack() as stack:
        stack.enter_context(override_settings(TRUSTED_PROXIES=(BALANCER,), SCAN_WAIT_SECONDS=0))
        beside = stack.enter_context(outside())
        doors = stack.enter_context(running("smtp", "submission", resolver=zones))
        yield World(doors, zones, beside, stack)


def letter(sender: str, to: str, subject: str, text: str = "Shall we meet on Friday?") -> bytes:
    """Plain words with all that a proper letter has."""
    lines = (
        f"From: <{sender}>",
        f"To: <{to}>",
        f"Subject: {subject}",
        "Date: Thu, 26 Nov 2026 10:00:00 +0100",
        f"Message-ID: <{new_ulid()}@{sender.rpartition('@')[2]}>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        text,
        "",
    )
    return "\r\n".join(lines).encode()


def command(*words: str) -> str:
    """What an administrator types."""
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def soon(found: Callable[[], Sequence[Value]]) -> Sequence[Value]:
    """What is written in the background, once it is there."""
    seen: list[Sequence[Value]] = [()]

    def look() -> Sequence[Value]:
        seen[0] = found()
        return seen[0]

    wait_for(look, PATIENCE, "it was not written")
    return seen[0]
