"""The doors `imap` (143, STARTTLS) and `imaps` (993, implicit TLS), for the listener process."""

from __future__ import annotations

import asyncio

from django.conf import settings

from apps.directory.signedin import SignedIn
from apps.events import bus
from apps.events.types import Event, EventsMissed, MailboxChanged, UserChanged
from apps.imap.limits import Limits, literal_allowance
from apps.imap.mirrors import Mirrors
from apps.imap.server import Connection
from apps.runtime.listener import Door, Peer
from apps.runtime.tls import server_context

ALPN = ("imap",)  # as registered with IANA (TLS ALPN protocol IDs)
_REFUSAL = b"* BYE [UNAVAILABLE] Too many connections, come back later\r\n"
_NO_TLS = b"* BYE This port speaks TLS only\r\n"


class Service:
    """What all IMAP connections of one event loop share."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits(message_size=settings.MESSAGE_SIZE_LIMIT)
        self.mirrors = Mirrors()
        self.allowance = literal_allowance(self.limits)
        self.members = SignedIn()
        self._subscription: bus.Subscription | None = None
        self._subscribing: asyncio.Task[None] | None = None
        self._tls = server_context(*ALPN)

    def connection(self, peer: Peer) -> Connection:
        """Make the protocol object of one connection; the first one opens our ears for events."""
        if self._subscribing is None:
            self._subscribing = asyncio.get_running_loop().create_task(self._subscribe())
        return Connection(peer, self.mirrors, self.members, self.limits, self._tls, self.allowance)

    async def _subscribe(self) -> None:
        loop = asyncio.get_running_loop()
        kinds = {MailboxChanged, UserChanged}
        self._subscription = await bus.subscribe(loop, kinds, self._hear)
        self._hear(EventsMissed())  # what was published before nobody heard

    def _hear(self, event: Event) -> None:
        self.mirrors.hear(event)
        if isinstance(event, UserChanged | EventsMissed):
            self.members.look()

    async def close(self) -> None:
        """Give back what is held; for the end of the process, after the last connection."""
        if self._subscribing is not None:
            await self._subscribing
        if self._subscription is not None:
            self._subscription.close()
        self.members.close()
        await self.mirrors.settle()

    def doors(self) -> list[Door]:
        """Return the doors that the settings open."""
        doors = []
        if settings.IMAP_LISTEN is not None:
            doors.append(
                Door(
                    "imap",
                    settings.IMAP_LISTEN,
                    self.connection,
                    refusal=_REFUSAL,
                    afterwards=self.close,
                )
            )
        if settings.IMAPS_LISTEN is not None:
            doors.append(
                Door(
                    "imaps",
                    settings.IMAPS_LISTEN,
                    self.connection,
                    implicit_tls=True,
                    alpn=ALPN,
                    no_tls=_NO_TLS,
                    afterwards=self.close,
                )
            )
        return doors


def doors() -> list[Door]:
    """Return the doors that have an address to listen on. Call it on the loop they will use."""
    return Service().doors()
