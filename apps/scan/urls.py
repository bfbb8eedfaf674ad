"""A link read as browsers read it, not as standards write it: https://url.spec.whatwg.org. Pure.

What matters is where a click leads. Browsers drop tabs and line ends inside a link, take
backslashes for slashes, decode the host, and know an IPv4 address in any notation; whoever reads
links more strictly is blind to those of forgers. Time is linear, and only the beginning of a long
link is read: the host comes first.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import unquote

from apps.mailauth.suffixes import organisational
from apps.mime.address import AddressError, normalise_domain

LONGEST: Final = 4_000  # characters of a link that are read
LONGEST_HOST: Final = 1_000  # characters of a host before it is decoded

WEB: Final = frozenset({"http", "https", "ftp", "ws", "wss"})
_DROPPED = re.compile(r"[\t\r\n]+")
_ENDS: Final = "".join(map(chr, range(33)))  # C0 controls and the space
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,40}):")
_SLASHES = re.compile(r"[/\\]*")
_AUTHORITY_END = re.compile(r"[/\\?#]")
_UNDECLARED = re.compile(r"(?:[/\\]{2}|www\.)", re.IGNORECASE)
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]*|[0-9]+")
_PLAIN_IPV4 = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ftp": 21, "ws": 80, "wss": 443}


@dataclass(frozen=True)
class Url:
    """A link.

    Args:
        scheme: lower case, without a colon: https, mailto, data.
        host: A-labels, or an IP address as text; "" for a scheme that has none.
        port: None for the usual one.
        user: what stands before "@" in the place of the host, decoded.
        rest: what follows the host, or the scheme where there is no host.
        is_odd: the host is an IPv4 address, written otherwise than as four decimal numbers.
    """

    scheme: str
    host: str = ""
    port: int | None = None
    user: str = ""
    rest: str = ""
    is_odd: bool = False

    @cached_property
    def address(self) -> IPv4Address | IPv6Address | None:
        """The IP address that the host is, if it is one."""
        try:
            return IPv6Address(self.host) if ":" in self.host else IPv4Address(self.host)
        except AddressValueError:
            return None

    @cached_property
    def organisation(self) -> str:
        """The organisational domain of the host; the host itself if it is an IP address."""
        return self.host if self.address is not None else organisational(self.host)

    @property
    def path(self) -> str:
        """The path, not decoded."""
        return re.split(r"[?#]", self.rest, maxsplit=1)[0]

    @property
    def fragment(self) -> str:
        """What follows "#"."""
        return self.rest.partition("#")[2]


@lru_cache(maxsize=2_048)
def read(text: str) -> Url | None:
    """Read a link; None if a click leads nowhere: an empty one, a place in the same message, a
    relative one."""
    text = _DROPPED.sub("", text[:LONGEST].strip(_ENDS))
    scheme = _SCHEME.match(text)
    if scheme is None:
        if _UNDECLARED.match(text) is None:
            return None
        return _unc(text) if text.startswith("\\\\") else _web("http", text)
    name, rest = scheme[1].lower(), text[scheme.end() :]
    if name in WEB:
        return _web(name, rest)
    host = ""
    if rest.startswith("//"):  # file://host/share, smb://host
        host = _host(_AUTHORITY_END.split(rest[2:], maxsplit=1)[0].rpartition("@")[2])[0]
    return Url(name, host, rest=rest)


def _unc(text: str) -> Url:
    """`\\\\host\\share`, the way of Windows to a file on another machine."""
    host = _AUTHORITY_END.split(text.lstrip("\\"), maxsplit=1)[0]
    return Url("file", _host(host)[0], rest=text)


def _web(scheme: str, text: str) -> Url | None:
    slashes = _SLASHES.match(text)
    at = slashes.end() if slashes else 0
    end = _AUTHORITY_END.search(text, at)
    stop = end.start() if end else len(text)
    user, _, place = text[at:stop].rpartition("@")
    written, port = _port(place, scheme)
    host, is_odd = _host(written)
    if not host:
        return None
    return Url(scheme, host, port, unquote(user, errors="replace"), text[stop:], is_odd)


def _port(place: str, scheme: str) -> tuple[str, int | None]:
    host, colon, digits = place.rpartition(":")
    if not colon or "]" in digits:
        return place, None
    if not digits or not (digits.isascii() and digits.isdigit() and len(digits) <= 5):
        return host, None
    port = int(digits)
    return host, None if port == _DEFAULT_PORTS[scheme] else port


def _host(written: str) -> tuple[str, bool]:
    """The host, and whether it is an IPv4 address in an odd notation."""
    written = written[:LONGEST_HOST]
    if written.startswith("["):
        return _ipv6(written), False
    name = unquote(written, errors="replace") if "%" in written else written
    try:
        host = normalise_domain(name)
    except AddressError:
        host = _as_browsers_do(name)
    if not _NUMBER.fullmatch(host.rpartition(".")[2]):
        return host, False
    address = _ipv4(host.split("."))
    if address is None:
        return "", False
    return address, _PLAIN_IPV4.fullmatch(written) is None or address != written


def _as_browsers_do(name: str) -> str:
    """A name that IDNA 2008 does not have (emoji, symbols), and that browsers go to all the same;
    "" for what no name can be."""
    labels = []
    for label in name.casefold().removesuffix(".").replace("\u3002", ".").split("."):
        if not label or re.search(r"[\x00-\x20\x7f#%/:<>?@\[\\\]^|]", label):
            return ""
        coded = label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
        labels.append(coded)
    host = ".".join(labels)
    return host if len(host) <= 253 else ""


def _ipv6(written: str) -> str:
    try:
        return IPv6Address(written.strip("[]").partition("%")[0]).compressed
    except AddressValueError:
        return ""


def _ipv4(parts: list[str]) -> str | None:
    """One to four numbers, each decimal, octal or hexadecimal; the last one fills what is left."""
    if len(parts) > 4 or not all(map(_NUMBER.fullmatch, parts)):
        return None
    numbers = [_number(part) for part in parts]
    if None in numbers:
        return None
    *heads, last = [number or 0 for number in numbers]
    if any(head > 255 for head in heads) or last >= 256 ** (4 - len(heads)):
        return None
    value = last + sum(head << 8 * (3 - place) for place, head in enumerate(heads))
    return str(IPv4Address(value))


def _number(text: str) -> int | None:
    if len(text) > 20:
        return None
    try:
        if text[:2].lower() == "0x":
            return int(text[2:] or "0", 16)
        return int(text, 8) if len(text) > 1 and text[0] == "0" else int(text)
    except ValueError:
        return None
