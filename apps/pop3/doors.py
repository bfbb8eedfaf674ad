"""The doors `pop3` (110, STLS) and `pop3s` (995, implicit TLS), for the listener process."""

from __future__ import annotations

import asyncio

from django.conf import settings

from apps.directory.signedin import SignedIn
from apps.events import bus
from apps.events.types import Event, EventsMissed, UserChanged
from apps.pop3.lock import Locks
from apps.pop3.server import PATIENCE, Connection
from apps.runtime.conversation import Patience
from apps.runtime.listener import Door, Peer
from apps.runtime.tls import server_context

ALPN = ("pop3",)  # as registered with IANA (TLS ALPN protocol IDs)
_REFUSAL = b"-ERR [SYS/TEMP] Too many connections, come back later\r\n"
_NO_TLS = b"-ERR [SYS/PERM] This port speaks TLS only\r\n"


class Service:
    """What all POP3 connections of one event loop share."""

    def __init__(self, patience: Patience = PATIENCE) -> None:
        self._patience = patience
        self._members = SignedIn()
        self._locks = Locks()
        self._subscription: bus.Subscription | None = None
        self._subscribing: asyncio.Task[None] | None = None
        self._tls = server_context(*ALPN)

    def connection(self, peer: Peer) -> Connection:
        """Make the protocol object of one connection; the first one opens our ears for events."""
        if self._subscribing is None:
            self._subscribing = asyncio.get_running_loop().create_task(self._subscribe())
        return Connection(peer, self._members, self._locks, self._tls, self._patience)

    async def _subscribe(self) -> None:
        loop = asyncio.get_running_loop()
        self._subscription = await bus.subscribe(loop, {UserChanged}, self._hear)
        self._hear(EventsMissed())  # what was published before nobody heard

    def _hear(self, _: Event) -> None:
        self._members.look()

    async def close(self) -> None:
        """Give back what is held; for the end of the process, after the last connection."""
        if self._subscribing is not None:
            await self._subscribing
        if self._subscription is not None:
            self._subscription.close()
        self._members.close()
        self._locks.close()

    def doors(self) -> list[Door]:
        """Return the doors that the settings open."""
        doors = []
        if settings.POP3_LISTEN is not None:
            doors.append(
                Door(
                    "pop3",
                    settings.POP3_LISTEN,
                    self.connection,
                    refusal=_REFUSAL,
                    afterwards=self.close,
                )
            )
        if settings.POP3S_LISTEN is not None:
            doors.append(
                Door(
                    "pop3s",
                    settings.POP3S_LISTEN,
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
