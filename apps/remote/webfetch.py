"""HTTPS towards strangers: fetching policies and posting reports.

No redirects, no cookies, no proxies, a bounded answer, one deadline for all of it. Names are looked
up by our own resolver, and a connection is made to the very address that was checked, so that no
name leads into our own network (SMTP_OUT_PRIVATE allows that, for trials).
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit
from weakref import WeakSet

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings

from apps.remote import certificates
from apps.remote.addresses import is_allowed
from apps.resolver.base import DnsError, IPAddress, Resolver

SECONDS: Final = 30.0
HEADER_BYTES: Final = 8_190
_TURNS: Final = 10
"""Turns of the loop in which a connection that was cut comes to its end."""


class FetchError(Exception):
    """No usable answer; its text says why, in words."""


class UntrustedError(FetchError):
    """The web server's certificate is not good for its name."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    status: int
    media_type: str
    body: bytes
    retry_after: str = ""  # as the other side wrote it


Reaches = Callable[[IPAddress], bool]
"""Whether a connection to an address may be made."""


class Names(AbstractResolver):
    """Our resolver in the shape aiohttp asks for; forbidden addresses are never given out."""

    def __init__(self, resolver: Resolver, reaches: Reaches) -> None:
        self._resolver = resolver
        self._reaches = reaches

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            answer = await self._resolver.addresses(host, ipv6=family != socket.AF_INET)
        except DnsError as error:
            raise OSError(f"{host} was not found in DNS: {error.reason}") from None
        allowed = [one for one in answer.records if self._reaches(one)]
        if not allowed:
            raise OSError(f"{host} has only addresses that are not to be connected to")
        return [
            ResolveResult(
                hostname=host,
                host=str(one),
                port=port,
                family=socket.AF_INET6 if one.version == 6 else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for one in allowed
        ]

    async def close(self) -> None:
        """Nothing to close: the resolver is the caller's."""


class Web:
    """An HTTPS client for one event loop.

    Args:
        resolver: None for hosts that the administrator has named: the system looks them up, and
            they may be anywhere.
        port: of `get`, other than 443 for trials only.
        reaches: which addresses it may connect to; where people's mail says the URL, `is_public`.
    """

    def __init__(
        self,
        resolver: Resolver | None,
        *,
        port: int = 443,
        seconds: float = SECONDS,
        reaches: Reaches = is_allowed,
    ) -> None:
        self._resolver = resolver
        self._reaches = reaches
        self._port = port
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None
        self._sockets: WeakSet[socket.socket] = WeakSet()

    async def get(self, host: str, path: str, *, limit: int) -> Page:
        """Fetch `https://host/path`.

        Raises:
            UntrustedError, FetchError: no answer, or one of more than `limit` bytes.
        """
        return await self._ask("GET", f"https://{host}:{self._port}{path}", limit=limit)

    async def get_url(self, url: str, *, limit: int) -> Page:
        """Fetch an https URL.

        Raises:
            UntrustedError, FetchError: no answer, one of more than `limit` bytes, or a URL that
                must not be asked.
        """
        _check(url)
        return await self._ask("GET", url, limit=limit)

    async def post(
        self, url: str, body: bytes, media_type: str, headers: Mapping[str, str] | None = None
    ) -> Page:
        """Post to an https URL; at most 64 KB of the answer are read.

        Raises:
            UntrustedError, FetchError: no answer, or a URL that must not be asked.
        """
        _check(url)
        headers = {**(headers or {}), "Content-Type": media_type}
        return await self._ask("POST", url, limit=64 * 1024, body=body, headers=headers)

    async def tell(self, url: str, body: bytes, media_type: str) -> int:
        """Post to an https URL; the status of the answer, of which nothing else is read.

        Raises:
            UntrustedError, FetchError: no answer, or a URL that must not be asked.
        """
        _check(url)
        headers = {"Content-Type": media_type}
        return (await self._ask("POST", url, limit=0, body=body, headers=headers)).status

    async def hand(
        self, url: str, body: bytes, media_type: str, headers: Mapping[str, str], *, most: int
    ) -> Page:
        """Post to an https URL; of the answer no more than `most` bytes are read, however much
        would come.

        Raises:
            UntrustedError, FetchError: no answer, or a URL that must not be asked.
        """
        _check(url)
        headers = {**headers, "Content-Type": media_type}
        return await self._ask("POST", url, limit=most, body=body, headers=headers, is_cut=True)

    async def close(self) -> None:
        """Close what is open, at once: a polite end of TLS would wait for the other side."""
        if self._session is not None:
            await self._session.close()
        for one in list(self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        limit: int,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        is_cut: bool = False,
    ) -> Page:
        read = _beginning if is_cut else bounded
        try:
            async with asyncio.timeout(self._seconds):
                session = self._opened()
                async with session.request(
                    method, url, data=body, headers=headers, allow_redirects=False
                ) as answer:
                    got = await read(answer, limit) if limit else _unread(answer)
                    wait = answer.headers.get("Retry-After", "")[:40]
                    return Page(answer.status, answer.content_type, got, wait)
        except TimeoutError:
            raise FetchError(f"no whole answer within {self._seconds:.0f} s") from None
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError) as error:
            raise UntrustedError(words(error)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(words(error)) from None

    def _socket(self, target: aiohttp.AddrInfoType) -> socket.socket:
        """Where every connection begins, an address in place of a name included."""
        family, kind, protocol, _, address = target
        if self._resolver is not None and not self._reaches(ip_address(address[0])):
            raise OSError(f"{address[0]} is not to be connected to")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        self._sockets.add(made)
        return made

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=None if self._resolver is None else Names(self._resolver, self._reaches),
                family=socket.AF_UNSPEC if settings.SMTP_OUT_IPV6 else socket.AF_INET,
                ssl=certificates.web_context(),
                socket_factory=self._socket,
                use_dns_cache=False,
                force_close=True,  # hosts are asked once a day: no connection is worth keeping
                limit=50,
                limit_per_host=2,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,  # a small answer must not grow in memory
                headers={"User-Agent": "mailhost", "Accept-Encoding": "identity"},
                max_line_size=HEADER_BYTES,
                max_field_size=HEADER_BYTES,
            )
        return self._session


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # reading the port checks it
    except ValueError:
        raise FetchError("the URL cannot be read") from None
    if parts.scheme != "https" or not host or parts.username is not None:
        raise FetchError("the URL is no plain https URL")


def _unread(answer: aiohttp.ClientResponse) -> bytes:
    """Nothing of the body: the connection is cut, however much would come."""
    if answer.connection is not None and answer.connection.transport is not None:
        answer.connection.transport.abort()
    return b""


async def _beginning(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The first octets of the body; then the connection is cut."""
    got = bytearray()
    async for piece in answer.content.iter_chunked(most):
        got += piece
        if len(got) >= most:
            break
    _unread(answer)
    return bytes(got[:most])


async def bounded(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body of an answer.

    Raises:
        FetchError: it has more than `limit` bytes.
    """
    got = bytearray()
    try:
        async for piece in answer.content.iter_chunked(8_192):
            got += piece
            if len(got) > limit:
                raise FetchError(f"the answer has more than {limit} bytes")
    except BaseException:
        # A polite end of TLS would wait for the other side, and read on what it sends.
        if answer.connection is not None and answer.connection.transport is not None:
            answer.connection.transport.abort()
        raise
    return bytes(got)


def words(error: BaseException) -> str:
    """What went wrong, on one line."""
    if isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error  # its own text leaves out what our resolver said
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(char for char in text if char.isprintable())[:200]
