"""The web door: Django over uvicorn's HTTP protocol, behind the same accept loop as the mail
doors.

With WEB_TLS=on one port takes both: TLS is served, and plain HTTP is answered with a redirect to
https (308, so that a form is sent again as it was), except for the health pages, which probes ask
for plainly, and for what mail programs ask for under names that may have no certificate. Behind a
proxy named in TRUSTED_PROXIES, its X-Forwarded-For and X-Forwarded-Proto are believed; nobody
else's are.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from typing import Any

import h11
import uvloop
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.module_loading import import_string
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from apps.events import bus
from apps.ops import doors
from apps.ops.bounds import bounded
from apps.ops.listeners import on_signals
from apps.runtime import db, listener, tls
from apps.runtime.listener import Door, Peer
from apps.wellknown import paths as wellknown

logger = logging.getLogger(__name__)

_HEADERS = 32 * 1024  # octets of one request's line and headers
_PIECE = 16 * 1024  # octets given to the parser at once
_REQUEST = 20.0  # seconds to send the headers of the first request
_BODY = 120.0  # seconds to send a request's body, which `bounded` bounds
_TIDY = 2.0  # seconds, at the end, for what follows an answer
_KEEP_ALIVE = 30  # seconds between two requests
_PLAIN = frozenset({"/healthz", "/readyz", *wellknown.PLAIN})
_REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
Scope = dict[str, Any]


def preload() -> None:
    """Import what `run` needs, Django's URL map included."""
    import_string(settings.ASGI_APPLICATION)
    import_string(f"{settings.ROOT_URLCONF}.urlpatterns")


def run(inherited: Mapping[str, list[socket.socket]]) -> int:
    """Serve the web door until SIGTERM or SIGINT; SIGHUP looks for new certificates.

    Raises:
        DoorError, CertificateError: nothing was served; the text is for the administrator.
    """
    uvloop.run(_serve(inherited))
    db.shutdown()
    bus.reset()
    return 0


async def _serve(inherited: Mapping[str, list[socket.socket]]) -> None:
    stop = asyncio.Event()
    on_signals(stop.set, lambda: tls.certificates().reload_if_changed())
    await listener.serve([door()], stop, inherited=inherited, ready=_say_ready)
    logger.info("the web door is closed")


def _say_ready(opened: listener.Listener) -> None:
    logger.info("the web door is open", extra={"ports": opened.ports()})


def door() -> Door:
    """The web door of this installation.

    Raises:
        DoorError: it is switched off.
    """
    where = doors.endpoint(doors.WEB)
    if where is None:
        raise listener.DoorError("WEB_LISTEN is empty: the web door is switched off.")
    factory = _Factory()
    return Door(
        doors.WEB,
        where,
        factory,
        implicit_tls=settings.WEB_TLS,
        alpn=("http/1.1",),
        plain_too=True,
        refusal=_REFUSAL,
        proxy_protocol=False,
        afterwards=factory.finish,
    )


class _Factory:
    """Makes the protocol object of each connection."""

    def __init__(self) -> None:
        self._config = Config(
            bounded(_only_https(import_string(settings.ASGI_APPLICATION))),
            http=HttpProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            h11_max_incomplete_event_size=_HEADERS,
            timeout_keep_alive=_KEEP_ALIVE,
            proxy_headers=bool(settings.TRUSTED_PROXIES),
            forwarded_allow_ips=[str(network) for network in settings.TRUSTED_PROXIES],
        )
        self._config.load()
        self._state = ServerState()

    def __call__(self, peer: Peer) -> "HttpProtocol":
        return HttpProtocol(peer, self._config, self._state)

    async def finish(self) -> None:
        """Let Django tidy up behind answers that were sent."""
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=_TIDY)


class HttpProtocol(H11Protocol):
    """uvicorn's protocol with a deadline for each request, which it lacks, and our lease."""

    def __init__(self, peer: Peer, config: Config, state: ServerState) -> None:
        super().__init__(config=config, server_state=state, app_state={"line": self})
        self._peer = peer
        self._ending: Callable[[], None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._awaited: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.client = self._peer.address, self._peer.port
        self._await_request()

    def data_received(self, data: bytes) -> None:
        self._peer.lease.heard()
        # h11 measures what is incomplete, and would take a header of any size that came at once.
        for start in range(0, len(data), _PIECE):
            if not self.transport.is_closing():
                super().data_received(data[start : start + _PIECE])
        self._watch()

    def signed_in(self, user_id: int) -> bool:
        """A request that stays open counts for its user from here on; False if they have too many
        connections. It ends with its connection."""
        return self._peer.lease.signed_in(user_id)

    def when_ending(self, end: Callable[[], None]) -> None:
        """Have `end` called when the request should come to its end, or its client is gone."""
        self._ending = end
        if self.transport.is_closing():
            end()

    def abort(self) -> None:
        """Cut the connection: whoever does not read is not waited for."""
        self.transport.abort()

    def _end(self) -> None:
        ending, self._ending = self._ending, None
        if ending is not None:
            ending()

    def on_response_complete(self) -> None:
        self._ending = None
        self._peer.lease.busy = False
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        self._end()
        self._peer.lease.release()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Finish the request that runs, then close."""
        self._end()
        if self.conn.our_state is h11.ERROR or self.transport.is_closing():
            self.transport.abort()
        else:
            super().shutdown()

    def _watch(self) -> None:
        """Set the deadline that fits what the client owes us now."""
        cycle = self.cycle
        self._peer.lease.busy = cycle is not None and not cycle.response_complete
        if cycle is None:
            return  # the first request's headers: their deadline runs on, whatever trickles in
        if cycle.more_body and not cycle.response_complete:
            if self._awaited is not cycle:
                self._set(_BODY, cycle)
        elif not cycle.response_complete:
            self._cancel()
        elif self.conn.trailing_data[0] and self._awaited != "headers":
            self._await_request()
        elif not self.conn.trailing_data[0]:
            self._cancel()  # between two requests uvicorn's own keep-alive timer runs

    def _await_request(self) -> None:
        self._set(_REQUEST, "headers")

    def _set(self, seconds: float, awaited: object) -> None:
        self._cancel()
        self._awaited = awaited
        self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _cancel(self) -> None:
        self._awaited = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        logger.info("a request took too long to arrive", extra={"address": self._peer.address})
        self.transport.abort()


def _only_https(app: Any) -> Any:
    """Send what came in the clear to https, where this door speaks it."""

    async def wrapped(scope: Scope, receive: Any, send: Any) -> None:
        if not settings.WEB_TLS or scope["scheme"] == "https" or scope["path"] in _PLAIN:
            await app(scope, receive, send)
            return
        status, headers = _redirect(scope)
        headers.append((b"content-length", b"0"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return wrapped


def _redirect(scope: Scope) -> tuple[int, list[tuple[bytes, bytes]]]:
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    name, _port = split_domain_port(host)
    # Only to ourselves: a made-up Host would make this an open redirect.
    if not name or not validate_host(name, settings.ALLOWED_HOSTS):
        return 400, []
    where = f"https://{host}".encode("latin-1") + scope["raw_path"]
    if scope["query_string"]:
        where += b"?" + scope["query_string"]
    return 308, [(b"location", where), (b"cache-control", b"no-store")]
