"""What a TLS client offers in its ClientHello, as far as we must know it: the ALPN protocol names.

Pure: bytes in, names out. Python's ssl module tells a server which protocol was agreed on, not
which ones were offered, so that "offered none" and "offered only foreign ones" look alike (RFC
8446 section 4.1.2, RFC 7301 section 3.1).
"""

from collections.abc import Iterator

_ALPN = 16  # extension number, RFC 7301
_FIXED = 4 + 2 + 32  # handshake header, version, random


def offered_protocols(hello: bytes) -> tuple[bytes, ...]:
    """ALPN names in a whole ClientHello message; empty when it has none or is malformed."""
    try:
        return tuple(_names(hello))
    except IndexError:
        return ()


def _names(hello: bytes) -> Iterator[bytes]:
    at = _FIXED
    at += 1 + hello[at]  # session id
    at += 2 + _number(hello, at)  # cipher suites
    at += 1 + hello[at]  # compression methods
    end = at + 2 + _number(hello, at)
    at += 2
    while at + 4 <= end:
        kind, size = _number(hello, at), _number(hello, at + 2)
        at += 4
        if kind == _ALPN:
            yield from _list(hello[at : at + size])
            return
        at += size


def _list(body: bytes) -> Iterator[bytes]:
    at = 2
    while at < len(body):
        size = body[at]
        yield body[at + 1 : at + 1 + size]
        at += 1 + size


def _number(raw: bytes, at: int) -> int:
    return raw[at] << 8 | raw[at + 1]
