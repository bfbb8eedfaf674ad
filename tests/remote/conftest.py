"""A name server, and leave to deliver to this machine."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.support.dns_server import DnsServer
from tests.support.test_ca import Authority


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


@pytest.fixture
def private(settings: Settings) -> None:
    """Mail may go to loopback addresses."""
    settings.SMTP_OUT_PRIVATE = True


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))
