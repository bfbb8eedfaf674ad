"""The pair of doors of a protocol for mail programs."""

from unittest.mock import sentinel

import pytest
from pytest_django import Settings

from apps.runtime.clientdoors import client_doors
from mailhost.env import Endpoint


async def _closed() -> None:
    """Nothing to give back."""


@pytest.mark.parametrize("opened", [(), ("imap",), ("imaps",), ("imap", "imaps")])
def test_it_opens_what_has_an_address(settings: Settings, opened: tuple[str, ...]) -> None:
    for name in ("imap", "imaps"):
        here = Endpoint("127.0.0.1", 0) if name in opened else None
        setattr(settings, f"{name.upper()}_LISTEN", here)
    doors = client_doors(
        "imap", sentinel.factory, refusal=b"full\r\n", no_tls=b"TLS\r\n", afterwards=_closed
    )
    assert tuple(door.name for door in doors) == opened
    for door in doors:
        is_tls = door.name == "imaps"
        assert (door.implicit_tls, door.alpn) == (is_tls, ("imap",) if is_tls else ())
        assert (door.refusal, door.no_tls) == ((b"", b"TLS\r\n") if is_tls else (b"full\r\n", b""))
        assert (door.protocol_factory, door.afterwards) == (sentinel.factory, _closed)
