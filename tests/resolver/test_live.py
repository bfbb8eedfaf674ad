"""Which name servers are asked and believed, by the settings."""

from pathlib import Path

import dns.resolver
import pytest
from django.test import override_settings

from apps.resolver import live
from apps.resolver.base import MxRecord
from tests.support.dns_server import DnsServer


async def test_it_asks_the_servers_of_the_settings() -> None:
    with DnsServer() as dns_server, override_settings(DNS_SERVERS=(dns_server.endpoint,)):
        dns_server.mail("example.org")
        dns_server.secure("example.org")
        answer = await live.live_resolver().mx("example.org")
    assert answer.records == (MxRecord(10, "mx.example.org"),)
    assert answer.secure


async def test_it_speaks_to_servers_over_ipv6() -> None:
    with DnsServer("::1") as dns_server, override_settings(DNS_SERVERS=(dns_server.endpoint,)):
        dns_server.mail("example.org")
        assert (await live.live_resolver().mx("example.org")).records


@pytest.mark.parametrize(
    ("trust", "hosts", "expected"),
    [
        ("loopback", ["127.0.0.53"], True),
        ("loopback", ["::1", "127.0.0.1"], True),
        ("loopback", ["127.0.0.1", "192.0.2.1"], False),
        ("loopback", ["fe80::1%eth0"], False),
        ("always", ["192.0.2.1"], True),
        ("never", ["127.0.0.1"], False),
    ],
)
def test_it_believes_whom_the_setting_says(trust: str, hosts: list[str], expected: bool) -> None:
    with override_settings(DNSSEC_TRUST=trust):
        assert live._is_trusted(hosts) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nameserver 192.0.2.1\nnameserver ::1\nsearch example.org\n", ["192.0.2.1", "::1"]),
        ("# nothing\n", ["127.0.0.1"]),
    ],
)
def test_it_reads_the_servers_of_the_system(
    text: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(text)
    whole = dns.resolver.Resolver
    monkeypatch.setattr("dns.resolver.Resolver", lambda: whole(str(file)))
    assert live._system_servers() == [(server, 53) for server in expected]
