"""The small internet, for each test its own."""

from collections.abc import Iterator

import pytest

from tests.dnscheck.ground import World, world


@pytest.fixture
def net() -> Iterator[World]:
    with world() as found:
        yield found
