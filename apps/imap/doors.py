"""The doors `imap` (143, STARTTLS) and `imaps` (993, implicit TLS), for the listener process."""

from __future__ import annotations

from django.conf import settings

from apps.directory.signedin import SignedIn
from apps.events.hearing import Hearing
from apps.events.types import (
    AnnotationsChanged,
    Event,
    EventsMissed,
    MailboxChanged,
    MailboxesChanged,
    UserChanged,
)
from apps.imap.limits import Limits, literal_allowance
from apps.imap.selected.mirrors import Mirrors
from apps.imap.server import Connection
from apps.runtime.clientdoors import client_doors
from apps.runtime.listener import Door, Peer
from apps.runtime.tls import server_context

_REFUSAL = b"* BYE [UNAVAILABLE] Too many connections, come back later\r\n"
_NO_TLS = b"* BYE This port speaks TLS only\r\n"


class Service:
    """What all IMAP connections of one event loop share."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits(message_size=settings.MESSAGE_SIZE_LIMIT)
        self.mirrors = Mirrors()
        self.allowance = literal_allowance(self.limits)
        self.members = SignedIn()
        kinds = {MailboxChanged, MailboxesChanged, AnnotationsChanged, UserChanged}
        self._hearing = Hearing(kinds, self._hear)
        self._tls = server_context("imap")

    def connection(self, peer: Peer) -> Connection:
        """Make the protocol object of one connection."""
        self._hearing.begin()
        return Connection(peer, self.mirrors, self.members, self.limits, self._tls, self.allowance)

    def _hear(self, event: Event) -> None:
        self.mirrors.hear(event)
        if isinstance(event, UserChanged | EventsMissed):
            self.members.look()

    async def close(self) -> None:
        """Give back what is held; for the end of the process, after the last connection."""
        await self._hearing.end()
        self.members.close()
        await self.mirrors.settle()

    def doors(self) -> list[Door]:
        """Return the doors that the settings open."""
        return client_doors(
            "imap", self.connection, refusal=_REFUSAL, no_tls=_NO_TLS, afterwards=self.close
        )


def doors() -> list[Door]:
    """Return the doors that have an address to listen on. Call it on the loop they will use."""
    return Service().doors()
