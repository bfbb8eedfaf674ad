"""TCP connections to the addresses of one host: the first that answers is taken (RFC 8305).

An address that has just been dead is tried last for a while, so that a domain with one dead server
does not cost every message the wait for it.
"""

import asyncio
import errno
import os
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final

from apps.remote import addresses
from apps.remote.patience import Patience
from apps.resolver.base import IPAddress

DEAD_SECONDS: Final = 300.0
MOST_DEAD: Final = 10_000

# The other side's silence; anything else (no descriptors left) says nothing about an address.
THEIRS: Final = frozenset(
    {
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.ETIMEDOUT,
    }
)

Target = tuple[IPAddress, int]


class SourceError(Exception):
    """We cannot connect from where the settings say."""


class NoAnswerError(Exception):
    """No address answered; `failures` says why, for each."""

    def __init__(self, failures: dict[IPAddress, str]) -> None:
        super().__init__("; ".join(f"{address}: {why}" for address, why in failures.items()))
        self.failures = failures


class Dialer:
    """Connects. Belongs to one event loop."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._dead: OrderedDict[Target, float] = OrderedDict()

    def order(self, found: Sequence[IPAddress], port: int) -> list[IPAddress]:
        """The addresses, those that were dead a short while ago last."""
        return sorted(found, key=lambda one: self._is_dead((one, port)))

    async def dial(
        self, targets: Sequence[IPAddress], port: int
    ) -> tuple[socket.socket, IPAddress, dict[IPAddress, str]]:
        """Connect to one of `targets`, tried in their order, each `head_start` after the last or as
        soon as that failed.

        Returns:
            The socket, its address, and what went wrong with others before.

        Raises:
            NoAnswerError: all failed.
        """
        waiting = deque(targets)
        running: dict[asyncio.Task[socket.socket], IPAddress] = {}
        failures: dict[IPAddress, str] = {}
        try:
            while waiting or running:
                if waiting:
                    target = waiting.popleft()
                    running[asyncio.ensure_future(self._connect(target, port))] = target
                patience = self._patience.head_start if waiting else None
                done, _ = await asyncio.wait(
                    running, timeout=patience, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    error = task.exception()
                    if error is None:
                        return task.result(), running.pop(task), failures
                    address = running.pop(task)
                    failures[address] = self._note(address, port, error)
            raise NoAnswerError(failures)
        finally:
            for task in running:
                task.add_done_callback(_close)
                task.cancel()

    async def _connect(self, target: IPAddress, port: int) -> socket.socket:
        family = socket.AF_INET6 if target.version == 6 else socket.AF_INET
        # With the protocol named, asyncio sets TCP_NODELAY: without that, each message of more than
        # a segment waits 40 ms for the acknowledgement of its last but one.
        channel = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            channel.setblocking(False)
            source = addresses.source_for(target)
            if source:
                _bind(channel, source)
            async with asyncio.timeout(self._patience.connect):
                await asyncio.get_running_loop().sock_connect(channel, (str(target), port))
        except BaseException:
            channel.close()
            raise
        return channel

    def _note(self, address: IPAddress, port: int, error: BaseException) -> str:
        if isinstance(error, SourceError):
            return str(error)
        if not isinstance(error, OSError):
            raise error
        if error.errno is None or error.errno in THEIRS:
            self._dead[address, port] = time.monotonic() + DEAD_SECONDS
            self._dead.move_to_end((address, port))
            if len(self._dead) > MOST_DEAD:
                self._dead.popitem(last=False)
        if error.errno is None:  # a TimeoutError is an OSError; the kernel's own has a number
            return f"no answer within {self._patience.connect:g} seconds"
        return os.strerror(error.errno).lower()

    def _is_dead(self, target: Target) -> bool:
        until = self._dead.get(target)
        if until is None:
            return False
        if until > time.monotonic():
            return True
        del self._dead[target]
        return False


def _bind(channel: socket.socket, source: str) -> None:
    try:
        channel.bind((source, 0))
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        raise SourceError(
            f"SMTP_OUT_ADDRESS has {source}, which is no address of this machine"
        ) from None


def _close(task: asyncio.Task[socket.socket]) -> None:
    """A connection that was made too late is not left open."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
