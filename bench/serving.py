"""`python -m bench serve ours|peer|fast`: start one side of the races and leave it to you.

The same service that the races start, with the same 20 users, on free loopback ports; what was
started is told, and ended by Ctrl-C or SIGTERM.
"""

import signal
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from bench.imap import CROWDS
from bench.ours import Ours
from bench.peer import Peer
from bench.service import PASSWORD, USERS, Service

SIDES: Final[Mapping[str, Callable[[], Service]]] = MappingProxyType(
    {"ours": lambda: Ours(changed=CROWDS), "peer": Peer, "fast": lambda: Peer(fast=True)}
)


def show(side: str) -> None:
    """Start it, tell where it is, and wait for a signal."""
    with SIDES[side]() as service:
        doors = {
            "SMTP": service.smtp_port,
            "IMAP": service.imap_port,
            "IMAPS": service.imaps_port,
            "POP3": service.pop3_port,
            "POP3S": service.pop3s_port,
        }
        print(f"{service.name}; processes {', '.join(map(str, service.roots()))} and theirs")
        for name, port in doors.items():
            print(f"{name:6}127.0.0.1:{port}")
        print(f"users {USERS[0]} to {USERS[-1]}, password {PASSWORD}", flush=True)
        signal.pause()
