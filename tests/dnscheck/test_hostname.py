"""Names by which nobody outside finds a host."""

import pytest

from apps.dnscheck.hostname import is_lost


@pytest.mark.parametrize(
    "host",
    [
        "vm",
        "",
        ".",
        "vm.",
        ".test",
        "localhost",
        "localhost.localdomain",
        "server.LOCAL",
        "nas.home.arpa",
        "mail.corp.internal.",
        "fritz.lan",
        "10.0.0.1",
        "x" * 63,
    ],
)
def test_it_is_lost(host: str) -> None:
    assert is_lost(host)


@pytest.mark.parametrize(
    "host", ["mail.example.org", "MX1.example.org.", "a.test", "local.example"]
)
def test_it_can_be_found(host: str) -> None:
    assert not is_lost(host)
