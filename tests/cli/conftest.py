"""A terminal at which somebody types commands, and servers that answer as they are told."""

import io
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from apps.cli.asking import Answer, Request
from apps.cli.home import Home
from apps.cli.main import Caller, main

Type = Callable[..., "Shown"]


@dataclass(frozen=True)
class Shown:
    """What a command ended with."""

    status: int
    out: str
    err: str


@pytest.fixture
def types(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Type:
    """Types a command, for this installation unless another server is named."""

    def run(*words: str, typed: str = "", caller: Caller | None = None) -> Shown:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        capfd.readouterr()
        status = main(words, caller or Caller(home=Home))
        sys.stdout.flush()
        shown = capfd.readouterr()
        return Shown(status, shown.out, shown.err)

    return run


@dataclass
class Scripted:
    """A server in this process that gives one answer after the other."""

    answers: list[tuple[int, Mapping[str, str], bytes]]
    asked: list[Request] = field(default_factory=list)

    def ask(self, request: Request) -> Answer:
        """Note the request; the last answer is given for ever."""
        self.asked.append(request)
        one = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Answer(one[0], one[1], iter([one[2]]))


@dataclass
class Elsewhere:
    """A server on a port: what it was asked, and what it will answer."""

    url: str
    answers: list[tuple[int, Mapping[str, str], bytes]]
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """A server on loopback; an answer with status 0 is a connection that breaks."""
    server = Elsewhere("", [])

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.asked.append((self.command, self.path, headers, self.rfile.read(size)))
            status, named, body = server.answers.pop(0)
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {**named, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = answer  # noqa: N815

        def log_message(self, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server.url = f"http://127.0.0.1:{listener.server_port}"
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        listener.shutdown()
        thread.join()


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    """Writes a file; its path."""

    def write(text: str) -> str:
        path = tmp_path / f"file{len(list(tmp_path.iterdir()))}"
        path.write_text(text)
        return str(path)

    return write


def lines(shown: Shown) -> Sequence[str]:
    """What stands in standard output, line by line."""
    return shown.out.splitlines()
