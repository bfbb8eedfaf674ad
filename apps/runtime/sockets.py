"""Listening sockets: opened by whoever starts first, and handed down to the process that serves
them.

The supervisor opens all of them, so that a busy port is told before anything starts, a door that
restarts leaves its callers waiting in the kernel's line instead of refusing them, and privileges
can be dropped in between.
"""

import errno
import os
import socket
from dataclasses import dataclass
from typing import Protocol

BACKLOG = 1024


class Endpoint(Protocol):
    """A host name or address, and a port; see `mailhost.env.Endpoint`."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint that was found, not set."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class DoorError(Exception):
    """A door cannot be opened; its text is the one sentence for the administrator."""


def setting_of(door: str) -> str:
    """The name of the setting that says where a door listens."""
    return f"{door.upper()}_LISTEN"


def listen(door: str, endpoint: Endpoint, *, share: bool = False) -> list[socket.socket]:
    """Open the sockets of one door: `bind` and `open_up`.

    Raises:
        DoorError: the port is taken, or not ours to open.
    """
    return open_up(door, endpoint, bind(door, endpoint, share=share))


def bind(door: str, endpoint: Endpoint, *, share: bool = False) -> list[socket.socket]:
    """Take the addresses of one door, one socket for each that its host name has. Nobody is let in
    yet: clients are refused, as long as there is nobody to serve them.

    Args:
        share: set SO_REUSEPORT, so that several processes may each open the same door.

    Raises:
        DoorError: the port is taken, or not ours to open.
    """
    sockets: list[socket.socket] = []
    try:
        for family, address in _addresses(endpoint):
            sockets.append(_one(family, address, share))
    except OSError as error:
        raise _refused(door, endpoint, sockets, error) from None
    return sockets


def open_up(door: str, endpoint: Endpoint, bound: list[socket.socket]) -> list[socket.socket]:
    """Let clients in where `bind` took the addresses.

    Raises:
        DoorError: another program that took the same one has begun to listen first.
    """
    try:
        for one in bound:
            one.listen(BACKLOG)
    except OSError as error:
        raise _refused(door, endpoint, bound, error) from None
    return bound


def _refused(
    door: str, endpoint: Endpoint, sockets: list[socket.socket], error: OSError
) -> DoorError:
    for one in sockets:
        one.close()
    where = f"{setting_of(door)}={endpoint}"
    return DoorError(f"{where} cannot be opened: {_reason(error)}.")


def bind_anywhere(door: str, host: str) -> tuple[list[socket.socket], Place]:
    """Take a port that the kernel picks for a door; its sockets, and where that is.

    Raises:
        DoorError: not even so.
    """
    first = bind(door, Place(host, 0))
    place = Place(host, first[0].getsockname()[1])
    if len(first) == 1:
        return first, place
    # A name with several addresses: they shall have one port.
    for one in first:
        one.close()
    return bind(door, place), place


def _addresses(endpoint: Endpoint) -> list[tuple[int, tuple[str, int]]]:
    found = socket.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    unique = dict.fromkeys((family, (str(where[0]), endpoint.port)) for family, *_, where in found)
    return list(unique)


def _one(family: int, address: tuple[str, int], share: bool) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # [::] means IPv4 too, as administrators expect of other mail servers.
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        one.setblocking(False)
        one.bind(address)
    except OSError:
        one.close()
        raise
    return one


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "its host name is not known here"
    if error.errno == errno.EADDRINUSE:
        return "another program listens there already"
    if error.errno == errno.EACCES:
        return "ports below 1024 need root, or the capability CAP_NET_BIND_SERVICE"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine does not have that address"
    return os.strerror(error.errno or 0)
