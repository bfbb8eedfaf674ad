"""A web server on a loopback port that publishes one MTA-STS policy, or something worse.

    with PolicyHost(certificate.context) as web:
        web.publish("enforce", "mx.example.org")
        with override_settings(HTTPS_OUT_PORT=web.port): ...

It takes GET and POST, for whatever path, and keeps what was asked.
"""

import contextlib
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked."""

    method: str
    host: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Answer:
    """What is answered. `pieces` repeats the body until the client has enough."""

    body: bytes = b""
    status: int = 200
    media_type: str = "text/plain"
    headers: dict[str, str] = field(default_factory=dict)
    is_endless: bool = False
    is_silent: bool = False


class PolicyHost:
    """The server."""

    def __init__(self, context: ssl.SSLContext, host: str = "127.0.0.1") -> None:
        self.answer = Answer(status=404)
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self._server = ThreadingHTTPServer((host, 0), _handler(self))
        self._server.daemon_threads = True
        # The handshake is made by the thread of the connection: a bad one must not end the server.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def publish(self, mode: str, *patterns: str, max_age: int = 86_400) -> None:
        """Publish a policy."""
        lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {one}" for one in patterns)]
        text = "\r\n".join([*lines, f"max_age: {max_age}", ""])
        self.answer = Answer(text.encode())


def _handler(web: PolicyHost) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            host = headers.get("host", "").partition(":")[0]
            web.requests.append(Request(self.command, host, self.path, headers, body))
            with contextlib.suppress(OSError):
                self._reply(web.answer)

        do_POST = do_GET  # noqa: N815

        def _reply(self, answer: Answer) -> None:
            if answer.is_silent:
                web.stopping.wait(10)
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media_type)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if not answer.is_endless:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            while answer.is_endless and not web.stopping.is_set():
                self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: tests look at `requests`."""

    return Handler
