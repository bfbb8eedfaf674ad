"""Which addresses are connected to."""

import ipaddress
from ipaddress import ip_address

import pytest
from pytest_django import Settings

from apps.remote import addresses
from mailhost.env import Endpoint


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",  # Alibaba's metadata
        "169.254.169.254",
        "168.63.129.16",
        "172.16.0.1",
        "192.168.1.1",
        "192.0.0.192",  # Oracle's old metadata
        "192.0.2.1",
        "198.18.0.1",
        "203.0.113.7",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::a9fe:a9fe",
        "64:ff9b:1:a00:0:100:808:808",  # 10.0.0.1 with a /48 (RFC 6052), whatever stands at the end
        "2002:7f00:0001::1",
        "2002:a9fe:a9fe::1",
        "2001:0:7f00:1:0:0:80ff:fffe",  # Teredo
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1%eth0",
        "fec0::1",
        "ff02::1",
        "100::1",
    ],
)
def test_it_keeps_away_from_what_is_not_public(text: str) -> None:
    assert not addresses.is_public(ip_address(text))
    assert not addresses.is_allowed(ip_address(text))


@pytest.mark.parametrize(
    "text",
    ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
)
def test_it_goes_to_what_is_public(text: str) -> None:
    assert addresses.is_allowed(ip_address(text))


@pytest.mark.usefixtures("private")
@pytest.mark.parametrize(
    "text", ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd00::1", "8.8.8.8"]
)
def test_it_goes_to_private_addresses_when_it_may(text: str) -> None:
    assert addresses.is_allowed(ip_address(text))


@pytest.mark.usefixtures("private")
@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fd00:ec2::254",
        "168.63.129.16",
        "fe80::1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "255.255.255.255",
        "ff02::1",
    ],
)
def test_it_never_goes_to_metadata_nor_to_what_is_no_host(text: str) -> None:
    assert not addresses.is_allowed(ip_address(text))


def test_it_knows_itself(settings: Settings) -> None:
    loopback, other = ip_address("127.0.0.3"), ip_address("8.8.8.8")
    settings.SMTP_LISTEN = Endpoint("0.0.0.0", 2525)
    assert addresses.is_ours(loopback, 25)
    assert addresses.is_ours(ip_address("::1"), 25)
    assert not addresses.is_ours(other, 25)
    assert not addresses.is_ours(other, 2525)
    settings.SMTP_OUT_PRIVATE = True
    assert addresses.is_ours(loopback, 2525)
    assert not addresses.is_ours(loopback, 25)


def test_it_knows_addresses_of_its_interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    class Probe:
        def __init__(self, *_: object) -> None: ...
        def __enter__(self) -> "Probe":
            return self

        def __exit__(self, *_: object) -> None: ...
        def connect(self, target: tuple[str, int]) -> None:
            if target[0] == "198.51.100.9":
                raise OSError("no route")

        def getsockname(self) -> tuple[str, int]:
            return ("198.51.100.7", 40_000)

    monkeypatch.setattr("socket.socket", Probe)
    assert addresses.is_ours(ip_address("198.51.100.7"), 25)
    assert not addresses.is_ours(ip_address("198.51.100.8"), 25)
    assert not addresses.is_ours(ip_address("198.51.100.9"), 25)


def test_it_mixes_the_families_ipv6_first() -> None:
    found = [ip_address(f"192.0.2.{n}") for n in range(1, 9)] + [ip_address("2001:db8::1")] * 2
    assert list(map(str, addresses.interleave(found, 4))) == [
        "2001:db8::1",
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.3",
    ]


def test_it_connects_from_the_address_of_the_settings(settings: Settings) -> None:
    settings.SMTP_OUT_ADDRESS = ("192.0.2.1", "2001:db8::1")
    assert addresses.source_for(ip_address("8.8.8.8")) == "192.0.2.1"
    assert addresses.source_for(ip_address("2606:4700::1")) == "2001:db8::1"
    settings.SMTP_OUT_ADDRESS = ("192.0.2.1",)
    assert addresses.source_for(ip_address("2606:4700::1")) == ""


def test_it_writes_endpoints() -> None:
    assert addresses.endpoint(ipaddress.IPv6Address("2001:db8::1"), 25) == "[2001:db8::1]:25"
    assert addresses.endpoint("192.0.2.1", 25) == "192.0.2.1:25"
