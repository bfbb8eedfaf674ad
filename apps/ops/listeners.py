"""The listeners: all mail doors of this process on one event loop."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence

import uvloop

from apps.events import bell, bus
from apps.mailauth import suffixes
from apps.ops import doors
from apps.runtime import db, glance, listener, process, tls

logger = logging.getLogger(__name__)


def preload(names: Sequence[str]) -> None:
    """Import what `run` needs."""
    doors.preload(names)
    bell.warm()
    if "smtp" in names:
        suffixes.load()


def run(
    names: Sequence[str],
    inherited: Mapping[str, list[socket.socket]] | None = None,
    *,
    share: bool = False,
) -> int:
    """Serve the doors `names` until SIGTERM or SIGINT; SIGHUP looks for new certificates.

    Raises:
        DoorError, CertificateError: nothing was served; the text is for the administrator.
    """
    process.share_interpreter()
    uvloop.run(_serve(names, inherited or {}, share))
    db.shutdown()
    bus.reset()
    return 0


async def _serve(
    names: Sequence[str], inherited: Mapping[str, list[socket.socket]], share: bool
) -> None:
    stop = asyncio.Event()
    on_signals(stop.set, lambda: tls.certificates().reload_if_changed())
    await glance.warm()
    await listener.serve(
        doors.build(names), stop, inherited=inherited, share=share, ready=_say_ready
    )
    logger.info("the mail doors are closed")


def _say_ready(opened: listener.Listener) -> None:
    logger.info(
        "the mail doors are open",
        extra={
            "ports": opened.ports(),
            "pid": os.getpid(),
            "public_suffixes": suffixes.published().isoformat(),
        },
    )


def on_signals(stop: Callable[[], object], reload: Callable[[], object]) -> None:
    """Graceful stop and reload for a process with an event loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, reload)
