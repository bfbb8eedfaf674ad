"""GET of URLs that strangers wrote into mail, for somebody who reads it.

Nothing of the reader goes out: no cookie, no Referer, no address, a User-Agent that says nothing.
Nothing within reach of this machine is asked: names are looked up by our own resolver, connections
are made to the very address that was checked (a name that leads elsewhere at a second look-up gains
nothing), and each redirect is checked as the first URL was. All of it together has one deadline.
"""

import asyncio
import re
import socket
from collections.abc import Collection
from ipaddress import AddressValueError, IPv4Address, ip_address
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from django.conf import settings
from yarl import URL

from apps.remote import certificates
from apps.remote.addresses import is_public
from apps.remote.webfetch import HEADER_BYTES, FetchError, Names, Reaches, bounded, words
from apps.resolver.base import Resolver

SECONDS: Final = 10.0
REDIRECTS: Final = 3
LONGEST_URL: Final = 4_000
PORTS: Final = frozenset({80, 443})
HEADERS: Final = {"User-Agent": "Mozilla/5.0", "Accept": "image/*", "Accept-Encoding": "identity"}

_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_USUAL: Final = {"http": 80, "https": 443}
# A host whose last label is a number is an IPv4 address to browsers, in whatever notation:
# https://url.spec.whatwg.org/#ends-in-a-number-checker
_NUMBER_LAST = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?$")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\]")


def check(url: str, ports: Collection[int] = PORTS) -> None:
    """Refuse a URL that is not to be asked, before anything is looked up.

    Raises:
        FetchError: it is no plain http or https URL of a host that has a name or an address in its
            usual form, at a usual port.
    """
    if len(url) > LONGEST_URL or _UNPRINTABLE.search(url):
        raise FetchError("the URL cannot be read")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise FetchError("the URL cannot be read") from None
    if parts.scheme not in _USUAL or not host or "@" in parts.netloc:
        raise FetchError("the URL is no plain http or https URL")
    if (port or _USUAL[parts.scheme]) not in ports:
        raise FetchError("the URL names a port that is not the web's")
    if "%" in host or (_NUMBER_LAST.search(host) and not _is_plain_ipv4(host)):
        raise FetchError("the URL's host is written in an odd form")


class Outside:
    """A client for one event loop and one errand.

    Args:
        resolver: looks up every name.
        reaches, ports: other than the public internet's web for trials only.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        reaches: Reaches = is_public,
        ports: Collection[int] = PORTS,
        seconds: float = SECONDS,
    ) -> None:
        self._resolver = resolver
        self._reaches = reaches
        self._ports = ports
        self._seconds = seconds

    async def get(self, url: str, *, limit: int) -> bytes:
        """The body that a URL leads to, over at most REDIRECTS redirects.

        Raises:
            FetchError: there is none of at most `limit` bytes with status 200, in time, or it is
                at a place that is not to be asked; its text says why.
        """
        try:
            async with asyncio.timeout(self._seconds), self._session() as session:
                return await self._follow(session, url, limit)
        except TimeoutError:
            raise FetchError(f"no whole answer within {self._seconds:.0f} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(words(error)) from None

    async def _follow(self, session: aiohttp.ClientSession, url: str, limit: int) -> bytes:
        for _ in range(REDIRECTS + 1):
            check(url, self._ports)
            async with session.get(_as_written(url), allow_redirects=False) as answer:
                if answer.status in _MOVED:
                    url = urljoin(url, answer.headers.get("Location", ""))
                    continue
                if answer.status != 200:
                    raise FetchError(f"the answer has status {answer.status}")
                if (answer.content_length or 0) > limit:
                    raise FetchError(f"the answer has more than {limit} bytes")
                return await bounded(answer, limit)
        raise FetchError(f"more than {REDIRECTS} redirects")

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=Names(self._resolver, self._reaches),
            family=socket.AF_UNSPEC if settings.SMTP_OUT_IPV6 else socket.AF_INET,
            ssl=certificates.web_context(),
            socket_factory=self._socket,
            use_dns_cache=False,
            force_close=True,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,  # a small answer must not grow in memory
            headers=HEADERS,
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
        )

    def _socket(self, target: aiohttp.AddrInfoType) -> socket.socket:
        """Where every connection begins, an address in place of a name included."""
        family, kind, protocol, _, address = target
        if not self._reaches(ip_address(address[0])):
            raise OSError(f"{address[0]} is not to be connected to")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made


def _as_written(url: str) -> URL:
    return URL(url, encoded=url.isascii())


def _is_plain_ipv4(host: str) -> bool:
    try:
        return str(IPv4Address(host)) == host
    except AddressValueError:
        return False
