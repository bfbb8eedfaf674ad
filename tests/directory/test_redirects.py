"""Where a browser may be sent back to: what is registered, and nothing that only looks so."""

import pytest

from apps.directory import redirects
from apps.wire.errors import InvalidName

WEB = "https://app.example.org/back"
HERE = "http://127.0.0.1/back"


@pytest.mark.parametrize(
    "address",
    [
        *(WEB, "https://app.example.org", "https://app.example.org:8443/a?b=c", HERE),
        *("http://[::1]:1234/", "http://localhost/back", "com.example.app:/back"),
        *("com.example.app://back", "org.example.app:"),
    ],
)
def test_such_addresses_are_registered(address: str) -> None:
    assert redirects.checked(f" {address} ") == address
    assert redirects.fits(address, address)


@pytest.mark.parametrize(
    "address",
    [
        *("", "http://app.example.org/", "javascript:alert(1)", "data:text/html,x", "//evil.test"),
        *("https://", "https://a@b.test/", "https://app.example.org/#x", "https://EXAMPLE.org/"),
        *("https://app.example.org/\r\nX: y", "https://app.example.org/ ;", "file:///etc/passwd"),
        *("https://app.example.org;script-src *", "http://127.0.0.1.evil.test/", "app:/back"),
        *("http://localhost.evil.test/", "https://ünï.test/", "https://a.test/" + "x" * 500, "\0"),
    ],
)
def test_others_are_not(address: str) -> None:
    with pytest.raises(InvalidName):
        redirects.checked(address)


@pytest.mark.parametrize(
    ("registered", "asked", "does"),
    [
        (HERE, "http://127.0.0.1:49152/back", True),
        ("http://[::1]:80/back", "http://[::1]:9/back", True),
        (HERE, "http://127.0.0.1:49152/other", False),
        (HERE, "http://localhost:49152/back", False),
        (HERE, "http://127.0.0.1:49152@evil.test/back", False),
        (HERE, "http://127.0.0.1:49152/back\n", False),
        (HERE, "http://127.0.0.1:" + "1" * 100_000, False),
        (WEB, "https://app.example.org:443/back", False),
        (WEB, f"{WEB}/", False),
        (WEB, "https://app.example.org.evil.test/back", False),
        ("com.example.app:/back", "com.example.app:/other", False),
    ],
)
def test_only_a_port_of_this_machine_may_differ(registered: str, asked: str, does: bool) -> None:
    assert redirects.fits(registered, asked) is does


@pytest.mark.parametrize(
    ("address", "named"),
    [
        (WEB, "https://app.example.org"),
        ("https://app.example.org:8443", "https://app.example.org:8443"),
        ("http://[::1]:1234/", "http://[::1]:1234"),
        ("com.example.app:/back", "com.example.app:"),
    ],
)
def test_a_policy_names_where_it_leads(address: str, named: str) -> None:
    assert redirects.source(address) == named
