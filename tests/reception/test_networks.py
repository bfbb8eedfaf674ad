"""Who is a stranger, and what counts as one."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.reception.networks import host_key, is_public, network_key, network_of


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.9",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.1.1",
        "100.64.0.1",
        "0.0.0.0",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "",
        "local",
        "/run/socket",
        "1.2.3",
        "1.2.3.4.5",
    ],
)
def test_it_takes_our_own_house_for_no_stranger(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "172.32.0.1",
        "198.51.100.7",
        "192.0.2.1",
        "2001:db8::1",
        "2a00:1450::1",
        "::ffff:8.8.8.8",
        "100.63.255.255",
        "100.128.0.0",
        "11.0.0.1",
    ],
)
def test_it_takes_everybody_else_for_one(address: str) -> None:
    assert is_public(address)


def test_it_counts_ipv4_by_address_and_by_24_bits() -> None:
    assert host_key("198.51.100.7") == "198.51.100.7"
    assert host_key("::ffff:198.51.100.7") == "198.51.100.7"
    assert network_key("198.51.100.7") == network_key("198.51.100.250") == "198.51.100.0/24"
    assert network_key("198.51.101.7") != network_key("198.51.100.7")


def test_it_counts_ipv6_by_64_and_48_bits() -> None:
    assert host_key("2001:db8:1:2:aaaa::1") == host_key("2001:db8:1:2::") == "2001:db8:1:2::/64"
    assert network_key("2001:db8:1:2::1") == network_key("2001:db8:1:ffff::") == "2001:db8:1::/48"
    assert network_key("2001:db8:2::1") != network_key("2001:db8:1::1")


def test_it_has_one_key_for_what_has_no_address() -> None:
    assert host_key("") == network_key("/run/socket") == "local"


@given(st.ip_addresses())
def test_it_agrees_with_the_library_about_networks(address: ipaddress.IPv4Address) -> None:
    plain = getattr(address, "ipv4_mapped", None) or address
    for key, lengths in ((host_key, (32, 64)), (network_key, (24, 48))):
        length = lengths[plain.version == 6]
        network = ipaddress.ip_network((plain, length), strict=False)
        found = key(str(address))
        assert ipaddress.ip_network(found) == network


@given(st.ip_addresses())
def test_it_calls_public_what_the_library_does_and_examples(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    plain = getattr(address, "ipv4_mapped", None) or address
    if plain.is_global:
        assert is_public(str(address))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", "127.0.0.0/24"),
        ("", ""),
        ("unix", ""),
    ],
)
def test_it_names_the_network_that_servers_of_one_sender_share(address: str, network: str) -> None:
    assert network_of(address) == network
