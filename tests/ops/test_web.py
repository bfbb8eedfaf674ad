"""The web door: TLS and its redirect, whose word counts for the client, and slow callers."""

import asyncio
import ipaddress
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.ops import web
from apps.runtime.listener import Listener
from apps.runtime.tls import Certificates
from mailhost.env import Endpoint

Scope = dict[str, Any]


tidied: list[str] = []


async def echo(scope: Scope, receive: Any, send: Any) -> None:
    """Says what it was asked, and takes its time: at /slow before the answer, at /late after."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    said = {
        "scheme": scope["scheme"],
        "client": scope["client"][0],
        "path": scope["path"],
        "body": len(body),
    }
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(said).encode()})
    if scope["path"] == "/late":
        await asyncio.sleep(0.2)
        tidied.append("late")


@dataclass
class Running:
    listener: Listener
    trusting: ssl.SSLContext

    async def connect(
        self, *, tls: bool = True, alpn: str = ""
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = self.trusting if tls else None
        if alpn:
            self.trusting.set_alpn_protocols([alpn])
        return await asyncio.open_connection(
            "localhost", self.listener.ports()["web"], ssl=context, family=2
        )

    async def ask(self, raw: bytes, *, tls: bool = True) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own."""
        reader, writer = await self.connect(tls=tls)
        writer.write(raw)
        answer = await _answer(reader)
        writer.close()
        return answer


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    async with asyncio.timeout(10):
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        if "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        elif headers.get("transfer-encoding") == "chunked":
            body = await _chunks(reader)
        else:
            body = await reader.read()
    return int(lines[0].split()[1]), headers, body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


@pytest.fixture
def files(tls_files: dict[str, Path]) -> dict[str, Path]:
    return tls_files


@asynccontextmanager
async def running(files: dict[str, Path]) -> AsyncIterator[Running]:
    certificates = Certificates(files["cert"], files["key"], "localhost")
    listener = Listener([web.door()], certificates=certificates)
    listener.start()
    try:
        yield Running(listener, ssl.create_default_context(cafile=str(files["ca"])))
    finally:
        await listener.stop(grace=2)


@pytest.fixture(autouse=True)
def _echo(settings: Settings) -> None:
    settings.ASGI_APPLICATION = f"{__name__}.echo"
    settings.WEB_LISTEN = Endpoint("127.0.0.1", 0)
    settings.WEB_TLS = True
    settings.TRUSTED_PROXIES = ()


def get(path: str, *headers: str, host: str = "localhost") -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]
    return "\r\n".join(lines).encode()


async def test_it_serves_https(files: dict[str, Path]) -> None:
    async with running(files) as server:
        status, headers, body = await server.ask(get("/a%20b"))
    assert status == 200
    assert json.loads(body) == {"scheme": "https", "client": "127.0.0.1", "path": "/a b", "body": 0}
    assert "server" not in headers


async def test_it_keeps_a_connection_for_many_requests(files: dict[str, Path]) -> None:
    async with running(files) as server:
        reader, writer = await server.connect(alpn="http/1.1")
        for _ in range(3):
            writer.write(get("/"))
            assert (await _answer(reader))[0] == 200
        writer.write(get("/") + get("/slow") + get("/"))  # pipelined
        for _ in range(3):
            assert (await _answer(reader))[0] == 200
        writer.close()


async def test_it_sends_plain_http_to_https(files: dict[str, Path]) -> None:
    async with running(files) as server:
        status, headers, body = await server.ask(
            get("/mail/?page=2&q=%C3%BC", host="mail.example.test:8080"), tls=False
        )
        assert (status, body) == (308, b"")
        assert headers["location"] == "https://mail.example.test:8080/mail/?page=2&q=%C3%BC"
        for path in ("/healthz", "/readyz", "/mail/config-v1.1.xml"):
            assert (await server.ask(get(path), tls=False))[0] == 200
        # Under whatever name: RFC 8461 section 3.3 has no policy in the clear, nor a redirect.
        policy = get("/.well-known/mta-sts.txt", host="mta-sts.example.test")
        assert (await server.ask(policy, tls=False))[0] == 400


@pytest.mark.parametrize("host", ["evil.example", "", "mail.example.test@evil.example", "a b"])
async def test_it_sends_nobody_to_a_strange_host(files: dict[str, Path], host: str) -> None:
    async with running(files) as server:
        status, headers, _ = await server.ask(get("/", host=host), tls=False)
    assert status == 400
    assert "location" not in headers


async def test_it_serves_plain_http_behind_a_proxy(
    files: dict[str, Path], settings: Settings
) -> None:
    settings.WEB_TLS = False
    settings.TRUSTED_PROXIES = (ipaddress.ip_network("127.0.0.0/8"),)
    forwarded = ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
    async with running(files) as server:
        _, _, body = await server.ask(get("/", *forwarded), tls=False)
    assert json.loads(body)["client"] == "203.0.113.9"
    assert json.loads(body)["scheme"] == "https"


@pytest.mark.parametrize("proxies", [(), (ipaddress.ip_network("10.0.0.0/8"),)])
async def test_it_believes_no_stranger_about_the_client(
    files: dict[str, Path], settings: Settings, proxies: tuple[Any, ...]
) -> None:
    settings.WEB_TLS = False
    settings.TRUSTED_PROXIES = proxies
    forwarded = ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
    async with running(files) as server:
        _, _, body = await server.ask(get("/", *forwarded), tls=False)
    assert json.loads(body)["client"] == "127.0.0.1"
    assert json.loads(body)["scheme"] == "http"


async def test_it_refuses_endless_headers(files: dict[str, Path]) -> None:
    async with running(files) as server:
        status, _, _ = await server.ask(get("/", "X-Long: " + "a" * 100_000))
        assert status == 400
        assert (await server.ask(get("/")))[0] == 200


@pytest.mark.parametrize("raw", [b"\x80\x01nonsense", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\x00"])
async def test_it_refuses_what_is_no_http(files: dict[str, Path], raw: bytes) -> None:
    async with running(files) as server:
        reader, writer = await server.connect()
        writer.write(raw + b"\r\n\r\n")
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith((b"HTTP/1.1 400", b""))
        writer.close()
        assert (await server.ask(get("/")))[0] == 200


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: loc"])
async def test_it_does_not_wait_for_ever_for_a_request(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(web, "_REQUEST", 0.2)
    async with running(files) as server:
        reader, writer = await server.connect()
        started = time.monotonic()
        writer.write(begun)
        await _ends(reader, writer, trickle=b"a" if begun else b"")
        assert time.monotonic() - started < 10
        writer.close()


async def test_it_does_not_wait_for_ever_for_a_body(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "_BODY", 0.2)
    async with running(files) as server:
        reader, writer = await server.connect()
        started = time.monotonic()
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        await _ends(reader, writer, trickle=b"a")
        assert time.monotonic() - started < 10
        writer.close()


async def test_it_does_not_wait_for_ever_for_the_second_request(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "_REQUEST", 0.2)
    async with running(files) as server:
        reader, writer = await server.connect()
        writer.write(get("/") + b"GET / HT")
        assert (await _answer(reader))[0] == 200
        started = time.monotonic()
        await _ends(reader, writer, trickle=b"T")
        assert time.monotonic() - started < 10
        writer.close()


async def _ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trickle: bytes) -> None:
    """Wait for the end while one octet at a time still comes."""
    async with asyncio.timeout(10):
        while not reader.at_eof():
            writer.write(trickle)
            try:
                async with asyncio.timeout(0.02):
                    await reader.read(1)
            except TimeoutError:
                continue
            except ConnectionResetError:
                return


async def test_it_takes_a_body_that_comes_in_time(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "_REQUEST", 0.3)  # the headers' time does not end a body
    async with running(files) as server:
        reader, writer = await server.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n")
        for octet in b"hello":
            await asyncio.sleep(0.1)
            writer.write(bytes([octet]))
        status, _, body = await _answer(reader)
        writer.close()
    assert (status, json.loads(body)["body"]) == (200, 5)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ("Content-Length: 1000", b"a" * 1000, 200),
        ("Content-Length: 1001", b"", 413),
        ("Content-Length: 999999999999", b"a" * 5000, 413),
        ("Transfer-Encoding: chunked", b"3e8\r\n" + b"a" * 1000 + b"\r\n0\r\n\r\n", 200),
        ("Transfer-Encoding: chunked", b"3e8\r\n" + b"a" * 1000 + b"\r\n1\r\na", 413),
        ("Transfer-Encoding: chunked", b"fffffffff\r\n" + b"a" * 5000, 413),
    ],
)
async def test_it_takes_no_body_without_bound(
    files: dict[str, Path], settings: Settings, headers: str, body: bytes, status: int
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    async with running(files) as server:
        reader, writer = await server.connect()
        writer.write(f"POST / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n".encode() + body)
        assert (await _answer(reader))[0] == status
        if status == 413:
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()


async def test_it_hides_no_request_in_another(files: dict[str, Path]) -> None:
    """Two lengths: a proxy may take the one, we the other."""
    hidden = get("/hidden")
    async with running(files) as server:
        for headers in (
            f"Content-Length: {len(hidden) + 5}\r\nTransfer-Encoding: chunked",
            f"Content-Length: 0\r\nContent-Length: {len(hidden)}",
            f"Content-Length : {len(hidden)}",
            "Content-Length: +0",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding:\x0bchunked",
        ):
            reader, writer = await server.connect()
            line = f"POST / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n0\r\n\r\n"
            writer.write(line.encode() + hidden)
            assert (await _answer(reader))[0] == 400, headers
            with suppress(ConnectionResetError):
                assert await reader.read() == b"", headers
            writer.close()


async def test_it_finishes_what_runs_at_the_end(files: dict[str, Path]) -> None:
    async with running(files) as server:
        busy, busy_writer = await server.connect()
        idle, idle_writer = await server.connect()
        busy_writer.write(get("/slow"))
        idle_writer.write(get("/"))
        await _answer(idle)
        started = time.monotonic()
        stopping = asyncio.create_task(server.listener.stop(grace=60))
        status, _, _ = await _answer(busy)
        assert status == 200
        await stopping
        assert time.monotonic() - started < 10
        assert await idle.read() == b""
        for writer in (busy_writer, idle_writer):
            writer.close()


async def test_it_lets_the_application_tidy_up_at_the_end(files: dict[str, Path]) -> None:
    tidied.clear()
    async with running(files) as server:
        assert (await server.ask(get("/late", "Connection: close")))[0] == 200
    assert tidied == ["late"]


async def test_it_refuses_mail_clients_that_lost_their_way(files: dict[str, Path]) -> None:
    async with running(files) as server:
        with pytest.raises(ssl.SSLError, match="no application protocol"):
            await server.connect(alpn="imap")
