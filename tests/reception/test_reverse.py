"""Names that machines give to addresses."""

from ipaddress import ip_address

import pytest

from apps.mailauth.types import Iprev, Result
from apps.reception.reverse import GENERIC, NONE, UNCONFIRMED, is_generic, suspicion


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("198.51.100.7", "host-198-51-100-7.isp.example"),
        ("198.51.100.7", "7.100.51.198.dyn.isp.example"),
        ("198.51.100.7", "ip198.51.100.7.isp.example"),
        ("198.51.100.7", "p198051100007.isp.example"),
        ("198.51.100.7", "c6336407.isp.example"),
        ("198.51.100.7", "100-7.pool-198-51.100.7.isp.example"),
        ("198.51.100.7", "198-51-100.block.isp.example"),
        ("2001:db8::a:b:c:d", "2001-db8-0000-0000-000a-000b-000c-000d.isp.example"),
        ("2001:db8:1:2:aaaa:bbbb:cccc:dddd", "aaaabbbbccccdddd.isp.example"),
        ("2001:db8:1:2:aaaa:bbbb:cccc:dddd", "d.d.d.d.c.c.c.c.cccc.dddd.isp.example"),
    ],
)
def test_it_knows_a_name_made_from_the_address(address: str, name: str) -> None:
    assert is_generic(ip_address(address), name)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("198.51.100.7", "mx.example.org"),
        ("198.51.100.7", "mx7.example.org"),
        ("198.51.100.7", "a100-7.smtp-out.example.com"),  # a large sender numbers its hosts so
        ("198.51.100.7", "mail-198.example.org"),
        ("198.51.100.7", "1998.51000.70.example.org"),
        ("2001:db8::1", "mx1.example.org"),
        ("2001:db8::1", "mail-20010db8.example.org"),
        ("198.51.100.7", ""),
    ],
)
def test_it_knows_a_name_that_somebody_chose(address: str, name: str) -> None:
    assert not is_generic(ip_address(address), name)


@pytest.mark.parametrize(
    ("iprev", "word"),
    [
        (Iprev(Result.PASS, "mx.example.org"), None),
        (Iprev(Result.PASS, "198-51-100-7.isp.example"), GENERIC),
        (Iprev(Result.FAIL, "mx.example.org"), UNCONFIRMED),
        (Iprev(Result.FAIL), NONE),
        (Iprev(Result.PERMERROR), NONE),
        (Iprev(Result.TEMPERROR), None),
        (Iprev(Result.TEMPERROR, "198-51-100-7.isp.example"), None),
        (Iprev(), None),
    ],
)
def test_it_says_what_speaks_against_a_client(iprev: Iprev, word: str | None) -> None:
    found = suspicion(ip_address("198.51.100.7"), iprev)
    assert (found.word if found else None) == word
    if found:
        assert "address" in found.text
        assert iprev.name in found.text
