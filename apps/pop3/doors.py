"""The doors `pop3` (110, STLS) and `pop3s` (995, implicit TLS), for the listener process."""

from __future__ import annotations

from apps.directory.signedin import SignedIn
from apps.events.hearing import Hearing
from apps.events.types import Event, UserChanged
from apps.pop3.lock import Locks
from apps.pop3.server import PATIENCE, Connection
from apps.runtime.clientdoors import client_doors
from apps.runtime.conversation import Patience
from apps.runtime.listener import Door, Peer
from apps.runtime.tls import server_context

_REFUSAL = b"-ERR [SYS/TEMP] Too many connections, come back later\r\n"
_NO_TLS = b"-ERR [SYS/PERM] This port speaks TLS only\r\n"


class Service:
    """What all POP3 connections of one event loop share."""

    def __init__(self, patience: Patience = PATIENCE) -> None:
        self._patience = patience
        self._members = SignedIn()
        self._locks = Locks()
        self._hearing = Hearing({UserChanged}, self._hear)
        self._tls = server_context("pop3")

    def connection(self, peer: Peer) -> Connection:
        """Make the protocol object of one connection."""
        self._hearing.begin()
        return Connection(peer, self._members, self._locks, self._tls, self._patience)

    def _hear(self, _: Event) -> None:
        self._members.look()

    async def close(self) -> None:
        """Give back what is held; for the end of the process, after the last connection."""
        await self._hearing.end()
        self._members.close()
        self._locks.close()

    def doors(self) -> list[Door]:
        """Return the doors that the settings open."""
        return client_doors(
            "pop3", self.connection, refusal=_REFUSAL, no_tls=_NO_TLS, afterwards=self.close
        )


def doors() -> list[Door]:
    """Return the doors that have an address to listen on. Call it on the loop they will use."""
    return Service().doors()
