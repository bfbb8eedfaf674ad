"""A running IMAP service for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from apps.imap.doors import Service
from apps.imap.limits import Limits
from apps.runtime.listener import Listener
from tests.support.listening import listening


@dataclass
class RunningServer:
    """Its ports, and what runs behind them."""

    port: int
    tls_port: int
    service: Service
    listener: Listener


@contextmanager
def running(limits: Limits | None = None, **changed: object) -> Iterator[RunningServer]:
    """Serve until the block ends; settings may be `changed` meanwhile."""
    with listening(lambda: Service(limits), "imap", "imaps", **changed) as one:
        yield RunningServer(one.ports["imap"], one.ports["imaps"], one.service, one.listener)
