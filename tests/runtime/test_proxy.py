"""PROXY headers, versions 1 and 2: whole, in pieces, malformed."""

import ipaddress
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.runtime.proxy import (
    LONGEST,
    SIGNATURE,
    ProxyHeader,
    ProxyHeaderError,
    might_begin,
    parse,
)


def _version_2(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE + bytes([0x20 | command, family]) + len(body).to_bytes(2, "big") + body


def _addresses(source: str, target: str, port: int, tail: bytes = b"") -> bytes:
    packed = b"".join(ipaddress.ip_address(one).packed for one in (source, target))
    return packed + port.to_bytes(2, "big") + (25).to_bytes(2, "big") + tail


V1 = b"PROXY TCP4 203.0.113.9 192.0.2.1 51234 25\r\n"
V1_6 = b"PROXY TCP6 2001:db8::9 2001:db8::1 51234 25\r\n"
V2 = _version_2(1, 0x11, _addresses("203.0.113.9", "192.0.2.1", 51234))
V2_6 = _version_2(1, 0x21, _addresses("2001:db8::9", "2001:db8::1", 51234, b"\x04\x00\x01x"))


@pytest.mark.parametrize(
    ("raw", "address"),
    [(V1, "203.0.113.9"), (V1_6, "2001:db8::9"), (V2, "203.0.113.9"), (V2_6, "2001:db8::9")],
)
def test_it_reads_who_the_client_is(raw: bytes, address: str) -> None:
    assert parse(raw + b"EHLO client\r\n") == ProxyHeader(len(raw), address, 51234)


@pytest.mark.parametrize("raw", [V1, V1_6, V2, V2_6])
def test_it_waits_for_the_rest(raw: bytes) -> None:
    for end in range(len(raw)):
        assert might_begin(raw[:end])
        assert parse(raw[:end]) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff:: ffff:: 65535 65535\r\n",
        _version_2(0, 0x00, b""),  # LOCAL
        _version_2(0, 0x11, _addresses("203.0.113.9", "192.0.2.1", 1)),
        _version_2(1, 0x31, bytes(216)),  # a unix socket
    ],
)
def test_it_takes_the_proxy_itself_where_none_is_named(raw: bytes) -> None:
    assert parse(raw) == ProxyHeader(len(raw), None, 0)


@pytest.mark.parametrize(
    "raw",
    [
        b"EHLO client\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 51234\r\n",
        b"PROXY TCP4 2001:db8::9 2001:db8::1 51234 25\r\n",
        b"PROXY TCP6 203.0.113.9 192.0.2.1 51234 25\r\n",
        b"PROXY TCP4 203.0.113.999 192.0.2.1 51234 25\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 99999 25\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 -1 25\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 51234 25" + b" " * 200,
        b"PROXY UDP4 203.0.113.9 192.0.2.1 51234 25\r\n",
        b"PROXY TCP6 fe80::1%250\n192.0.2.1 2001:db8::1 51234 25\r\n",
        b"PROXY TCP6 fe80::1%eth0 2001:db8::1 51234 25\r\n",
        b"PROXY TCP4 203.0.113.9\x00 192.0.2.1 51234 25\r\n",
        b"PROXY  TCP4 203.0.113.9 192.0.2.1 51234 25\r\n",
        b"PROXY TCP4 203.0.113.09 192.0.2.1 51234 25\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 \xd9\xa1 25\r\n",
        SIGNATURE + b"\x31\x11\x00\x00",
        SIGNATURE + b"\x22\x11\x00\x00",
        SIGNATURE + b"\x21\x11\xff\xff",
        _version_2(1, 0x11, b"\x00" * 4),
    ],
)
def test_it_refuses_what_is_malformed_or_too_long(raw: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        parse(raw)


@given(st.binary(max_size=LONGEST + 100), st.sampled_from([b"", b"PROXY ", SIGNATURE]))
def test_it_answers_to_anything(raw: bytes, beginning: bytes) -> None:
    try:
        header = parse(beginning + raw)
    except ProxyHeaderError:
        return
    if header is not None:
        assert 0 < header.length <= len(beginning + raw)
        assert header.length <= LONGEST
        if header.address is not None:
            assert str(ip_address(header.address)) == header.address
