"""The PROXY protocol, versions 1 and 2: who a balancer says the client is.

Pure: bytes in, a verdict out. The caller has checked that the sender is one of TRUSTED_PROXIES,
and takes exactly `length` octets off the socket, so that the first octet after the header is the
client's own.
"""

import ipaddress
from dataclasses import dataclass

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_V1_LONGEST = 107  # with its CRLF, as the protocol's text says
_V2_LONGEST = 16 + 1024  # addresses and a fair number of TLVs; the protocol would allow 64 KB
LONGEST = _V2_LONGEST


class ProxyHeaderError(Exception):
    """Begins like a PROXY header and is none: the connection is closed."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """`length` octets of header. `address` is None when the proxy speaks for itself."""

    length: int
    address: str | None = None
    port: int = 0


def might_begin(raw: bytes) -> bool:
    """True while `raw` may be the beginning of a header of either version."""
    return any(raw[: len(mark)] == mark[: len(raw)] for mark in (SIGNATURE, b"PROXY "))


def parse(raw: bytes) -> ProxyHeader | None:
    """The header at the beginning of `raw`; None when more octets are needed.

    Raises:
        ProxyHeaderError: this is no header, or one beyond the bounds.
    """
    if not might_begin(raw):
        raise ProxyHeaderError("no PROXY header")
    if raw[:1] == b"P":
        return _version_1(raw)
    return _version_2(raw)


def _version_1(raw: bytes) -> ProxyHeader | None:
    end = raw.find(b"\r\n", 0, _V1_LONGEST)
    if end < 0:
        if len(raw) >= _V1_LONGEST:
            raise ProxyHeaderError("header of version 1 has no end")
        return None
    words = raw[:end].split(b" ")
    if words[1:2] == [b"UNKNOWN"]:
        return ProxyHeader(end + 2)
    # Python would take an IPv6 address with a zone, which may be any text: fe80::1%anything.
    if len(words) != 6 or words[1] not in {b"TCP4", b"TCP6"} or b"%" in words[2]:
        raise ProxyHeaderError("header of version 1 is malformed")
    try:
        address = ipaddress.ip_address(words[2].decode("ascii"))
    except ValueError:
        raise ProxyHeaderError("header of version 1 has no address") from None
    if address.version != (4 if words[1] == b"TCP4" else 6):
        raise ProxyHeaderError("header of version 1 has an address of another family")
    return ProxyHeader(end + 2, _plain(address), _port(words[4]))


def _port(word: bytes) -> int:
    if not word.isdigit() or len(word) > 5 or int(word) > 65535:
        raise ProxyHeaderError("header of version 1 has no port")
    return int(word)


def _version_2(raw: bytes) -> ProxyHeader | None:
    if len(raw) < 16:
        return None
    version, command = raw[12] >> 4, raw[12] & 15
    length = 16 + int.from_bytes(raw[14:16], "big")
    if version != 2 or command not in {0, 1} or length > _V2_LONGEST:
        raise ProxyHeaderError("header of version 2 is malformed or too long")
    if len(raw) < length:
        return None
    if command == 0:  # LOCAL: the proxy's own health check
        return ProxyHeader(length)
    size = {0x11: 4, 0x21: 16}.get(raw[13])  # TCP over IPv4 and IPv6
    if size is None:
        return ProxyHeader(length)  # "must ignore what it does not know" and take the real one
    if length < 16 + 2 * size + 4:
        raise ProxyHeaderError("header of version 2 is cut short")
    address = ipaddress.ip_address(raw[16 : 16 + size])
    port = int.from_bytes(raw[16 + 2 * size : 18 + 2 * size], "big")
    return ProxyHeader(length, _plain(address), port)


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
