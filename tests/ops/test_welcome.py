"""What an administrator sees at the start."""

import pytest
from pytest_django import Settings

from apps.ops import welcome
from mailhost.env import Endpoint


def test_it_draws_the_doors_as_a_table() -> None:
    table = welcome.doors_table(
        {"smtp": Endpoint("0.0.0.0", 25), "submissions": Endpoint("::1", 2465)}
    )
    assert table.splitlines() == [
        "  door         address     security",
        "  smtp         0.0.0.0:25  STARTTLS",
        "  submissions  [::1]:2465  TLS",
    ]


@pytest.mark.parametrize(
    ("endpoint", "is_tls", "address"),
    [
        (Endpoint("127.0.0.1", 8080), True, "https://localhost:8080/"),
        (Endpoint("0.0.0.0", 443), True, "https://mail.example.test/"),
        (Endpoint("192.0.2.1", 8443), True, "https://mail.example.test:8443/"),
        (Endpoint("127.0.0.1", 80), False, "http://localhost/"),
    ],
)
def test_it_writes_an_address_that_a_browser_takes(
    settings: Settings, endpoint: Endpoint, is_tls: bool, address: str
) -> None:
    settings.WEB_TLS = is_tls
    assert welcome.web_address(endpoint) == address
    assert welcome.setup_address(endpoint, "t0ken") == f"{address}setup/t0ken/"
